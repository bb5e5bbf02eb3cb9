//! What sandboxes were denied, for their owners to read: bounded, and lost with the warden.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::lock::lock;

/// Different denials kept of one sandbox; the ones longest unseen go first.
const KEPT: usize = 128;

/// Why something was not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The instance denies the address to all.
    Node,
    /// The sandbox's ranges do.
    Policy,
    /// The name is not listed.
    Name,
    /// A request or handshake that says no name.
    NoName,
    /// A listed name with an address that is denied.
    Rebinding,
    /// It would open more than it names.
    Kind,
    /// It cannot be read.
    Malformed,
    /// Too much at once.
    Capacity,
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(match self {
            Reason::Node => "node",
            Reason::Policy => "policy",
            Reason::Name => "name",
            Reason::NoName => "no-name",
            Reason::Rebinding => "rebinding",
            Reason::Kind => "kind",
            Reason::Malformed => "malformed",
            Reason::Capacity => "capacity",
        })
    }
}

/// What was asked for and not given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denied {
    /// tcp, udp, icmp, dns, http, tls or a number.
    pub protocol: String,
    /// None of a name that was not resolved.
    pub address: Option<IpAddr>,
    /// 0 of protocols without.
    pub port: u16,
    /// Empty of a packet.
    pub name: String,
    pub reason: Reason,
}

/// A denial that happened once or more. Times are milliseconds since 1970.
#[derive(Clone, Debug)]
pub struct Denial {
    pub first_ms: u64,
    pub last_ms: u64,
    pub count: u64,
    pub what: Denied,
}

/// By the address of the sandbox.
#[derive(Default)]
pub struct Denials {
    kept: Mutex<HashMap<Ipv4Addr, VecDeque<Denial>>>,
}

impl Denials {
    pub fn add(&self, sandbox: Ipv4Addr, what: Denied) {
        let now = now_ms();
        let mut kept = lock(&self.kept);
        let denials = kept.entry(sandbox).or_default();
        let known = denials.iter().position(|denial| denial.what == what);
        let denial = match known.and_then(|at| denials.remove(at)) {
            Some(known) => Denial {
                last_ms: now,
                count: known.count + 1,
                ..known
            },
            None => Denial {
                first_ms: now,
                last_ms: now,
                count: 1,
                what,
            },
        };
        if denials.len() == KEPT {
            denials.pop_front();
        }
        denials.push_back(denial);
    }

    /// Newest first.
    pub fn of(&self, sandbox: Ipv4Addr) -> Vec<Denial> {
        lock(&self.kept)
            .get(&sandbox)
            .map(|denials| denials.iter().rev().cloned().collect())
            .unwrap_or_default()
    }

    pub fn forget(&self, sandbox: Ipv4Addr) {
        lock(&self.kept).remove(&sandbox);
    }
}

pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_denials_are_one_and_the_longest_unseen_go_first() {
        let denials = Denials::default();
        let sandbox = Ipv4Addr::new(10, 0, 0, 2);
        let denied = |port| Denied {
            protocol: "tcp".to_owned(),
            address: Some(Ipv4Addr::new(192, 0, 2, 1).into()),
            port,
            name: String::new(),
            reason: Reason::Policy,
        };
        for port in 0..KEPT as u16 {
            denials.add(sandbox, denied(port));
        }
        denials.add(sandbox, denied(0));
        denials.add(sandbox, denied(9999));
        let of = denials.of(sandbox);
        assert_eq!(of.len(), KEPT);
        assert_eq!((of[0].what.port, of[0].count), (9999, 1));
        assert_eq!((of[1].what.port, of[1].count), (0, 2));
        assert!(of.iter().all(|denial| denial.what.port != 1));
        denials.forget(sandbox);
        assert!(denials.of(sandbox).is_empty());
    }
}
