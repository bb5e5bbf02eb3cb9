//! The sandboxes' network against real namespaces, links, filters and processes. Needs root, nft
//! and iproute2.

mod dns;
mod egress;
mod names;
mod world;

use atoll_warden::net::Network;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::thread;
use std::time::Instant;
use world::*;

#[test]
fn a_sandbox_has_what_its_programs_need() {
    world(|_| {
        let network = start(config("a"));
        let sandbox = network.create(3).unwrap();
        let (addresses, ping, ports, forward) = within(&sandbox, || {
            let setting = |name: &str| fs::read_to_string(format!("/proc/sys/net/ipv4/{name}"));
            (
                output("ip", &["-brief", "address"]),
                setting("ping_group_range").unwrap(),
                setting("ip_unprivileged_port_start").unwrap(),
                setting("ip_forward").unwrap(),
            )
        });
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            words(&addresses).contains("127.0.0.1/8 ::1/128"),
            "{addresses}"
        );
        assert!(
            words(&addresses).ends_with("UP 10.204.0.5/32"),
            "{addresses}"
        );
        assert_eq!(network.address(3), Ipv4Addr::new(10, 204, 0, 5));
        assert_eq!(words(&ping), "0 2147483647");
        assert_eq!((ports.trim(), forward.trim()), ("0", "0"));
    });
}

#[test]
fn the_first_packet_each_way_is_not_lost() {
    world(|world| {
        let network = start(config("a"));
        let outside = world.udp(9001);
        for index in 0..40 {
            let inside = udp(network.create(index).unwrap(), 0);
            let mut buffer = [0; 16];
            inside.send_to(b"there", (SERVER, 9001)).unwrap();
            let (_, from) = outside.recv_from(&mut buffer).unwrap();
            outside.send_to(b"back", from).unwrap();
            inside.recv_from(&mut buffer).unwrap();
        }
    });
}

#[test]
fn a_link_taken_up_again_loses_no_first_packet_for_want_of_a_queue_at_either_end() {
    world(|world| {
        let network = start(config("a"));
        let outside = world.udp(9001);
        let inside = udp(network.create(0).unwrap(), 0);
        let mut buffer = [0; 16];
        for _ in 0..200 {
            network.set_enabled(0, false).unwrap();
            network.set_enabled(0, true).unwrap();
            inside.send_to(b"there", (SERVER, 9001)).unwrap();
            let (_, from) = outside.recv_from(&mut buffer).unwrap();
            outside.send_to(b"back", from).unwrap();
            inside.recv_from(&mut buffer).unwrap();
        }
    });
}

#[test]
fn tcp_reaches_the_outside_from_the_address_of_the_host() {
    world(|world| {
        let network = start(config("a"));
        let server = world.listen(80);
        let mut client = connect(network.create(0).unwrap(), (SERVER, 80)).unwrap();
        let (mut peer, from) = server.accept().unwrap();
        assert_eq!(from.ip(), HOST);
        client.write_all(b"there").unwrap();
        peer.write_all(b"back").unwrap();
        let (mut there, mut back) = ([0; 5], [0; 4]);
        peer.read_exact(&mut there).unwrap();
        client.read_exact(&mut back).unwrap();
        assert_eq!((&there, &back), (b"there", b"back"));
    });
}

#[test]
fn denied_addresses_fail_at_once_unless_allowed() {
    world(|world| {
        let server = world.listen(80);
        let network = start(config("a"));
        let sandbox = network.create(0).unwrap();
        for address in DENIED {
            std::net::TcpStream::connect_timeout(&(address, 80).into(), PATIENCE)
                .unwrap_or_else(|error| panic!("the host does not reach {address}: {error}"));
            server.accept().unwrap();
            let error = connect(&sandbox, (address, 80)).unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::HostUnreachable,
                "{address}: {error}"
            );
        }
        drop(network);
        let mut allowing = config("a");
        allowing.allow = vec!["10.77.0.0/24".to_owned(), "10.204.0.0/16".to_owned()];
        let _network = start(allowing);
        connect(&sandbox, (DENIED[0], 80)).unwrap();
        // Addresses of sandboxes are not for others whatever is allowed.
        connect(&sandbox, (Ipv4Addr::new(10, 204, 200, 1), 80)).unwrap_err();
    });
}

