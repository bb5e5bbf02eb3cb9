//! A host and an internet of the test's own: two network namespaces joined by a veth pair, so that
//! tests need nothing of the machine's network, leave nothing there and run side by side.

use atoll_warden::net::policy::Policy;
use atoll_warden::net::{Network, NetworkConfig};
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// The host's address on the way out.
pub const HOST: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
pub const SERVER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 80);
pub const RESOLVER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 53);
/// One of each kind that sandboxes may not reach; all exist outside and answer.
pub const DENIED: [Ipv4Addr; 8] = [
    Ipv4Addr::new(10, 77, 0, 1),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(172, 31, 255, 254),
    Ipv4Addr::new(192, 168, 77, 1),
    Ipv4Addr::new(168, 63, 129, 16),
    // Of the instance's own subnet, without a sandbox.
    Ipv4Addr::new(10, 204, 200, 1),
    // Of nobody's deny list in particular, named by the test's.
    Ipv4Addr::new(198, 51, 100, 66),
];
/// How long something that must happen may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub struct World {
    pub outside: OwnedFd,
}

/// Runs the test in a thread that is on the host.
pub fn world(test: impl FnOnce(&World) + Send + 'static) {
    let host = thread::spawn(|| {
        let outside = thread::spawn(enter_new).join().unwrap();
        enter_new();
        let mut setup = format!(
            "link set lo up\n\
             link add out0 type veth peer name eth0 netns /proc/{}/fd/{}\n\
             address add {HOST}/24 dev out0\n\
             link set out0 up\n",
            std::process::id(),
            outside.as_raw_fd()
        );
        let mut there = "link set lo up\nlink set eth0 up\n".to_owned();
        for address in [SERVER, RESOLVER] {
            there += &format!("address add {address}/24 dev eth0\n");
        }
        for address in DENIED {
            there += &format!("address add {address}/32 dev lo\n");
            setup += &format!("route add {address}/32 via {SERVER}\n");
        }
        ip(&setup);
        within(&outside, || ip(&there));
        test(&World { outside });
    });
    if let Err(panic) = host.join() {
        std::panic::resume_unwind(panic);
    }
}

impl World {
    /// A listener outside, on every address there.
    pub fn listen(&self, port: u16) -> TcpListener {
        within(&self.outside, || {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap()
        })
    }

    pub fn udp(&self, port: u16) -> UdpSocket {
        let socket = within(&self.outside, || UdpSocket::bind((SERVER, port)).unwrap());
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    }
}

pub fn config(instance: &str) -> NetworkConfig {
    NetworkConfig {
        instance: instance.to_owned(),
        subnet: (Ipv4Addr::new(10, 204, 0, 0), 16),
        max_slots: 64,
        deny: [
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "168.63.129.16",
            "198.51.100.66/32",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "255.255.255.255",
            "::1",
            "fc00::/7",
            "fe80::/10",
            "ff00::/8",
        ]
        .map(str::to_owned)
        .to_vec(),
        allow: Vec::new(),
        upstream: vec![RESOLVER.into()],
    }
}

pub fn start(config: NetworkConfig) -> Network {
    start_limited(config, Vec::new())
}

/// With the policies of sandboxes that a dead warden left.
pub fn start_limited(config: NetworkConfig, policies: Vec<(u32, Policy)>) -> Network {
    let program = Path::new(env!("CARGO_BIN_EXE_atoll-warden"));
    Network::start_with(config, policies, program).unwrap()
}

/// Runs `work` in another network namespace. A socket made there stays there.
pub fn within<T: Send>(namespace: impl AsFd, work: impl FnOnce() -> T + Send) -> T {
    let namespace = namespace.as_fd();
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // SAFETY: changes the namespace of this thread only, which ends with `work`.
            let entered = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
            assert_eq!(entered, 0, "{}", io::Error::last_os_error());
            work()
        });
        match thread.join() {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

pub fn connect(from: impl AsFd, to: impl Into<SocketAddr>) -> io::Result<TcpStream> {
    let to = to.into();
    let stream = within(from, || TcpStream::connect_timeout(&to, PATIENCE))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

pub fn udp(from: impl AsFd, port: u16) -> UdpSocket {
    let socket = within(from, || {
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap()
    });
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Commands of ip(8), one a line, in the namespace of the calling thread.
pub fn ip(batch: &str) {
    use std::io::Write;
    let mut child = Command::new("ip")
        .args(["-batch", "-"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("the tests need iproute2");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(batch.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success(), "ip: {batch}");
}

pub fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn enter_new() -> OwnedFd {
    // SAFETY: changes the namespace of this thread only, which the test owns.
    let entered = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(
        entered,
        0,
        "the tests need root: {}",
        io::Error::last_os_error()
    );
    File::open("/proc/thread-self/ns/net").unwrap().into()
}
