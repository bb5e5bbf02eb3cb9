//! The transparent proxy for HTTP and TLS of sandboxes with a list of names: a process without
//! privileges in a network namespace of its own, which the packet filter treats like a sandbox's.
//!
//! An address that a listed name has opened may serve other names, too. So what goes there on the ports of
//! HTTP and TLS comes here first, and passes when it names a listed name. It goes on to the address that
//! the sandbox has asked for; what is inside TLS passes unread.

mod connection;
mod http;
mod registry;
mod talk;
mod tls;

use std::convert::Infallible;
use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::helper::{self, Calls, NAMESPACE, Policies};
use connection::Proxy;
use registry::Registry;

/// Ports to try on the gateway address, 0 for any.
const PORTS: [u16; 3] = [10_080, 20_080, 0];
/// Before the next accept(2) when one failed, which is for want of descriptors or memory.
const PAUSE: Duration = Duration::from_millis(50);
const STACK: usize = 256 << 10;

/// The socket that diverted connections come to; nothing is diverted to it before there is a policy that
/// needs it.
pub fn bind(gateway: Ipv4Addr) -> io::Result<TcpListener> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for port in PORTS {
        match TcpListener::bind((gateway, port)) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The proxy's process: `<program> proxy <pid of the warden>`, with the listener as standard input, and
/// the warden's connections and the namespace where a helper expects them. `args` begin after `proxy`.
/// Ends with the warden, or with status 1 and a line on standard error.
pub fn proxy_main(args: impl Iterator<Item = OsString>) -> ! {
    let Err(error) = run(args);
    eprintln!("proxy: {error}");
    std::process::exit(1)
}

fn run(mut args: impl Iterator<Item = OsString>) -> io::Result<Infallible> {
    let warden: i32 = args
        .next()
        .and_then(|pid| pid.into_string().ok()?.parse().ok())
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "arguments: <pid of the warden>",
            )
        })?;
    // The listener stays where the warden made it; what this process opens is in the namespace.
    // SAFETY: plain numbers; the process has one thread.
    if unsafe { libc::setns(NAMESPACE, libc::CLONE_NEWNET) } != 0 {
        return Err(io::Error::last_os_error());
    }
    helper::drop_all(warden)?;
    // SAFETY: the warden passes it and this process does not use standard input otherwise.
    let listener = TcpListener::from(unsafe { OwnedFd::from_raw_fd(libc::STDIN_FILENO) });
    let registry = Arc::new(Registry::default());
    let to_cut = Arc::clone(&registry);
    let policies = Policies::start(move |sandbox, policy| to_cut.cut(sandbox, policy))?;
    let proxy = Arc::new(Proxy {
        policies,
        calls: Calls::start()?,
        registry,
    });
    loop {
        let Ok((client, from)) = listener.accept() else {
            thread::sleep(PAUSE);
            continue;
        };
        let IpAddr::V4(sandbox) = from.ip() else {
            continue;
        };
        let proxy = Arc::clone(&proxy);
        // Without a thread the closure is dropped and the connection closed.
        let _ = thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || proxy.serve(client, sandbox));
    }
}
