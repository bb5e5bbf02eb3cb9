//! The network of an instance's sandboxes: one namespace and veth pair each, one gateway address,
//! one static packet filter, one DNS forwarder.
//!
//! A namespace is pinned by descriptors and processes only; with the last of them the kernel removes
//! the veth pair. Nothing here is remembered: every operation asks the kernel by name, so a warden
//! that starts anew goes on with what its predecessor left.

mod config;
mod conntrack;
mod dns;
mod doctor;
mod egress;
mod helper;
mod link;
mod namespace;
mod netlink;
pub mod policy;
mod proxy;
mod rules;
mod sysctl;

pub use config::NetworkConfig;
pub use dns::dns_main;
pub use egress::{Denial, Denied, Reason};
pub use proxy::proxy_main;

use crate::lock::lock;
use config::Plan;
use egress::Egress;
use link::{LOOPBACK, Links, Mac, Veth};
use namespace::Namespace;
use policy::Policy;
use std::collections::HashSet;
use std::fmt::Display;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Mutex;

/// The name of a sandbox's interface inside.
const INSIDE: &str = "eth0";
/// The host's end of every veth: each pair is a link of its own, so they may be alike.
const GATEWAY_MAC: Mac = [0x02, 0x41, 0x54, 0x4c, 0x00, 0x01];

/// The network of a running instance. All methods may be called by several threads at once, for one
/// index by one thread at a time.
pub struct Network {
    plan: Plan,
    egress: Egress,
    /// Addresses that had connections when this process made its first namespace, until it makes one
    /// for them; None before.
    left: Mutex<Option<HashSet<Ipv4Addr>>>,
}

impl Network {
    /// Prepares the host: gateway address on lo, packet filter, forwarding, DNS forwarder. Takes
    /// over from a dead warden of the instance; its sandboxes' links, routes and connections stay.
    /// Runs `nft` once, and keeps `/proc/self/exe dns ...` running, whose main must call
    /// [`dns_main`]. Dropping the network ends that process and leaves everything else.
    ///
    /// `policies` are those of sandboxes that live already, by index: no packet of theirs passes without.
    pub fn start(config: NetworkConfig, policies: Vec<(u32, Policy)>) -> io::Result<Network> {
        Network::start_with(config, policies, Path::new("/proc/self/exe"))
    }

    /// [`Network::start`] with another program for the forwarder.
    pub fn start_with(
        config: NetworkConfig,
        policies: Vec<(u32, Policy)>,
        program: &Path,
    ) -> io::Result<Network> {
        let plan = Plan::of(&config)?;
        Links::open()?
            .add_address(LOOPBACK, plan.gateway, libc::RT_SCOPE_HOST)
            .map_err(context("gateway address"))?;
        let sockets =
            dns::Sockets::bind(plan.gateway).map_err(context("sockets of the dns forwarder"))?;
        let listener = proxy::bind(plan.gateway).map_err(context("socket of the proxy"))?;
        // Nothing is forwarded before the filter is there.
        let egress = Egress::start(
            plan.clone(),
            program.to_owned(),
            sockets,
            listener,
            policies,
        )?;
        sysctl::ensure("ipv4/ip_forward", "1")?;
        Ok(Network {
            plan,
            egress,
            left: Mutex::new(None),
        })
    }

    /// The address of the gateway and of the DNS forwarder, as sandboxes see it.
    pub fn gateway(&self) -> Ipv4Addr {
        self.plan.gateway
    }

    /// The process of the DNS forwarder; None for the moment between two.
    pub fn forwarder_pid(&self) -> Option<u32> {
        self.egress.forwarder_pid()
    }

    /// The process of the proxy; None as long as no sandbox has needed it.
    pub fn proxy_pid(&self) -> Option<u32> {
        self.egress.proxy_pid()
    }

    /// The address of sandbox `index`, which must be below `max_slots`.
    pub fn address(&self, index: u32) -> Ipv4Addr {
        self.plan.address(index)
    }

