//! Spawn, attach, input, signals, ends.

mod harness;

use atoll_wire::guest::{self as pb, error::Code, reply::Result as Answer, request::Op};
use harness::{Conn, Engine, spawn, spawn_sh};

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
        conn.send(Op::Attach(pb::Attach {
            id: id.clone(),
            ..Default::default()
        }));
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
        (
            spawn(&[engine.file("plain").to_str().unwrap()]),
            Code::NotExecutable,
        ),
        (
            pb::Spawn {
                cwd: "/no/such/dir".into(),
                ..spawn(&["true"])
            },
            Code::NotFound,
        ),
        (
            pb::Spawn {
                user: "nobody-here".into(),
                ..spawn(&["true"])
            },
            Code::NoSuchUser,
        ),
        (spawn(&[]), Code::Invalid),
        (
            pb::Spawn {
                id: "../x".into(),
                ..spawn(&["true"])
            },
            Code::Invalid,
        ),
        (spawn(&["a\0b"]), Code::Invalid),
        (
            pb::Spawn {
                oom_score_adj: 2000,
                ..spawn(&["true"])
            },
            Code::Invalid,
        ),
        (
            pb::Spawn {
                script: vec![b'x'; (8 << 20) + 1],
                ..spawn(&["sh"])
            },
            Code::TooLarge,
        ),
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
    let request = pb::Spawn {
        stdin: true,
        ..spawn(&["cat"])
    };
    let id = request.id.clone();
    conn.send(Op::Spawn(request));
    conn.started();
    assert!(matches!(
        conn.call(Op::Wait(pb::Wait {
            id: id.clone(),
            timeout_ms: 1
        })),
        Answer::Ok(_)
    ));
    conn.call(Op::Input(pb::Input {
        id: id.clone(),
        offset: 0,
        data: vec![],
        eof: true,
    }));
    match conn.call(Op::Wait(pb::Wait {
        id,
        timeout_ms: 20_000,
    })) {
        Answer::Exited(e) => assert_eq!(e.code, 0),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_script_larger_than_one_argument_runs() {
    let mut engine = Engine::start();
    let mut script = vec![b'#'; 300_000];
    script.extend_from_slice(b"\necho \"$0 $1\"\n");
    let request = pb::Spawn {
        script,
        ..spawn(&["sh"])
    };
    let out = engine.run(request);
    assert_eq!(out.text(), "/proc/self/fd/3 \n");
}

#[test]
fn no_descriptor_of_the_guest_leaks_into_a_process() {
    let mut engine = Engine::start();
    let out = engine.sh("ls /proc/self/fd");
    // 3 is the directory that ls itself reads.
    assert_eq!(out.text(), "0\n1\n2\n3\n");
    let out = engine.sh("grep -E '^(SigIgn|SigBlk|CapInh|CapAmb)' /proc/self/status");
    for line in out.text().lines() {
        assert!(line.ends_with("\t0000000000000000"), "{line}");
    }
}

#[test]
fn a_process_is_alone_in_its_session_and_group() {
    let mut engine = Engine::start();
    let out = engine.sh("echo $$ $(ps -o sid= -o pgid= -p $$)");
    let ids: Vec<_> = out.text().split_whitespace().map(str::to_owned).collect();
    assert_eq!(ids.len(), 3, "{}", out.errors());
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn the_environment_is_defaults_then_configured_then_own() {
    let mut engine = Engine::unconfigured();
    let var = |n: &str, v: &str| pb::EnvVar {
        name: n.into(),
        value: v.into(),
    };
    engine.configure(pb::Configure {
        env: vec![var("A", "configured"), var("B", "configured")],
        ..Default::default()
    });
    let mut request = spawn_sh("echo $A $B $HOME $USER");
    request.env = vec![var("B", "own")];
    assert_eq!(
        engine.run(request.clone()).text(),
        "configured own /root root\n"
    );
    request.id = "cleared".into();
    request.clear_env = true;
    assert_eq!(engine.run(request).text(), "own /root root\n");
}

#[test]
fn a_user_gets_its_ids_and_no_capability() {
    let mut engine = Engine::start();
    let mut request =
        spawn_sh("id -u; id -g; id -G; grep -E '^Cap(Eff|Prm|Inh|Amb)' /proc/self/status; pwd");
    request.user = "nobody".into();
    request.cwd = "/".into();
    let out = engine.run(request);
    let text = out.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(&lines[..3], ["65534", "65534", "65534"], "{}", out.errors());
    for line in &lines[3..7] {
        assert!(line.ends_with("0000000000000000"), "{line}");
    }
    let mut engine = Engine::start();
    let request = pb::Spawn {
        user: "4321:8765".into(),
        cwd: "/".into(),
        ..spawn_sh("id -u; id -g")
    };
    assert_eq!(engine.run(request).text(), "4321\n8765\n");
}

#[test]
fn the_working_directory_is_entered_as_the_user() {
    let mut engine = Engine::start();
    engine.sh("mkdir -m 700 closed");
    let cwd = engine.file("closed").to_str().unwrap().to_owned();
    let request = pb::Spawn {
        user: "nobody".into(),
        cwd,
        ..spawn(&["true"])
    };
    let (code, message) = engine.conn().fails(Op::Spawn(request));
    assert_eq!(code, Code::PermissionDenied);
    assert!(
        message.contains("closed") && message.ends_with("[cwd]"),
        "{message}"
    );
}

/// A command of another user than the default one once failed: the default directory is /root.
#[test]
fn a_default_directory_that_the_user_may_not_enter_is_its_home_or_the_root() {
    let mut engine = Engine::start();
    let closed = engine.work();
    engine.sh("chmod 700 .");
    for (user, expected) in [
        ("root", closed.to_str().unwrap()),
        // Debian's own: its home can be entered.
        ("daemon", "/usr/sbin"),
        // Its home does not exist.
        ("nobody", "/"),
    ] {
        let request = pb::Spawn {
            user: user.into(),
            ..spawn_sh("pwd -P")
        };
        let id = request.id.clone();
        let out = engine.run(request);
        assert_eq!(out.text(), format!("{expected}\n"), "{}", out.errors());
        let list = Op::ListProcesses(pb::ListProcesses {
            include_ended: true,
        });
        let Answer::Processes(listed) = engine.conn().call(list) else {
            panic!("no list of processes");
        };
        let told = listed.processes.iter().find(|p| p.id == id).unwrap();
        assert_eq!(told.cwd, expected);
    }
}

#[test]
fn input_by_offset_is_not_written_twice() {
    let mut engine = Engine::start();
    let request = pb::Spawn {
        stdin: true,
        ..spawn(&["cat"])
    };
    let id = request.id.clone();
    let mut conn = engine.conn();
    conn.send(Op::Spawn(request));
    conn.started();
    let mut input = |offset: u64, data: &str, eof: bool| {
        conn.call(Op::Input(pb::Input {
            id: id.clone(),
            offset,
            data: data.into(),
            eof,
        }))
    };
    let accepted = |answer: Answer| match answer {
        Answer::InputAccepted(a) => a.offset,
        other => panic!("{other:?}"),
    };
    assert_eq!(accepted(input(0, "hello ", false)), 6);
    assert_eq!(accepted(input(0, "hello ", false)), 6, "a retry");
    assert_eq!(accepted(input(3, "lo world", false)), 11, "an overlap");
    assert!(matches!(input(99, "x", false), Answer::Error(e) if e.code() == Code::StaleOffset));
    assert_eq!(accepted(input(u64::MAX, "!\n", true)), 13);
    assert!(matches!(input(u64::MAX, "late", false), Answer::Error(e) if e.code() == Code::Io));
    conn.send(Op::Attach(pb::Attach {
        id: id.clone(),
        ..Default::default()
    }));
    conn.started();
    assert_eq!(conn.output().text(), "hello world!\n");
}

#[test]
fn a_megabyte_passes_through_an_attached_cat() {
    let mut engine = Engine::start();
    let content: Vec<u8> = (0..1_000_000u32).map(|i| (i % 253) as u8).collect();
    let mut conn = engine.conn();
    conn.send(Op::Spawn(pb::Spawn {
        stdin: true,
        attach: true,
        ..spawn(&["cat"])
    }));
    conn.started();
    let mut writer = harness::Conn {
        stream: conn.stream.try_clone().unwrap(),
    };
    let sent = content.clone();
    let thread = std::thread::spawn(move || {
        writer.data(&sent);
        writer.end();
    });
    let out = conn.output();
    thread.join().unwrap();
    assert!(
        out.stdout == content,
        "{} bytes came back",
        out.stdout.len()
    );
    assert_eq!(out.exited().code, 0);
    conn.ok(Op::Ping(pb::Ping {}));
}

#[test]
fn a_terminal_has_size_colours_and_a_foreground_group() {
    let mut engine = Engine::start();
    let tty = pb::Tty {
        cols: 100,
        rows: 30,
        term: "xterm".into(),
    };
    let request = pb::Spawn {
        tty: Some(tty),
        attach: true,
        ..spawn(&["sh"])
    };
    let id = request.id.clone();
    let mut conn = engine.conn();
    conn.send(Op::Spawn(request));
    conn.started();
    conn.data(b"stty -echo; stty size; echo $TERM; tty; echo re''ady\n");
    let seen = conn.until("ready\r\n");
    assert!(
        seen.contains("30 100\r\n") && seen.contains("xterm\r\n"),
        "{seen:?}"
    );
    assert!(seen.contains("/dev/pts/"), "{seen:?}");
    conn.send(Op::Resize(pb::Resize {
        id: id.clone(),
        cols: 132,
        rows: 43,
    }));
    conn.data(b"stty size; echo ag''ain\n");
    assert!(conn.until("again\r\n").contains("43 132"));
    // The interrupt character reaches the foreground job only.
    conn.data(b"cat\n");
    conn.data(b"x\n");
    conn.until("x\r\n");
    conn.data(b"\x03");
    // What is typed before the job is gone is lost with it.
    conn.until("# ");
    conn.data(b"echo al''ive\n");
    conn.until("alive\r\n");
    conn.send(Op::Signal(pb::Signal {
        id,
        signal: 1,
        group: true,
    }));
    let exited = conn.output().exited();
    assert_eq!(exited.signal, 1);
}

#[test]
fn the_end_of_a_terminal_process_brings_all_its_output() {
    let mut engine = Engine::start();
    for _ in 0..20 {
        let mut request = spawn_sh("seq 1 3000");
        request.tty = Some(pb::Tty::default());
        let out = engine.run(request);
        assert!(
            out.text().ends_with("\r\n3000\r\n"),
            "{} bytes",
            out.stdout.len()
        );
        assert_eq!(out.exited().code, 0);
    }
}

#[test]
fn signals_reach_the_process_or_its_group() {
    let mut engine = Engine::start();
    let mut conn = engine.conn();
    let mut request =
        spawn_sh("trap 'echo got; exit 3' TERM; echo up; while :; do sleep 0.05; done");
    request.attach = true;
    let id = request.id.clone();
    conn.send(Op::Spawn(request));
    conn.started();
    conn.until("up\n");
    let mut other = engine.conn();
    other.ok(Op::Signal(pb::Signal {
        id: id.clone(),
        signal: 15,
        group: false,
    }));
    let out = conn.output();
    assert_eq!((out.text().as_str(), out.exited().code), ("got\n", 3));
    let (code, _) = other.fails(Op::Signal(pb::Signal {
        id: id.clone(),
        signal: 15,
        group: false,
    }));
    assert_eq!(code, Code::NoSuchProcess);
    let (code, _) = other.fails(Op::Signal(pb::Signal {
        id,
        signal: 99,
        group: false,
    }));
    assert_eq!(code, Code::Invalid);
}

/// Whether a process of this pid lives (not a zombie).
fn lives(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| {
        !s.rsplit(')')
            .next()
            .unwrap_or("")
            .trim_start()
            .starts_with('Z')
    })
}

fn gone(pid: &str) {
    let until = std::time::Instant::now() + harness::PATIENCE;
    while lives(pid) {
        assert!(std::time::Instant::now() < until, "{pid} lives on");
        std::thread::yield_now();
    }
}

#[test]
fn what_is_left_of_a_group_is_killed_on_exit_or_on_detach() {
    let mut engine = Engine::start();
    let mut request = spawn_sh("sleep 1000 >/dev/null 2>&1 & echo $!");
    request.kill_group_on_exit = true;
    let out = engine.run(request);
    gone(out.text().trim());
    let mut request = spawn_sh("echo $$; exec sleep 1000");
    request.attach = true;
    request.kill_on_detach = true;
    let id = request.id.clone();
    let mut conn = engine.conn();
    conn.send(Op::Spawn(request));
    conn.started();
    let pid = conn.until("\n");
    drop(conn);
    gone(pid.trim());
    match engine.conn().call(Op::Wait(pb::Wait {
        id,
        timeout_ms: 20_000,
    })) {
        Answer::Exited(e) => assert_eq!(e.signal, 9),
        other => panic!("{other:?}"),
    }
}

#[test]
fn orphans_are_reaped() {
    let mut engine = Engine::start();
    let out = engine.sh("(sleep 0.01 & echo $!)");
    let pid = out.text().trim().to_owned();
    let until = std::time::Instant::now() + harness::PATIENCE;
    let path = format!("/proc/{pid}");
    while std::path::Path::new(&path).exists() {
        assert!(std::time::Instant::now() < until, "a zombie is left");
        std::thread::yield_now();
    }
}

#[test]
fn a_detached_flood_drops_the_oldest_and_tells_the_gap() {
    let mut engine = Engine::start();
    let mut request = spawn_sh("seq 1 200000; echo the end >&2");
    request.spool_limit = 128 << 10;
    let id = request.id.clone();
    let mut conn = engine.conn();
    conn.send(Op::Spawn(request));
    conn.started();
    conn.call(Op::Wait(pb::Wait {
        id: id.clone(),
        timeout_ms: 20_000,
    }));
    conn.send(Op::Attach(pb::Attach {
        id: id.clone(),
        ..Default::default()
    }));
    conn.started();
    let out = conn.output();
    let total = out.exited().stdout_bytes;
    assert_eq!(out.gaps.len(), 1);
    assert_eq!((out.gaps[0].stream, out.gaps[0].from), (1, 0));
    assert_eq!(out.gaps[0].to + out.stdout.len() as u64, total);
    assert!(out.text().ends_with("\n200000\n"));
    assert_eq!(out.errors(), "the end\n");
    let from = total - 7;
    conn.send(Op::Attach(pb::Attach {
        id: id.clone(),
        stdout_offset: from,
        skip_stderr: true,
        ..Default::default()
    }));
    conn.started();
    let out = conn.output();
    assert_eq!(
        (out.text().as_str(), out.stderr.len(), out.gaps.len()),
        ("200000\n", 0, 0)
    );
    let attach = pb::Attach {
        id,
        stdout_offset: total + 1,
        ..Default::default()
    };
    assert_eq!(conn.fails(Op::Attach(attach)).0, Code::StaleOffset);
}

#[test]
fn a_required_reader_that_stalls_loses_nothing() {
    let mut engine = Engine::start();
    let mut request = spawn_sh("seq 1 300000");
    request.spool_limit = 64 << 10;
    request.required_reader = true;
    let id = request.id.clone();
    let mut conn = engine.conn();
    conn.send(Op::Spawn(request));
    conn.started();
    // Nobody reads: the process is held back and cannot end.
    assert!(matches!(
        conn.call(Op::Wait(pb::Wait {
            id: id.clone(),
            timeout_ms: 100
        })),
        Answer::Ok(_)
    ));
    conn.send(Op::Attach(pb::Attach {
        id,
        required_reader: true,
        ..Default::default()
    }));
    conn.started();
    let out = conn.output();
    let wanted: String = (1..=300_000).map(|i| format!("{i}\n")).collect();
    assert_eq!(out.gaps, []);
    assert!(
        out.text() == wanted,
        "{} of {} bytes",
        out.stdout.len(),
        wanted.len()
    );
}

#[test]
fn a_reader_of_one_stream_is_not_held_by_what_it_skips_of_the_other() {
    let mut engine = Engine::start();
    let mut request = spawn_sh("seq 1 300000");
    request.spool_limit = 64 << 10;
    request.required_reader = true;
    let id = request.id.clone();
    let mut conn = engine.conn();
    conn.send(Op::Spawn(request));
    conn.started();
    let one = |skip_stdout: bool| pb::Attach {
        id: id.clone(),
        skip_stdout,
        skip_stderr: !skip_stdout,
        ..Default::default()
    };
    // First the one that reads: what the other skips alone may be dropped at once.
    conn.send(Op::Attach(one(false)));
    conn.started();
    // This one never moves by reading: all output is the other's.
    let mut errors = engine.conn();
    errors.send(Op::Attach(one(true)));
    errors.started();
    let out = conn.output();
    assert_eq!(out.gaps, []);
    assert!(out.text().ends_with("299999\n300000\n"));
    assert_eq!(errors.output().stdout, b"");
}

#[test]
fn processes_survive_the_engine_and_are_read_again() {
    let mut engine = Engine::start();
    let fifo = engine.file("go");
    let request = spawn_sh("mkfifo go; echo before; cat go; echo after; exit 5");
    let id = request.id.clone();
    let mut conn = engine.conn();
    conn.send(Op::Spawn(pb::Spawn {
        attach: true,
        ..request
    }));
    conn.started();
    conn.until("before\n");
    drop(conn);
    engine.rebind();
    std::fs::write(&fifo, "meanwhile\n").unwrap();
    let (mut conn, hello) = engine.conn_with_hello();
    assert_eq!((hello.protocol, hello.generation), (2, 1));
    conn.send(Op::Attach(pb::Attach {
        id: id.clone(),
        stdout_offset: 7,
        ..Default::default()
    }));
    assert!(conn.started().existed);
    let out = conn.output();
    assert_eq!(
        (out.text().as_str(), out.exited().code),
        ("meanwhile\nafter\n", 5)
    );
    match conn.call(Op::ListProcesses(pb::ListProcesses {
        include_ended: true,
    })) {
        Answer::Processes(list) => {
            let p = list.processes.iter().find(|p| p.id == id).unwrap();
            assert_eq!(p.exited.unwrap().code, 5);
        }
        other => panic!("{other:?}"),
    }
    conn.ok(Op::ForgetProcess(pb::ForgetProcess { id: id.clone() }));
    assert_eq!(
        conn.fails(Op::Wait(pb::Wait { id, timeout_ms: 0 })).0,
        Code::NoSuchProcess
    );
}

#[test]
fn only_as_many_ended_processes_are_kept_as_configured() {
    let mut engine = Engine::unconfigured();
    engine.configure(pb::Configure {
        kept_processes: 3,
        ..Default::default()
    });
    for i in 0..6 {
        engine.run(pb::Spawn {
            id: format!("k{i}"),
            ..spawn(&["true"])
        });
    }
    let mut conn = engine.conn();
    match conn.call(Op::ListProcesses(pb::ListProcesses {
        include_ended: true,
    })) {
        Answer::Processes(list) => {
            let ids: Vec<_> = list.processes.iter().map(|p| p.id.as_str()).collect();
            assert_eq!(ids, ["k3", "k4", "k5"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn many_at_once_all_end_with_their_own_code() {
    let mut engine = Engine::start();
    for _ in 0..3 {
        let mut conns = Vec::new();
        for code in 0..80 {
            let mut conn = engine.conn();
            let mut request = spawn_sh(&format!("cat; echo {code}; exit {code}"));
            request.attach = true;
            request.stdin = true;
            conn.send(Op::Spawn(request));
            conns.push(conn);
        }
        conns.iter_mut().for_each(Conn::end);
        for (code, conn) in conns.iter_mut().enumerate() {
            conn.started();
            let out = conn.output();
            assert_eq!(out.text(), format!("{code}\n"));
            assert_eq!(out.exited().code, code as i32);
        }
    }
}
