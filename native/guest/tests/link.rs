//! The connections themselves: hello, configuration, garbage, memory, shutdown.

mod harness;

use atoll_wire::frame::{self, Kind};
use atoll_wire::guest::{self as pb, error::Code, reply::Result as Answer, request::Op};
use harness::{Engine, spawn, spawn_sh};
use prost::Message;

#[test]
fn the_hello_tells_protocol_and_generation() {
    let mut engine = Engine::unconfigured();
    let (mut conn, hello) = engine.conn_with_hello();
    assert_eq!(
        (hello.protocol, hello.generation, hello.max_connections),
        (2, 0, 256)
    );
    conn.ok(Op::Ping(pb::Ping {}));
    conn.ok(Op::Configure(pb::Configure {
        generation: 7,
        ..Default::default()
    }));
    // Dialled before or after: the next that is dialled from now on says the new one.
    let mut held = vec![conn];
    loop {
        let (mut conn, hello) = engine.conn_with_hello();
        if hello.generation == 7 {
            break;
        }
        conn.send(Op::Wait(pb::Wait {
            id: "x".into(),
            timeout_ms: 0,
        }));
        drop(conn);
        held.truncate(1);
    }
}

#[test]
fn a_bad_configuration_changes_nothing() {
    let mut engine = Engine::start();
    let mut conn = engine.conn();
    let base = pb::Configure {
        generation: 9,
        ..Default::default()
    };
    let bad = [
        (
            pb::Configure {
                hostname: "a b".into(),
                ..base.clone()
            },
            Code::Invalid,
        ),
        (
            pb::Configure {
                user: "nobody-here".into(),
                ..base.clone()
            },
            Code::NoSuchUser,
        ),
        (
            pb::Configure {
                nameservers: vec!["x".into()],
                ..base.clone()
            },
            Code::Invalid,
        ),
        (
            pb::Configure {
                workdir: "a\0b".into(),
                ..base.clone()
            },
            Code::Invalid,
        ),
        (
            pb::Configure {
                spool_limit: u64::MAX,
                ..base.clone()
            },
            Code::Invalid,
        ),
        (
            pb::Configure {
                env: vec![pb::EnvVar {
                    name: b"A=B".to_vec(),
                    value: vec![],
                }],
                ..base.clone()
            },
            Code::Invalid,
        ),
        (
            pb::Configure {
                hosts: vec![pb::configure::Hosts {
                    address: "1.2.3.4".into(),
                    names: vec!["a\nb".into()],
                }],
                ..base
            },
            Code::Invalid,
        ),
    ];
    for (request, code) in bad {
        let (got, message) = conn.fails(Op::Configure(request));
        assert_eq!(got, code, "{message}");
    }
    assert_eq!(
        engine.sh("pwd").text().trim(),
        engine.work().to_str().unwrap()
    );
}

#[test]
fn after_the_engine_was_away_the_guest_is_back() {
    let mut engine = Engine::start();
    for _ in 0..3 {
        drop(engine.conn());
        engine.rebind();
        let mut conn = engine.conn();
        conn.ok(Op::Ping(pb::Ping {}));
    }
}

/// Deterministic noise (xorshift64*, Vigna 2016).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }
}