    /// A new namespace with lo and eth0 up, connected to the host. What was left of an earlier
    /// sandbox of that index, links and tracked connections, is removed.
    pub fn create(&self, index: u32) -> io::Result<OwnedFd> {
        self.check(index)?;
        self.egress.forget(index)?;
        let left = Links::open()?
            .delete(&self.plan.link(index))
            .map_err(context("remove a stale veth"))?;
        self.forget_left(self.plan.address(index), left)
            .map_err(context("forget connections"))?;
        connected(&self.plan, index)
    }

    /// Takes the host's end of the sandbox's link down or up. Down, nothing passes and the sandbox
    /// sees no carrier; its address and routes stay.
    pub fn set_enabled(&self, index: u32, enabled: bool) -> io::Result<()> {
        self.check(index)?;
        let mut host = Links::open()?;
        let name = self.plan.link(index);
        if enabled {
            connect(&self.plan, &mut host, index)?;
            return host.await_operational(&name).map_err(context(name));
        }
        host.get(&name)
            .and_then(|link| host.set_up(link.index, false))
            .map_err(context(name))
    }

    /// Gives the sandbox a policy of its own, or takes it away, in place of the one it had. Connections
    /// that it allows go on, others are cut. Runs `nft` once, unless there was and is none.
    pub fn limit(&self, index: u32, policy: Option<Policy>) -> io::Result<()> {
        self.check(index)?;
        self.egress
            .set(index, policy)
            .map_err(context(format!("policy of {}", self.plan.link(index))))
    }

    /// What the sandbox was denied since its namespace was made or the network was started, newest
    /// first, and when the network was started, milliseconds since 1970.
    pub fn denials(&self, index: u32) -> io::Result<(Vec<Denial>, u64)> {
        self.check(index)?;
        Ok(self.egress.denials(index))
    }

    /// Bytes that the sandbox has received and sent since its namespace was made. `NotFound` when
    /// it is gone.
    pub fn counters(&self, index: u32) -> io::Result<(u64, u64)> {
        self.check(index)?;
        let name = self.plan.link(index);
        match Links::open()?.get(&name) {
            Ok(link) => Ok((link.sent, link.received)),
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => {
                Err(io::Error::new(io::ErrorKind::NotFound, name))
            }
            Err(error) => Err(context(name)(error)),
        }
    }

    /// Removes the sandbox's link, policy and tracked connections. Idempotent.
    pub fn destroy(&self, index: u32) -> io::Result<()> {
        self.check(index)?;
        let name = self.plan.link(index);
        self.egress.forget(index)?;
        let mut host = Links::open()?;
        // A sandbox that sent nothing has no connection, and to look for one is a walk over the whole
        // table. A link that has gone already does not tell.
        let silent = host.get(&name).is_ok_and(|link| link.received == 0);
        host.delete(&name).map_err(context(name))?;
        if silent {
            return Ok(());
        }
        conntrack::forget(self.plan.address(index)).map_err(context("forget connections"))
    }

    /// The names of this instance's links whose index is not in `live`.
    pub fn audit(&self, live: &[u32]) -> io::Result<Vec<String>> {
        let live: HashSet<u32> = live.iter().copied().collect();
        Ok(links_of(&self.plan)?
            .into_iter()
            .filter(|name| {
                self.plan
                    .index_of(name)
                    .is_none_or(|index| index != self.plan.proxy() && !live.contains(&index))
            })
            .collect())
    }

    /// Removes what the instance has on the host: its links (sandboxes that still run lose their
    /// network), its gateway address, its table. Idempotent. Forwarding stays on: others may need it.
    pub fn teardown(config: &NetworkConfig) -> io::Result<()> {
        let plan = Plan::of(config)?;
        let mut host = Links::open()?;
        for name in links_of(&plan)? {
            host.delete(&name).map_err(context(name))?;
        }
        host.delete_address(LOOPBACK, plan.gateway)
            .map_err(context("gateway address"))?;
        rules::unload(&plan)
    }

