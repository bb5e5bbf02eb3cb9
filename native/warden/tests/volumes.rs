//! Volumes: shared, bounded, read-only, and out of everybody's way.

mod common;

use atoll_wire::warden::{
    self as wire, Isolation, Mount, claim, failure::Code, request::Op, response::Result as Reply,
};
use common::{Rig, random_id};

fn volume(rig: &Rig, bytes: u64) -> String {
    let volume = random_id();
    let create = wire::CreateVolume {
        volume: volume.clone(),
        bytes,
    };
    match rig.ask(Op::CreateVolume(create)) {
        Ok(Reply::Volume(made)) => assert!(made.size >= bytes),
        other => panic!("{other:?}"),
    }
    volume
}

fn delete(rig: &Rig, volume: &str) -> Result<Reply, wire::Failure> {
    rig.ask(Op::DeleteVolume(wire::DeleteVolume {
        volume: volume.to_owned(),
    }))
}

fn mount(volume: &str, path: &str) -> Mount {
    Mount {
        volume: volume.to_owned(),
        path: path.to_owned(),
        ..Default::default()
    }
}

#[test]
fn what_one_sandbox_writes_another_reads_and_a_third_after_both() {
    let rig = Rig::new();
    let volume = volume(&rig, 256 << 20);
    let mut first = rig.sandbox_with(|claim| claim.volumes = vec![mount(&volume, "/mnt/shared")]);
    let mut second = rig.sandbox_with(|claim| claim.volumes = vec![mount(&volume, "/deep/er/v")]);
    first.ok(&["write", "/mnt/shared/note", "from the first"]);
    assert_eq!(second.ok(&["read", "/deep/er/v/note"]), "from the first");
    second.ok(&["write", "/deep/er/v/answer", "from the second"]);
    assert_eq!(first.ok(&["read", "/mnt/shared/answer"]), "from the second");
    assert_eq!(
        delete(&rig, &volume).err().unwrap().code(),
        Code::WrongState
    );
    rig.kill(&first.id);
    assert_eq!(
        delete(&rig, &volume).err().unwrap().code(),
        Code::WrongState
    );
    rig.kill(&second.id);
    let mut third = rig.sandbox_with(|claim| claim.volumes = vec![mount(&volume, "/v")]);
    assert_eq!(third.ok(&["read", "/v/answer"]), "from the second");
    // Nothing of it is on the sandbox's own disk.
    let (snapshot, _) = rig.snapshot(&third.id);
    let mut fork = rig.sandbox_with(|claim| claim.disk = Some(claim::Disk::Snapshot(snapshot)));
    assert_eq!(fork.errno(&["read", "/v/answer"]), libc::ENOENT);
    rig.kill(&fork.id);
    rig.kill(&third.id);
    assert!(delete(&rig, &volume).is_ok());
    assert!(delete(&rig, &volume).is_ok());
    assert!(rig.everything().volumes.is_empty());
    assert_eq!(rig.leaks(), []);
}

#[test]
fn a_read_only_mount_and_a_full_volume_stop_writers_there_alone() {
    let rig = Rig::new();
    let volume = volume(&rig, 256 << 20);
    let mut writer = rig.sandbox_with(|claim| claim.volumes = vec![mount(&volume, "/v")]);
    let mut reader = rig.sandbox_with(|claim| {
        claim.volumes = vec![Mount {
            read_only: true,
            ..mount(&volume, "/v")
        }];
    });
    writer.ok(&["write", "/v/note", "there"]);
    assert_eq!(reader.ok(&["read", "/v/note"]), "there");
    assert_eq!(reader.errno(&["write", "/v/other", "x"]), libc::EROFS);
    assert_eq!(reader.errno(&["remount", "/v"]), libc::EPERM);
    assert_eq!(reader.errno(&["write", "/v/other", "x"]), libc::EROFS);
    assert_eq!(writer.errno(&["fill", "/v/filled", "300"]), libc::ENOSPC);
    writer.ok(&["fill", "/data/own", "20"]);
    assert_eq!(reader.ok(&["read", "/v/note"]), "there");
}

