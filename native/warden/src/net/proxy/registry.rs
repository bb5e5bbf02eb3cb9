//! The connections under way, so that a change of policy cuts those that it forbids.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddrV4, TcpStream};
use std::sync::{Arc, Mutex};

use crate::lock::lock;
use crate::net::policy::{Policy, Verdict};

/// Connections at once, of one sandbox and of all.
const PER_SANDBOX: usize = 256;
const TOTAL: usize = 2048;
/// Names that one connection may ask for.
const NAMES: usize = 64;

#[derive(Default)]
pub struct Registry {
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, Entry>,
}

struct Entry {
    sandbox: Ipv4Addr,
    to: SocketAddrV4,
    names: Vec<String>,
    streams: Vec<TcpStream>,
}

/// A connection that is registered while this lives.
pub struct Registered {
    registry: Arc<Registry>,
    key: u64,
}

impl Registry {
    /// None when there are too many.
    pub fn enter(
        self: &Arc<Registry>,
        sandbox: Ipv4Addr,
        to: SocketAddrV4,
        client: TcpStream,
    ) -> Option<Registered> {
        let mut open = lock(&self.open);
        let mine = open
            .connections
            .values()
            .filter(|entry| entry.sandbox == sandbox);
        // At most half of what is left: however many take what they can, others still find some.
        let left = TOTAL.saturating_sub(open.connections.len());
        if mine.count() >= PER_SANDBOX.min(left / 2) {
            return None;
        }
        let key = open.next;
        open.next += 1;
        open.connections.insert(
            key,
            Entry {
                sandbox,
                to,
                names: Vec::new(),
                streams: vec![client],
            },
        );
        Some(Registered {
            registry: Arc::clone(self),
            key,
        })
    }

    /// Ends connections of the sandbox that the policy forbids. None forbids none.
    pub fn cut(&self, sandbox: Ipv4Addr, policy: Option<&Policy>) {
        for entry in lock(&self.open).connections.values() {
            if entry.sandbox == sandbox && !entry.is_allowed(policy) {
                for stream in &entry.streams {
                    // Its thread finds both ended.
                    let _ = stream.shutdown(Shutdown::Both);
                }
            }
        }
    }
}

impl Entry {
    fn is_allowed(&self, policy: Option<&Policy>) -> bool {
        self.names.iter().all(|name| allows(policy, self.to, name))
    }
}

impl Registered {
    /// Whether all that it has named is.
    pub fn is_allowed(&self, policy: Option<&Policy>) -> bool {
        let open = lock(&self.registry.open);
        let entry = open.connections.get(&self.key);
        entry.is_some_and(|entry| entry.is_allowed(policy))
    }

    /// To be called before the policy is looked at: what changes afterwards is cut by [`Registry::cut`].
    /// False when it names too many.
    pub fn name(&self, name: &str) -> bool {
        let mut open = lock(&self.registry.open);
        let Some(entry) = open.connections.get_mut(&self.key) else {
            return false;
        };
        if entry.names.iter().any(|known| known == name) {
            return true;
        }
        if entry.names.len() == NAMES {
            return false;
        }
        entry.names.push(name.to_owned());
        true
    }

    /// The other end.
    pub fn add(&self, stream: TcpStream) {
        if let Some(entry) = lock(&self.registry.open).connections.get_mut(&self.key) {
            entry.streams.push(stream);
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        lock(&self.registry.open).connections.remove(&self.key);
    }
}

/// Whether a connection may ask for the name at that address, which was open when it began.
pub fn allows(policy: Option<&Policy>, to: SocketAddrV4, name: &str) -> bool {
    policy.is_none_or(|policy| match policy.verdict(IpAddr::V4(*to.ip())) {
        Verdict::Allowed => true,
        Verdict::Denied => false,
        Verdict::ByName => policy.allows_name(name),
    })
}
