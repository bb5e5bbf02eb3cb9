//! Sandboxes with a list of names: the forwarder, what it opens, and the proxy.

use super::egress::await_denial;
use super::world::*;
use atoll_warden::net::policy::Policy;
use atoll_warden::net::{Network, Reason};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::time::Instant;
use std::{fs, thread};

const A: u16 = 1;
const CNAME: u16 = 5;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const HTTPS: u16 = 65;
const ANY: u16 = 255;
const REFUSED: u8 = 5;

/// What the outside knows: (name, type, seconds, data).
fn zone() -> Vec<(&'static str, u16, u32, Vec<u8>)> {
    let v4 = |address: Ipv4Addr| address.octets().to_vec();
    let v6 = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets().to_vec();
    vec![
        ("a.test", A, 9, v4(SERVER)),
        ("a.test", AAAA, 9, v6("2001:db8::80")),
        ("b.test", A, 90_000, v4(SERVER)),
        ("other.test", A, 9, v4(RESOLVER)),
        ("x.wild.test", A, 9, v4(SERVER)),
        ("wild.test", A, 9, v4(SERVER)),
        ("alias.test", CNAME, 9, labels("cdn.else.test")),
        ("cdn.else.test", CNAME, 9, labels("edge.else.test")),
        ("edge.else.test", A, 9, v4(SERVER)),
        ("bind.test", A, 0, v4(DENIED[0])),
        ("bind.test", AAAA, 0, v6("fd00::1")),
        ("mapped.test", AAAA, 0, v6("::ffff:10.77.0.1")),
        ("mixed.test", A, 0, v4(DENIED[2])),
        ("mixed.test", A, 0, v4(SERVER)),
        ("text.test", TXT, 9, b"\x05hello".to_vec()),
    ]
}

fn labels(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

fn query(id: u16, name: &str, kind: u16) -> Vec<u8> {
    let head = [&id.to_be_bytes()[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
    [&head[..], &labels(name), &kind.to_be_bytes(), &[0, 1]].concat()
}

/// All records of the name, and of those that its aliases lead to.
fn answer(asked: &[u8]) -> Vec<u8> {
    let end = asked.len() - 4;
    let kind = u16::from_be_bytes([asked[end], asked[end + 1]]);
    let mut owner = asked[12..end].to_ascii_lowercase();
    let (mut records, mut count) = (Vec::new(), 0);
    loop {
        let mut next = None;
        for (name, of, seconds, data) in zone() {
            if labels(name) != owner || of != kind && of != CNAME {
                continue;
            }
            records.extend_from_slice(&owner);
            records.extend_from_slice(&of.to_be_bytes());
            records.extend_from_slice(&[0, 1]);
            records.extend_from_slice(&seconds.to_be_bytes());
            records.extend_from_slice(&(data.len() as u16).to_be_bytes());
            records.extend_from_slice(&data);
            count += 1;
            if of == CNAME {
                next = Some(data);
            }
        }
        match next {
            Some(to) => owner = to,
            None => break,
        }
    }
    let mut reply = [asked, &records].concat();
    reply[2] = 0x81;
    reply[3] = 0x80;
    reply[7] = count;
    reply
}

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
            udp.send_to(&answer(&buffer[..length]), from).unwrap();
        }
    });
    thread::spawn(move || {
        while let Ok((mut stream, _)) = tcp.accept() {
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut asked = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut asked).unwrap();
            let reply = answer(&asked);
            let length = (reply.len() as u16).to_be_bytes();
            stream.write_all(&[&length[..], &reply].concat()).unwrap();
        }
    });
}

/// (rcode, number of records, whether a record holds the address)
#[derive(Debug, PartialEq, Eq)]
struct Told {
    rcode: u8,
    records: u8,
}

struct Inside<'a> {
    network: &'a Network,
    namespace: OwnedFd,
    socket: UdpSocket,
}

