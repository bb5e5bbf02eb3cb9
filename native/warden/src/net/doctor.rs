//! Whether this host can carry sandboxes' networks.

use super::config::{NetworkConfig, Plan};
use super::egress::Egress;
use super::namespace::Namespace;
use super::netlink::{self, Message, Socket};
use super::{rules, sysctl};
use std::fs;
use std::io;
use std::net::Ipv4Addr;

// linux/netfilter/nf_tables.h
const GET_CHAIN: u16 = (10 << 8) | 4;
const CHAIN_TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
const CHAIN_HOOK: u16 = 4;
const CHAIN_POLICY: u16 = 5;
const HOOK_NUMBER: u16 = 1;
const POLICY_DROP: u32 = 0;
const HOOK_FORWARD: u32 = 2;
const NFGENMSG: usize = 4;
const INET: u8 = 1;
const IPV4: u8 = 2;

pub fn checks() -> Vec<(String, bool, String)> {
    vec![
        check(
            "network namespaces",
            Namespace::new().map(|_| "can be made".into()),
        ),
        check("nftables", filter()),
        check("forwarding", forwarding()),
        check("other firewalls", other_firewalls()),
        check("connection table", connection_table()),
    ]
}

fn check(name: &str, result: io::Result<String>) -> (String, bool, String) {
    match result {
        Ok(detail) => (name.to_owned(), true, detail),
        Err(error) => (name.to_owned(), false, error.to_string()),
    }
}

fn filter() -> io::Result<String> {
    let plan = Plan::of(&NetworkConfig {
        instance: "doctor".to_owned(),
        subnet: (Ipv4Addr::new(10, 0, 0, 0), 24),
        max_slots: 1,
        deny: vec!["10.0.0.0/8".to_owned(), "fc00::/7".to_owned()],
        allow: Vec::new(),
        upstream: Vec::new(),
    })?;
    rules::check(&plan, &Egress::sample(&plan))?;
    Ok("the kernel takes every rule".to_owned())
}

fn forwarding() -> io::Result<String> {
    let on = sysctl::get("ipv4/ip_forward")? == "1";
    Ok(if on {
        "on"
    } else {
        "off; starting turns it on"
    }
    .to_owned())
}

/// A packet must pass the forward hook of every table: another's drop policy, such as Docker's,
/// stops sandboxes unless that table lets their interfaces through.
fn other_firewalls() -> io::Result<String> {
    let message = Message::new(GET_CHAIN, libc::NLM_F_DUMP, &[0; NFGENMSG]);
    let mut dropping = Vec::new();
    Socket::open(libc::NETLINK_NETFILTER)?.exchange(message, |_, payload| {
        dropping.extend(dropping_chain(payload))
    })?;
    // The tables of the older iptables are not nftables' and are listed here while they are loaded.
    let legacy = fs::read_to_string("/proc/net/ip_tables_names").unwrap_or_default();
    let legacy = legacy.lines().any(|table| table == "filter");
    match (dropping.as_slice(), legacy) {
        ([], false) => Ok("none drops forwarded packets by policy".to_owned()),
        ([], true) => Ok(
            "iptables-legacy has a filter table: if its FORWARD policy is DROP, \
                          accept sandboxes' interfaces (-i at+ and -o at+) there"
                .to_owned(),
        ),
        (chains, _) => Err(io::Error::other(format!(
            "policy drop for forwarded packets in {}: unless it accepts sandboxes' interfaces, they \
             have no network (with Docker: iptables -I DOCKER-USER -i at+ -j ACCEPT and -o at+)",
            chains.join(", ")
        ))),
    }
}

/// The table and chain of a description, if it is a base chain that drops forwarded IPv4 by policy.
fn dropping_chain(payload: &[u8]) -> Option<String> {
    let family = *payload.first()?;
    let attributes = payload.get(NFGENMSG..)?;
    let hook = netlink::find(attributes, CHAIN_HOOK)?;
    let number = big_endian(netlink::find(hook, HOOK_NUMBER)?)?;
    let policy = big_endian(netlink::find(attributes, CHAIN_POLICY)?)?;
    let text = |kind| netlink::find(attributes, kind).map(netlink::text);
    let drops = matches!(family, INET | IPV4) && number == HOOK_FORWARD && policy == POLICY_DROP;
    drops.then(|| {
        format!(
            "{}/{}",
            text(CHAIN_TABLE).unwrap_or_default(),
            text(CHAIN_NAME).unwrap_or_default()
        )
    })
}

fn big_endian(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn connection_table() -> io::Result<String> {
    let read = |name| -> io::Result<u64> {
        sysctl::get(name)?
            .parse()
            .map_err(|_| io::Error::other(format!("net/{name} is no number")))
    };
    let (count, max) = (
        read("netfilter/nf_conntrack_count")?,
        read("netfilter/nf_conntrack_max")?,
    );
    if count > max / 10 * 9 {
        return Err(io::Error::other(format!(
            "{count} of {max} entries in use: new connections fail when it is full \
             (net.netfilter.nf_conntrack_max)"
        )));
    }
    Ok(format!("{count} of {max} entries in use"))
}
