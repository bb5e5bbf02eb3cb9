//! Sandboxes with a policy of their own: their chains in the packet filter, changed while they run.
//!
//! A change first replaces the chains in one transaction, then tells forwarder and proxy, then cuts what
//! is open and forbidden: the kernel decides on a connection when it begins and lets it go on as
//! established, so what must not go on is removed from the connection table. The proxy, which starts with
//! the first policy that needs it, cuts its own.

mod denials;
mod elements;
mod nudge;
mod opened;
mod packets;
mod script;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::conntrack::{self, Connection};
use super::dns::Sockets;
use super::helper::{Call, Helper, Office, Program, Reply, Telling};
use super::link::Links;
use super::policy::{HTTP, HTTPS, Policy, Verdict, is_name};
use super::rules::{self, Ports};
use super::{Plan, context, mac_of};
use crate::lock::lock;
pub use denials::{Denial, Denied, Reason};
use denials::{Denials, now_ms};
use elements::Element;
use nudge::Nudge;
use opened::Opened;
use packets::Packets;

/// Clients may keep an answer for so many seconds at most.
pub const OPEN_AT_MOST: u32 = 600;
/// For a client to connect to what it kept till the last moment, and for resolvers that answer with 0.
const GRACE: Duration = Duration::from_secs(60);

pub struct Egress {
    /// Before what it works with: it ends when dropped.
    forwarder: Helper,
    proxy: Mutex<Option<Helper>>,
    program: PathBuf,
    listener: TcpListener,
    _packets: Packets,
    core: Arc<Core>,
}

struct Core {
    plan: Plan,
    ports: Ports,
    denials: Arc<Denials>,
    since_ms: u64,
    /// By index. Held while the packet filter is changed, so that both say the same.
    limited: Mutex<HashMap<u32, Limited>>,
}

struct Limited {
    policy: Policy,
    opened: Opened,
}

impl Egress {
    /// Loads the packet filter with the policies of sandboxes that live already, and starts the
    /// forwarder, which is `program` with other arguments.
    pub fn start(
        plan: Plan,
        program: PathBuf,
        dns: Sockets,
        listener: TcpListener,
        policies: Vec<(u32, Policy)>,
    ) -> io::Result<Egress> {
        let denials = Arc::new(Denials::default());
        let packets = Packets::watch(plan.clone(), Arc::clone(&denials))
            .map_err(context("log of denied packets"))?;
        let ports = Ports {
            dns: dns.port,
            proxy: listener.local_addr()?.port(),
            log_group: packets.group,
        };
        let mut commands = String::new();
        let mut limited = HashMap::new();
        let mut needs_proxy = false;
        for (index, policy) in policies {
            // Programs go on using what they have resolved.
            let opened = elements::list(&plan.table, &script::opened_set(index))
                .map_err(context("opened addresses"))?;
            commands += &script::apply(&plan, ports.proxy, index, &policy, &opened);
            needs_proxy |= policy.checks_names();
            let opened = Opened::restored(&opened, Instant::now());
            limited.insert(index, Limited { policy, opened });
        }
        rules::load(&plan, ports, &commands)?;
        let arguments = plan.upstream.iter().map(ToString::to_string).collect();
        let core = Arc::new(Core {
            plan,
            ports,
            denials,
            since_ms: now_ms(),
            limited: Mutex::new(limited),
        });
        let forwarder = Program {
            path: program.clone(),
            mode: "dns",
            arguments,
            input: dns.udp.into(),
            output: Some(dns.tcp.into()),
            namespace: None,
        };
        let office: Arc<dyn Office> = Arc::clone(&core) as Arc<dyn Office>;
        let egress = Egress {
            forwarder: Helper::start(forwarder, office).map_err(context("dns forwarder"))?,
            proxy: Mutex::new(None),
            program,
            listener,
            _packets: packets,
            core,
        };
        if needs_proxy {
            egress.need_proxy()?;
        }
        Ok(egress)
    }

    pub fn forwarder_pid(&self) -> Option<u32> {
        self.forwarder.pid()
    }

    pub fn proxy_pid(&self) -> Option<u32> {
        lock(&self.proxy).as_ref().and_then(Helper::pid)
    }

