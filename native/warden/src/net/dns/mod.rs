//! The DNS forwarder on the gateway address: a process of its own without privileges, because it
//! reads what sandboxes and the internet send. The warden binds its sockets, starts it with them and
//! starts it again when it ends.
//!
//! Answers pass as they are: an address that sandboxes may not reach is stopped by the packet filter,
//! whatever name it came by. To a sandbox whose names are listed only answers to those pass, and the
//! warden opens their addresses first.

mod answer;
mod gate;
mod message;
mod random;
mod resolvers;
mod tcp;
mod udp;

use super::helper::{self, Calls, Policies};
use gate::Gate;
use resolvers::Resolvers;
use std::convert::Infallible;
use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Ports to try for the forwarder, 0 for any. Queries to port 53 are redirected, so it need not be
/// that one, which a resolver of the host may hold on all addresses. The port should stay the same
/// over a restart, because tracked queries go on to it.
const PORTS: [u16; 3] = [10_053, 20_053, 0];
/// For the forwarder of a warden that was just killed to be gone, too.
const PREDECESSOR: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_millis(10);

/// Both sockets, on the same port of `address`.
pub struct Sockets {
    pub udp: UdpSocket,
    pub tcp: TcpListener,
    pub port: u16,
}

impl Sockets {
    pub fn bind(address: Ipv4Addr) -> io::Result<Sockets> {
        let end = Instant::now() + PREDECESSOR;
        loop {
            match bind(address, PORTS[0]) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < end => {
                    thread::sleep(RETRY);
                }
                Ok(sockets) => return Ok(sockets),
                Err(_) => break,
            }
        }
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for port in &PORTS[1..] {
            match bind(address, *port) {
                Ok(sockets) => return Ok(sockets),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

fn bind(address: Ipv4Addr, port: u16) -> io::Result<Sockets> {
    let tcp = TcpListener::bind((address, port))?;
    let port = tcp.local_addr()?.port();
    let udp = UdpSocket::bind((address, port))?;
    Ok(Sockets { udp, tcp, port })
}

/// The forwarder's process: `<program> dns <pid of the warden> [resolver address]...`, with the UDP
/// socket as standard input, the TCP listener as standard output and the warden's connections where a
/// helper expects them. `args` begin after `dns`.
/// Ends with the warden, or with status 1 and a line on standard error.
pub fn dns_main(args: impl Iterator<Item = OsString>) -> ! {
    let Err(error) = run(args);
    eprintln!("dns forwarder: {error}");
    std::process::exit(1)
}

fn run(args: impl Iterator<Item = OsString>) -> io::Result<Infallible> {
    let mut args = args.map(|arg| arg.into_string().map_err(|_| usage()));
    let warden: i32 = args
        .next()
        .ok_or_else(usage)??
        .parse()
        .map_err(|_| usage())?;
    let configured = args
        .map(|arg| arg?.parse::<IpAddr>().map_err(|_| usage()))
        .collect::<io::Result<Vec<_>>>()?;
    helper::drop_all(warden)?;
    let policies = Policies::start(|_, _| {})?;
    let gate = Arc::new(Gate::new(policies, Calls::start()?));
    // SAFETY: the warden passes these two and this process uses neither standard stream otherwise.
    let (udp, tcp) = unsafe {
        (
            UdpSocket::from(OwnedFd::from_raw_fd(libc::STDIN_FILENO)),
            TcpListener::from(OwnedFd::from_raw_fd(libc::STDOUT_FILENO)),
        )
    };
    let resolvers = Arc::new(Resolvers::new(&configured));
    let for_tcp = (Arc::clone(&resolvers), Arc::clone(&gate));
    thread::Builder::new()
        .name("tcp".into())
        .spawn(move || tcp::serve(&tcp, &for_tcp.0, &for_tcp.1))?;
    udp::Relay::new(udp, &resolvers, &gate)?.run()
}

fn usage() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "arguments: <pid of the warden> [resolver address]...",
    )
}
