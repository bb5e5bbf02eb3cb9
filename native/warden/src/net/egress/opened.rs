//! The addresses that names have opened to one sandbox.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::net::policy::Policy;

/// Addresses of one sandbox. The longest unused go for new ones; those in use are never taken away.
pub const CAPACITY: usize = 4096;
/// Names remembered of one address.
const NAMES: usize = 16;

#[derive(Default)]
pub struct Opened {
    addresses: HashMap<Ipv4Addr, Entry>,
}

struct Entry {
    /// By which it came, oldest first; outlive `until`, because connections do. None are known of what
    /// an earlier warden opened: it stays open till then, or till the policy changes.
    names: Vec<String>,
    until: Instant,
}

impl Opened {
    /// What an earlier warden has opened, and for how long still.
    pub fn restored(elements: &[(Ipv4Addr, Duration)], now: Instant) -> Opened {
        let restore = |(address, left): &(Ipv4Addr, Duration)| {
            let names = Vec::new();
            let until = now + *left;
            (*address, Entry { names, until })
        };
        Opened {
            addresses: elements.iter().map(restore).collect(),
        }
    }

    /// Until when the address is open to new connections.
    pub fn until(&self, address: Ipv4Addr) -> Option<Instant> {
        self.addresses.get(&address).map(|entry| entry.until)
    }

    /// Remembers that the address came by this name and is open at least until then. False when
    /// there is no room.
    pub fn note(&mut self, address: Ipv4Addr, name: &str, until: Instant, now: Instant) -> bool {
        if !self.addresses.contains_key(&address) && !self.make_room(now) {
            return false;
        }
        let entry = self.addresses.entry(address).or_insert(Entry {
            names: Vec::new(),
            until,
        });
        entry.until = entry.until.max(until);
        entry.names.retain(|known| known != name);
        if entry.names.len() == NAMES {
            entry.names.remove(0);
        }
        entry.names.push(name.to_owned());
        true
    }

    fn make_room(&mut self, now: Instant) -> bool {
        if self.addresses.len() < CAPACITY {
            return true;
        }
        self.addresses.retain(|_, entry| entry.until > now);
        self.addresses.len() < CAPACITY
    }

    /// Whether it came by a name that the policy allows, however long ago.
    pub fn came_by_allowed(&self, address: Ipv4Addr, policy: &Policy) -> bool {
        self.addresses.get(&address).is_some_and(|entry| {
            let mut names = entry.names.iter();
            names.any(|name| policy.allows_name(name))
        })
    }

    /// Forgets what came by names that the policy does not allow.
    pub fn retain(&mut self, policy: &Policy) {
        self.addresses.retain(|_, entry| {
            entry.names.retain(|name| policy.allows_name(name));
            policy.checks_names() && !entry.names.is_empty()
        });
    }

    /// What is open to new connections, and for how long still.
    pub fn left(&self, now: Instant) -> Vec<(Ipv4Addr, Duration)> {
        self.addresses
            .iter()
            .filter(|(_, entry)| entry.until > now)
            .map(|(address, entry)| (*address, entry.until - now))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stays_while_one_of_its_names_is_allowed() {
        let policy = |names: &[&str]| Policy {
            names: Some(names.iter().map(|name| name.parse().unwrap()).collect()),
            ..Policy::default()
        };
        let (mut opened, now) = (Opened::default(), Instant::now());
        let address = Ipv4Addr::new(192, 0, 2, 1);
        let minute = Duration::from_secs(60);
        assert!(opened.note(address, "a.test", now + minute, now));
        assert!(opened.note(address, "b.test", now + minute / 2, now));
        assert_eq!(opened.until(address), Some(now + minute));
        opened.retain(&policy(&["b.test"]));
        assert!(opened.came_by_allowed(address, &policy(&["b.test"])));
        assert!(!opened.came_by_allowed(address, &policy(&["a.test"])));
        assert_eq!(opened.left(now), [(address, minute)]);
        assert_eq!(opened.left(now + minute), []);
        opened.retain(&policy(&["c.test"]));
        assert_eq!(opened.until(address), None);
    }

    #[test]
    fn only_addresses_whose_time_is_over_make_room() {
        let (mut opened, now) = (Opened::default(), Instant::now());
        for n in 0..CAPACITY as u32 {
            let until = now + Duration::from_secs(u64::from(n % 2) + 1);
            assert!(opened.note(Ipv4Addr::from(n), "a.test", until, now));
        }
        assert!(!opened.note(Ipv4Addr::BROADCAST, "a.test", now, now));
        let later = now + Duration::from_secs(1);
        assert!(opened.note(Ipv4Addr::BROADCAST, "a.test", later, later));
        assert_eq!(opened.until(Ipv4Addr::from(0)), None);
        assert!(opened.until(Ipv4Addr::from(1)).is_some());
    }
}
