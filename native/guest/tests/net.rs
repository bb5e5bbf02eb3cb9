//! Dial and Ports.

mod harness;

use atoll_wire::frame::Kind;
use atoll_wire::guest::{self as pb, error::Code, reply::Result as Answer, request::Op};
use harness::Engine;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

#[test]
fn bytes_pass_both_ways_and_each_side_can_half_close() {
    let mut engine = Engine::start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = u32::from(listener.local_addr().unwrap().port());
    let content: Vec<u8> = (0..3_000_000u32).map(|i| (i % 241) as u8).collect();
    let expected = content.clone();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).unwrap();
        assert!(got == expected);
        stream.write_all(&got).unwrap();
    });
    let mut conn = engine.conn();
    conn.ok(Op::Dial(pb::Dial {
        port,
        ..Default::default()
    }));
    conn.data(&content);
    conn.end();
    assert!(conn.stream() == content);
    server.join().unwrap();
    assert!(conn.frame().is_none(), "the connection ends with the pipe");
}

#[test]
fn frames_that_come_together_with_the_request_are_passed_on() {
    let mut engine = Engine::start();
    let path = engine.file("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let mut conn = engine.conn();
    let dial = pb::Dial {
        unix_path: "socket".into(),
        ..Default::default()
    };
    let request = pb::Request {
        op: Some(Op::Dial(dial)),
    };
    let mut bytes = Vec::new();
    atoll_wire::frame::write_msg(&mut bytes, &request).unwrap();
    atoll_wire::frame::write_frame(&mut bytes, Kind::Data, b"one").unwrap();
    atoll_wire::frame::write_frame(&mut bytes, Kind::Data, b"two").unwrap();
    atoll_wire::frame::write_frame(&mut bytes, Kind::End, b"").unwrap();
    conn.raw(&bytes).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    assert_eq!(got, b"onetwo");
    drop(stream);
    assert!(matches!(conn.answer(), Answer::Ok(_)));
    assert_eq!(conn.stream(), b"");
}

#[test]
fn what_cannot_be_dialled_says_why() {
    let mut engine = Engine::start();
    // Bound and dropped: a port that nobody listens on.
    let port = u32::from(
        TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port(),
    );
    let mut conn = engine.conn();
    let dial = |port, host: &str| {
        Op::Dial(pb::Dial {
            port,
            host: host.into(),
            ..Default::default()
        })
    };
    assert_eq!(conn.fails(dial(port, "")).0, Code::ConnectionRefused);
    assert_eq!(conn.fails(dial(0, "")).0, Code::Invalid);
    assert_eq!(conn.fails(dial(70_000, "")).0, Code::Invalid);
    assert_eq!(conn.fails(dial(80, "no address")).0, Code::Invalid);
    let unix = Op::Dial(pb::Dial {
        unix_path: "none".into(),
        ..Default::default()
    });
    assert_eq!(conn.fails(unix).0, Code::NotFound);
}

#[test]
fn listening_ports_are_told_with_their_process() {
    let mut engine = Engine::start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = u32::from(listener.local_addr().unwrap().port());
    match engine.conn().call(Op::Ports(pb::Ports {})) {
        Answer::Ports(list) => {
            let found = list
                .ports
                .iter()
                .find(|p| p.port == port)
                .expect("our port");
            assert_eq!(found.address, "127.0.0.1");
            assert_eq!(found.pid, std::process::id() as i32);
            assert!(!found.process.is_empty());
        }
        other => panic!("{other:?}"),
    }
}
