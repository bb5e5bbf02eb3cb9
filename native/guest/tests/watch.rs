//! Watch.

mod harness;

use atoll_wire::guest::watch_event::Kind;
use atoll_wire::guest::{self as pb, error::Code, reply::Result as Answer, request::Op};
use harness::{Conn, Engine};

struct Watching {
    conn: Conn,
    base: String,
}

impl Watching {
    fn start(engine: &mut Engine, recursive: bool) -> Watching {
        engine.sh("mkdir -p w/sub/deep");
        let mut conn = engine.conn();
        conn.send(Op::Watch(pb::Watch {
            path: b"w".to_vec(),
            recursive,
            ..Default::default()
        }));
        let base = engine.file("w").display().to_string();
        let mut watching = Watching { conn, base };
        assert_eq!(watching.next().0, Kind::Ready);
        watching
    }

    fn next(&mut self) -> (Kind, String, String) {
        match self.conn.answer() {
            Answer::Event(e) => {
                let shown = |p: &[u8]| {
                    let path = String::from_utf8_lossy(p).into_owned();
                    path.strip_prefix(&self.base).unwrap_or(&path).to_owned()
                };
                (e.kind(), shown(&e.path), shown(&e.old_path))
            }
            other => panic!("{other:?}"),
        }
    }

    /// Skips to an event of a kind and path; its old path.
    fn until(&mut self, kind: Kind, path: &str) -> String {
        loop {
            let (k, p, old) = self.next();
            if k == kind && p == path {
                return old;
            }
        }
    }
}

#[test]
fn changes_anywhere_below_are_told() {
    let mut engine = Engine::start();
    let mut watching = Watching::start(&mut engine, true);
    engine.sh("echo 1 >w/sub/deep/f");
    assert_eq!(watching.next().0, Kind::Created);
    watching.until(Kind::Modified, "/sub/deep/f");
    engine.sh("chmod 600 w/sub/deep/f");
    watching.until(Kind::Chmod, "/sub/deep/f");
    engine.sh("mv w/sub/deep/f w/g");
    assert_eq!(watching.until(Kind::Renamed, "/g"), "/sub/deep/f");
    engine.sh("mv w/g .");
    watching.until(Kind::Removed, "/g");
    engine.sh("mv g w/h");
    watching.until(Kind::Created, "/h");
    engine.sh("rm w/h");
    watching.until(Kind::Removed, "/h");
}

#[test]
fn directories_that_appear_or_move_are_watched_too() {
    let mut engine = Engine::start();
    let mut watching = Watching::start(&mut engine, true);
    engine.sh("mkdir -p w/new/a/b; echo 1 >w/new/a/b/f");
    watching.until(Kind::Created, "/new/a/b/f");
    engine.sh("mv w/new w/moved");
    assert_eq!(watching.until(Kind::Renamed, "/moved"), "/new");
    engine.sh("echo 2 >>w/moved/a/b/f");
    watching.until(Kind::Modified, "/moved/a/b/f");
}

#[test]
fn a_flat_watch_stays_flat_and_a_missing_path_is_an_error() {
    let mut engine = Engine::start();
    let mut watching = Watching::start(&mut engine, false);
    engine.sh("echo 1 >w/sub/f; echo 1 >w/top");
    let (kind, path, _) = watching.next();
    assert_eq!((kind, path.as_str()), (Kind::Created, "/top"));
    let missing = Op::Watch(pb::Watch {
        path: b"none".to_vec(),
        ..Default::default()
    });
    assert_eq!(engine.conn().fails(missing).0, Code::NotFound);
}
