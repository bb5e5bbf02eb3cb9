//! Slots, claims, kills, and the life of a disk.

mod common;

use std::io::{BufRead, BufReader, Write};

use atoll_wire::warden::{self as wire, claim, failure::Code, request::Op};
use common::{Rig, random_id};

#[test]
fn a_claimed_sandbox_runs_and_a_killed_one_leaves_its_disk_alone() {
    let rig = Rig::new();
    let mut inmate = rig.sandbox();
    assert_eq!(inmate.ok(&["read", "/data/inner/file"]), "of the layer");
    inmate.ok(&["write", "/data/new", "kept"]);
    assert_eq!(inmate.ok(&["spool", "output"]), "output");
    let all = rig.everything();
    assert_eq!(all.live.len(), 1);
    assert_eq!(all.live[0].id, inmate.id);
    assert_eq!(all.slots.len(), 0);
    let killed = rig.kill(&inmate.id);
    assert!(killed.disk_used > 0);
    assert!(killed.usage.is_some());
    let all = rig.everything();
    assert!(all.live.is_empty());
    assert_eq!(all.disks.len(), 1);
    assert_eq!(rig.leaks(), []);
    let id = inmate.id.clone();
    let mut again = rig.sandbox_with(|claim| {
        claim.sandbox = id;
        claim.disk = Some(claim::Disk::Existing(true));
    });
    assert_eq!(again.ok(&["read", "/data/new"]), "kept");
}

#[test]
fn a_slot_with_its_root_ahead_is_claimed_for_just_that() {
    let rig = Rig::new();
    let slot = random_id();
    let listener = rig.slot_socket(&slot);
    let prepare = wire::PrepareSlot {
        slot: slot.clone(),
        layers: vec![common::BASE_LAYER.to_owned()],
        ..Default::default()
    };
    rig.ask(Op::PrepareSlot(prepare)).unwrap();
    // It runs, as nobody: its guest dials before any claim.
    let (mut guest, _) = listener.accept().unwrap();
    let delete = wire::DeleteLayer {
        layer: common::BASE_LAYER.to_owned(),
    };
    assert_eq!(
        rig.ask(Op::DeleteLayer(delete)).unwrap_err().code(),
        Code::Busy
    );
    let sandbox = random_id();
    let claim = || Rig::claim_request(&slot, &sandbox);
    let others = [
        wire::Claim {
            disk: Some(claim::Disk::NewBytes(2 << 30)),
            ..claim()
        },
        wire::Claim {
            profile: claim::Profile::Extended.into(),
            ..claim()
        },
    ];
    for other in others {
        let failure = rig.ask(Op::Claim(other)).unwrap_err();
        assert_eq!((failure.code(), &*failure.field), (Code::Invalid, "slot"));
    }
    let named = wire::Claim {
        hostname: "named".to_owned(),
        ..claim()
    };
    rig.ask(Op::Claim(named)).unwrap();
    guest.write_all(b"hostname\n").unwrap();
    let mut answer = String::new();
    BufReader::new(guest).read_line(&mut answer).unwrap();
    assert_eq!(answer, "ok named\n");
    assert_eq!(rig.everything().disks.len(), 1);
    rig.kill(&sandbox);
    assert_eq!(rig.leaks(), []);
}

#[test]
fn a_root_may_begin_with_nothing() {
    let rig = Rig::new();
    let mut first = rig.sandbox_with(|claim| claim.layers.clear());
    first.ok(&["write", "/file", "of nothing"]);
    let id = first.id.clone();
    rig.kill(&id);
    let layer = random_id();
    let source = Some(wire::make_layer::Source::Sandbox(id));
    let make = wire::MakeLayer {
        layer: layer.clone(),
        source,
    };
    rig.ask(Op::MakeLayer(make)).unwrap();
    let mut second = rig.sandbox_with(|claim| claim.layers = vec![layer]);
    assert_eq!(second.ok(&["read", "/file"]), "of nothing");
    rig.kill(&second.id);
    assert_eq!(rig.leaks(), []);
}

