//! Policies of single sandboxes.

use super::world::*;
use atoll_warden::net::policy::Policy;
use atoll_warden::net::{Denied, Network, Reason};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::Instant;

fn policy(rest: bool, allow: &[&str], deny: &[&str]) -> Policy {
    let ranges = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    Policy {
        rest,
        allow: ranges(allow),
        deny: ranges(deny),
        names: None,
    }
}

/// Carries one byte each way, or says why not.
fn echo(client: &mut TcpStream, peer: &mut TcpStream) -> std::io::Result<()> {
    peer.set_read_timeout(Some(PATIENCE))?;
    let mut byte = [0];
    client.write_all(b"a")?;
    peer.read_exact(&mut byte)?;
    peer.write_all(b"b")?;
    client.read_exact(&mut byte)
}

/// Waits for a denial, which arrives from the kernel after the packet was refused.
pub fn await_denial(network: &Network, index: u32, fits: impl Fn(&Denied) -> bool) -> Denied {
    let started = Instant::now();
    loop {
        let (denials, _) = network.denials(index).unwrap();
        if let Some(denial) = denials.iter().find(|denial| fits(&denial.what)) {
            return denial.what.clone();
        }
        assert!(started.elapsed() < PATIENCE, "not among {denials:?}");
        thread::yield_now();
    }
}

#[test]
fn lists_of_ranges_decide_and_each_sandbox_has_its_own() {
    world(|world| {
        let server = world.listen(80);
        let network = start(config("a"));
        let sandbox = network.create(0).unwrap();
        let other = network.create(1).unwrap();
        let reach = |from, address: Ipv4Addr| {
            connect(from, (address, 80))
                .map(|_| server.accept().unwrap())
                .map_err(|e| e.kind())
        };
        for (policy, to_server, to_resolver) in [
            (policy(false, &["198.51.100.80"], &[]), true, false),
            (
                policy(
                    false,
                    &["198.51.100.0/24", "198.51.100.80"],
                    &["198.51.100.53/32"],
                ),
                true,
                false,
            ),
            (policy(true, &[], &["198.51.100.80/31"]), false, true),
            (policy(false, &["2001:db8::/32"], &[]), false, false),
            (
                policy(false, &["0.0.0.0/0", "::/0"], &["2001:db8::/32"]),
                true,
                true,
            ),
        ] {
            network.limit(0, Some(policy.clone())).unwrap();
            for (address, reached) in [(SERVER, to_server), (RESOLVER, to_resolver)] {
                let result = reach(&sandbox, address);
                if reached {
                    result.unwrap_or_else(|kind| panic!("{policy:?} {address}: {kind}"));
                } else {
                    assert_eq!(
                        result.unwrap_err(),
                        ErrorKind::HostUnreachable,
                        "{policy:?} {address}"
                    );
                }
                reach(&other, address).unwrap();
            }
            // What the instance denies no policy allows.
            assert!(reach(&sandbox, DENIED[0]).is_err());
        }
        network.limit(0, None).unwrap();
        reach(&sandbox, SERVER).unwrap();
        reach(&sandbox, RESOLVER).unwrap();
    });
}

#[test]
fn a_change_cuts_what_it_forbids_and_nothing_else() {
    world(|world| {
        let server = world.listen(8080);
        let network = start(config("a"));
        let sandbox = network.create(0).unwrap();
        let open = |address: Ipv4Addr| {
            let client = connect(&sandbox, (address, 8080)).unwrap();
            (client, server.accept().unwrap().0)
        };
        let (mut kept, mut kept_peer) = open(SERVER);
        let (mut cut, mut cut_peer) = open(RESOLVER);
        let (mut idle, idle_peer) = open(RESOLVER);
        echo(&mut kept, &mut kept_peer).unwrap();
        echo(&mut cut, &mut cut_peer).unwrap();
        network
            .limit(0, Some(policy(false, &["198.51.100.80"], &[])))
            .unwrap();
        // Also the end that only waits hears of it.
        let error = idle.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        drop(idle_peer);
        let error = echo(&mut cut, &mut cut_peer).unwrap_err();
        assert!(
            matches!(
                error.kind(),
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
            ),
            "{error}"
        );
        echo(&mut kept, &mut kept_peer).unwrap();
        network
            .limit(0, Some(policy(true, &[], &["198.51.100.53"])))
            .unwrap();
        network.limit(0, None).unwrap();
        echo(&mut kept, &mut kept_peer).unwrap();
        let (mut again, mut again_peer) = open(RESOLVER);
        echo(&mut again, &mut again_peer).unwrap();
    });
}

