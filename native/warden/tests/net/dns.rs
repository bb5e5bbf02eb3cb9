//! The forwarder, asked from sandboxes, with a resolver outside that the test plays.

use super::world::*;
use atoll_warden::net::Network;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

const NOERROR: u8 = 0;
const FORMERR: u8 = 1;
const SERVFAIL: u8 = 2;
const NXDOMAIN: u8 = 3;

fn query(id: u16, name: &str) -> Vec<u8> {
    let mut bytes = [&id.to_be_bytes()[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
    for label in name.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.extend_from_slice(&[0, 0, 1, 0, 1]);
    bytes
}

/// Where the forwarder listens.
pub fn port_of(network: &Network) -> u16 {
    let rules = output("nft", &["list", "chain", "inet", "atoll_a", "resolver"]);
    let target = format!("{}:", network.gateway());
    let port = rules.split(&target).nth(1).unwrap();
    port.split_whitespace().next().unwrap().parse().unwrap()
}

/// (id, rcode, answer's last four bytes) of the reply to a query of `name`.
fn ask(socket: &UdpSocket, gateway: Ipv4Addr, id: u16, name: &str) -> (u16, u8, Ipv4Addr) {
    socket.send_to(&query(id, name), (gateway, 53)).unwrap();
    let mut buffer = [0; 2048];
    let (length, from) = socket.recv_from(&mut buffer).unwrap();
    assert_eq!(from, (gateway, 53).into());
    parse(&buffer[..length])
}

fn parse(reply: &[u8]) -> (u16, u8, Ipv4Addr) {
    let last: [u8; 4] = reply[reply.len() - 4..].try_into().unwrap();
    (
        u16::from_be_bytes([reply[0], reply[1]]),
        reply[3] & 15,
        last.into(),
    )
}

/// A resolver outside. What it does depends on the name: `a.test` has the server's address,
/// `mute.test` gets no answer, `forged.test` first a reply with another id and one to another
/// question, `big.test` an answer only over TCP, others do not exist.
fn resolver(world: &World) {
    let (udp, tcp) = within(&world.outside, || {
        (
            UdpSocket::bind((RESOLVER, 53)).unwrap(),
            TcpListener::bind((RESOLVER, 53)).unwrap(),
        )
    });
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = udp.recv_from(&mut buffer) {
            let asked = &buffer[..length];
            let name = |wanted: &str| asked[12..] == query(0, wanted)[12..];
            if name("mute.test") {
                continue;
            }
            if name("forged.test") {
                let mut other_id = answer(asked, NOERROR, DENIED[0]);
                other_id[0] ^= 0x55;
                udp.send_to(&other_id, from).unwrap();
                let mut other_name = answer(asked, NOERROR, DENIED[0]);
                other_name[13] = b'g';
                udp.send_to(&other_name, from).unwrap();
            }
            let known = name("a.test") || name("forged.test");
            let mut reply = answer(asked, if known { NOERROR } else { NXDOMAIN }, SERVER);
            if name("big.test") {
                reply[2] |= 2;
                reply[3] = 0x80;
            }
            udp.send_to(&reply, from).unwrap();
        }
    });
    thread::spawn(move || {
        while let Ok((mut stream, _)) = tcp.accept() {
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut asked = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut asked).unwrap();
            let mut reply = answer(&asked, NOERROR, SERVER);
            // More than a datagram holds by default, between question and the address at the end.
            reply.splice(asked.len()..asked.len(), [0; 4000]);
            let length = (reply.len() as u16).to_be_bytes();
            stream.write_all(&[&length[..], &reply].concat()).unwrap();
        }
    });
}

fn answer(asked: &[u8], rcode: u8, address: Ipv4Addr) -> Vec<u8> {
    let mut reply = asked.to_vec();
    reply[2] = 0x81;
    reply[3] = 0x80 | rcode;
    if rcode == NOERROR {
        reply[7] = 1;
        reply.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4]);
        reply.extend_from_slice(&address.octets());
    }
    reply
}

#[test]
fn names_resolve_over_udp_and_tcp() {
    world(|world| {
        resolver(world);
        let network = start(config("a"));
        let sandbox = network.create(0).unwrap();
        let socket = udp(&sandbox, 0);
        let gateway = network.gateway();
        assert_eq!(ask(&socket, gateway, 11, "a.test"), (11, NOERROR, SERVER));
        assert_eq!(ask(&socket, gateway, 12, "b.test").1, NXDOMAIN);
        assert_eq!(ask(&socket, gateway, 13, "big.test").1, NOERROR);
        let mut stream = connect(&sandbox, (gateway, 53)).unwrap();
        // Two queries over one connection, the first byte by byte.
        for (id, chunk) in [(14, 1), (15, 100)] {
            let query = query(id, "big.test");
            let message = [&(query.len() as u16).to_be_bytes()[..], &query].concat();
            for part in message.chunks(chunk) {
                stream.write_all(part).unwrap();
            }
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut reply).unwrap();
            assert!(reply.len() > 4000);
            assert_eq!(parse(&reply), (id, NOERROR, SERVER));
        }
    });
}

