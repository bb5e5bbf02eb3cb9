//! Files: reading, writing, the tree.

mod harness;

use atoll_wire::guest::{self as pb, error::Code, reply::Result as Answer, request::Op};
use harness::{Conn, Engine};

fn write(conn: &mut Conn, request: pb::Write, content: &[u8]) -> Answer {
    conn.send(Op::Write(request));
    conn.data(content);
    conn.end();
    conn.answer()
}

fn read(conn: &mut Conn, request: pb::Read) -> (pb::FileInfo, Vec<u8>) {
    conn.send(Op::Read(request));
    let info = match conn.answer() {
        Answer::Info(info) => info,
        other => panic!("{other:?}"),
    };
    let content = conn.stream();
    assert!(matches!(conn.answer(), Answer::Ok(_)));
    (info, content)
}

#[test]
fn what_was_written_is_read() {
    let mut engine = Engine::start();
    let mut conn = engine.conn();
    for size in [0usize, 1, 5000, 1_000_000] {
        let content: Vec<u8> = (0..size).map(|i| (i * 7 % 251) as u8).collect();
        let path = b"a/b/file".to_vec();
        let request = pb::Write { path: path.clone(), parents: true, ..Default::default() };
        match write(&mut conn, request, &content) {
            Answer::Written(w) => {
                assert_eq!(w.bytes, size as u64);
                assert_eq!(w.info.unwrap().mode, 0o644);
            }
            other => panic!("{other:?}"),
        }
        let (info, got) = read(&mut conn, pb::Read { path, ..Default::default() });
        assert_eq!(info.size, size as u64);
        assert_eq!(got, content);
    }
    let part = pb::Read { path: b"a/b/file".to_vec(), offset: 10, length: 5, ..Default::default() };
    assert_eq!(read(&mut conn, part).1, (10..15).map(|i| (i * 7) as u8).collect::<Vec<_>>());
    let left: Vec<_> = std::fs::read_dir(engine.file("a/b")).unwrap().collect();
    assert_eq!(left.len(), 1, "temporary files are left: {left:?}");
}

#[test]
fn files_of_proc_are_read_though_they_say_size_0() {
    let mut engine = Engine::start();
    let mut conn = engine.conn();
    let (_, got) = read(&mut conn, pb::Read { path: b"/proc/version".to_vec(), ..Default::default() });
    assert!(got.starts_with(b"Linux"));
}

#[test]
fn what_would_block_or_is_no_file_is_refused() {
    let mut engine = Engine::start();
    engine.sh("mkfifo pipe; mkdir dir");
    let mut conn = engine.conn();
    for (path, code) in [
        ("pipe", Code::Unsupported),
        ("dir", Code::IsDirectory),
        ("missing", Code::NotFound),
        ("/dev/zero", Code::Invalid),
        ("/dev/tty", Code::Unknown),
    ] {
        let (got, message) = conn.fails(Op::Read(pb::Read { path: path.into(), ..Default::default() }));
        assert!(got == code || path == "/dev/tty", "{path}: {got:?} {message}");
        assert!(message.contains(path) || code == Code::Invalid, "{message}");
    }
    let request = pb::Write { path: b"dir".to_vec(), ..Default::default() };
    assert!(matches!(write(&mut conn, request, b"x"), Answer::Error(e) if e.code() == Code::IsDirectory));
    conn.ok(Op::Ping(pb::Ping {}));
}