    /// What the kernel must take of policies, for the doctor.
    pub fn sample(plan: &Plan) -> String {
        let policy = Policy {
            names: "*".parse().ok().map(|all| vec![all]),
            allow: plan.deny.clone(),
            ..Policy::default()
        };
        script::apply(plan, 53, 0, &policy, &[]) + &script::remove(plan, 0)
    }

    /// Gives the sandbox this policy, or the instance's alone, and cuts what it forbids. When it fails
    /// the sandbox has the old policy or the new one.
    pub fn set(&self, index: u32, policy: Option<Policy>) -> io::Result<()> {
        let Some(policy) = policy else {
            return self.clear(index);
        };
        if policy.checks_names() {
            self.need_proxy()?;
        }
        let core = &self.core;
        let mut limited = lock(&core.limited);
        let mut opened = limited
            .remove(&index)
            .map(|before| before.opened)
            .unwrap_or_default();
        opened.retain(&policy);
        let left = opened.left(Instant::now());
        let commands = script::apply(&core.plan, core.ports.proxy, index, &policy, &left);
        let changed = rules::change(&commands);
        // Also after a failure: then the table may hold more than this knows, never less.
        let entry = limited.entry(index).or_insert(Limited { policy, opened });
        changed?;
        self.tell(index, Some(&entry.policy));
        core.cut(index, entry).map_err(context("cut connections"))
    }

    /// What the sandbox was denied, newest first, and since when this is known, milliseconds since 1970.
    pub fn denials(&self, index: u32) -> (Vec<Denial>, u64) {
        let core = &self.core;
        (core.denials.of(core.plan.address(index)), core.since_ms)
    }

    /// Forgets everything of a sandbox that is gone. Idempotent.
    pub fn forget(&self, index: u32) -> io::Result<()> {
        self.clear(index)?;
        self.core.denials.forget(self.core.plan.address(index));
        Ok(())
    }

    fn clear(&self, index: u32) -> io::Result<()> {
        let mut limited = lock(&self.core.limited);
        if limited.contains_key(&index) {
            rules::change(&script::remove(&self.core.plan, index))?;
            limited.remove(&index);
            self.tell(index, None);
        }
        Ok(())
    }

    /// The caller holds the policies.
    fn tell(&self, index: u32, policy: Option<&Policy>) {
        let sandbox = self.core.plan.address(index);
        self.forwarder.tell(sandbox, policy);
        if let Some(proxy) = lock(&self.proxy).as_ref() {
            proxy.tell(sandbox, policy);
        }
    }

    /// In a network namespace like a sandbox's: where it connects to goes through the same filter.
    fn need_proxy(&self) -> io::Result<()> {
        let mut proxy = lock(&self.proxy);
        if proxy.is_none() {
            let plan = &self.core.plan;
            // What a dead warden's left.
            Links::open()?.delete(&plan.link(plan.proxy()))?;
            conntrack::forget(plan.address(plan.proxy()))?;
            let namespace =
                super::connected(plan, plan.proxy()).map_err(context("namespace of the proxy"))?;
            let program = Program {
                path: self.program.clone(),
                mode: "proxy",
                arguments: Vec::new(),
                input: self.listener.try_clone()?.into(),
                output: None,
                namespace: Some(namespace),
            };
            let office: Arc<dyn Office> = Arc::clone(&self.core) as Arc<dyn Office>;
            *proxy = Some(Helper::start(program, office).map_err(context("proxy"))?);
        }
        Ok(())
    }
}

impl Core {
    fn cut(&self, index: u32, now: &Limited) -> io::Result<()> {
        let mut connections = conntrack::of(self.plan.address(index))?;
        connections.retain(|connection| !self.may_go_on(now, connection));
        if connections.is_empty() {
            return Ok(());
        }
        conntrack::delete(&connections)?;
        let link = Links::open()?.get(&self.plan.link(index))?.index;
        let nudge = Nudge::onto(link, mac_of(self.plan.address(index)))?;
        for connection in &connections {
            if i32::from(connection.protocol) == libc::IPPROTO_TCP {
                match nudge.send(connection.to, connection.from) {
                    // Its link is down: it hears of it at its next segment.
                    Err(error) if error.raw_os_error() == Some(libc::ENETDOWN) => {}
                    other => other?,
                }
            }
        }
        Ok(())
    }

