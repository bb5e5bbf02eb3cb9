//! A warden that dies and its successor.

mod common;

use std::fs;
use std::path::Path;

use atoll_wire::warden::{self as wire, claim, event::Kind, failure::Code, request::Op};
use common::{Rig, eventually, random_id};

#[test]
fn a_new_warden_takes_over_what_lives_and_removes_the_rest() {
    let mut rig = Rig::new();
    let mut inmate = rig.sandbox();
    let frozen = rig.sandbox();
    rig.done(Op::Freeze(wire::Freeze {
        sandbox: frozen.id.clone(),
    }));
    let (slot, _listener) = rig.slot();
    inmate.ok(&["write", "/data/kept", "before"]);
    let before = rig.everything();
    rig.kill_warden();
    // Goes on without a warden.
    inmate.ok(&["write", "/data/meanwhile", "during"]);
    fs::write(rig.pool().join("tmp/half-made"), "x").unwrap();
    rig.start();
    let after = rig.everything();
    let mut live: Vec<_> = after
        .live
        .iter()
        .map(|l| (&l.id, l.pid, l.start_time, l.frozen))
        .collect();
    let mut was: Vec<_> = before
        .live
        .iter()
        .map(|l| (&l.id, l.pid, l.start_time, l.frozen))
        .collect();
    live.sort();
    was.sort();
    assert_eq!(live, was);
    assert!(after.slots.is_empty());
    assert!(!rig.pool().join("tmp/half-made").exists());
    assert!(!rig.pool().join(format!("slots/{slot}.img")).exists());
    assert_eq!(rig.leaks(), []);
    inmate.ok(&["write", "/data/later", "after"]);
    rig.done(Op::Thaw(wire::Thaw {
        sandbox: frozen.id.clone(),
    }));
    // Indexes in use stay in use.
    let third = rig.sandbox();
    assert!(before.live.iter().all(|l| l.index != third.claimed.index));
    let (snapshot, _) = rig.snapshot(&inmate.id);
    for id in [&inmate.id, &frozen.id, &third.id] {
        rig.kill(id);
    }
    assert_eq!(rig.leaks(), []);
    let mut fork = rig.sandbox_with(|claim| {
        claim.disk = Some(claim::Disk::Snapshot(snapshot));
    });
    assert_eq!(fork.ok(&["read", "/data/kept"]), "before");
    assert_eq!(fork.ok(&["read", "/data/meanwhile"]), "during");
    assert_eq!(fork.ok(&["read", "/data/later"]), "after");
}

#[test]
fn an_end_is_told_also_of_a_sandbox_that_was_taken_over() {
    let mut rig = Rig::new();
    let mut first = rig.sandbox();
    let mut second = rig.sandbox();
    let mut events = rig.subscribe();
    first.send(&["exit", "7"]);
    match events.event() {
        Kind::Exited(exited) => {
            assert_eq!(exited.id, first.id);
            assert_eq!(exited.status, 7 << 8);
        }
        other => panic!("{other:?}"),
    }
    rig.kill_warden();
    rig.start();
    let mut events = rig.subscribe();
    second.send(&["exit", "0"]);
    match events.event() {
        Kind::Exited(exited) => assert_eq!(exited.id, second.id),
        other => panic!("{other:?}"),
    }
    eventually("release", || rig.everything().live.is_empty());
    assert_eq!(rig.leaks(), []);
}

#[test]
fn what_died_while_no_warden_ran_is_stopped_with_its_files() {
    let mut rig = Rig::new();
    let mut inmate = rig.sandbox();
    inmate.ok(&["write", "/data/kept", "kept"]);
    inmate.ok(&["sync"]);
    rig.kill_warden();
    let pid = inmate.claimed.pid;
    // SAFETY: a process of this test.
    unsafe { libc::kill(pid, libc::SIGKILL) };
    eventually("the end", || {
        !Path::new(&format!("/proc/{pid}/root/data")).exists()
    });
    rig.start();
    // It may still have been ending when the new warden came.
    eventually("the release", || rig.everything().live.is_empty());
    assert_eq!(rig.leaks(), []);
    let id = inmate.id.clone();
    let mut again = rig.sandbox_with(|claim| {
        claim.sandbox = id;
        claim.disk = Some(claim::Disk::Existing(true));
    });
    assert_eq!(again.ok(&["read", "/data/kept"]), "kept");
}

