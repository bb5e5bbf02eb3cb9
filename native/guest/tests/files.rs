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
        let request = pb::Write {
            path: path.clone(),
            parents: true,
            ..Default::default()
        };
        match write(&mut conn, request, &content) {
            Answer::Written(w) => {
                assert_eq!(w.bytes, size as u64);
                assert_eq!(w.info.unwrap().mode, 0o644);
            }
            other => panic!("{other:?}"),
        }
        let (info, got) = read(
            &mut conn,
            pb::Read {
                path,
                ..Default::default()
            },
        );
        assert_eq!(info.size, size as u64);
        assert_eq!(got, content);
    }
    let part = pb::Read {
        path: b"a/b/file".to_vec(),
        offset: 10,
        length: 5,
        ..Default::default()
    };
    assert_eq!(
        read(&mut conn, part).1,
        (10..15).map(|i| (i * 7) as u8).collect::<Vec<_>>()
    );
    let left: Vec<_> = std::fs::read_dir(engine.file("a/b")).unwrap().collect();
    assert_eq!(left.len(), 1, "temporary files are left: {left:?}");
}

/// Root inside cannot open them himself: PID 1 is not dumpable, and that does not bind PID 1.
#[test]
fn the_guest_shows_nobody_its_own_files_of_proc() {
    let mut engine = Engine::start();
    let own = engine.guest.id();
    std::os::unix::fs::symlink("/proc/self/maps", engine.file("link")).unwrap();
    std::os::unix::fs::symlink("/proc/self", engine.file("directory")).unwrap();
    let mut conn = engine.conn();
    for path in [
        "/proc/self/maps".to_owned(),
        "/proc/thread-self/smaps".to_owned(),
        "/proc/thread-self/../../maps".to_owned(),
        format!("/proc/{own}/maps"),
        format!("/proc/{own}/task/{own}/maps"),
        "link".to_owned(),
        "directory/maps".to_owned(),
    ] {
        let request = pb::Read {
            path: path.clone().into_bytes(),
            ..Default::default()
        };
        assert_eq!(
            conn.fails(Op::Read(request)).0,
            Code::PermissionDenied,
            "{path}"
        );
    }
    conn.send(Op::Search(pb::Search {
        path: format!("/proc/{own}/task").into_bytes(),
        pattern: b"[heap]".to_vec(),
        ..Default::default()
    }));
    assert!(matches!(conn.answer(), Answer::Ok(_)));
    let others = format!("/proc/{}/maps", std::process::id());
    let request = pb::Read {
        path: others.into_bytes(),
        ..Default::default()
    };
    assert!(!read(&mut conn, request).1.is_empty());
}

#[test]
fn files_of_proc_are_read_though_they_say_size_0() {
    let mut engine = Engine::start();
    let mut conn = engine.conn();
    let (_, got) = read(
        &mut conn,
        pb::Read {
            path: b"/proc/version".to_vec(),
            ..Default::default()
        },
    );
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
        let (got, message) = conn.fails(Op::Read(pb::Read {
            path: path.into(),
            ..Default::default()
        }));
        assert!(
            got == code || path == "/dev/tty",
            "{path}: {got:?} {message}"
        );
        assert!(message.contains(path) || code == Code::Invalid, "{message}");
    }
    let request = pb::Write {
        path: b"dir".to_vec(),
        ..Default::default()
    };
    assert!(
        matches!(write(&mut conn, request, b"x"), Answer::Error(e) if e.code() == Code::IsDirectory)
    );
    conn.ok(Op::Ping(pb::Ping {}));
}

