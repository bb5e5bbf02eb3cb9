//! Snapshots, forks, layers, sizes, a full pool.

mod common;

use std::path::Path;
use std::process::Command;

use atoll_wire::warden::{
    self as wire, claim, failure::Code, make_layer, request::Op, response::Result as Reply,
};
use common::{BASE_LAYER, Rig, eventually, random_id};

/// Replays the journal of a copy, as a mount would, then checks that nothing is left to repair.
fn assert_clean(rig: &Rig, image: &Path) {
    let copy = rig.pool().join("checked.img");
    let cloned = Command::new("cp")
        .arg("--reflink=always")
        .args([image, &copy])
        .status()
        .unwrap();
    assert!(cloned.success());
    let replay = Command::new("e2fsck")
        .args(["-p"])
        .arg(&copy)
        .output()
        .unwrap();
    // 0 = clean, 1 = the journal was replayed.
    assert!(
        replay.status.code().unwrap() <= 1,
        "{}",
        String::from_utf8_lossy(&replay.stdout)
    );
    let check = Command::new("e2fsck")
        .args(["-f", "-n"])
        .arg(&copy)
        .output()
        .unwrap();
    assert!(
        check.status.success(),
        "{}",
        String::from_utf8_lossy(&check.stdout)
    );
    std::fs::remove_file(copy).unwrap();
}

#[test]
fn a_snapshot_under_a_writer_is_clean_and_holds_what_was_synced() {
    let rig = Rig::new();
    let mut inmate = rig.sandbox();
    inmate.ok(&["fill", "/data/synced", "20"]);
    inmate.ok(&["churn", "/data/churn"]);
    inmate.ok(&["rename", "/data/inner", "/data/moved"]);
    for round in 0..3 {
        inmate.ok(&["write", "/data/round", &round.to_string()]);
        let (snapshot, made) = rig.snapshot(&inmate.id);
        assert!(made.used > 20 << 20);
        assert_eq!(made.size, 1 << 30);
        assert!(made.extents > 0);
        assert_clean(&rig, &rig.pool().join(format!("snapshots/{snapshot}.img")));
        let mut fork = rig.sandbox_with(|claim| {
            claim.disk = Some(claim::Disk::Snapshot(snapshot));
        });
        assert_eq!(fork.ok(&["read", "/data/round"]), round.to_string());
        assert_eq!(fork.ok(&["read", "/data/moved/file"]), "of the layer");
        rig.kill(&fork.id);
    }
    assert_eq!(rig.everything().snapshots.len(), 3);
    for disk in rig.everything().snapshots {
        rig.done(Op::DeleteSnapshot(wire::DeleteSnapshot {
            snapshot: disk.id.clone(),
        }));
        rig.done(Op::DeleteSnapshot(wire::DeleteSnapshot {
            snapshot: disk.id,
        }));
    }
    assert!(rig.everything().snapshots.is_empty());
    assert_eq!(rig.leaks(), []);
}

#[test]
fn a_fork_under_a_writer_is_clean_and_holds_what_was_synced() {
    let rig = Rig::new();
    let mut inmate = rig.sandbox();
    inmate.ok(&["fill", "/data/synced", "20"]);
    inmate.ok(&["churn", "/data/churn"]);
    for round in 0..3 {
        inmate.ok(&["write", "/data/round", &round.to_string()]);
        let snapshot = rig.temporary_snapshot(&inmate.id);
        assert_clean(&rig, &rig.pool().join(format!("snapshots/{snapshot}.img")));
        let mut fork = rig.sandbox_with(|claim| {
            claim.disk = Some(claim::Disk::TakenSnapshot(snapshot));
        });
        assert_eq!(fork.ok(&["read", "/data/round"]), round.to_string());
        assert!(rig.everything().snapshots.is_empty());
        fork.ok(&["write", "/data/round", "of the fork"]);
        assert_eq!(inmate.ok(&["read", "/data/round"]), round.to_string());
        rig.kill(&fork.id);
        assert_clean(&rig, &rig.pool().join(format!("disks/{}.img", fork.id)));
    }
    assert_eq!(rig.leaks(), []);
}

