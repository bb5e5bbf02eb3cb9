//! Archive and Extract, against the system's own tar and against hostile streams.

mod harness;

use atoll_wire::guest::{self as pb, error::Code, reply::Result as Answer, request::Op};
use harness::{Conn, Engine};

fn extract(conn: &mut Conn, request: pb::Extract, tar: &[u8]) -> Answer {
    conn.send(Op::Extract(request));
    conn.data(tar);
    conn.end();
    conn.answer()
}

fn archive(conn: &mut Conn, request: pb::Archive) -> (Vec<u8>, pb::ArchiveStats) {
    conn.send(Op::Archive(request));
    let tar = conn.stream();
    match conn.answer() {
        Answer::ArchiveStats(stats) => (tar, stats),
        other => panic!("{other:?}"),
    }
}

fn make_tree(engine: &mut Engine) {
    let long = "n".repeat(150);
    let made = engine.sh(&format!(
        "mkdir -p src/d/{long}; cd src; echo hello >f; chmod 4751 f; ln f d/hard; ln -s ../f d/soft; \
         head -c 700000 /dev/urandom >d/{long}/big; mkfifo p; chown 12:34 d; chmod 711 d; touch -d @1000000000 f d; : >empty"
    ));
    assert_eq!(made.exited().code, 0, "{}", made.errors());
}

const LOOK: &str = "find . -printf '%P %y %m %U %G %s %l %T@\\n' | sed 's/ d \\(.*\\) [0-9]*  / d \\1 /' | sort; find . -type f | sort | xargs sha256sum";

#[test]
fn a_tree_survives_archive_and_extract() {
    let mut engine = Engine::start();
    make_tree(&mut engine);
    for gzip in [false, true] {
        let mut conn = engine.conn();
        let request = pb::Archive {
            paths: vec![b"src".to_vec()],
            base: b"src".to_vec(),
            gzip,
            ..Default::default()
        };
        let (tar, stats) = archive(&mut conn, request);
        assert_eq!(stats.entries, 8);
        let to = format!("copy-{gzip}");
        let request = pb::Extract {
            path: to.clone().into(),
            gzip,
            keep_owner: true,
            ..Default::default()
        };
        match extract(&mut conn, request, &tar) {
            Answer::ArchiveStats(got) => assert_eq!(got, stats),
            other => panic!("{other:?}"),
        }
        // Times are kept to the second, and that of the top is not in the archive.
        let look = LOOK
            .replace("%T@", "")
            .replace("find .", "find . -mindepth 1");
        let (a, b) = (
            engine.sh(&format!("cd src; {look}")),
            engine.sh(&format!("cd {to}; {look}")),
        );
        assert_eq!(a.text(), b.text());
        assert_eq!(
            engine
                .sh(&format!("stat -c '%Y %h' {to}/f; stat -c %Y {to}/d"))
                .text(),
            "1000000000 2\n1000000000\n"
        );
    }
}

#[test]
fn the_systems_tar_reads_ours_and_we_read_its_formats() {
    let mut engine = Engine::start();
    make_tree(&mut engine);
    let mut conn = engine.conn();
    let request = pb::Archive {
        paths: vec![b"src".to_vec()],
        exclude: vec![b"src/p".to_vec(), b"empty".to_vec()],
        ..Default::default()
    };
    let (tar, _) = archive(&mut conn, request);
    std::fs::write(engine.file("ours.tar"), tar).unwrap();
    let out = engine.sh("tar tf ours.tar | sed 's/n\\{150\\}/N/' | sort; mkdir x; tar xf ours.tar -C x && cmp x/src/f src/f");
    assert_eq!(
        out.text(),
        "src/\nsrc/d/\nsrc/d/N/\nsrc/d/N/big\nsrc/d/hard\nsrc/d/soft\nsrc/f\n",
        "{}",
        out.errors()
    );
    for format in ["ustar", "gnu", "pax", "v7", "oldgnu"] {
        let long = if matches!(format, "v7" | "ustar") {
            "--exclude=n*"
        } else {
            "-h"
        };
        let made = engine.sh(&format!("tar --format={format} {long} --exclude=p -cf {format}.tar -C src . && mkdir from-{format}"));
        assert_eq!(made.exited().code, 0, "{}", made.errors());
        let tar = std::fs::read(engine.file(&format!("{format}.tar"))).unwrap();
        let request = pb::Extract {
            path: format!("from-{format}").into(),
            ..Default::default()
        };
        let answer = extract(&mut conn, request, &tar);
        assert!(
            matches!(answer, Answer::ArchiveStats(_)),
            "{format}: {answer:?}"
        );
        assert_eq!(
            engine
                .sh(&format!("cat from-{format}/f from-{format}/d/hard"))
                .text(),
            "hello\nhello\n"
        );
    }
}