#[test]
fn a_write_keeps_mode_follows_links_and_can_refuse_to_replace() {
    let mut engine = Engine::start();
    engine.sh("echo old >target; chmod 751 target; ln -s target link");
    let mut conn = engine.conn();
    let to = |path: &str| pb::Write {
        path: path.into(),
        ..Default::default()
    };
    assert!(matches!(
        write(&mut conn, to("link"), b"new"),
        Answer::Written(_)
    ));
    assert_eq!(
        engine
            .sh("cat target; stat -c %a target; readlink link")
            .text(),
        "new751\ntarget\n"
    );
    let refused = write(
        &mut conn,
        pb::Write {
            create_new: true,
            ..to("target")
        },
        b"x",
    );
    assert!(matches!(refused, Answer::Error(e) if e.code() == Code::Exists));
    let appended = pb::Write {
        append: true,
        ..to("target")
    };
    assert!(matches!(
        write(&mut conn, appended, b"+more"),
        Answer::Written(_)
    ));
    let at = pb::Write {
        at_offset: true,
        offset: 1,
        ..to("target")
    };
    assert!(matches!(write(&mut conn, at, b"EW"), Answer::Written(_)));
    assert_eq!(std::fs::read(engine.file("target")).unwrap(), b"nEW+more");
    let owned = pb::Write {
        mode: 0o600,
        has_owner: true,
        uid: 7,
        gid: 8,
        ..to("owned")
    };
    match write(&mut conn, owned, b"") {
        Answer::Written(w) => {
            let info = w.info.unwrap();
            assert_eq!((info.mode, info.uid, info.gid), (0o600, 7, 8));
        }
        other => panic!("{other:?}"),
    }
    let missing = write(&mut conn, to("no/dir/file"), b"x");
    assert!(matches!(missing, Answer::Error(e) if e.code() == Code::NotFound));
}

