//! Slots, claims, kills, and the life of a disk.

mod common;

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