#[test]
fn sandboxes_do_not_reach_each_other() {
    world(|_| {
        let network = start(config("a"));
        let (one, two) = (network.create(0).unwrap(), network.create(1).unwrap());
        let server = within(&two, || TcpListener::bind("0.0.0.0:80").unwrap());
        let address = SocketAddr::from((network.address(1), 80));
        std::net::TcpStream::connect_timeout(&address, PATIENCE).expect("the host reaches it");
        server.accept().unwrap();
        let error = connect(&one, address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostUnreachable);
    });
}

#[test]
fn instances_do_not_reach_each_other_even_when_they_allow_it() {
    world(|_| {
        let mut one = config("a");
        one.allow = vec!["0.0.0.0/0".to_owned()];
        let mut other = config("b-1");
        other.subnet.0 = Ipv4Addr::new(10, 205, 0, 0);
        other.allow = one.allow.clone();
        let (one, other) = (start(one), start(other));
        let (from, to) = (one.create(0).unwrap(), other.create(0).unwrap());
        let _server = within(&to, || TcpListener::bind("0.0.0.0:80").unwrap());
        std::net::TcpStream::connect_timeout(&(other.address(0), 80).into(), PATIENCE)
            .expect("the host reaches it");
        // Dropped without an answer, so it is the absence of an answer that counts: the counter of
        // what the target's link has carried to it.
        let before = other.counters(0).unwrap().0;
        let socket = udp(&from, 0);
        socket.send_to(b"x", (other.address(0), 80)).unwrap();
        assert_eq!(other.counters(0).unwrap().0, before);
    });
}

