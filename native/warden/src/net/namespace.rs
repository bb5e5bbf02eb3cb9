//! Fresh network namespaces.

use super::link::{LOOPBACK, Links};
use super::sysctl;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::thread;

/// A network namespace and an rtnetlink socket in it. It lives as long as either does, or a process
/// in it.
pub struct Namespace {
    pub fd: OwnedFd,
    pub links: Links,
}

/// Set in every sandbox's namespace. The kernel copies IPv4 settings of a new namespace from the
/// initial one (net.core.devconf_inherit_init_net = 0), so what matters is set whatever the host has.
const SETTINGS: [(&str, &str); 5] = [
    // First: a change of ip_forward resets other settings (Documentation/networking/ip-sysctl).
    ("ipv4/ip_forward", "0"),
    // Any group of the sandbox may ping, and root of its user namespace may bind port 80, without
    // capabilities over this namespace, which belongs to the host's user namespace.
    ("ipv4/ping_group_range", "0 2147483647"),
    ("ipv4/ip_unprivileged_port_start", "0"),
    // For interfaces to come; lo exists and keeps its ::1.
    ("ipv6/conf/default/disable_ipv6", "1"),
    ("ipv6/conf/default/accept_ra", "0"),
];

impl Namespace {
    /// With lo up and nothing else. A thread of its own enters it, so the caller's stays where it is.
    pub fn new() -> io::Result<Namespace> {
        thread::Builder::new()
            .name("netns".into())
            .spawn(|| {
                // SAFETY: changes the network namespace of this thread only, which ends below.
                if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
                    return Err(io::Error::last_os_error());
                }
                for (name, value) in SETTINGS {
                    sysctl::set(name, value)?;
                }
                let mut links = Links::open()?;
                links.set_up(LOOPBACK, true)?;
                let fd = File::open("/proc/thread-self/ns/net")?.into();
                Ok(Namespace { fd, links })
            })?
            .join()
            .map_err(|_| io::Error::other("the thread that makes a network namespace panicked"))?
    }
}
