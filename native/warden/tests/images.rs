//! Images as streams: out of the pool and into it again, and nothing else into it.

mod common;

use std::fs;
use std::process::Command;

use atoll_wire::warden::{
    self as wire, ImageEnd, ImagePart, claim, failure::Code, read_image, request::Op,
    response::Result as Reply, write_image,
};
use common::{BASE_LAYER, Line, Rig, random_id};

struct Image {
    size: u64,
    parts: Vec<ImagePart>,
    seal: Vec<u8>,
}

fn read(rig: &Rig, source: read_image::Source) -> Result<Image, wire::Failure> {
    let mut line = rig.connect();
    let opened = match line.ask(Op::ReadImage(wire::ReadImage {
        source: Some(source),
    }))? {
        Reply::ImageOpened(opened) => opened,
        other => panic!("{other:?}"),
    };
    let mut parts = Vec::new();
    loop {
        match line.receive()? {
            Reply::ImagePart(part) => parts.push(part),
            Reply::ImageEnd(end) => {
                return Ok(Image {
                    size: opened.size,
                    parts,
                    seal: end.seal,
                });
            }
            other => panic!("{other:?}"),
        }
    }
}

fn begin(rig: &Rig, sandbox: &str, size: u64) -> Result<Line, wire::Failure> {
    let mut line = rig.connect();
    line.ask(Op::WriteImage(wire::WriteImage {
        target: Some(write_image::Target::Sandbox(sandbox.to_owned())),
        size,
        layers: vec![BASE_LAYER.to_owned()],
    }))?;
    Ok(line)
}

fn write(rig: &Rig, sandbox: &str, image: &Image) -> Result<(), wire::Failure> {
    let mut line = begin(rig, sandbox, image.size)?;
    for part in &image.parts {
        line.send(Op::ImagePart(part.clone()));
    }
    let seal = image.seal.clone();
    match line.ask(Op::ImageEnd(ImageEnd { seal }))? {
        Reply::Done(_) => Ok(()),
        other => panic!("{other:?}"),
    }
}

fn delete_disk(rig: &Rig, sandbox: &str) {
    rig.done(Op::DeleteDisk(wire::DeleteDisk {
        sandbox: sandbox.to_owned(),
    }));
}

#[test]
fn a_disk_comes_back_as_it_was() {
    let rig = Rig::new();
    let mut inmate = rig.sandbox();
    inmate.ok(&["fill", "/data/filled", "5"]);
    inmate.ok(&["write", "/data/note", "kept"]);
    let id = inmate.id.clone();
    let live = read(&rig, read_image::Source::Sandbox(id.clone()))
        .err()
        .unwrap();
    assert_eq!(live.code(), Code::WrongState);
    rig.kill(&id);
    let before = fs::read(rig.pool().join(format!("disks/{id}.img"))).unwrap();
    let image = read(&rig, read_image::Source::Sandbox(id.clone())).unwrap();
    assert_eq!(image.size, 1 << 30);
    let bytes: usize = image.parts.iter().map(|part| part.content.len()).sum();
    assert!(bytes > 5 << 20 && bytes < 64 << 20, "{bytes}");
    let exists = write(&rig, &id, &image).err().unwrap();
    assert_eq!(exists.code(), Code::Exists);
    delete_disk(&rig, &id);
    write(&rig, &id, &image).unwrap();
    assert!(before == fs::read(rig.pool().join(format!("disks/{id}.img"))).unwrap());
    let mut again = rig.sandbox_with(|claim| {
        claim.sandbox = id.clone();
        claim.disk = Some(claim::Disk::Existing(true));
    });
    assert_eq!(again.ok(&["read", "/data/note"]), "kept");
    rig.kill(&id);
    delete_disk(&rig, &id);
    assert_eq!(rig.leaks(), []);
}

#[test]
fn a_snapshot_becomes_a_disk() {
    let rig = Rig::new();
    let mut inmate = rig.sandbox();
    inmate.ok(&["write", "/data/note", "then"]);
    let (snapshot, _) = rig.snapshot(&inmate.id);
    let image = read(&rig, read_image::Source::Snapshot(snapshot)).unwrap();
    let id = random_id();
    write(&rig, &id, &image).unwrap();
    let mut other = rig.sandbox_with(|claim| {
        claim.sandbox = id.clone();
        claim.disk = Some(claim::Disk::Existing(true));
    });
    assert_eq!(other.ok(&["read", "/data/note"]), "then");
}

#[test]
fn an_image_that_is_not_what_was_read_is_never_mounted() {
    let rig = Rig::new();
    let inmate = rig.sandbox();
    rig.kill(&inmate.id);
    let image = read(&rig, read_image::Source::Sandbox(inmate.id.clone())).unwrap();
    let altered = |change: &dyn Fn(&mut Image)| {
        let mut copy = Image {
            parts: image.parts.clone(),
            seal: image.seal.clone(),
            size: image.size,
        };
        change(&mut copy);
        let id = random_id();
        let code = write(&rig, &id, &copy).err().unwrap().code();
        let disks = rig.everything().disks;
        assert!(disks.iter().all(|disk| disk.id != id));
        code
    };
    let flipped = altered(&|image| image.parts[0].content[32 + 1080] ^= 1);
    assert_eq!(flipped, Code::Corrupt);
    assert_eq!(altered(&|image| drop(image.parts.pop())), Code::Corrupt);
    assert_eq!(altered(&|image| image.size *= 2), Code::Corrupt);
    assert_eq!(altered(&|image| image.seal[5] ^= 1), Code::Corrupt);
    assert_eq!(altered(&|image| image.seal.clear()), Code::Corrupt);
    assert_eq!(altered(&|image| image.parts.reverse()), Code::Invalid);
    assert_eq!(
        altered(&|image| image.parts[0].content.truncate(40)),
        Code::Invalid
    );
    let far = altered(&|image| image.parts.last_mut().unwrap().index = 5 << 20);
    assert_eq!(far, Code::Invalid);
    assert_eq!(rig.leaks(), []);
}

#[test]
fn nothing_is_left_of_an_image_whose_sender_or_warden_died() {
    let mut rig = Rig::new();
    let inmate = rig.sandbox();
    rig.kill(&inmate.id);
    let image = read(&rig, read_image::Source::Sandbox(inmate.id.clone())).unwrap();
    let id = random_id();
    let mut line = begin(&rig, &id, image.size).unwrap();
    line.send(Op::ImagePart(image.parts[0].clone()));
    drop(line);
    common::eventually("an empty tmp", || {
        fs::read_dir(rig.pool().join("tmp")).unwrap().count() == 0
    });
    let mut line = begin(&rig, &id, image.size).unwrap();
    line.send(Op::ImagePart(image.parts[0].clone()));
    rig.kill_warden();
    rig.start();
    assert_eq!(fs::read_dir(rig.pool().join("tmp")).unwrap().count(), 0);
    assert!(rig.everything().disks.iter().all(|disk| disk.id != id));
    write(&rig, &id, &image).unwrap();
    let checked = Command::new("e2fsck")
        .args(["-f", "-n"])
        .arg(rig.pool().join(format!("disks/{id}.img")))
        .status()
        .unwrap();
    assert!(checked.success());
}