/// A fork took 20 ms longer: the mount of its disk replayed the parent's journal block by block.
#[test]
fn the_snapshot_of_a_fork_has_nothing_to_replay() {
    let rig = Rig::new();
    let mut inmate = rig.sandbox();
    inmate.ok(&["fill", "/data/file", "5"]);
    let snapshot = rig.temporary_snapshot(&inmate.id);
    let image = rig.pool().join(format!("snapshots/{snapshot}.img"));
    let shown = Command::new("dumpe2fs")
        .arg("-h")
        .arg(image)
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let start = shown
        .lines()
        .find_map(|line| line.strip_prefix("Journal start:"))
        .expect("the head of the journal");
    assert_eq!(start.trim(), "0", "{shown}");
}

#[test]
fn a_snapshot_is_taken_once() {
    let rig = Rig::new();
    let inmate = rig.sandbox();
    let snapshot = rig.temporary_snapshot(&inmate.id);
    let taken = |claim: &mut wire::Claim| {
        claim.disk = Some(claim::Disk::TakenSnapshot(snapshot.clone()));
    };
    let first = rig.sandbox_with(taken);
    let (slot, _listener) = rig.slot();
    let mut again = Rig::claim_request(&slot, &random_id());
    taken(&mut again);
    let refused = rig.ask(Op::Claim(again)).unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let all = rig.everything();
    assert_eq!((all.disks.len(), all.slots.len()), (2, 1));
    assert!(all.disks.iter().any(|disk| disk.id == first.id));
    assert_eq!(rig.leaks(), []);
}

#[test]
fn a_layer_from_a_disk_keeps_deletions_owners_and_renames() {
    let rig = Rig::new();
    let mut inmate = rig.sandbox();
    inmate.ok(&["write", "/data/of-the-upper", "new"]);
    inmate.ok(&["chown", "/data/of-the-upper", "1000"]);
    inmate.ok(&["remove", "/data/inner/file"]);
    inmate.ok(&["remove-all", "/etc"]);
    inmate.ok(&["mkdir", "/etc"]);
    inmate.ok(&["rename", "/data/inner", "/data/moved"]);
    let (snapshot, _) = rig.snapshot(&inmate.id);
    let layer = random_id();
    let request = |source| {
        Op::MakeLayer(wire::MakeLayer {
            layer: layer.clone(),
            source: Some(source),
        })
    };
    let live = rig
        .ask(request(make_layer::Source::Sandbox(inmate.id.clone())))
        .unwrap_err();
    assert_eq!(live.code(), Code::WrongState);
    match rig.ask(request(make_layer::Source::Snapshot(snapshot.clone()))) {
        Ok(Reply::Layer(made)) => assert!(made.bytes > 0),
        other => panic!("{other:?}"),
    }
    let again = rig
        .ask(request(make_layer::Source::Snapshot(snapshot)))
        .unwrap_err();
    assert_eq!(again.code(), Code::Exists);
    let mut child = rig.sandbox_with(|claim| {
        claim.layers = vec![BASE_LAYER.to_owned(), layer.clone()];
    });
    assert_eq!(child.ok(&["read", "/data/of-the-upper"]), "new");
    assert_eq!(
        child.ok(&["stat", "/data/of-the-upper"]),
        "100644 1000 1000"
    );
    assert_eq!(child.ok(&["list", "/data/moved"]), "");
    assert_eq!(child.errno(&["list", "/data/inner"]), libc::ENOENT);
    assert_eq!(child.ok(&["list", "/etc"]), "");
    child.ok(&["remove", "/data/of-the-upper"]);
    let delete = || {
        rig.ask(Op::DeleteLayer(wire::DeleteLayer {
            layer: layer.clone(),
        }))
    };
    assert_eq!(delete().unwrap_err().code(), Code::Busy);
    rig.kill(&child.id);
    assert_eq!(delete().unwrap_err().code(), Code::Busy);
    rig.done(Op::DeleteDisk(wire::DeleteDisk {
        sandbox: child.id.clone(),
    }));
    delete().unwrap();
    assert_eq!(rig.leaks(), []);
}