#[test]
fn forged_replies_of_the_outside_are_passed_over() {
    world(|world| {
        resolver(world);
        let network = start(config("a"));
        let socket = udp(network.create(0).unwrap(), 0);
        assert_eq!(
            ask(&socket, network.gateway(), 21, "forged.test"),
            (21, NOERROR, SERVER)
        );
    });
}

#[test]
fn silence_becomes_servfail_and_holds_up_nobody() {
    world(|world| {
        resolver(world);
        let network = start(config("a"));
        let socket = udp(network.create(0).unwrap(), 0);
        let gateway = network.gateway();
        socket
            .send_to(&query(31, "mute.test"), (gateway, 53))
            .unwrap();
        assert_eq!(ask(&socket, gateway, 32, "a.test"), (32, NOERROR, SERVER));
        let mut buffer = [0; 512];
        let (length, _) = socket.recv_from(&mut buffer).unwrap();
        let (id, rcode, _) = parse(&buffer[..length]);
        assert_eq!((id, rcode), (31, SERVFAIL));
    });
}

#[test]
fn a_resolver_that_refuses_becomes_servfail() {
    world(|_| {
        let network = start(config("a"));
        let socket = udp(network.create(0).unwrap(), 0);
        assert_eq!(ask(&socket, network.gateway(), 41, "a.test").1, SERVFAIL);
    });
}