#[test]
fn records_of_another_boot_mean_nothing() {
    let mut rig = Rig::new();
    let inmate = rig.sandbox();
    let record = rig.run.join("live").join(format!("{}.json", inmate.id));
    let text = fs::read_to_string(&record).unwrap();
    rig.kill_warden();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    fs::write(&record, text.replace(boot.trim(), "another")).unwrap();
    rig.start();
    let all = rig.everything();
    assert!(all.live.is_empty());
    assert_eq!(all.disks.len(), 1);
    assert_eq!(rig.leaks(), []);
}

#[test]
fn an_audit_finds_and_repairs_what_nobody_accounts_for() {
    let rig = Rig::new();
    let inmate = rig.sandbox();
    fs::write(rig.pool().join("tmp/stray.img"), "x").unwrap();
    let stray = random_id();
    fs::write(rig.pool().join(format!("disks/{stray}.json")), "{}").unwrap();
    assert_eq!(rig.leaks().len(), 2);
    let audit = wire::Audit {
        known_sandboxes: vec![inmate.id.clone()],
        repair: true,
        strict: true,
        ..Default::default()
    };
    match rig.ask(Op::Audit(audit)) {
        Ok(wire::response::Result::Audit(report)) => {
            assert_eq!(report.leaks.len(), 2);
            assert!(report.leaks.iter().all(|l| l.repaired));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(rig.leaks(), []);
    assert_eq!(rig.everything().live.len(), 1);
}

#[test]
fn a_slot_whose_process_dies_is_told_and_cleared() {
    let rig = Rig::new();
    let mut events = rig.subscribe();
    let (slot, _listener) = rig.slot();
    let group = format!("/{slot}");
    let pid = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .find(|pid| {
            let groups = fs::read_to_string(format!("/proc/{pid}/cgroup"));
            groups.is_ok_and(|text| text.lines().any(|l| l.ends_with(&group)))
        })
        .unwrap();
    // SAFETY: the process of this test's slot.
    unsafe { libc::kill(pid, libc::SIGKILL) };
    match events.event() {
        Kind::SlotLost(lost) => assert_eq!(lost.slot, slot),
        other => panic!("{other:?}"),
    }
    // Waits for its turn after the clearing.
    rig.done(Op::DropSlot(wire::DropSlot { slot }));
    assert_eq!(rig.leaks(), []);
    assert!(rig.everything().slots.is_empty());
    // Its index is free again.
    assert_eq!(rig.sandbox().claimed.index, 0);
}

/// The warden is killed at arbitrary instants of create, snapshot, fork and kill.
#[test]
fn killed_at_any_moment_it_leaves_nothing_that_its_successor_does_not_clear() {
    let mut rig = Rig::new();
    let mut random: u64 = 0x5eed;
    let mut answered = Vec::new();
    for _ in 0..16 {
        random = random
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        let after = std::time::Duration::from_micros((random >> 33) % 120_000);
        let killer = rig.killer();
        let timer = std::thread::spawn(move || {
            std::thread::sleep(after);
            killer();
        });
        let mut line = rig.connect();
        let slot = random_id();
        let _listener = rig.slot_socket(&slot);
        let (second_slot, child) = (random_id(), random_id());
        let _second_listener = rig.slot_socket(&second_slot);
        let sandbox = random_id();
        let mut work = |line: &mut common::Line| {
            line.try_ask(Op::PrepareSlot(wire::PrepareSlot {
                slot: slot.clone(),
                ..Default::default()
            }))?;
            line.try_ask(Op::Claim(Rig::claim_request(&slot, &sandbox)))?;
            answered.push(sandbox.clone());
            let snapshot = wire::Snapshot {
                sandbox: sandbox.clone(),
                snapshot: random_id(),
                temporary: false,
            };
            line.try_ask(Op::Snapshot(snapshot))?;
            line.try_ask(Op::PrepareSlot(wire::PrepareSlot {
                slot: second_slot.clone(),
                ..Default::default()
            }))?;
            let taken = random_id();
            let snapshot = wire::Snapshot {
                sandbox: sandbox.clone(),
                snapshot: taken.clone(),
                temporary: true,
            };
            line.try_ask(Op::Snapshot(snapshot))?;
            let mut fork = Rig::claim_request(&second_slot, &child);
            fork.disk = Some(claim::Disk::TakenSnapshot(taken));
            line.try_ask(Op::Claim(fork))?;
            answered.push(child.clone());
            line.try_ask(Op::Kill(wire::Kill {
                sandbox: sandbox.clone(),
            }))
        };
        work(&mut line);
        timer.join().unwrap();
        rig.buried();
        rig.start();
        assert_eq!(rig.leaks(), []);
    }
    let all = rig.everything();
    for id in &answered {
        assert!(
            all.disks.iter().any(|d| d.id == *id),
            "the disk of {id} is lost"
        );
    }
    for live in &all.live {
        rig.kill(&live.id);
    }
    assert_eq!(rig.leaks(), []);
}

#[test]
fn a_settled_sandbox_survives_a_power_cut() {
    let mut rig = Rig::new();
    let unknown = rig
        .ask(Op::Settle(wire::Settle {
            sandbox: random_id(),
        }))
        .unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let inmate = rig.sandbox();
    let settle = || {
        Op::Settle(wire::Settle {
            sandbox: inmate.id.clone(),
        })
    };
    rig.done(settle());
    rig.done(settle());
    rig.cut_power();
    let disks = rig.everything().disks;
    assert_eq!(disks.len(), 1);
    assert_eq!(disks[0].id, inmate.id);
    assert_eq!(disks[0].layers, [common::BASE_LAYER]);
    rig.done(settle());
    let id = inmate.id.clone();
    rig.sandbox_with(|claim| {
        claim.sandbox = id;
        claim.disk = Some(claim::Disk::Existing(true));
    })
    .ok(&["read", "/data/inner/file"]);
    assert_eq!(rig.leaks(), []);
}

/// Nothing of a fork is synced but by the Settle of the child: its snapshot is not, and was not
/// cloned again.
#[test]
fn a_settled_fork_survives_a_power_cut() {
    let mut rig = Rig::new();
    let mut parent = rig.sandbox();
    parent.ok(&["fill", "/data/file", "5"]);
    parent.ok(&["write", "/data/kept", "kept"]);
    let snapshot = rig.temporary_snapshot(&parent.id);
    let child = rig.sandbox_with(|claim| {
        claim.disk = Some(claim::Disk::TakenSnapshot(snapshot));
    });
    let id = child.id.clone();
    rig.done(Op::Settle(wire::Settle {
        sandbox: id.clone(),
    }));
    rig.cut_power();
    let all = rig.everything();
    assert!(all.snapshots.is_empty());
    assert!(all.disks.iter().any(|disk| disk.id == id));
    let mut again = rig.sandbox_with(|claim| {
        claim.sandbox = id;
        claim.disk = Some(claim::Disk::Existing(true));
    });
    assert_eq!(again.ok(&["read", "/data/kept"]), "kept");
    assert_eq!(rig.leaks(), []);
}

/// An audit right after the engine's restart once reported the slots that its predecessor had asked
/// for and the warden was still making.
#[test]
fn what_is_being_made_is_no_leak() {
    let rig = Rig::new();
    std::thread::scope(|scope| {
        let makers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..4 {
                        let (slot, _listener) = rig.slot();
                        rig.done(Op::DropSlot(wire::DropSlot { slot }));
                        let inmate = rig.sandbox();
                        rig.kill(&inmate.id);
                    }
                })
            })
            .collect();
        while !makers.iter().all(|maker| maker.is_finished()) {
            // What one look finds going away by itself a second one does not; the kernel may take
            // longer to let go of a device whose image is gone.
            let seen = rig.leaks();
            let mut again = rig.leaks();
            again.retain(|leak| seen.contains(leak) && !leak.name.ends_with("(deleted)"));
            assert_eq!(again, []);
        }
    });
}