impl<'a> Inside<'a> {
    fn with(network: &'a Network, index: u32, policy: Policy) -> Inside<'a> {
        let namespace = network.create(index).unwrap();
        network.limit(index, Some(policy)).unwrap();
        let socket = udp(&namespace, 0);
        Inside {
            network,
            namespace,
            socket,
        }
    }

    fn ask(&self, name: &str, kind: u16) -> (Told, Vec<u8>) {
        let gateway = self.network.gateway();
        self.socket
            .send_to(&query(7, name, kind), (gateway, 53))
            .unwrap();
        let mut buffer = [0; 4096];
        let (length, _) = self.socket.recv_from(&mut buffer).unwrap();
        told(&buffer[..length])
    }

    fn told(&self, name: &str, kind: u16) -> Told {
        self.ask(name, kind).0
    }

    fn resolve(&self, name: &str) {
        let told = self.told(name, A);
        assert!(told.rcode == 0 && told.records > 0, "{name}: {told:?}");
    }

    fn connect(&self, address: Ipv4Addr, port: u16) -> std::io::Result<TcpStream> {
        connect(&self.namespace, SocketAddr::from((address, port)))
    }

    /// Sends a request, and gives the first line of the answer.
    fn http(&self, address: Ipv4Addr, request: &str) -> String {
        let mut stream = self.connect(address, 80).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        line(&mut stream)
    }
}

fn told(reply: &[u8]) -> (Told, Vec<u8>) {
    let told = Told {
        rcode: reply[3] & 15,
        records: reply[7],
    };
    (told, reply.to_vec())
}

fn line(stream: &mut TcpStream) -> String {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while stream.read(&mut byte).unwrap_or(0) == 1 && byte != *b"\n" {
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

fn names(names: &[&str]) -> Policy {
    Policy {
        names: Some(names.iter().map(|name| name.parse().unwrap()).collect()),
        ..Policy::default()
    }
}

fn rcode(rcode: u8, records: u8) -> Told {
    Told { rcode, records }
}

/// Answers each request with 200 and the host it names.
fn web(world: &World) {
    let listener = world.listen(80);
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            thread::spawn(move || {
                loop {
                    let mut host = String::new();
                    loop {
                        let line = line(&mut stream);
                        if let Some(value) = line.strip_prefix("Host: ") {
                            host = value.to_owned();
                        }
                        if line.is_empty() {
                            break;
                        }
                    }
                    let reply = format!("HTTP/1.1 200 {host}\r\nContent-Length: 0\r\n\r\n");
                    if host.is_empty() || stream.write_all(reply.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
}

fn get(host: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

/// A handshake's first record.
fn hello(name: Option<&str>) -> Vec<u8> {
    let vector = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
    let extension = match name {
        Some(name) => {
            let entry = [&[0][..], &vector(name.as_bytes())].concat();
            [&[0, 0][..], &vector(&vector(&entry))].concat()
        }
        None => vec![0, 23, 0, 0],
    };
    let body = [
        &[3, 3][..],
        &[9; 32],
        &[0],
        &vector(&[0x13, 1]),
        &[1, 0],
        &vector(&extension),
    ]
    .concat();
    let message = [&[1, 0][..], &(body.len() as u16).to_be_bytes(), &body].concat();
    [&[22, 3, 1][..], &vector(&message)].concat()
}

#[test]
fn only_listed_names_resolve() {
    world(|world| {
        resolver(world);
        let network = start(config("a"));
        let inside = Inside::with(
            &network,
            0,
            names(&["A.test", "*.wild.test", "alias.test", "text.test"]),
        );
        for (name, kind, expected) in [
            ("a.test", A, rcode(0, 1)),
            ("A.TesT", A, rcode(0, 1)),
            ("a.test", AAAA, rcode(0, 1)),
            ("x.wild.test", A, rcode(0, 1)),
            ("missing.wild.test", A, rcode(0, 0)),
            // Two aliases and an address.
            ("alias.test", A, rcode(0, 3)),
            ("text.test", TXT, rcode(0, 1)),
            ("a.test", HTTPS, rcode(0, 0)),
            ("a.test", ANY, rcode(REFUSED, 0)),
            ("wild.test", A, rcode(REFUSED, 0)),
            ("other.test", A, rcode(REFUSED, 0)),
            ("other.test", TXT, rcode(REFUSED, 0)),
            ("b.a.test", A, rcode(REFUSED, 0)),
            ("cdn.else.test", A, rcode(REFUSED, 0)),
        ] {
            assert_eq!(inside.told(name, kind), expected, "{name} {kind}");
        }
        let denied = await_denial(&network, 0, |denied| denied.name == "other.test");
        assert_eq!(
            (denied.protocol.as_str(), denied.reason),
            ("dns", Reason::Name)
        );
        await_denial(&network, 0, |denied| denied.reason == Reason::Kind);
        // Over TCP it is the same.
        let mut stream = inside.connect(network.gateway(), 53).unwrap();
        for (name, expected) in [("a.test", rcode(0, 1)), ("other.test", rcode(REFUSED, 0))] {
            let query = query(8, name, A);
            stream
                .write_all(&(query.len() as u16).to_be_bytes())
                .unwrap();
            stream.write_all(&query).unwrap();
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut reply).unwrap();
            assert_eq!(told(&reply).0, expected, "{name}");
        }
        // Others are not concerned, and a list of none lets none pass.
        let other = network.create(1).unwrap();
        let free = Inside {
            network: &network,
            socket: udp(&other, 0),
            namespace: other,
        };
        assert_eq!(free.told("other.test", A), rcode(0, 1));
        let closed = Inside::with(&network, 2, names(&[]));
        assert_eq!(closed.told("a.test", A), rcode(REFUSED, 0));
    });
}

#[test]
fn names_open_their_addresses_and_no_others() {
    world(|world| {
        resolver(world);
        web(world);
        let _other_port = world.listen(8080);
        let network = start(config("a"));
        let inside = Inside::with(&network, 0, names(&["a.test"]));
        for port in [80, 443, 8080] {
            let error = inside.connect(SERVER, port).unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::HostUnreachable,
                "{port} before it is resolved"
            );
        }
        inside.resolve("a.test");
        assert_eq!(inside.http(SERVER, &get("a.test")), "HTTP/1.1 200 a.test");
        inside.connect(SERVER, 8080).unwrap();
        for port in [80, 443, 8080] {
            inside.connect(RESOLVER, port).unwrap_err();
        }
        // QUIC names its host where nobody can read it.
        inside.socket.send_to(b"x", (SERVER, 443)).unwrap();
        let denied = await_denial(&network, 0, |denied| denied.protocol == "udp");
        assert_eq!((denied.port, denied.reason), (443, Reason::Policy));
        let outside = world.udp(9001);
        inside.socket.send_to(b"x", (SERVER, 9001)).unwrap();
        outside.recv_from(&mut [0; 16]).unwrap();
    });
}

#[test]
fn an_address_is_open_as_long_as_its_answer_may_be_kept() {
    world(|world| {
        resolver(world);
        let network = start(config("a"));
        let set = || output("nft", &["list", "set", "inet", "atoll_a", "o0"]);
        let inside = Inside::with(&network, 0, names(&["a.test", "b.test", "mixed.test"]));
        inside.resolve("mixed.test");
        assert!(set().contains("198.51.100.80 timeout 1m "), "{}", set());
        inside.resolve("a.test");
        assert!(set().contains("198.51.100.80 timeout 1m9s "), "{}", set());
        let (_, reply) = inside.ask("b.test", A);
        assert!(set().contains("198.51.100.80 timeout 11m "), "{}", set());
        // The client is told the time that counts: behind name, type and class of the only record.
        let at = query(7, "b.test", A).len() + 2 + 4;
        assert_eq!(reply[at..at + 4], 600u32.to_be_bytes());
        // A shorter one takes nothing away.
        inside.resolve("a.test");
        assert!(set().contains("198.51.100.80 timeout 11m "), "{}", set());
    });
}

#[test]
fn a_listed_name_cannot_open_what_is_denied() {
    world(|world| {
        resolver(world);
        let network = start(config("a"));
        let mut policy = names(&["*"]);
        policy.deny = vec!["198.51.100.53".parse().unwrap()];
        let inside = Inside::with(&network, 0, policy);
        for (name, kind) in [
            ("bind.test", A),
            ("bind.test", AAAA),
            ("mapped.test", AAAA),
            ("other.test", A),
        ] {
            assert_eq!(inside.told(name, kind), rcode(REFUSED, 0), "{name} {kind}");
        }
        assert_eq!(inside.told("mixed.test", A), rcode(0, 1));
        let denied = await_denial(&network, 0, |denied| denied.name == "bind.test");
        assert_eq!(denied.reason, Reason::Rebinding);
        let set = output("nft", &["list", "set", "inet", "atoll_a", "o0"]);
        for address in [DENIED[0], DENIED[2], RESOLVER] {
            assert!(!set.contains(&address.to_string()), "{set}");
        }
    });
}

#[test]
fn each_request_must_name_a_listed_host() {
    world(|world| {
        resolver(world);
        web(world);
        let network = start(config("a"));
        let inside = Inside::with(&network, 0, names(&["a.test", "b.test"]));
        inside.resolve("a.test");
        // One address, two listed names.
        assert_eq!(
            inside.http(SERVER, &get("B.test:80")),
            "HTTP/1.1 200 B.test:80"
        );
        for (request, reason) in [
            (get("other.test"), Reason::Name),
            (get("198.51.100.80"), Reason::NoName),
            ("GET / HTTP/1.1\r\n\r\n".to_owned(), Reason::NoName),
            (
                "GET http://other.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n".to_owned(),
                Reason::Name,
            ),
            (
                "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n".to_owned(),
                Reason::Kind,
            ),
            ("nonsense\r\n\r\n".to_owned(), Reason::Malformed),
        ] {
            assert_eq!(
                inside.http(SERVER, &request),
                "HTTP/1.1 403 Forbidden",
                "{request}"
            );
            let denied = await_denial(&network, 0, |denied| {
                denied.protocol == "http" && denied.reason == reason
            });
            assert_eq!(
                (denied.address, denied.port),
                (Some(IpAddr::V4(SERVER)), 80)
            );
        }
        // A second request of the connection, also when both come at once.
        let mut stream = inside.connect(SERVER, 80).unwrap();
        stream.write_all(get("a.test").as_bytes()).unwrap();
        assert_eq!(line(&mut stream), "HTTP/1.1 200 a.test");
        stream.write_all(get("b.test").as_bytes()).unwrap();
        while !line(&mut stream).is_empty() {}
        assert_eq!(line(&mut stream), "HTTP/1.1 200 b.test");
        while !line(&mut stream).is_empty() {}
        stream.write_all(get("other.test").as_bytes()).unwrap();
        assert_eq!(line(&mut stream), "HTTP/1.1 403 Forbidden");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(
            String::from_utf8(rest)
                .unwrap()
                .ends_with("does not allow other.test\n")
        );
        let mut stream = inside.connect(SERVER, 80).unwrap();
        stream
            .write_all((get("a.test") + &get("other.test")).as_bytes())
            .unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        assert!(
            !all.contains("200 other.test") && all.contains("403"),
            "{all}"
        );
    });
}

#[test]
fn each_handshake_must_name_a_listed_host() {
    world(|world| {
        resolver(world);
        let server = world.listen(443);
        let network = start(config("a"));
        let inside = Inside::with(&network, 0, names(&["a.test"]));
        inside.resolve("a.test");
        let mut client = inside.connect(SERVER, 443).unwrap();
        let bytes = hello(Some("A.test"));
        for byte in &bytes {
            client.write_all(&[*byte]).unwrap();
        }
        let (mut peer, from) = server.accept().unwrap();
        assert_eq!(from.ip(), HOST);
        let mut arrived = vec![0; bytes.len()];
        peer.read_exact(&mut arrived).unwrap();
        assert_eq!(arrived, bytes);
        // From here on it is not read: neither what it is nor how much.
        let said: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect();
        let echo = thread::spawn(move || {
            peer.write_all(b"not a record").unwrap();
            let mut all = Vec::new();
            peer.read_to_end(&mut all).unwrap();
            peer.write_all(&all).unwrap();
        });
        let mut first = [0; 12];
        client.read_exact(&mut first).unwrap();
        client.write_all(&said).unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        let mut back = Vec::new();
        client.read_to_end(&mut back).unwrap();
        echo.join().unwrap();
        assert!(back == said, "{} of {} bytes", back.len(), said.len());
        for (bytes, reason) in [
            (hello(Some("other.test")), Reason::Name),
            (hello(None), Reason::NoName),
            (get("a.test").into_bytes(), Reason::Malformed),
        ] {
            let mut client = inside.connect(SERVER, 443).unwrap();
            client.write_all(&bytes).unwrap();
            let mut alert = Vec::new();
            client.read_to_end(&mut alert).unwrap();
            assert_eq!(alert, [21, 3, 3, 0, 2, 2, 112], "{reason}");
            await_denial(&network, 0, |denied| {
                denied.protocol == "tls" && denied.reason == reason
            });
        }
    });
}

#[test]
fn ranges_that_are_allowed_need_no_name() {
    world(|world| {
        resolver(world);
        web(world);
        let network = start(config("a"));
        let mut policy = names(&["a.test"]);
        policy.allow = vec!["198.51.100.80".parse().unwrap()];
        let inside = Inside::with(&network, 0, policy);
        assert_eq!(
            inside.http(SERVER, &get("other.test")),
            "HTTP/1.1 200 other.test"
        );
        inside.resolve("a.test");
        assert_eq!(
            inside.http(SERVER, &get("other.test")),
            "HTTP/1.1 200 other.test"
        );
    });
}

#[test]
fn a_change_of_names_cuts_what_it_forbids_and_nothing_else() {
    world(|world| {
        resolver(world);
        web(world);
        let other_port = world.listen(8080);
        let network = start(config("a"));
        let inside = Inside::with(&network, 0, names(&["a.test", "b.test", "other.test"]));
        for name in ["a.test", "b.test", "other.test"] {
            inside.resolve(name);
        }
        let open = |host: &str| {
            let mut stream = inside.connect(SERVER, 80).unwrap();
            stream.write_all(get(host).as_bytes()).unwrap();
            while !line(&mut stream).is_empty() {}
            stream
        };
        let (mut kept, mut cut) = (open("a.test"), open("b.test"));
        let mut kept_direct = inside.connect(SERVER, 8080).unwrap();
        let mut kept_peer = other_port.accept().unwrap().0;
        let mut cut_direct = inside.connect(RESOLVER, 8080).unwrap();
        let _cut_peer = other_port.accept().unwrap().0;
        network.limit(0, Some(names(&["a.test"]))).unwrap();
        assert_eq!(cut.read(&mut [0; 1]).unwrap_or(0), 0);
        cut_direct.read(&mut [0; 1]).unwrap_err();
        kept.write_all(get("a.test").as_bytes()).unwrap();
        assert_eq!(line(&mut kept), "HTTP/1.1 200 a.test");
        kept_direct.write_all(b"x").unwrap();
        kept_peer.read_exact(&mut [0]).unwrap();
        // What is listed still is open still, and what is not is not.
        inside.connect(SERVER, 8080).unwrap();
        inside.connect(RESOLVER, 8080).unwrap_err();
        assert_eq!(inside.told("b.test", A), rcode(REFUSED, 0));
        assert_eq!(
            inside.http(SERVER, &get("b.test")),
            "HTTP/1.1 403 Forbidden"
        );
        // Without a list it goes on; with nothing allowed it does not.
        network.limit(0, None).unwrap();
        while !line(&mut kept).is_empty() {}
        kept.write_all(get("b.test").as_bytes()).unwrap();
        assert_eq!(line(&mut kept), "HTTP/1.1 200 b.test");
        network.limit(0, Some(names(&[]))).unwrap();
        while !line(&mut kept).is_empty() {}
        assert_eq!(kept.read(&mut [0; 1]).unwrap_or(0), 0);
        kept_direct.read(&mut [0; 1]).unwrap_err();
    });
}

#[test]
fn the_proxy_has_no_privilege_and_no_way_that_sandboxes_have_not() {
    world(|world| {
        resolver(world);
        web(world);
        let network = start(config("a"));
        assert_eq!(network.proxy_pid(), None, "nobody needs it yet");
        let inside = Inside::with(&network, 0, names(&["a.test"]));
        inside.resolve("a.test");
        inside.http(SERVER, &get("a.test"));
        let pid = network.proxy_pid().unwrap();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line[name.len()..].trim().to_owned()
        };
        assert!(field("Uid:").split_whitespace().all(|uid| uid == "65534"));
        assert_eq!(
            (field("CapEff:"), field("CapPrm:")),
            ("0".repeat(16), "0".repeat(16))
        );
        assert_eq!(
            (field("NoNewPrivs:"), field("Seccomp:")),
            ("1".to_owned(), "2".to_owned())
        );
        let namespace = |path: &str| fs::metadata(path).unwrap().ino();
        let its = format!("/proc/{pid}/ns/net");
        assert_ne!(namespace(&its), namespace("/proc/thread-self/ns/net"));
        // What it could connect to, were it taken over.
        let namespace = fs::File::open(&its).unwrap();
        let host = TcpListener::bind("0.0.0.0:2222").unwrap();
        host.set_nonblocking(true).unwrap();
        for address in [HOST, network.gateway(), DENIED[0], network.address(0)] {
            connect(&namespace, (address, 2222)).unwrap_err();
        }
        assert_eq!(network.audit(&[0]).unwrap(), Vec::<String>::new());
    });
}

#[test]
fn helpers_that_die_are_replaced_and_know_the_policies() {
    world(|world| {
        resolver(world);
        web(world);
        let network = start(config("a"));
        let inside = Inside::with(&network, 0, names(&["a.test"]));
        inside.resolve("a.test");
        assert_eq!(inside.http(SERVER, &get("a.test")), "HTTP/1.1 200 a.test");
        for pid_of in [Network::forwarder_pid, Network::proxy_pid] {
            let before = pid_of(&network).unwrap();
            // SAFETY: plain kill(2) of the child that the network has not reaped.
            assert_eq!(unsafe { libc::kill(before as i32, libc::SIGKILL) }, 0);
            let started = Instant::now();
            while pid_of(&network).is_none_or(|pid| pid == before) {
                assert!(started.elapsed() < PATIENCE);
                thread::yield_now();
            }
        }
        assert_eq!(inside.told("other.test", A), rcode(REFUSED, 0));
        inside.resolve("a.test");
        assert_eq!(inside.http(SERVER, &get("a.test")), "HTTP/1.1 200 a.test");
        assert_eq!(
            inside.http(SERVER, &get("b.test")),
            "HTTP/1.1 403 Forbidden"
        );
    });
}

#[test]
fn a_new_warden_goes_on_with_the_names() {
    world(|world| {
        resolver(world);
        web(world);
        let network = start(config("a"));
        let listed = names(&["a.test"]);
        let before = Inside::with(&network, 0, listed.clone());
        before.resolve("a.test");
        let Inside { namespace, .. } = before;
        drop(network);
        let network = start_limited(config("a"), vec![(0, listed)]);
        let socket = udp(&namespace, 0);
        let inside = Inside {
            network: &network,
            namespace,
            socket,
        };
        // What was resolved before stays open.
        assert_eq!(inside.http(SERVER, &get("a.test")), "HTTP/1.1 200 a.test");
        inside.connect(RESOLVER, 80).unwrap_err();
        assert_eq!(inside.told("b.test", A), rcode(REFUSED, 0));
        inside.resolve("a.test");
        assert_eq!(inside.http(SERVER, &get("a.test")), "HTTP/1.1 200 a.test");
        assert_eq!(
            inside.http(SERVER, &get("b.test")),
            "HTTP/1.1 403 Forbidden"
        );
    });
}

#[test]
fn hostile_connections_hold_up_nobody() {
    world(|world| {
        resolver(world);
        web(world);
        let network = start(config("a"));
        let hostile = Inside::with(&network, 0, names(&["a.test"]));
        let honest = Inside::with(&network, 1, names(&["a.test"]));
        hostile.resolve("a.test");
        honest.resolve("a.test");
        let mut held = Vec::new();
        for _ in 0..300 {
            let mut stream = hostile.connect(SERVER, 80).unwrap();
            let _ = stream.write_all(b"GET / HT");
            held.push(stream);
        }
        await_denial(&network, 0, |denied| denied.reason == Reason::Capacity);
        assert_eq!(honest.http(SERVER, &get("a.test")), "HTTP/1.1 200 a.test");
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        drop(held);
        let pid = network.proxy_pid();
        for number in 0..60 {
            let mut bytes = if number % 2 == 0 {
                hello(Some("a.test"))
            } else {
                get("a.test").into_bytes()
            };
            for _ in 0..next() % 6 {
                let at = next() as usize % bytes.len();
                bytes[at] = next() as u8;
            }
            let port = if number % 2 == 0 { 443 } else { 80 };
            let mut stream = honest.connect(SERVER, port).unwrap();
            let _ = stream.write_all(&bytes);
        }
        assert_eq!(honest.http(SERVER, &get("a.test")), "HTTP/1.1 200 a.test");
        assert_eq!(network.proxy_pid(), pid);
    });
}