#[test]
fn hostile_packets_neither_end_nor_stall_the_forwarder() {
    world(|world| {
        resolver(world);
        let network = start(config("a"));
        let (hostile, other) = (network.create(0).unwrap(), network.create(1).unwrap());
        let gateway = network.gateway();
        let before = pid(&network);
        let socket = udp(&hostile, 0);
        // Seeded, so that what fails once fails again.
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..300 {
            let mut bytes = query(next() as u16, "mute.test");
            for _ in 0..next() % 8 {
                let at = next() as usize % bytes.len();
                bytes[at] = next() as u8;
            }
            bytes.truncate(next() as usize % (bytes.len() + 1));
            socket.send_to(&bytes, (gateway, 53)).unwrap();
        }
        // As many unanswered queries and unfinished connections as it can get.
        for id in 0..400 {
            socket
                .send_to(&query(id, "mute.test"), (gateway, 53))
                .unwrap();
        }
        let mut held = Vec::new();
        for _ in 0..20 {
            let mut stream = connect(&hostile, (gateway, 53)).unwrap();
            // One that was closed for being too many may say so here.
            let _ = stream.write_all(&[0]);
            held.push(stream);
        }
        let honest = udp(&other, 0);
        assert_eq!(ask(&honest, gateway, 51, "a.test"), (51, NOERROR, SERVER));
        let mut stream = connect(&other, (gateway, 53)).unwrap();
        stream
            .write_all(&[0, 12, 0, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
            .unwrap();
        let mut reply = [0; 14];
        stream.read_exact(&mut reply).unwrap();
        assert_eq!((reply[3], reply[5] & 15), (9, FORMERR));
        assert_eq!(pid(&network), before);
    });
}

#[test]
fn the_forwarder_has_no_privilege() {
    world(|world| {
        resolver(world);
        let network = start(config("a"));
        let socket = udp(network.create(0).unwrap(), 0);
        ask(&socket, network.gateway(), 61, "a.test");
        let status = fs::read_to_string(format!("/proc/{}/status", pid(&network))).unwrap();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line[name.len()..]
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(field("Uid:"), ["65534"; 4]);
        assert_eq!(field("Gid:"), ["65534"; 4]);
        assert!(field("Groups:").is_empty());
        for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
            assert_eq!(field(set), ["0000000000000000"], "{set}");
        }
        assert_eq!(
            (field("NoNewPrivs:"), field("Seccomp:")),
            (vec!["1".into()], vec!["2".into()])
        );
        let descriptors = fs::read_dir(format!("/proc/{}/fd", pid(&network))).unwrap();
        // Two sockets, standard error, two of the warden, the poll, a query's socket for as long as it is
        // open.
        assert!(descriptors.count() <= 7);
    });
}

#[test]
fn a_forwarder_that_dies_is_replaced_on_the_same_port() {
    world(|world| {
        resolver(world);
        let network = start(config("a"));
        let socket = udp(network.create(0).unwrap(), 0);
        let gateway = network.gateway();
        ask(&socket, gateway, 71, "a.test");
        let before = pid(&network);
        // SAFETY: plain kill(2) of the child that the network has not reaped.
        assert_eq!(unsafe { libc::kill(before as i32, libc::SIGKILL) }, 0);
        while network.forwarder_pid() == Some(before) {
            thread::yield_now();
        }
        // The sockets are the warden's: what is asked meanwhile waits in them.
        assert_eq!(ask(&socket, gateway, 72, "a.test"), (72, NOERROR, SERVER));
        assert_ne!(pid(&network), before);
    });
}

#[test]
fn the_forwarder_ends_with_its_network_and_the_next_takes_its_port() {
    world(|world| {
        resolver(world);
        let network = start(config("a"));
        let sandbox = network.create(0).unwrap();
        let socket = udp(&sandbox, 0);
        ask(&socket, network.gateway(), 81, "a.test");
        let (port, before) = (port_of(&network), pid(&network));
        drop(network);
        assert!(!std::path::Path::new(&format!("/proc/{before}")).exists());
        let network = start(config("a"));
        assert_eq!(port_of(&network), port);
        // The same socket, hence the same tracked connection as before.
        assert_eq!(
            ask(&socket, network.gateway(), 82, "a.test"),
            (82, NOERROR, SERVER)
        );
    });
}

#[test]
fn resolvers_of_the_host_on_all_addresses_are_no_hindrance() {
    world(|world| {
        resolver(world);
        let taken = [53, 10_053].map(|port| {
            (
                UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap(),
                TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap(),
            )
        });
        let network = start(config("a"));
        let socket = udp(network.create(0).unwrap(), 0);
        assert_eq!(
            ask(&socket, network.gateway(), 91, "a.test"),
            (91, NOERROR, SERVER)
        );
        taken[0].0.set_nonblocking(true).unwrap();
        let error = taken[0].0.recv(&mut [0; 16]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    });
}

fn pid(network: &Network) -> u32 {
    let started = Instant::now();
    loop {
        if let Some(pid) = network.forwarder_pid() {
            return pid;
        }
        assert!(started.elapsed() < PATIENCE, "no forwarder");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Under a number that nothing else of the child gets.
fn high(stream: UnixStream) -> OwnedFd {
    // SAFETY: fcntl(2) takes a descriptor that lives and gives a fresh one.
    unsafe { OwnedFd::from_raw_fd(libc::fcntl(stream.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 100)) }
}

#[test]
fn the_forwarder_dies_with_a_warden_that_is_killed() {
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = udp.local_addr().unwrap();
    // A shell gives what it starts in the background another standard input unless told otherwise.
    let script = "exec 5<&0; \"$0\" dns $$ 127.0.0.1 <&5 5<&- & \
                  exec sleep 60 <&- >&- 2>&- 3<&- 4<&- 5<&-";
    let mut command = Command::new("sh");
    command
        .args(["-c", script])
        .arg(env!("CARGO_BIN_EXE_atoll-warden"))
        .stdin(OwnedFd::from(udp))
        .stdout(OwnedFd::from(tcp));
    let (mut orders, its_orders) = UnixStream::pair().unwrap();
    let (_calls, its_calls) = UnixStream::pair().unwrap();
    let given = [(high(its_orders), 3), (high(its_calls), 4)];
    // SAFETY: dup2(2) is safe between fork and exec.
    unsafe {
        command.pre_exec(move || {
            for (from, to) in &given {
                assert!(libc::dup2(from.as_raw_fd(), *to) == *to);
            }
            Ok(())
        });
    }
    let mut warden = command.spawn().unwrap();
    drop(command);
    let serve = br#""Serve""#;
    orders
        .write_all(&(serve.len() as u32).to_le_bytes())
        .unwrap();
    orders.write_all(serve).unwrap();
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.send_to(&query(1, "a.test")[..12], address).unwrap();
    client.recv(&mut [0; 512]).expect("the forwarder serves");
    warden.kill().unwrap();
    warden.wait().unwrap();
    // The sockets are its alone now, so the address is free when it is gone.
    let started = Instant::now();
    while UdpSocket::bind(address).is_err() {
        assert!(started.elapsed() < PATIENCE, "the forwarder lives on");
        thread::yield_now();
    }
}