#[test]
fn garbage_never_ends_the_guest() {
    let mut engine = Engine::start();
    let mut noise = Noise(0x5eed_0000_0000_0001);
    let ops = [
        Op::Ping(pb::Ping {}),
        Op::Spawn(pb::Spawn {
            attach: true,
            ..spawn(&["true"])
        }),
        Op::Read(pb::Read {
            path: b"x".to_vec(),
            ..Default::default()
        }),
        Op::Write(pb::Write {
            path: b"fuzz".to_vec(),
            ..Default::default()
        }),
        Op::Glob(pb::Glob {
            pattern: b"**/[a-".to_vec(),
            ..Default::default()
        }),
        Op::Extract(pb::Extract {
            path: b"fuzz.d".to_vec(),
            ..Default::default()
        }),
        Op::Search(pb::Search {
            pattern: b"(a+)+$".to_vec(),
            regex: true,
            ..Default::default()
        }),
        Op::Input(pb::Input {
            id: "none".into(),
            ..Default::default()
        }),
    ];
    for round in 0..400 {
        let mut conn = engine.conn();
        let mut wire = Vec::new();
        for _ in 0..=noise.next() % 4 {
            let op = ops[noise.next() as usize % ops.len()].clone();
            let mut payload = pb::Request { op: Some(op) }.encode_to_vec();
            match noise.next() % 5 {
                0 => {}
                1 => {
                    let at = noise.next() as usize % payload.len().max(1);
                    if let Some(byte) = payload.get_mut(at) {
                        *byte = noise.next() as u8;
                    }
                }
                2 => payload.truncate(noise.next() as usize % (payload.len() + 1)),
                3 => {
                    let n = noise.next() as usize % 700;
                    payload = noise.bytes(n);
                }
                _ => {
                    let kind =
                        [Kind::Data, Kind::Err, Kind::End, Kind::Msg][noise.next() as usize % 4];
                    let n = if kind == Kind::End {
                        0
                    } else {
                        noise.next() as usize % 2000
                    };
                    let junk = noise.bytes(n);
                    frame::write_frame(&mut wire, kind, &junk).unwrap();
                }
            }
            frame::write_frame(&mut wire, Kind::Msg, &payload).unwrap();
        }
        if round % 3 == 0 {
            let n = noise.next() as usize % 40;
            wire.extend(noise.bytes(n));
        }
        // The guest may have hung up in the middle, which is its right.
        let _ = conn.raw(&wire);
    }
    let mut conn = engine.conn();
    conn.ok(Op::Ping(pb::Ping {}));
    assert_eq!(engine.sh("echo fine").text(), "fine\n");
}

#[test]
fn lengths_over_the_bounds_close_the_connection() {
    let mut engine = Engine::start();
    for header in [
        [0x01, 0x00, 0x00, 0x01, 0],
        [0x00, 0x04, 0x00, 0x01, 1],
        [0, 0, 0, 1, 3],
        [0, 0, 0, 0, 9],
    ] {
        let mut conn = engine.conn();
        conn.raw(&header).unwrap();
        assert!(conn.frame().is_none(), "{header:?}");
    }
    engine.conn().ok(Op::Ping(pb::Ping {}));
}

fn private_kib(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    text.lines()
        .filter(|l| l.starts_with("Private_"))
        .filter_map(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok())
        .sum()
}

#[test]
fn a_gigabyte_of_output_does_not_stay_in_memory() {
    let mut engine = Engine::start();
    let mut request = spawn_sh("head -c 1073741824 /dev/zero");
    request.spool_limit = 1 << 20;
    let id = request.id.clone();
    let mut conn = engine.conn();
    conn.send(Op::Spawn(request));
    conn.started();
    match conn.call(Op::Wait(pb::Wait {
        id,
        timeout_ms: 60_000,
    })) {
        Answer::Exited(e) => assert_eq!(e.stdout_bytes, 1 << 30),
        other => panic!("{other:?}"),
    }
    let kib = private_kib(engine.guest.id());
    // A debug build; what matters is that it is nowhere near the gigabyte.
    assert!(kib < 8 << 10, "{kib} KiB");
}

#[test]
fn shutdown_ends_all_processes() {
    let mut engine = Engine::start();
    let polite = spawn_sh("trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done");
    let stubborn = spawn_sh("trap '' TERM; echo up; while :; do sleep 0.05; done");
    let ids = [polite.id.clone(), stubborn.id.clone()];
    let mut conns = Vec::new();
    for request in [polite, stubborn] {
        let mut conn = engine.conn();
        conn.send(Op::Spawn(pb::Spawn {
            attach: true,
            ..request
        }));
        conn.started();
        conn.until("up\n");
        conns.push(conn);
    }
    let mut conn = engine.conn();
    conn.ok(Op::Shutdown(pb::Shutdown { grace_ms: 300 }));
    let signals: Vec<_> = conns
        .iter_mut()
        .map(|c| c.output().exited().signal)
        .collect();
    assert_eq!(signals, [0, 9], "{ids:?}");
}
