//! Layers of OCI images, as Extract applies them over what is there.

mod harness;

use atoll_wire::guest::{self as pb, error::Code, reply::Result as Answer, request::Op};
use flate2::Compression;
use flate2::write::GzEncoder;
use harness::{Conn, Engine};
use std::io::Write;

/// A ustar entry of root's.
fn entry(name: &[u8], kind: u8, link: &[u8], content: &[u8]) -> Vec<u8> {
    let mut block = vec![0u8; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..107].copy_from_slice(if kind == b'5' { b"0000755" } else { b"0004755" });
    block[108..115].copy_from_slice(b"0000000");
    block[116..123].copy_from_slice(b"0000000");
    block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    block[136..147].copy_from_slice(b"00000000000");
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link);
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.extend_from_slice(content);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

fn file(name: &str, content: &str) -> Vec<u8> {
    entry(name.as_bytes(), b'0', b"", content.as_bytes())
}

fn directory(name: &str) -> Vec<u8> {
    entry(name.as_bytes(), b'5', b"", b"")
}

fn whiteout(name: &str) -> Vec<u8> {
    file(name, "")
}

fn send(conn: &mut Conn, max_bytes: u64, layer: &[u8]) -> Answer {
    conn.send(Op::Extract(pb::Extract {
        path: b"root".to_vec(),
        layer: true,
        max_bytes,
        ..Default::default()
    }));
    conn.data(layer);
    conn.end();
    conn.answer()
}

fn apply(engine: &mut Engine, entries: &[Vec<u8>]) -> pb::ArchiveStats {
    let mut conn = engine.conn();
    match send(&mut conn, 0, &entries.concat()) {
        Answer::ArchiveStats(stats) => stats,
        other => panic!("{other:?}"),
    }
}

fn tree(engine: &mut Engine) -> String {
    let found = engine
        .sh("cd root && find . -mindepth 1 -printf '%P%y ' | tr ' ' '\\n' | sort | tr '\\n' ' '");
    found.text()
}

#[test]
fn a_whiteout_deletes_what_lies_below_and_not_what_its_layer_brings() {
    let mut engine = Engine::start();
    apply(
        &mut engine,
        &[
            file("gone", "1"),
            file("dir/gone", "1"),
            file("dir/stays", "1"),
            file("tree/a/b/c", "1"),
            file("again", "old"),
        ],
    );
    apply(
        &mut engine,
        &[
            file("again", "new"),
            whiteout(".wh.gone"),
            whiteout("dir/.wh.gone"),
            file("tree/a/new", "2"),
            whiteout(".wh.tree"),
            whiteout(".wh.again"),
            whiteout(".wh.never-there"),
            whiteout("nowhere/.wh.x"),
            whiteout(".wh..wh.plnk"),
        ],
    );
    assert_eq!(
        tree(&mut engine),
        "againf dir/staysf dird tree/a/newf tree/ad treed "
    );
    assert_eq!(engine.sh("cat root/again").text(), "new");
}

#[test]
fn an_opaque_directory_hides_what_lies_below_wherever_it_stands_in_the_stream() {
    for first in [true, false] {
        let mut engine = Engine::start();
        apply(
            &mut engine,
            &[file("d/old", "1"), file("d/sub/old", "1"), file("e", "1")],
        );
        let mut layer = vec![directory("d"), file("d/new", "2"), file("d/sub/new", "2")];
        layer.insert(if first { 0 } else { 3 }, whiteout("d/.wh..wh..opq"));
        apply(&mut engine, &layer);
        assert_eq!(
            tree(&mut engine),
            "d/newf d/sub/newf d/subd dd ef ",
            "first: {first}"
        );
    }
}

#[test]
fn an_entry_takes_the_place_of_what_has_its_name() {
    let mut engine = Engine::start();
    apply(
        &mut engine,
        &[
            directory("real"),
            file("real/kept", "1"),
            entry(b"link", b'2', b"real", b""),
            file("was-dir/x/y", "1"),
            file("was-file", "1"),
        ],
    );
    apply(
        &mut engine,
        &[
            directory("link"),
            file("was-dir", "2"),
            directory("was-file"),
            file("was-file/inside", "2"),
        ],
    );
    assert_eq!(
        tree(&mut engine),
        "linkd real/keptf reald was-dirf was-file/insidef was-filed "
    );
}

#[test]
fn hard_links_set_id_bits_and_attributes_are_kept_and_devices_passed_over() {
    let mut engine = Engine::start();
    apply(&mut engine, &[file("below", "1")]);
    let capability = b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let body = [b"SCHILY.xattr.security.capability=", &capability[..], b"\n"].concat();
    let records = [format!("{} ", body.len() + 3).as_bytes(), &body].concat();
    let stats = apply(
        &mut engine,
        &[
            entry(b"h", b'1', b"below", b""),
            entry(b"pax", b'x', b"", &records),
            file("capable", "2"),
            entry(b"dev", b'3', b"", b""),
        ],
    );
    assert_eq!((stats.entries, stats.skipped), (3, 1));
    assert_eq!(
        engine.sh("stat -c '%h %a' root/below root/capable").text(),
        "2 4755\n1 4755\n"
    );
    let mut value = [0u8; 64];
    let path = engine.file("root/capable");
    let n = rustix::fs::getxattr(&path, "security.capability", &mut value).unwrap();
    assert_eq!(&value[..n], capability);
}

#[test]
fn compressed_streams_are_told_by_their_content_and_hashed_as_they_are_plain() {
    let mut engine = Engine::start();
    let mut plain = file("f", "1");
    plain.resize(plain.len() + 1024, 0);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&plain).unwrap();
    let gzip = gzip.finish().unwrap();
    std::fs::write(engine.file("plain"), &plain).unwrap();
    let expected = engine.sh("sha256sum < plain | cut -c-64").text();
    for stream in [&plain, &gzip] {
        let mut conn = engine.conn();
        let Answer::ArchiveStats(stats) = send(&mut conn, 0, stream) else {
            panic!("refused");
        };
        let hex: String = stats.sha256.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(format!("{hex}\n"), expected);
    }
    let mut conn = engine.conn();
    match send(&mut conn, 1000, &gzip) {
        Answer::Error(error) => {
            assert_eq!((error.code(), &*error.field), (Code::TooLarge, "max_bytes"))
        }
        other => panic!("{other:?}"),
    }
    for name in [".wh.", ".wh...", "a/.wh..", "../x"] {
        match send(&mut conn, 0, &whiteout(name)) {
            Answer::Error(error) => assert_eq!(error.code(), Code::Invalid, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}