#[test]
fn what_cannot_be_claimed_leaves_the_slot_unused() {
    let rig = Rig::new();
    let (slot, _listener) = rig.slot();
    let mut request = Rig::claim_request(&slot, &random_id());
    request.layers = vec![random_id()];
    let failure = rig.ask(Op::Claim(request)).unwrap_err();
    assert_eq!(failure.code(), Code::NotFound);
    assert_eq!(rig.everything().slots.len(), 1);
    rig.done(Op::DropSlot(wire::DropSlot { slot: slot.clone() }));
    rig.done(Op::DropSlot(wire::DropSlot { slot }));
    assert_eq!(rig.everything().slots.len(), 0);
    assert_eq!(rig.leaks(), []);
}

#[test]
fn a_frozen_sandbox_can_be_killed_and_limits_change_while_it_lives() {
    let rig = Rig::new();
    let mut inmate = rig.sandbox();
    let limits = wire::Limits {
        cpu_millis: 250,
        memory_bytes: 128 << 20,
        pids: 32,
    };
    let set = |limits| wire::SetLimits {
        sandbox: inmate.id.clone(),
        limits: Some(limits),
    };
    let (lower, higher) = (
        set(limits),
        set(wire::Limits {
            memory_bytes: 512 << 20,
            ..limits
        }),
    );
    rig.done(Op::SetLimits(lower));
    rig.done(Op::SetLimits(higher));
    assert_eq!(inmate.ok(&["hog", "200"]), "0");
    let frozen = wire::Freeze {
        sandbox: inmate.id.clone(),
    };
    rig.done(Op::Freeze(frozen.clone()));
    rig.done(Op::Freeze(frozen));
    assert!(rig.everything().live[0].frozen);
    let (snapshot, _) = rig.snapshot(&inmate.id);
    assert_eq!(rig.everything().snapshots[0].id, snapshot);
    rig.kill(&inmate.id);
    rig.kill(&inmate.id);
    assert_eq!(rig.leaks(), []);
}

#[test]
fn where_nothing_reflinks_the_pool_copies_and_says_so() {
    let rig = Rig::with(|config| {
        let dir = format!("{}/dir-pool", config["state_dir"].as_str().unwrap());
        config["pool"]["kind"] = "dir".into();
        config["pool"]["dir"] = dir.into();
    });
    let Ok(wire::response::Result::Info(info)) = rig.ask(Op::Info(wire::Info {})) else {
        panic!()
    };
    let mut inmate = rig.sandbox();
    inmate.ok(&["fill", "/data/some", "10"]);
    let (snapshot, made) = rig.snapshot(&inmate.id);
    if info.pool_kind == "copy" {
        // Sparse: what was not written takes no room.
        assert!(made.used < 200 << 20, "{made:?}");
    }
    let mut fork = rig.sandbox_with(|claim| claim.disk = Some(claim::Disk::Snapshot(snapshot)));
    assert_eq!(fork.ok(&["list", "/data"]), "disk inner some");
    for id in [&inmate.id, &fork.id] {
        rig.kill(id);
    }
    assert_eq!(rig.leaks(), []);
}

#[test]
fn many_at_a_time() {
    let rig = Rig::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut inmate = rig.sandbox();
                inmate.ok(&["write", "/data/id", &inmate.id.clone()]);
                assert_eq!(inmate.ok(&["read", "/data/id"]), inmate.id);
                rig.kill(&inmate.id);
            });
        }
    });
    assert_eq!(rig.everything().disks.len(), 8);
    assert_eq!(rig.leaks(), []);
}

#[test]
fn slots_run_out_with_an_answer_of_its_own() {
    let rig = Rig::with(|config| config["max_slots"] = 1.into());
    let (slot, _listener) = rig.slot();
    let second = random_id();
    let _socket = rig.slot_socket(&second);
    let failure = rig
        .ask(Op::PrepareSlot(wire::PrepareSlot {
            slot: second.clone(),
            ..Default::default()
        }))
        .unwrap_err();
    assert_eq!(failure.code(), Code::NoSlot);
    rig.done(Op::DropSlot(wire::DropSlot { slot }));
    rig.ask(Op::PrepareSlot(wire::PrepareSlot {
        slot: second,
        ..Default::default()
    }))
    .unwrap();
}
