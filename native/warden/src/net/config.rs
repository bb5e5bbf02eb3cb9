//! The configuration of an instance's network and what follows from it: names and addresses.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One instance's network. Two instances on one host must differ in `instance` and `subnet`.
#[derive(Clone, Debug)]
pub struct NetworkConfig {
    /// 1 to 32 of `a-z 0-9 _ -`, beginning with a letter or digit.
    pub instance: String,
    /// Network address and prefix length. The first address is the gateway's, the next `max_slots`
    /// are the sandboxes', the one after the proxy's.
    pub subnet: (Ipv4Addr, u8),
    /// How many sandboxes may exist at once; indexes are `0..max_slots`, at most 65,536.
    pub max_slots: u32,
    /// Every CIDR or address, v4 or v6, that sandboxes may not reach: the full list, nothing is
    /// added to it. Other sandboxes and the host itself cannot be reached whatever it says.
    pub deny: Vec<String>,
    /// What may be reached although `deny` covers it.
    pub allow: Vec<String>,
    /// Resolvers to relay to; none means those of the host's /etc/resolv.conf.
    pub upstream: Vec<IpAddr>,
}

/// A [`NetworkConfig`] that has been checked.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Every veth of the instance is called this, followed by its index in decimal, and no
    /// interface of another instance begins with it.
    pub prefix: String,
    pub table: String,
    pub subnet: Cidr,
    pub gateway: Ipv4Addr,
    pub max_slots: u32,
    pub deny: Vec<Cidr>,
    pub allow: Vec<Cidr>,
    pub upstream: Vec<IpAddr>,
}

impl Plan {
    pub fn of(config: &NetworkConfig) -> io::Result<Plan> {
        let name = config.instance.as_str();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let valid = (1..=32).contains(&name.len())
            && name
                .bytes()
                .all(|byte| plain(byte) || byte == b'-' || byte == b'_')
            && plain(name.as_bytes()[0]);
        if !valid {
            return Err(invalid(format!(
                "instance {name:?}: 1 to 32 of a-z 0-9 _ -, beginning with a letter or digit"
            )));
        }
        let (network, length) = config.subnet;
        let subnet = Cidr::new(IpAddr::V4(network), length)
            .filter(|cidr| cidr.address == IpAddr::V4(network))
            .ok_or_else(|| invalid(format!("subnet {network}/{length}: not a network address")))?;
        let addresses = 1u64 << (32 - u32::from(length));
        // Network address, gateway, proxy and broadcast address are taken.
        if config.max_slots > 65_536 || u64::from(config.max_slots) + 4 > addresses {
            return Err(invalid(format!(
                "max_slots {}: at most 65536 and what {subnet} holds besides four addresses",
                config.max_slots
            )));
        }
        Ok(Plan {
            prefix: prefix(name),
            table: format!("atoll_{name}"),
            subnet,
            gateway: Ipv4Addr::from(u32::from(network) + 1),
            max_slots: config.max_slots,
            deny: parse_all("deny", &config.deny)?,
            allow: parse_all("allow", &config.allow)?,
            upstream: config.upstream.clone(),
        })
    }

    /// The index that the proxy has in place of a sandbox.
    pub fn proxy(&self) -> u32 {
        self.max_slots
    }

    /// The address of a sandbox; `index` must be below `max_slots`.
    pub fn address(&self, index: u32) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.gateway) + 1 + index)
    }

    pub fn is_sandbox(&self, address: Ipv4Addr) -> bool {
        self.sandbox(address).is_some()
    }

    /// Whose address it is.
    pub fn sandbox(&self, address: Ipv4Addr) -> Option<u32> {
        let index = u32::from(address).checked_sub(u32::from(self.address(0)))?;
        (index < self.max_slots).then_some(index)
    }

    /// Whether the packet filter keeps every sandbox from the address.
    pub fn denies(&self, address: IpAddr) -> bool {
        let within = |ranges: &[Cidr]| ranges.iter().any(|range| range.contains(address));
        self.subnet.contains(address) || within(&self.deny) && !within(&self.allow)
    }

    pub fn link(&self, index: u32) -> String {
        format!("{}{index}", self.prefix)
    }

    /// The index in a name that [`Plan::link`] made.
    pub fn index_of(&self, link: &str) -> Option<u32> {
        let index: u32 = link.strip_prefix(&self.prefix)?.parse().ok()?;
        (self.link(index) == link).then_some(index)
    }
}

/// An interface name has 15 characters: `at`, up to 7 for the instance, `-`, 5 for the index. Names
/// that do not fit or that contain the separator are hashed; the upper-case H keeps them apart from
/// names that fit.
fn prefix(instance: &str) -> String {
    if instance.len() <= 7 && instance.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return format!("at{instance}-");
    }
    // FNV-1a, 64 bit, folded to 24: only has to differ between the few instances of a host, and
    // must stay the same over releases, which std's hashers do not promise.
    let hash = instance
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    format!(
        "atH{:06x}-",
        (hash ^ (hash >> 24) ^ (hash >> 48)) & 0xff_ffff
    )
}

fn parse_all(field: &str, texts: &[String]) -> io::Result<Vec<Cidr>> {
    texts
        .iter()
        .map(|text| {
            text.parse()
                .map_err(|()| invalid(format!("{field} {text:?}: not an address or CIDR")))
        })
        .collect()
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// A range of addresses with no host bits set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    pub(super) address: IpAddr,
    pub(super) length: u8,
}