#[test]
fn no_port_of_the_host_is_reached_on_any_of_its_addresses() {
    world(|_| {
        let network = start(config("a"));
        let sandbox = network.create(0).unwrap();
        let server = TcpListener::bind("0.0.0.0:2222").unwrap();
        for address in [network.gateway(), HOST] {
            std::net::TcpStream::connect_timeout(&(address, 2222).into(), PATIENCE).unwrap();
            server.accept().unwrap();
            let error = connect(&sandbox, (address, 2222)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::HostUnreachable, "{address}");
        }
        let error = connect(&sandbox, (Ipv4Addr::LOCALHOST, 2222)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn the_outside_reaches_neither_sandbox_nor_forwarder() {
    world(|world| {
        let network = start(config("a"));
        let sandbox = network.create(0).unwrap();
        within(&world.outside, || {
            ip(&format!("route add 10.204.0.0/24 via {HOST}\n"));
        });
        let inside = udp(&sandbox, 9000);
        let outside = world.udp(9001);
        outside
            .send_to(b"unasked", (network.address(0), 9000))
            .unwrap();
        // A header alone is answered by the forwarder itself, in the order of arrival: when the
        // sandbox has its answer, one to the outside would be on its way before the question below.
        let incomplete = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        let (gateway, port) = (network.gateway(), dns::port_of(&network));
        for port in [53, port] {
            outside.send_to(&incomplete, (gateway, port)).unwrap();
        }
        inside.send_to(&incomplete, (gateway, 53)).unwrap();
        inside.recv_from(&mut [0; 512]).unwrap();
        // What the sandbox asks for comes back, and it is the first thing that comes on either side.
        inside.send_to(b"question", (SERVER, 9001)).unwrap();
        let mut buffer = [0; 512];
        let (length, from) = outside.recv_from(&mut buffer).unwrap();
        assert_eq!(
            (&buffer[..length], from.ip()),
            (&b"question"[..], HOST.into())
        );
        outside.send_to(b"answer", from).unwrap();
        let (length, _) = inside.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"answer");
    });
}

#[test]
fn forged_source_addresses_are_dropped_with_and_without_rp_filter() {
    world(|world| {
        let network = start(config("a"));
        let (sandbox, _other) = (network.create(0).unwrap(), network.create(1).unwrap());
        let target = (RESOLVER, 9002);
        let outside = within(&world.outside, || UdpSocket::bind(target).unwrap());
        outside.set_read_timeout(Some(PATIENCE)).unwrap();
        let forged = [
            network.address(1),
            network.address(7),
            SERVER,
            network.gateway(),
        ];
        within(&sandbox, || {
            for address in forged {
                ip(&format!(
                    "address add {address}/32 dev eth0 noprefixroute\n"
                ));
            }
        });
        for strict in ["1", "0"] {
            fs::write("/proc/sys/net/ipv4/conf/ata-0/rp_filter", strict).unwrap();
            for address in forged {
                let socket = within(&sandbox, || UdpSocket::bind((address, 0)).unwrap());
                socket.send_to(b"forged", target).unwrap();
                let honest = within(&sandbox, || {
                    UdpSocket::bind((network.address(0), 0)).unwrap()
                });
                honest.send_to(b"honest", target).unwrap();
                let mut buffer = [0; 16];
                let (length, from) = outside.recv_from(&mut buffer).unwrap();
                assert_eq!(
                    &buffer[..length],
                    b"honest",
                    "forged {address} rp_filter={strict}"
                );
                assert_eq!(from.ip(), HOST);
            }
        }
    });
}

#[test]
fn a_disabled_sandbox_is_cut_off_and_its_connections_go_on_when_enabled() {
    world(|world| {
        let network = start(config("a"));
        let sandbox = network.create(0).unwrap();
        let server = world.listen(80);
        let mut client = connect(&sandbox, (SERVER, 80)).unwrap();
        let mut peer = server.accept().unwrap().0;
        network.set_enabled(0, false).unwrap();
        network.set_enabled(0, false).unwrap();
        let counters = network.counters(0).unwrap();
        client.write_all(b"late").unwrap();
        assert_eq!(network.counters(0).unwrap(), counters);
        network.set_enabled(0, true).unwrap();
        network.set_enabled(0, true).unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut late = [0; 4];
        peer.read_exact(&mut late).unwrap();
        assert_eq!(&late, b"late");
        connect(&sandbox, (SERVER, 80)).unwrap();
    });
}

#[test]
fn counters_tell_what_the_sandbox_received_and_sent() {
    world(|world| {
        let network = start(config("a"));
        let sandbox = network.create(0).unwrap();
        let outside = world.udp(9001);
        let inside = udp(&sandbox, 0);
        let mut buffer = [0; 2048];
        inside.send_to(&[1; 1000], (SERVER, 9001)).unwrap();
        let (_, from) = outside.recv_from(&mut buffer).unwrap();
        outside.send_to(&[2; 400], from).unwrap();
        inside.recv_from(&mut buffer).unwrap();
        // Payload, UDP, IP and Ethernet headers.
        assert_eq!(network.counters(0).unwrap(), (442, 1042));
        let error = network.counters(1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    });
}

#[test]
fn a_new_warden_keeps_links_routes_and_connections() {
    world(|world| {
        let first = start(config("a"));
        let sandbox = first.create(0).unwrap();
        let server = world.listen(80);
        let mut client = connect(&sandbox, (SERVER, 80)).unwrap();
        let mut peer = server.accept().unwrap().0;
        drop(first);
        let second = start(config("a"));
        client.write_all(b"more").unwrap();
        let mut more = [0; 4];
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        peer.read_exact(&mut more).unwrap();
        assert_eq!(second.audit(&[0]).unwrap(), Vec::<String>::new());
        second.set_enabled(0, false).unwrap();
        second.set_enabled(0, true).unwrap();
        connect(&sandbox, (SERVER, 80)).unwrap();
        assert!(output("nft", &["list", "tables"]).lines().count() == 1);
    });
}

#[test]
fn the_next_sandbox_of_an_address_does_not_inherit_its_connections() {
    world(|world| {
        let network = start(config("a"));
        let first = network.create(0).unwrap();
        let outside = world.udp(9001);
        udp(&first, 9000).send_to(b"x", (SERVER, 9001)).unwrap();
        let (_, from) = outside.recv_from(&mut [0; 16]).unwrap();
        drop(first);
        let second = network.create(0).unwrap();
        let _inside = udp(&second, 9000);
        outside.connect(from).unwrap();
        outside.send(b"for the first").unwrap();
        // No socket of the host has this port either, and that is what its peer learns.
        let error = outside.recv(&mut [0; 16]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn the_link_goes_with_the_last_descriptor_of_the_namespace() {
    world(|_| {
        let network = start(config("a"));
        let sandbox = network.create(5).unwrap();
        assert_eq!(network.audit(&[]).unwrap(), ["ata-5"]);
        drop(sandbox);
        // The kernel removes namespaces in the background and tells nobody of it.
        let started = Instant::now();
        while !network.audit(&[]).unwrap().is_empty() {
            assert!(
                started.elapsed() < PATIENCE,
                "the link outlives the namespace"
            );
            thread::yield_now();
        }
        network.destroy(5).unwrap();
    });
}

#[test]
fn a_stale_link_of_the_same_name_is_replaced() {
    world(|world| {
        let network = start(config("a"));
        let stale = network.create(0).unwrap();
        let fresh = network.create(0).unwrap();
        let _server = world.listen(80);
        connect(&fresh, (SERVER, 80)).unwrap();
        connect(&stale, (SERVER, 80)).unwrap_err();
    });
}

#[test]
fn many_are_made_at_once() {
    world(|world| {
        let network = start(config("a"));
        let _server = world.listen(80);
        // Threads of the host: they inherit its namespace.
        thread::scope(|scope| {
            for index in 0..32 {
                let network: &Network = &network;
                scope.spawn(move || {
                    let sandbox = network.create(index).unwrap();
                    connect(&sandbox, (SERVER, 80)).unwrap();
                    network.destroy(index).unwrap();
                    network.destroy(index).unwrap();
                });
            }
        });
        assert_eq!(network.audit(&[]).unwrap(), Vec::<String>::new());
        let error = network.create(64).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn teardown_removes_what_is_of_the_instance_and_nothing_else() {
    world(|_| {
        let mut other_config = config("ab");
        other_config.subnet.0 = Ipv4Addr::new(10, 205, 0, 0);
        let other = start(other_config);
        let _kept = other.create(0).unwrap();
        let state = || {
            (
                output("ip", &["-brief", "link"]).lines().count(),
                output("ip", &["address", "show", "dev", "lo"])
                    .matches("inet ")
                    .count(),
                output("ip", &["route", "show", "table", "all"])
                    .lines()
                    .count(),
                output("nft", &["list", "ruleset"]),
            )
        };
        let before = state();
        let network = start(config("a"));
        let _one = network.create(0).unwrap();
        let _two = network.create(1).unwrap();
        drop(network);
        assert_ne!(state(), before);
        Network::teardown(&config("a")).unwrap();
        assert_eq!(state(), before);
        Network::teardown(&config("a")).unwrap();
    });
}

#[test]
fn another_tables_drop_policy_is_reported() {
    world(|_| {
        let verdict = || {
            let checks = Network::doctor();
            checks
                .into_iter()
                .find(|(name, ..)| name == "other firewalls")
                .unwrap()
        };
        assert!(verdict().1, "{}", verdict().2);
        let chain = "{ type filter hook forward priority 0; policy drop; }";
        output("nft", &["add", "table", "ip", "dock"]);
        output("nft", &["add", "chain", "ip", "dock", "FORWARD", chain]);
        assert!(!verdict().1);
        assert!(verdict().2.contains("dock/FORWARD"), "{}", verdict().2);
    });
}