#[test]
fn an_upload_that_breaks_off_leaves_the_old_file_and_no_other() {
    let mut engine = Engine::start();
    std::fs::write(engine.file("f"), "old").unwrap();
    let mut conn = engine.conn();
    conn.send(Op::Write(pb::Write {
        path: b"f".to_vec(),
        ..Default::default()
    }));
    conn.data(&[b'x'; 100_000]);
    drop(conn);
    // The thread that served it has ended when only the two idle connections are left.
    let mut conn = engine.conn();
    loop {
        match conn.call(Op::Metrics(pb::Metrics {})) {
            Answer::Metrics(m) if m.connections <= 3 => break,
            Answer::Metrics(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(engine.sh("ls -A; cat f").text(), "f\nold");
}

#[test]
fn operations_run_with_the_rights_of_their_user() {
    let mut engine = Engine::start();
    engine.sh("echo secret >s; chmod 600 s; mkdir -m 777 open; mkdir -m 755 closed; echo w >closed/w; chmod 666 closed/w");
    let mut conn = engine.conn();
    let place = || {
        Some(pb::Where {
            cwd: vec![],
            user: "nobody".into(),
        })
    };
    let read_as = pb::Read {
        r#where: place(),
        path: b"s".to_vec(),
        ..Default::default()
    };
    assert_eq!(conn.fails(Op::Read(read_as)).0, Code::PermissionDenied);
    let to = |path: &str| pb::Write {
        r#where: place(),
        path: path.into(),
        ..Default::default()
    };
    match write(&mut conn, to("open/f"), b"mine") {
        Answer::Written(w) => {
            let info = w.info.unwrap();
            assert_eq!((info.uid, info.owner.as_str()), (65534, "nobody"));
        }
        other => panic!("{other:?}"),
    }
    assert!(
        matches!(write(&mut conn, to("closed/f"), b"x"), Answer::Error(e) if e.code() == Code::PermissionDenied)
    );
    // The directory is closed, the file is not: written in place.
    assert!(matches!(
        write(&mut conn, to("closed/w"), b"changed"),
        Answer::Written(_)
    ));
    assert_eq!(engine.sh("cat closed/w").text(), "changed");
    // The same connection's thread is root again.
    assert_eq!(
        read(
            &mut conn,
            pb::Read {
                path: b"s".to_vec(),
                ..Default::default()
            }
        )
        .1,
        b"secret\n"
    );
    let chown = pb::Chown {
        r#where: place(),
        path: b"open/f".to_vec(),
        owner: "root".into(),
        ..Default::default()
    };
    assert_eq!(conn.fails(Op::Chown(chown)).0, Code::PermissionDenied);
}

fn names(conn: &mut Conn, op: Op) -> Vec<String> {
    let mut names = Vec::new();
    conn.send(op);
    loop {
        match conn.answer() {
            Answer::Files(batch) => {
                names.extend(
                    batch
                        .files
                        .iter()
                        .map(|f| String::from_utf8_lossy(&f.path).into_owned()),
                );
            }
            Answer::Ok(_) => return names,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn directories_are_listed_to_a_depth_and_up_to_a_limit() {
    let mut engine = Engine::start();
    engine.sh("mkdir -p t/a/b; touch t/a/x t/a/b/y t/z; ln -s a t/l");
    let base = engine.file("t").display().to_string();
    let mut conn = engine.conn();
    let list = |depth, limit| {
        Op::ListDir(pb::ListDir {
            path: b"t".to_vec(),
            depth,
            limit,
            ..Default::default()
        })
    };
    let relative = |names: Vec<String>| -> Vec<String> {
        names
            .iter()
            .map(|n| n[base.len() + 1..].to_owned())
            .collect()
    };
    assert_eq!(relative(names(&mut conn, list(0, 0))), ["a", "l", "z"]);
    assert_eq!(
        relative(names(&mut conn, list(9, 0))),
        ["a", "l", "z", "a/b", "a/x", "a/b/y"]
    );
    assert_eq!(names(&mut conn, list(9, 2)).len(), 2);
    let missing = pb::ListDir {
        path: b"none".to_vec(),
        ..Default::default()
    };
    assert_eq!(conn.fails(Op::ListDir(missing)).0, Code::NotFound);
    let glob = |pattern: &str| {
        Op::Glob(pb::Glob {
            path: b"t".to_vec(),
            pattern: pattern.into(),
            ..Default::default()
        })
    };
    assert_eq!(
        relative(names(&mut conn, glob("**/[xy]"))),
        ["a/x", "a/b/y"]
    );
    assert_eq!(relative(names(&mut conn, glob("*"))), ["a", "l", "z"]);
}

#[test]
fn a_listing_of_many_files_comes_in_batches() {
    let mut engine = Engine::start();
    engine.sh("mkdir many; cd many; seq 1000 1999 | xargs touch");
    let mut conn = engine.conn();
    let list = pb::ListDir {
        path: b"many".to_vec(),
        ..Default::default()
    };
    assert_eq!(names(&mut conn, Op::ListDir(list)).len(), 1000);
}

#[test]
fn the_tree_can_be_changed() {
    let mut engine = Engine::start();
    let mut conn = engine.conn();
    let p = |s: &str| s.as_bytes().to_vec();
    let mkdir = |path: &str, parents, exist_ok| {
        Op::Mkdir(pb::Mkdir {
            path: path.into(),
            parents,
            exist_ok,
            mode: 0o750,
            ..Default::default()
        })
    };
    conn.ok(mkdir("a/b/c", true, false));
    assert_eq!(conn.fails(mkdir("a/b/c", true, false)).0, Code::Exists);
    conn.ok(mkdir("a/b/c", true, true));
    engine.sh("echo 1 >a/b/c/f; echo 2 >other; chmod 640 a/b/c/f; ln -s f a/b/c/l");
    conn.ok(Op::Symlink(pb::Symlink {
        target: p("nowhere"),
        path: p("dangling"),
        ..Default::default()
    }));
    conn.ok(Op::Copy(pb::Copy {
        source: p("a"),
        destination: p("copy"),
        recursive: true,
        ..Default::default()
    }));
    assert_eq!(
        engine
            .sh("cat copy/b/c/f; readlink copy/b/c/l; stat -c %a copy/b/c copy/b/c/f")
            .text(),
        "1\nf\n750\n640\n"
    );
    let copy = |source: &str, destination: &str| pb::Copy {
        source: p(source),
        destination: p(destination),
        ..Default::default()
    };
    assert_eq!(conn.fails(Op::Copy(copy("a", "x"))).0, Code::IsDirectory);
    let inside = pb::Copy {
        recursive: true,
        ..copy("a", "a/b/inside")
    };
    assert_eq!(conn.fails(Op::Copy(inside)).0, Code::Invalid);
    let keep = pb::Copy {
        no_replace: true,
        ..copy("other", "a/b/c/f")
    };
    assert_eq!(conn.fails(Op::Copy(keep)).0, Code::Exists);
    let rename = |source: &str, destination: &str, no_replace| {
        Op::Rename(pb::Rename {
            source: p(source),
            destination: p(destination),
            no_replace,
            parents: true,
            ..Default::default()
        })
    };
    assert_eq!(conn.fails(rename("other", "a/b/c/f", true)).0, Code::Exists);
    conn.ok(rename("other", "new/place", false));
    let remove = |path: &str, recursive, missing_ok| {
        Op::Remove(pb::Remove {
            path: p(path),
            recursive,
            missing_ok,
            ..Default::default()
        })
    };
    assert_eq!(conn.fails(remove("copy", false, false)).0, Code::NotEmpty);
    conn.ok(remove("copy", true, false));
    assert_eq!(conn.fails(remove("copy", true, false)).0, Code::NotFound);
    conn.ok(remove("copy", true, true));
    assert_eq!(conn.fails(remove("/", true, false)).0, Code::Invalid);
    conn.ok(Op::Chmod(pb::Chmod {
        path: p("a"),
        mode: 0o700,
        recursive: true,
        ..Default::default()
    }));
    conn.ok(Op::Chown(pb::Chown {
        path: p("a"),
        owner: "nobody".into(),
        recursive: true,
        ..Default::default()
    }));
    assert_eq!(
        engine.sh("find a -printf '%p %m %U\\n' | sort").text(),
        "a 700 65534\na/b 700 65534\na/b/c 700 65534\na/b/c/f 700 65534\na/b/c/l 777 65534\n"
    );
    let stat = |path: &str, follow| {
        Op::Stat(pb::Stat {
            path: p(path),
            follow,
            ..Default::default()
        })
    };
    match conn.call(stat("dangling", false)) {
        Answer::Info(i) => assert_eq!(
            (i.r#type(), i.link_target),
            (pb::file_info::Type::Symlink, p("nowhere"))
        ),
        other => panic!("{other:?}"),
    }
    assert_eq!(conn.fails(stat("dangling", true)).0, Code::NotFound);
    match conn.call(stat("~", true)) {
        Answer::Info(i) => assert_eq!(i.path, p("/root")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn paths_are_bytes_and_checked() {
    let mut engine = Engine::start();
    let mut conn = engine.conn();
    let path = b"caf\xe9 \xff\n".to_vec();
    assert!(matches!(
        write(
            &mut conn,
            pb::Write {
                path: path.clone(),
                ..Default::default()
            },
            b"1"
        ),
        Answer::Written(_)
    ));
    assert_eq!(
        read(
            &mut conn,
            pb::Read {
                path,
                ..Default::default()
            }
        )
        .1,
        b"1"
    );
    let stat = |path: Vec<u8>| {
        Op::Stat(pb::Stat {
            path,
            ..Default::default()
        })
    };
    assert_eq!(conn.fails(stat(vec![])).0, Code::Invalid);
    assert_eq!(conn.fails(stat(b"a\0b".to_vec())).0, Code::Invalid);
    assert_eq!(conn.fails(stat(vec![b'x'; 5000])).0, Code::Invalid);
    assert_eq!(conn.fails(stat(vec![b'x'; 300])).0, Code::NameTooLong);
    engine.sh("ln -s loop loop");
    assert_eq!(
        conn.fails(Op::Read(pb::Read {
            path: b"loop".to_vec(),
            ..Default::default()
        }))
        .0,
        Code::Loop
    );
    assert!(
        matches!(write(&mut conn, pb::Write { path: b"loop".to_vec(), ..Default::default() }, b"1"),
        Answer::Error(e) if e.code() == Code::Loop)
    );
}

#[test]
fn text_is_found_and_replaced() {
    let mut engine = Engine::start();
    engine.sh("mkdir -p s/d; printf 'one\\nTwo words\\nthree' >s/a; printf 'two\\0two' >s/binary; printf 'x two two\\n' >s/d/b; ln -s a s/link");
    let mut conn = engine.conn();
    let mut search = |request: pb::Search| {
        let mut found = Vec::new();
        conn.send(Op::Search(pb::Search {
            path: b"s".to_vec(),
            ..request
        }));
        loop {
            match conn.answer() {
                Answer::Matches(batch) => found.extend(batch.matches.into_iter().map(|m| {
                    let file = String::from_utf8_lossy(&m.file)
                        .rsplit('/')
                        .next()
                        .unwrap()
                        .to_owned();
                    (
                        file,
                        m.line,
                        m.column,
                        String::from_utf8(m.content).unwrap(),
                    )
                })),
                Answer::Ok(_) => return Ok(found),
                Answer::Error(e) => return Err(e.code()),
                other => panic!("{other:?}"),
            }
        }
    };
    let hit = |f: &str, l, c, t: &str| (f.to_owned(), l, c, t.to_owned());
    let plain = pb::Search {
        pattern: b"two".to_vec(),
        ..Default::default()
    };
    assert_eq!(
        search(plain.clone()).unwrap(),
        [hit("b", 1, 3, "x two two")]
    );
    assert_eq!(
        search(pb::Search {
            ignore_case: true,
            ..plain.clone()
        })
        .unwrap(),
        [hit("a", 2, 1, "Two words"), hit("b", 1, 3, "x two two")]
    );
    let regex = pb::Search {
        pattern: b"^t(h|w)".to_vec(),
        regex: true,
        ignore_case: true,
        ..Default::default()
    };
    assert_eq!(
        search(regex.clone()).unwrap(),
        [hit("a", 2, 1, "Two words"), hit("a", 3, 1, "three")]
    );
    assert_eq!(search(pb::Search { limit: 1, ..regex }).unwrap().len(), 1);
    assert_eq!(
        search(pb::Search {
            pattern: b"(".to_vec(),
            regex: true,
            ..Default::default()
        }),
        Err(Code::Invalid)
    );
    assert_eq!(search(pb::Search::default()), Err(Code::Invalid));

    conn.send(Op::Replace(pb::Replace {
        files: vec![b"s/a".to_vec(), b"s/none".to_vec(), b"s/d/b".to_vec()],
        pattern: b"t(w)o".to_vec(),
        replacement: b"<$1>".to_vec(),
        regex: true,
        ..Default::default()
    }));
    let mut results = Vec::new();
    while let Answer::Replaced(r) = conn.answer() {
        results.push((r.count, r.error.map(|e| e.code())));
    }
    assert_eq!(results, [(0, None), (0, Some(Code::NotFound)), (2, None)]);
    assert_eq!(engine.sh("cat s/d/b").text(), "x <w> <w>\n");
    conn.send(Op::Replace(pb::Replace {
        files: vec![b"s/d/b".to_vec()],
        pattern: b"<w>".to_vec(),
        replacement: b"$1".to_vec(),
        ..Default::default()
    }));
    assert!(matches!(conn.answer(), Answer::Replaced(r) if r.count == 2));
    assert!(matches!(conn.answer(), Answer::Ok(_)));
    assert_eq!(engine.sh("cat s/d/b").text(), "x $1 $1\n");
}

#[test]
fn a_full_disk_is_told_and_leaves_no_temporary_file() {
    let mut engine = Engine::start();
    let mounted = engine.sh("mkdir small && mount -t tmpfs -o size=1m none small");
    assert_eq!(
        mounted.exited().code,
        0,
        "needs the right to mount: {}",
        mounted.errors()
    );
    let mut conn = engine.conn();
    let answer = write(
        &mut conn,
        pb::Write {
            path: b"small/f".to_vec(),
            ..Default::default()
        },
        &[1; 3_000_000],
    );
    let reserved = write(
        &mut conn,
        pb::Write {
            path: b"small/g".to_vec(),
            expected_size: 3_000_000,
            ..Default::default()
        },
        &[1; 3_000_000],
    );
    let left = engine.sh("ls -A small; umount small").text();
    for answer in [answer, reserved] {
        assert!(
            matches!(answer, Answer::Error(ref e) if e.code() == Code::NoSpace),
            "{answer:?}"
        );
    }
    assert_eq!(left, "");
    conn.ok(Op::Ping(pb::Ping {}));
}

#[test]
fn a_very_deep_tree_does_not_exhaust_the_threads_stack() {
    let mut engine = Engine::start();
    let python = "import os\nos.mkdir('deep2'); os.chdir('deep2')\nfor i in range(1000): os.mkdir('d'); os.chdir('d')";
    let also = engine.run(harness::spawn(&["python3", "-c", python]));
    assert_eq!(also.exited().code, 0, "{}", also.errors());
    let mut conn = engine.conn();
    conn.ok(Op::Remove(pb::Remove {
        path: b"deep2".to_vec(),
        recursive: true,
        ..Default::default()
    }));
    assert_eq!(engine.sh("ls").text(), "");
}