#[test]
fn a_subpath_is_made_and_leads_nowhere_else() {
    let rig = Rig::new();
    let volume = volume(&rig, 256 << 20);
    let at = |path: &str, subpath: &str| Mount {
        subpath: subpath.to_owned(),
        ..mount(&volume, path)
    };
    let mut part = rig.sandbox_with(|claim| claim.volumes = vec![at("/v", "users/one")]);
    part.ok(&["write", "/v/note", "mine"]);
    let mut whole = rig.sandbox_with(|claim| claim.volumes = vec![at("/v", "")]);
    assert_eq!(whole.ok(&["read", "/v/users/one/note"]), "mine");
    whole.ok(&["symlink", "/etc", "/v/users/out"]);
    whole.ok(&["symlink", "../..", "/v/users/up"]);
    for escape in ["users/out", "users/up", "users/up/work"] {
        let refused = rig.try_sandbox(|claim| claim.volumes = vec![at("/v", escape)]);
        assert!(refused.is_err(), "{escape}");
    }
    for wrong in ["../x", "/x", "a//b", "a/./b", "a/.."] {
        let refused = rig.try_sandbox(|claim| claim.volumes = vec![at("/v", wrong)]);
        assert_eq!(refused.err().unwrap().code(), Code::Invalid, "{wrong}");
    }
    for wrong in [
        "",
        "v",
        "/",
        "/../v",
        "/proc/x",
        "/sys",
        "/dev/shm",
        "/run/.atoll/d",
    ] {
        let refused = rig.try_sandbox(|claim| claim.volumes = vec![at(wrong, "")]);
        assert_eq!(refused.err().unwrap().code(), Code::Invalid, "{wrong}");
    }
    let unknown = rig.try_sandbox(|claim| claim.volumes = vec![mount(&random_id(), "/v")]);
    assert_eq!(unknown.err().unwrap().code(), Code::NotFound);
    assert_eq!(rig.leaks(), []);
}

#[test]
fn a_volume_outlives_its_warden_in_use_and_is_refused_deletion_by_the_next() {
    let mut rig = Rig::new();
    let volume = volume(&rig, 256 << 20);
    let mut first = rig.sandbox_with(|claim| claim.volumes = vec![mount(&volume, "/v")]);
    first.ok(&["write", "/v/note", "before"]);
    rig.kill_warden();
    rig.start();
    assert_eq!(
        delete(&rig, &volume).err().unwrap().code(),
        Code::WrongState
    );
    let mut second = rig.sandbox_with(|claim| claim.volumes = vec![mount(&volume, "/v")]);
    assert_eq!(second.ok(&["read", "/v/note"]), "before");
    second.ok(&["write", "/v/note", "after"]);
    assert_eq!(first.ok(&["read", "/v/note"]), "after");
    assert_eq!(rig.leaks(), []);
    rig.kill(&first.id);
    rig.kill(&second.id);
    assert!(delete(&rig, &volume).is_ok());
    assert_eq!(rig.leaks(), []);
}

#[test]
fn a_root_that_was_given_ahead_takes_no_volumes() {
    let rig = Rig::new();
    let volume = volume(&rig, 256 << 20);
    let slot = random_id();
    let _socket = rig.slot_socket(&slot);
    let prepared = rig.ask(Op::PrepareSlot(wire::PrepareSlot {
        slot: slot.clone(),
        layers: vec![common::BASE_LAYER.to_owned()],
        isolation: Isolation::Container.into(),
    }));
    assert!(prepared.is_ok());
    let mut claim = Rig::claim_request(&slot, &random_id());
    claim.volumes = vec![mount(&volume, "/v")];
    assert_eq!(
        rig.ask(Op::Claim(claim)).err().unwrap().code(),
        Code::Invalid
    );
    // The slot was not used up by a request that was refused.
    assert!(
        rig.ask(Op::Claim(Rig::claim_request(&slot, &random_id())))
            .is_ok()
    );
}