/// A ustar entry with whatever is asked.
fn entry(name: &[u8], kind: u8, link: &[u8], content: &[u8]) -> Vec<u8> {
    let mut block = vec![0u8; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..107].copy_from_slice(b"0000777");
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

#[test]
fn hostile_names_stay_inside() {
    let mut engine = Engine::start();
    let outside = engine.file("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("victim"), "untouched").unwrap();
    let out = outside.to_str().unwrap().as_bytes().to_vec();
    let victim = [&out[..], b"/victim"].concat();
    let cases: Vec<Vec<u8>> = vec![
        entry(b"../outside/victim", b'0', b"", b"evil"),
        entry(b"a/../../outside/victim", b'0', b"", b"evil"),
        entry(&victim, b'0', b"", b"evil"),
        [
            entry(b"l", b'2', &out, b""),
            entry(b"l/victim", b'0', b"", b"evil"),
        ]
        .concat(),
        [
            entry(b"l", b'2', b"../outside", b""),
            entry(b"l/victim", b'0', b"", b"evil"),
        ]
        .concat(),
        [
            entry(b"l", b'2', &victim, b""),
            entry(b"l", b'0', b"", b"evil"),
        ]
        .concat(),
        [
            entry(b"d", b'2', &out, b""),
            entry(b"d", b'5', b"", b""),
            entry(b"d/victim", b'0', b"", b"evil"),
        ]
        .concat(),
        [
            entry(b"h", b'1', b"../outside/victim", b""),
            entry(b"h", b'0', b"", b"evil"),
        ]
        .concat(),
        [
            entry(b"l", b'2', &out, b""),
            entry(b"h", b'1', b"l/victim", b""),
            entry(b"x", b'0', b"", b"evil"),
        ]
        .concat(),
        [
            entry(b"x", b'x', b"", b"30 path=../../outside/victim\n\n"),
            entry(b"f", b'0', b"", b"evil"),
        ]
        .concat(),
        [
            entry(b"x", b'L', b"", b"../outside/victim\0"),
            entry(b"f", b'0', b"", b"evil"),
        ]
        .concat(),
    ];
    for (i, tar) in cases.iter().enumerate() {
        let mut conn = engine.conn();
        let request = pb::Extract {
            path: format!("in{i}").into(),
            ..Default::default()
        };
        let answer = extract(&mut conn, request, tar);
        assert!(
            matches!(answer, Answer::Error(_) | Answer::ArchiveStats(_)),
            "{i}: {answer:?}"
        );
        conn.ok(Op::Ping(pb::Ping {}));
        let listed: Vec<_> = std::fs::read_dir(&outside).unwrap().collect();
        assert_eq!(listed.len(), 1, "case {i}");
        assert_eq!(
            std::fs::read(outside.join("victim")).unwrap(),
            b"untouched",
            "case {i}"
        );
    }
}

#[test]
fn limits_and_malformed_streams_are_errors() {
    let mut engine = Engine::start();
    let mut conn = engine.conn();
    let two = [
        entry(b"a", b'0', b"", b"12345"),
        entry(b"b", b'0', b"", b"12345"),
    ]
    .concat();
    let code = |answer: Answer| match answer {
        Answer::Error(e) => e.code(),
        other => panic!("{other:?}"),
    };
    let to = || pb::Extract {
        path: b"lim".to_vec(),
        ..Default::default()
    };
    assert_eq!(
        code(extract(
            &mut conn,
            pb::Extract {
                max_entries: 1,
                ..to()
            },
            &two
        )),
        Code::TooLarge
    );
    assert_eq!(
        code(extract(
            &mut conn,
            pb::Extract {
                max_bytes: 9,
                ..to()
            },
            &two
        )),
        Code::TooLarge
    );
    let ok = extract(
        &mut conn,
        pb::Extract {
            max_bytes: 10,
            max_entries: 2,
            ..to()
        },
        &two,
    );
    assert!(matches!(ok, Answer::ArchiveStats(s) if s.bytes == 10 && s.entries == 2));
    assert_eq!(code(extract(&mut conn, to(), &[b'x'; 512])), Code::Invalid);
    assert_eq!(code(extract(&mut conn, to(), &two[..700])), Code::Invalid);
    assert_eq!(code(extract(&mut conn, to(), &two[..300])), Code::Invalid);
    assert_eq!(
        code(extract(
            &mut conn,
            pb::Extract { gzip: true, ..to() },
            b"no gzip here"
        )),
        Code::Invalid
    );
    let mut huge = entry(b"x", b'x', b"", b"");
    huge[124..135].copy_from_slice(b"77777777777");
    huge[148..156].copy_from_slice(b"        ");
    let sum: u32 = huge[..512].iter().map(|b| u32::from(*b)).sum();
    huge[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    assert_eq!(code(extract(&mut conn, to(), &huge)), Code::Invalid);
    let missing = pb::Archive {
        paths: vec![b"none".to_vec()],
        ..Default::default()
    };
    assert_eq!(conn.fails(Op::Archive(missing)).0, Code::NotFound);
    conn.ok(Op::Ping(pb::Ping {}));
}