#[test]
fn datagrams_of_a_forbidden_flow_stop_both_ways() {
    world(|world| {
        let network = start(config("a"));
        let outside = world.udp(9001);
        let inside = udp(network.create(0).unwrap(), 0);
        let mut buffer = [0; 16];
        inside.send_to(b"there", (SERVER, 9001)).unwrap();
        let (_, from) = outside.recv_from(&mut buffer).unwrap();
        network.limit(0, Some(policy(false, &[], &[]))).unwrap();
        outside.connect(from).unwrap();
        outside.send(b"late").unwrap();
        let error = outside.recv(&mut buffer).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        inside.send_to(b"forbidden", (SERVER, 9001)).unwrap();
        let denied = await_denial(&network, 0, |denied| denied.protocol == "udp");
        assert_eq!((denied.address, denied.port), (Some(SERVER.into()), 9001));
    });
}

#[test]
fn the_next_sandbox_of_an_index_has_neither_policy_nor_denials() {
    world(|world| {
        let _server = world.listen(80);
        let network = start(config("a"));
        for destroyed in [true, false] {
            let sandbox = network.create(0).unwrap();
            network.limit(0, Some(policy(false, &[], &[]))).unwrap();
            connect(&sandbox, (SERVER, 80)).unwrap_err();
            await_denial(&network, 0, |denied| denied.reason == Reason::Policy);
            if destroyed {
                network.destroy(0).unwrap();
            }
            let next = network.create(0).unwrap();
            connect(&next, (SERVER, 80)).unwrap();
            assert!(network.denials(0).unwrap().0.is_empty());
        }
        let rules = output("nft", &["list", "table", "inet", "atoll_a"]);
        assert!(!rules.contains("chain p0"), "{rules}");
    });
}

#[test]
fn denials_tell_what_was_denied_and_by_whom() {
    world(|_| {
        let network = start(config("a"));
        let sandbox = network.create(3).unwrap();
        for _ in 0..3 {
            connect(&sandbox, (DENIED[0], 443)).unwrap_err();
        }
        let denied = await_denial(&network, 3, |denied| denied.port == 443);
        assert_eq!(
            (denied.address, denied.reason),
            (Some(DENIED[0].into()), Reason::Node)
        );
        network
            .limit(3, Some(policy(true, &[], &["198.51.100.80"])))
            .unwrap();
        connect(&sandbox, (SERVER, 81)).unwrap_err();
        let denied = await_denial(&network, 3, |denied| denied.port == 81);
        assert_eq!(
            (denied.protocol.as_str(), denied.reason),
            ("tcp", Reason::Policy)
        );
        let (denials, since) = network.denials(3).unwrap();
        assert_eq!(
            denials.iter().find(|d| d.what.port == 443).unwrap().count,
            3
        );
        assert!(
            denials
                .iter()
                .all(|d| since <= d.first_ms && d.first_ms <= d.last_ms)
        );
    });
}

#[test]
fn a_new_warden_has_the_policies_before_it_forwards() {
    world(|world| {
        let server = world.listen(80);
        let first = start(config("a"));
        let sandbox = first.create(0).unwrap();
        let only = policy(false, &["198.51.100.80"], &[]);
        first.limit(0, Some(only.clone())).unwrap();
        let mut client = connect(&sandbox, (SERVER, 80)).unwrap();
        let mut peer = server.accept().unwrap().0;
        drop(first);
        let second = start_limited(config("a"), vec![(0, only)]);
        echo(&mut client, &mut peer).unwrap();
        connect(&sandbox, (RESOLVER, 80)).unwrap_err();
        second.limit(0, None).unwrap();
        connect(&sandbox, (RESOLVER, 80)).unwrap();
    });
}