    fn may_go_on(&self, now: &Limited, connection: &Connection) -> bool {
        let to = connection.to;
        // With the forwarder, or the proxy, which cuts by names: who opened an address is known here only.
        if connection.answers == self.plan.gateway {
            return *to.ip() == self.plan.gateway
                || now.policy.verdict(IpAddr::V4(*to.ip())) != Verdict::ByName
                || now.opened.came_by_allowed(*to.ip(), &now.policy);
        }
        let says_where = match i32::from(connection.protocol) {
            libc::IPPROTO_TCP => [HTTP, HTTPS].contains(&to.port()),
            libc::IPPROTO_UDP => to.port() == HTTPS,
            _ => false,
        };
        match now.policy.verdict(IpAddr::V4(*to.ip())) {
            Verdict::Allowed => true,
            Verdict::Denied => false,
            Verdict::ByName => !says_where && now.opened.came_by_allowed(*to.ip(), &now.policy),
        }
    }

    /// Opens what may be opened of the addresses and says which may be told to the sandbox.
    fn open(&self, sandbox: Ipv4Addr, name: &str, addresses: &[(IpAddr, u32)]) -> Reply {
        let mut limited = lock(&self.limited);
        let entry = self
            .plan
            .sandbox(sandbox)
            .and_then(|index| limited.get_mut(&index));
        // It may have changed since the forwarder was told.
        let Some(entry) = entry.filter(|entry| is_name(name) && entry.policy.allows_name(name))
        else {
            return Reply::Refused;
        };
        let now = Instant::now();
        let (mut told, mut elements, mut until) = (Vec::new(), Vec::new(), Vec::new());
        for (address, seconds) in addresses {
            let canonical = address.to_canonical();
            let verdict = entry.policy.verdict(canonical);
            if self.plan.denies(canonical) || verdict == Verdict::Denied {
                self.deny(sandbox, "dns", canonical, name, Reason::Rebinding);
                continue;
            }
            told.push(*address);
            let IpAddr::V4(v4) = canonical else { continue };
            let timeout = Duration::from_secs(u64::from((*seconds).min(OPEN_AT_MOST))) + GRACE;
            let open_until = entry.opened.until(v4).filter(|until| *until > now);
            if verdict != Verdict::ByName || elements.iter().any(|e: &Element| e.address == v4) {
                continue;
            }
            until.push((v4, now + timeout));
            if open_until.is_none_or(|until| until < now + timeout) {
                elements.push(Element {
                    address: v4,
                    timeout,
                    replaced: open_until.is_some(),
                });
            }
        }
        for (address, until) in &until {
            if !entry.opened.note(*address, name, *until, now) {
                self.deny(sandbox, "dns", IpAddr::V4(*address), name, Reason::Capacity);
                elements.retain(|element| element.address != *address);
                told.retain(|told| told.to_canonical() != IpAddr::V4(*address));
            }
        }
        let Some(index) = self.plan.sandbox(sandbox) else {
            return Reply::Refused;
        };
        let set = script::opened_set(index);
        if !elements.is_empty()
            && let Err(error) = elements::add(&self.plan.table, &set, &elements)
        {
            eprintln!(
                "network: addresses of {} are not opened: {error}",
                self.plan.link(index)
            );
            return Reply::Refused;
        }
        Reply::Opened(told)
    }

    fn deny(&self, sandbox: Ipv4Addr, protocol: &str, address: IpAddr, name: &str, reason: Reason) {
        let denied = Denied {
            protocol: protocol.to_owned(),
            address: Some(address),
            port: 0,
            name: name.to_owned(),
            reason,
        };
        self.denials.add(sandbox, denied);
    }
}

impl Office for Core {
    fn with_policies(&self, tell: &mut Telling) -> io::Result<()> {
        let limited = lock(&self.limited);
        tell(
            &mut limited
                .iter()
                .map(|(index, limited)| (self.plan.address(*index), &limited.policy)),
        )
    }

    fn answer(&self, call: Call) -> Reply {
        match call {
            Call::Open {
                sandbox,
                name,
                addresses,
            } => self.open(sandbox, &name, &addresses),
            Call::Denied { sandbox, denied } => {
                // Whoever took a helper over may say anything.
                let known = ["dns", "http", "tls"].contains(&denied.protocol.as_str());
                let named = denied.name.is_empty() || is_name(&denied.name);
                if known && named && self.plan.is_sandbox(sandbox) {
                    self.denials.add(sandbox, denied);
                }
                Reply::Done
            }
        }
    }
}
