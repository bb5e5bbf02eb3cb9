//! Requests of an engine that was taken over.

mod common;

use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;

use atoll_wire::warden::{self as wire, failure::Code, request::Op};
use common::{Rig, random_id};

/// xorshift64*, so that a failure can be repeated.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

#[test]
fn garbage_closes_the_connection_and_harms_nobody() {
    let rig = Rig::new();
    let mut inmate = rig.sandbox();
    let pid = rig.pid();
    for seed in 1..200u64 {
        let mut random = Seeded(seed);
        let mut stream = UnixStream::connect(rig.run.join("warden.sock")).unwrap();
        let length = random.next() % 64;
        let mut bytes: Vec<u8> = Vec::new();
        // Half of them with a header that is right, so that the decoder is reached.
        if seed % 2 == 0 {
            bytes.extend((length as u32).to_be_bytes());
            bytes.push(0);
        }
        bytes.extend((0..length).map(|_| random.next() as u8));
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
    }
    assert_eq!(rig.pid(), pid);
    assert_eq!(inmate.ok(&["read", "/data/inner/file"]), "of the layer");
    assert_eq!(rig.everything().live.len(), 1);
    assert_eq!(rig.leaks(), []);
}

#[test]
fn ids_that_are_none_are_refused_by_their_field() {
    let rig = Rig::new();
    let good = random_id();
    let bad = [
        "",
        "..",
        "../../../../../../../../../../../",
        "/etc/passwd",
        &good.to_uppercase(),
        &good[1..],
    ];
    for id in bad {
        let id = id.to_owned();
        let claim = |slot: &str, sandbox: &str, layer: &str| {
            let mut request = Rig::claim_request(slot, sandbox);
            request.layers = vec![layer.to_owned()];
            Op::Claim(request)
        };
        for (op, field) in [
            (
                Op::PrepareSlot(wire::PrepareSlot {
                    slot: id.clone(),
                    ..Default::default()
                }),
                "slot",
            ),
            (Op::DropSlot(wire::DropSlot { slot: id.clone() }), "slot"),
            (claim(&id, &good, &good), "slot"),
            (claim(&good, &id, &good), "sandbox"),
            (claim(&good, &good, &id), "layers"),
            (
                Op::Kill(wire::Kill {
                    sandbox: id.clone(),
                }),
                "sandbox",
            ),
            (
                Op::Freeze(wire::Freeze {
                    sandbox: id.clone(),
                }),
                "sandbox",
            ),
            (
                Op::DeleteDisk(wire::DeleteDisk {
                    sandbox: id.clone(),
                }),
                "sandbox",
            ),
            (
                Op::DeleteSnapshot(wire::DeleteSnapshot {
                    snapshot: id.clone(),
                }),
                "snapshot",
            ),
            (
                Op::ReadImage(wire::ReadImage {
                    source: Some(wire::read_image::Source::Sandbox(id.clone())),
                }),
                "sandbox",
            ),
            (
                Op::WriteImage(wire::WriteImage {
                    target: Some(wire::write_image::Target::Snapshot(id.clone())),
                    size: 1 << 30,
                    layers: vec![good.clone()],
                }),
                "snapshot",
            ),
            (
                Op::WriteImage(wire::WriteImage {
                    target: Some(wire::write_image::Target::Sandbox(good.clone())),
                    size: 1 << 30,
                    layers: vec![id.clone()],
                }),
                "layers",
            ),
            (
                Op::CreateVolume(wire::CreateVolume {
                    volume: id.clone(),
                    bytes: 1 << 30,
                }),
                "volume",
            ),
            (
                Op::DeleteVolume(wire::DeleteVolume { volume: id.clone() }),
                "volume",
            ),
            (
                Op::DeleteLayer(wire::DeleteLayer { layer: id.clone() }),
                "layer",
            ),
            (
                Op::Snapshot(wire::Snapshot {
                    sandbox: good.clone(),
                    snapshot: id.clone(),
                    temporary: false,
                }),
                "snapshot",
            ),
            (
                Op::ResizeDisk(wire::ResizeDisk {
                    sandbox: id.clone(),
                    bytes: 1 << 30,
                }),
                "sandbox",
            ),
            (
                Op::Usage(wire::Usage {
                    sandboxes: vec![id.clone()],
                }),
                "sandboxes",
            ),
        ] {
            let failure = rig.ask(op).unwrap_err();
            assert_eq!(
                (failure.code(), failure.field.as_str()),
                (Code::Invalid, field),
                "{id:?}"
            );
        }
    }
}

#[test]
fn a_link_in_the_place_of_a_slots_directory_is_not_followed() {
    let rig = Rig::new();
    let slot = random_id();
    symlink("/etc", rig.run.join("s").join(&slot)).unwrap();
    let failure = rig
        .ask(Op::PrepareSlot(wire::PrepareSlot {
            slot: slot.clone(),
            ..Default::default()
        }))
        .unwrap_err();
    assert_eq!(failure.code(), Code::Io);
    std::fs::remove_file(rig.run.join("s").join(&slot)).unwrap();
    assert_eq!(rig.leaks(), []);
}

#[test]
fn host_names_and_profiles_outside_of_the_protocol_are_refused() {
    let rig = Rig::new();
    for hostname in ["a b", "-x", "ü", "a/b", &"x".repeat(64), "a\0b"] {
        let failure = rig
            .try_sandbox(|claim| claim.hostname = hostname.to_owned())
            .err()
            .unwrap();
        assert_eq!(failure.field, "hostname", "{hostname:?}");
    }
    let failure = rig.try_sandbox(|claim| claim.profile = 7).err().unwrap();
    assert_eq!(failure.field, "profile");
}

#[test]
fn other_users_are_turned_away() {
    let rig = Rig::new();
    let socket = rig.run.join("warden.sock");
    let output = Command::new("python3")
        .args(["-c", "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(len(s.recv(1)))"])
        .arg(&socket)
        .uid(65534)
        .gid(65534)
        .output()
        .unwrap();
    assert!(!output.status.success() || output.stdout == b"0\n");
    // Also when the file's mode lets them in.
    for path in [&rig.run, &socket] {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    let output = Command::new("python3")
        .args(["-c", "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(len(s.recv(1)))"])
        .arg(&socket)
        .uid(65534)
        .gid(65534)
        .output()
        .unwrap();
    assert_eq!(
        output.stdout,
        b"0\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
