//! The file system program of Modal's clients, which the guest answers itself.

mod harness;

use atoll_wire::guest::{self as pb, reply::Result as Answer, request::Op};
use harness::{Engine, Output, spawn, spawn_sh};
use tinyjson::JsonValue;

const PROGRAM: &str = "/__modal/.bin/modal-sandbox-fs-tools";

fn tool(engine: &mut Engine, command: &str) -> Output {
    engine.run(spawn(&[PROGRAM, command]))
}

/// A command with the path of a file of the engine's, and perhaps more fields.
fn command(engine: &Engine, name: &str, file: &str, more: &str) -> String {
    let path = engine.file(file).display().to_string();
    format!(r#"{{"{name}":{{"path":"{path}"{more}}}}}"#)
}

fn json(text: &str) -> JsonValue {
    text.parse().unwrap()
}

fn text(value: &JsonValue, field: &str) -> String {
    value[field].get::<String>().unwrap().clone()
}

fn number(value: &JsonValue, field: &str) -> f64 {
    *value[field].get::<f64>().unwrap()
}

#[track_caller]
fn fails(out: &Output, kind: &str) {
    assert_eq!(out.exited().code, 1);
    assert_eq!(text(&json(&out.errors()), "error_kind"), kind);
}

#[test]
fn a_file_is_written_from_standard_input_and_read_back() {
    let mut engine = Engine::start();
    let write = command(&engine, "WriteFile", "new/dir/f", "");
    let mut request = spawn(&[PROGRAM, &write]);
    request.attach = true;
    request.stdin = true;
    let mut conn = engine.conn();
    conn.send(Op::Spawn(request));
    conn.started();
    conn.data(b"some\0bytes\n");
    conn.end();
    assert_eq!(conn.output().exited().code, 0);
    assert_eq!(
        std::fs::read(engine.file("new/dir/f")).unwrap(),
        b"some\0bytes\n"
    );
    let read = command(&engine, "ReadFile", "new/dir/f", "");
    assert_eq!(tool(&mut engine, &read).stdout, b"some\0bytes\n");
}

#[test]
fn entries_are_described() {
    let mut engine = Engine::start();
    engine.sh("mkdir d; printf 12345 >d/f; chmod 2640 d/f; ln -s f d/l");
    let list = command(&engine, "ListFiles", "d", "");
    let listed = json(&tool(&mut engine, &list).text());
    let entries: &Vec<JsonValue> = listed.get().unwrap();
    let names: Vec<String> = entries.iter().map(|e| text(e, "name")).collect();
    assert_eq!(names, ["f", "l"]);
    assert_eq!(text(&entries[0], "type"), "file");
    assert_eq!(number(&entries[0], "size"), 5.0);
    assert_eq!(number(&entries[0], "mode"), f64::from(0o2640));
    assert_eq!(text(&entries[0], "permissions"), "rw-r-S---");
    assert!(number(&entries[0], "modified_time") > 1e9);
    assert_eq!(text(&entries[1], "symlink_target"), "f");
    let stat = command(&engine, "Stat", "d/l", "");
    assert_eq!(
        text(&json(&tool(&mut engine, &stat).text()), "type"),
        "symlink"
    );
}

#[test]
fn directories_are_made_and_removed() {
    let mut engine = Engine::start();
    let make = |engine: &Engine, parents| {
        command(
            engine,
            "MakeDirectory",
            "a/b",
            &format!(r#","parents":{parents}"#),
        )
    };
    let remove = |engine: &Engine, recursive| {
        command(
            engine,
            "Remove",
            "a",
            &format!(r#","recursive":{recursive}"#),
        )
    };
    let (alone, whole) = (make(&engine, false), make(&engine, true));
    fails(&tool(&mut engine, &alone), "NotFound");
    assert_eq!(tool(&mut engine, &whole).exited().code, 0);
    assert_eq!(tool(&mut engine, &whole).exited().code, 0);
    fails(&tool(&mut engine, &alone), "PathAlreadyExists");
    let (empty, tree) = (remove(&engine, false), remove(&engine, true));
    fails(&tool(&mut engine, &empty), "DirectoryNotEmpty");
    assert_eq!(tool(&mut engine, &tree).exited().code, 0);
    fails(&tool(&mut engine, &tree), "NotFound");
}

#[test]
fn what_cannot_be_done_is_named() {
    let mut engine = Engine::start();
    engine.sh("mkdir d; echo 1 >f");
    for (name, file, kind) in [
        ("ReadFile", "d", "IsDirectory"),
        ("ReadFile", "f/x", "NotDirectory"),
        ("ReadFile", "nothing", "NotFound"),
        ("ListFiles", "f", "NotDirectory"),
        ("WriteFile", "d", "IsDirectory"),
        ("Levitate", "d", "NotSupported"),
    ] {
        let command = command(&engine, name, file, "");
        fails(&tool(&mut engine, &command), kind);
    }
    fails(&tool(&mut engine, "no json"), "Other");
}

#[test]
fn it_has_the_rights_of_the_asked_user() {
    let mut engine = Engine::start();
    engine.sh("echo secret >f; chmod 600 f; chmod 755 .");
    let read = command(&engine, "ReadFile", "f", "");
    let mut request = spawn(&[PROGRAM, &read]);
    request.user = "65534".to_owned();
    let out = engine.run(request);
    fails(&out, "PermissionDenied");
    assert_eq!(out.text(), "");
}

#[test]
fn changes_are_told_until_standard_input_ends() {
    let mut engine = Engine::start();
    engine.sh("mkdir d");
    let watch = command(
        &engine,
        "Watch",
        "d",
        r#","recursive":true,"filter":["Create"],"timeout_secs":null"#,
    );
    let mut request = spawn(&[PROGRAM, &watch]);
    request.attach = true;
    request.stdin = true;
    let mut conn = engine.conn();
    conn.send(Op::Spawn(request));
    conn.started();
    // Made until one is seen: the watch begins some time after the process.
    let mut maker = engine.conn();
    maker.send(Op::Spawn(spawn_sh(
        "until [ -e seen ]; do touch d/f; rm d/f; sleep 0.02; done",
    )));
    maker.started();
    let line = conn.until("\n");
    engine.sh("touch seen");
    let event = json(line.lines().next().unwrap());
    assert_eq!(text(&event, "event_type"), "Create");
    conn.end();
    assert_eq!(conn.output().exited().code, 0);
}

#[test]
fn a_watch_ends_at_its_time() {
    let mut engine = Engine::start();
    let watch = command(
        &engine,
        "Watch",
        "",
        r#","recursive":false,"timeout_secs":1"#,
    );
    let mut request = spawn(&[PROGRAM, &watch]);
    request.stdin = true;
    let id = request.id.clone();
    let mut conn = engine.conn();
    conn.send(Op::Spawn(request));
    conn.started();
    let wait = pb::Wait {
        id,
        timeout_ms: 60_000,
    };
    match conn.call(Op::Wait(wait)) {
        Answer::Exited(exited) => assert_eq!(exited.code, 0),
        other => panic!("{other:?}"),
    }
}
