//! Spawn, attach, input, signals, ends.

mod harness;

use atoll_wire::guest::{self as pb, error::Code, reply::Result as Answer, request::Op};
use harness::{Engine, spawn, spawn_sh};

#[test]
fn output_streams_and_exit_code_arrive() {
    let mut engine = Engine::start();
    let out = engine.sh("echo out; echo err >&2; exit 7");
    assert_eq!((out.text(), out.errors()), ("out\n".into(), "err\n".into()));
    let exited = out.exited();
    assert_eq!((exited.code, exited.signal), (7, 0));
    assert_eq!((exited.stdout_bytes, exited.stderr_bytes), (4, 4));
    assert!(exited.ended_at_ms > 0);
}

#[test]
fn an_exec_ends_with_its_child_and_background_output_is_kept() {
    let mut engine = Engine::start();
    let fifo = engine.file("go");
    let command = format!(
        "mkfifo {0}; (cat {0}; echo late) & echo now",
        fifo.display()
    );
    let spawn = spawn_sh(&command);
    let id = spawn.id.clone();
    let out = engine.run(spawn);
    assert_eq!(out.text(), "now\n");
    assert_eq!(out.exited().code, 0);
    // The background child is alive (it waits for the FIFO) and must not have got SIGPIPE.
    std::fs::write(&fifo, "").unwrap();
    let mut conn = engine.conn();
    loop {
        conn.send(Op::Attach(pb::Attach { id: id.clone(), ..Default::default() }));
        conn.started();
        let out = conn.output();
        if out.text() == "now\nlate\n" {
            assert_eq!(out.exited().stdout_bytes, 9);
            break;
        }
        assert_eq!(out.text(), "now\n");
    }
}

#[test]
fn a_second_spawn_of_an_id_attaches() {
    let mut engine = Engine::start();
    let mut request = spawn_sh("echo once");
    request.attach = true;
    let first = engine.run(request.clone());
    assert_eq!(first.text(), "once\n");
    let mut conn = engine.conn();
    conn.send(Op::Spawn(request));
    assert!(conn.started().existed);
    assert_eq!(conn.output().text(), "once\n");
}

#[test]
fn what_cannot_start_says_why() {
    let mut engine = Engine::start();
    std::fs::write(engine.file("plain"), "data").unwrap();
    let mut conn = engine.conn();
    let cases = [
        (spawn(&["no-such-command-here"]), Code::NoSuchCommand),
        (spawn(&["/no/such/path"]), Code::NoSuchCommand),
        (spawn(&[engine.file("plain").to_str().unwrap()]), Code::NotExecutable),
        (pb::Spawn { cwd: "/no/such/dir".into(), ..spawn(&["true"]) }, Code::NotFound),
        (pb::Spawn { user: "nobody-here".into(), ..spawn(&["true"]) }, Code::NoSuchUser),
        (spawn(&[]), Code::Invalid),
        (pb::Spawn { id: "../x".into(), ..spawn(&["true"]) }, Code::Invalid),
        (spawn(&["a\0b"]), Code::Invalid),
        (pb::Spawn { oom_score_adj: 2000, ..spawn(&["true"]) }, Code::Invalid),
        (pb::Spawn { script: vec![b'x'; (8 << 20) + 1], ..spawn(&["sh"]) }, Code::TooLarge),
    ];
    for (request, code) in cases {
        let id = request.id.clone();
        let (got, message) = conn.fails(Op::Spawn(request));
        assert_eq!(got, code, "{message}");
        let (gone, _) = conn.fails(Op::Wait(pb::Wait { id, timeout_ms: 0 }));
        assert!(gone == Code::NoSuchProcess || gone == Code::Invalid);
    }
    conn.ok(Op::Ping(pb::Ping {}));
}

#[test]
fn a_timeout_kills_the_group_and_keeps_the_output() {
    let mut engine = Engine::start();
    let mut request = spawn_sh("echo before; sleep 1000 & sleep 1000");
    request.timeout_ms = 50;
    let out = engine.run(request);
    assert_eq!(out.text(), "before\n");
    let exited = out.exited();
    assert!(exited.timed_out);
    assert_eq!((exited.code, exited.signal), (137, 9));
    assert!(!exited.oom_killed);
}

#[test]
fn wait_answers_with_the_end_or_ok_when_the_time_is_over() {
    let mut engine = Engine::start();
    let mut conn = engine.conn();
    let request = pb::Spawn { stdin: true, ..spawn(&["cat"]) };
    let id = request.id.clone();
    conn.send(Op::Spawn(request));
    conn.started();
    assert!(matches!(conn.call(Op::Wait(pb::Wait { id: id.clone(), timeout_ms: 1 })), Answer::Ok(_)));
    conn.call(Op::Input(pb::Input { id: id.clone(), offset: 0, data: vec![], eof: true }));
    match conn.call(Op::Wait(pb::Wait { id, timeout_ms: 20_000 })) {
        Answer::Exited(e) => assert_eq!(e.code, 0),
        other => panic!("{other:?}"),
    }
}