impl Cidr {
    /// Clears the host bits. None when the length is more than the address has bits.
    fn new(address: IpAddr, length: u8) -> Option<Cidr> {
        let address = match address {
            IpAddr::V4(v4) if length <= 32 => {
                let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
                IpAddr::V4((u32::from(v4) & mask).into())
            }
            IpAddr::V6(v6) if length <= 128 => {
                let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
                IpAddr::V6((u128::from(v6) & mask).into())
            }
            _ => return None,
        };
        Some(Cidr { address, length })
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        Cidr::new(address, self.length).is_some_and(|range| range.address == self.address)
    }

    /// Whether every address of `other` is one of this.
    fn covers(&self, other: &Cidr) -> bool {
        self.length <= other.length && self.contains(other.address)
    }

    /// Those that no other of them covers: ranges are nested or disjoint, so these do not overlap.
    pub(super) fn widest<'a>(ranges: impl IntoIterator<Item = &'a Cidr>) -> Vec<Cidr> {
        let mut sorted: Vec<Cidr> = ranges.into_iter().copied().collect();
        sorted.sort_by_key(|range| range.length);
        let mut widest: Vec<Cidr> = Vec::with_capacity(sorted.len());
        for range in sorted {
            if !widest.iter().any(|wide| wide.covers(&range)) {
                widest.push(range);
            }
        }
        widest
    }
}

impl TryFrom<String> for Cidr {
    type Error = String;

    fn try_from(text: String) -> Result<Cidr, String> {
        text.parse()
            .map_err(|()| format!("{text:?}: not an address or CIDR"))
    }
}

impl From<Cidr> for String {
    fn from(range: Cidr) -> String {
        range.to_string()
    }
}

impl FromStr for Cidr {
    type Err = ();

    fn from_str(text: &str) -> Result<Cidr, ()> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let full = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| ())?
            }
            Some(_) => return Err(()),
            None => full,
        };
        Cidr::new(address, length).ok_or(())
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}/{}", self.address, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(instance: &str) -> NetworkConfig {
        NetworkConfig {
            instance: instance.to_owned(),
            subnet: (Ipv4Addr::new(10, 9, 0, 0), 24),
            max_slots: 252,
            deny: vec![],
            allow: vec![],
            upstream: vec![],
        }
    }

    #[test]
    fn names_fit_an_interface_and_no_prefix_begins_another() {
        let names = ["a", "default", "a-b", "default2", "abc_def", "x-0", "0"];
        let plans = names.map(|name| Plan::of(&config(name)).unwrap());
        for plan in &plans {
            assert!(plan.link(65_535).len() <= 15, "{}", plan.link(65_535));
            assert_eq!(plan.index_of(&plan.link(17)), Some(17));
            assert_eq!(plan.index_of(&format!("{}017", plan.prefix)), None);
            for other in plans.iter().filter(|other| other.table != plan.table) {
                assert!(!other.prefix.starts_with(&plan.prefix));
            }
        }
    }

    #[test]
    fn the_last_sandbox_stays_below_the_broadcast_address() {
        let plan = Plan::of(&config("a")).unwrap();
        assert_eq!(plan.gateway, Ipv4Addr::new(10, 9, 0, 1));
        assert_eq!(plan.address(0), Ipv4Addr::new(10, 9, 0, 2));
        assert_eq!(plan.address(plan.proxy()), Ipv4Addr::new(10, 9, 0, 254));
        let over = NetworkConfig {
            max_slots: 253,
            ..config("a")
        };
        assert!(Plan::of(&over).is_err());
    }

    #[test]
    fn bad_values_are_refused() {
        for name in ["", "A", "-a", "a b", "a;b", "ä", &"a".repeat(33)] {
            assert!(Plan::of(&config(name)).is_err(), "{name}");
        }
        for range in [
            "",
            "10",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "::/129",
            "x } ;",
        ] {
            assert!(range.parse::<Cidr>().is_err(), "{range}");
        }
        let host_bits = NetworkConfig {
            subnet: (Ipv4Addr::new(10, 9, 0, 1), 24),
            ..config("a")
        };
        assert!(Plan::of(&host_bits).is_err());
    }

    #[test]
    fn ranges_that_others_cover_are_left_out() {
        let ranges: Vec<Cidr> = [
            "10.1.0.0/16",
            "10.0.0.0/8",
            "11.0.0.0/8",
            "10.0.0.0/8",
            "fd00::/8",
        ]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
        let widest: Vec<String> = Cidr::widest(&ranges).iter().map(Cidr::to_string).collect();
        assert_eq!(widest, ["10.0.0.0/8", "11.0.0.0/8", "fd00::/8"]);
        assert!(!ranges[4].contains("10.1.2.3".parse().unwrap()));
    }

    #[test]
    fn host_bits_of_a_range_are_cleared() {
        assert_eq!(
            "10.1.2.3/8".parse::<Cidr>().unwrap().to_string(),
            "10.0.0.0/8"
        );
        assert_eq!("fd12::1/8".parse::<Cidr>().unwrap().to_string(), "fd00::/8");
        assert_eq!("1.2.3.4".parse::<Cidr>().unwrap().to_string(), "1.2.3.4/32");
        assert_eq!(
            "1.2.3.4/0".parse::<Cidr>().unwrap().to_string(),
            "0.0.0.0/0"
        );
    }
}