#[test]
fn sizes_are_bounded_and_a_stopped_disk_grows() {
    let rig = Rig::new();
    for bytes in [0, 1, (256 << 20) - 1, (1 << 40) + 1, u64::MAX] {
        let failure = rig
            .try_sandbox(|claim| claim.disk = Some(claim::Disk::NewBytes(bytes)))
            .err()
            .unwrap();
        assert_eq!(
            (failure.code(), failure.field.as_str()),
            (Code::Invalid, "new_bytes")
        );
    }
    let mut inmate = rig.sandbox_with(|claim| {
        claim.disk = Some(claim::Disk::NewBytes((256 << 20) + 1));
    });
    assert_eq!(inmate.claimed.disk_bytes, 512 << 20);
    inmate.ok(&["write", "/data/kept", "kept"]);
    assert_eq!(inmate.errno(&["fill", "/data/big", "600"]), libc::ENOSPC);
    inmate.ok(&["remove", "/data/big"]);
    let id = inmate.id.clone();
    let resize = |bytes| {
        rig.ask(Op::ResizeDisk(wire::ResizeDisk {
            sandbox: id.clone(),
            bytes,
        }))
    };
    assert_eq!(resize(256 << 20).unwrap_err().code(), Code::Invalid);
    rig.kill(&id);
    resize(900 << 20).unwrap();
    assert_clean(&rig, &rig.pool().join(format!("disks/{id}.img")));
    let mut again = rig.sandbox_with(|claim| {
        claim.sandbox = id.clone();
        claim.disk = Some(claim::Disk::Existing(true));
    });
    assert_eq!(again.claimed.disk_bytes, 900 << 20);
    assert_eq!(again.ok(&["read", "/data/kept"]), "kept");
    again.ok(&["fill", "/data/big", "600"]);
}

#[test]
fn classes_are_formatted_after_the_start_and_kept_over_restarts() {
    use std::os::unix::fs::MetadataExt;
    let mut rig = Rig::new();
    // The last one in turn is waited for.
    let mut largest = rig.sandbox_with(|claim| {
        claim.disk = Some(claim::Disk::NewBytes(1 << 40));
    });
    assert_eq!(largest.claimed.disk_bytes, 1 << 40);
    largest.ok(&["write", "/data/new", "kept"]);
    rig.kill(&largest.id);
    // Inode and allocated bytes.
    let images = |rig: &Rig| -> Vec<(u64, u64)> {
        std::fs::read_dir(rig.pool().join("empty"))
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().extension().is_some_and(|e| e == "img"))
            .map(|entry| entry.metadata().unwrap())
            .map(|stat| (stat.ino(), stat.blocks() * 512))
            .collect()
    };
    eventually("every class", || images(&rig).len() == 21);
    let made = images(&rig);
    let all: u64 = made.iter().map(|(_, bytes)| bytes).sum();
    assert!(all < 48 << 20, "formatted disks take {all} bytes");
    rig.kill_warden();
    rig.start();
    rig.sandbox();
    assert_eq!(images(&rig), made);
}

#[test]
fn below_the_admission_mark_nothing_new_is_taken_and_deleting_still_works() {
    let rig = Rig::with(|config| {
        config["pool"]["admission_free_bytes"] = (1u64 << 60).into();
        config["pool"]["freeze_free_bytes"] = 0.into();
    });
    let slot = random_id();
    let _listener = rig.slot_socket(&slot);
    let failure = rig
        .ask(Op::PrepareSlot(wire::PrepareSlot {
            slot,
            ..Default::default()
        }))
        .unwrap_err();
    assert_eq!(failure.code(), Code::PoolFull);
    let delete = wire::DeleteDisk {
        sandbox: random_id(),
    };
    rig.done(Op::DeleteDisk(delete));
    match rig.ask(Op::Df(wire::Df {})) {
        Ok(Reply::Df(report)) => assert!(report.refusing),
        other => panic!("{other:?}"),
    }
}

#[test]
fn at_the_freeze_mark_the_writer_is_frozen_and_loses_nothing() {
    // The pool has 8 GiB; the mark lies so that some hundred MiB are left above it.
    let rig = Rig::with(|config| {
        config["pool"]["size_bytes"] = (1u64 << 30).into();
        config["pool"]["admission_free_bytes"] = (500u64 << 20).into();
        config["pool"]["freeze_free_bytes"] = (400u64 << 20).into();
    });
    let mut inmate = rig.sandbox();
    inmate.ok(&["fill", "/data/before", "50"]);
    let mut events = rig.subscribe();
    inmate.send(&["fill", "/data/flood", "900"]);
    let frozen = loop {
        if let wire::event::Kind::PoolMark(mark) = events.event()
            && !mark.frozen.is_empty()
        {
            break mark.frozen;
        }
    };
    assert_eq!(frozen, [inmate.id.clone()]);
    let (mut free, mut live) = (0, false);
    if let Ok(Reply::Df(report)) = rig.ask(Op::Df(wire::Df {})) {
        free = report.pool_free;
        live = report.refusing;
    }
    assert!(free > 0 && live);
    rig.kill(&inmate.id);
    assert_clean(&rig, &rig.pool().join(format!("disks/{}.img", inmate.id)));
}