    /// What this host can do and what stands in the way: (name, whether it is well, detail). Runs
    /// `nft`.
    pub fn doctor() -> Vec<(String, bool, String)> {
        doctor::checks()
    }

    /// Forgets connections of an earlier sandbox that was not destroyed: it left its link, or a dead
    /// warden did not come to it. Asking the kernel for each new sandbox would cost more than all
    /// else of its network.
    fn forget_left(&self, address: Ipv4Addr, link_left: bool) -> io::Result<()> {
        let mut left = lock(&self.left);
        let addresses = match left.take() {
            Some(addresses) => addresses,
            None => {
                let all = (0..self.plan.max_slots).map(|index| self.plan.address(index));
                conntrack::sources(&all.collect())?
            }
        };
        let connections_left = left.insert(addresses).remove(&address);
        drop(left);
        if link_left || connections_left {
            conntrack::forget(address)?;
        }
        Ok(())
    }

    fn check(&self, index: u32) -> io::Result<()> {
        if index < self.plan.max_slots {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("index {index}: must be below {}", self.plan.max_slots),
        ))
    }
}

/// A new namespace with lo and eth0 up, connected to the host. There is no link of that index.
fn connected(plan: &Plan, index: u32) -> io::Result<OwnedFd> {
    let name = plan.link(index);
    let address = plan.address(index);
    let mut host = Links::open()?;
    let Namespace { fd, mut links } = Namespace::new().map_err(context("namespace"))?;
    host.add_veth(&Veth {
        name: &name,
        mac: GATEWAY_MAC,
        peer_name: INSIDE,
        peer_mac: mac_of(address),
        peer_namespace: fd.as_fd(),
    })
    .map_err(context("veth"))?;
    restrict(&name)?;
    connect(plan, &mut host, index)?;
    let inside = links.get(INSIDE).map_err(context(INSIDE))?.index;
    links
        .add_address(inside, address, libc::RT_SCOPE_UNIVERSE)
        .and_then(|()| links.set_up(inside, true))
        .and_then(|()| links.set_neighbour(inside, plan.gateway, GATEWAY_MAC))
        .and_then(|()| links.set_host_route(inside, plan.gateway, address))
        .and_then(|()| links.set_default_route(inside, plan.gateway))
        .map_err(context(INSIDE))?;
    host.await_operational(&name).map_err(context(name))?;
    Ok(fd)
}

/// Host's end up, with what the kernel drops when it goes down.
fn connect(plan: &Plan, host: &mut Links, index: u32) -> io::Result<()> {
    let name = plan.link(index);
    let address = plan.address(index);
    host.get(&name)
        .and_then(|link| {
            host.set_up(link.index, true)?;
            host.set_neighbour(link.index, address, mac_of(address))?;
            host.set_host_route(link.index, address, plan.gateway)
        })
        .map_err(context(name))
}

/// The host's settings of a sandbox's link, made before it comes up.
fn restrict(name: &str) -> io::Result<()> {
    sysctl::set(&format!("ipv4/conf/{name}/rp_filter"), "1")?;
    sysctl::set(&format!("ipv4/conf/{name}/accept_redirects"), "0")?;
    sysctl::set(&format!("ipv4/conf/{name}/send_redirects"), "0")?;
    sysctl::set(&format!("ipv6/conf/{name}/accept_ra"), "0")?;
    sysctl::set(&format!("ipv6/conf/{name}/disable_ipv6"), "1")
}

fn links_of(plan: &Plan) -> io::Result<Vec<String>> {
    let links = Links::open()?.list().map_err(context("list links"))?;
    Ok(links
        .into_iter()
        .map(|link| link.name)
        .filter(|name| name.starts_with(&plan.prefix))
        .collect())
}

/// A locally administered address, unique on the host because the IPv4 address is.
fn mac_of(address: Ipv4Addr) -> Mac {
    let [a, b, c, d] = address.octets();
    [0x02, 0x41, a, b, c, d]
}

/// Says what failed and keeps the kind of the error.
fn context(what: impl Display) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("network: {what}: {error}"))
}
