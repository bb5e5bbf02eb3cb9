//! The packet filter of an instance: one nftables table that is the same for every sandbox, matched
//! by the prefix of their interfaces, loaded by one transaction when the warden starts. Sandboxes with
//! a policy of their own have chains in it (`egress`), which can only take away: a packet passes when
//! every chain of a hook lets it.
//!
//! Replacing the table leaves connection tracking alone, so connections that are under way go on.

use super::config::{Cidr, Plan};
use std::io::{self, Write};
use std::process::{Command, Stdio};

/// Connections that one sandbox may have in the host's connection table at once, so that none can
/// fill it (nf_conntrack_max is 262,144 by default on machines of some size).
const CONNECTIONS_PER_SANDBOX: u32 = 8192;

/// DNS datagrams that one sandbox may send.
const QUERIES_PER_SECOND: u32 = 500;
const QUERY_BURST: u32 = 500;

/// Denied packets of one sandbox that are recorded.
const RECORDS_PER_SECOND: u32 = 20;
const RECORD_BURST: u32 = 50;
/// IP and transport header up to the ports.
const RECORD_BYTES: u32 = 64;
/// What a record says of who denied it: the instance, or the sandbox's own policy.
pub const BY_NODE: &str = "node";
pub const BY_POLICY: &str = "policy";

/// Where packets that are not forwarded go.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// Of the gateway: DNS queries, HTTP and TLS of sandboxes with a list of names.
    pub dns: u16,
    pub proxy: u16,
    /// The netlink group (NFLOG) that hears of denied packets.
    pub log_group: u16,
}

/// Replaces the instance's table, or makes it, `policies` included: commands of the same transaction.
pub fn load(plan: &Plan, ports: Ports, policies: &str) -> io::Result<()> {
    change(&(ruleset(plan, ports) + policies))
}

/// One transaction.
pub fn change(commands: &str) -> io::Result<()> {
    run(&[], commands)
}

/// Checks with the kernel that it would take the table, without loading it.
pub fn check(plan: &Plan, policies: &str) -> io::Result<()> {
    let ports = Ports {
        dns: 53,
        proxy: 53,
        log_group: 1,
    };
    run(&["--check"], &(ruleset(plan, ports) + policies))
}

/// Removes the instance's table; it may be absent.
pub fn unload(plan: &Plan) -> io::Result<()> {
    run(
        &[],
        &format!("table inet {0}\ndelete table inet {0}\n", plan.table),
    )
}

fn run(arguments: &[&str], script: &str) -> io::Result<()> {
    let mut child = Command::new("nft")
        .args(arguments)
        .args(["--file", "-"])
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("run nft: {error}")))?;
    // nft reads all of its input before it writes, so this cannot block for good. Dropping the
    // pipe ends the input. When nft has died, its message says more than the broken pipe.
    let written = child
        .stdin
        .take()
        .map_or(Ok(()), |mut pipe| pipe.write_all(script.as_bytes()));
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("nft: {}", message.trim())));
    }
    written
}

fn ruleset(plan: &Plan, ports: Ports) -> String {
    let Ports {
        dns: dns_port,
        proxy: proxy_port,
        log_group,
    } = ports;
    let record = |by| {
        format!(
            "update @recorded {{ ip saddr limit rate {RECORDS_PER_SECOND}/second burst \
             {RECORD_BURST} packets }} log prefix \"{by}\" group {log_group} snaplen {RECORD_BYTES}"
        )
    };
    let (by_node, by_policy) = (record(BY_NODE), record(BY_POLICY));
    let Plan {
        table,
        prefix,
        gateway,
        subnet,
        deny,
        allow,
        ..
    } = plan;
    let sets = [("deny", deny), ("allow", allow)]
        .map(|(name, ranges)| {
            let (v4, v6): (Vec<_>, Vec<_>) =
                ranges.iter().partition(|range| range.address.is_ipv4());
            set(&format!("{name}4"), "ipv4_addr", &v4) + &set(&format!("{name}6"), "ipv6_addr", &v6)
        })
        .concat();
    format!(
        r#"table inet {table}
delete table inet {table}
table inet {table} {{
{sets}
  set connections {{
    type ipv4_addr; size 65536; flags dynamic
  }}

  set queries {{
    type ipv4_addr; size 65536; flags dynamic, timeout; timeout 1m
  }}

  set recorded {{
    type ipv4_addr; size 65536; flags dynamic, timeout; timeout 1m
  }}

  # Sandboxes with a policy of their own.
  map policies {{
    type ipv4_addr : verdict
  }}

  map diversions {{
    type ipv4_addr : verdict
  }}

  # Before connection tracking. A source address that is not routed to the interface it came from
  # is forged; unlike rp_filter this cannot be loosened by net.ipv4.conf.all.
  chain spoofed {{
    type filter hook prerouting priority raw; policy accept
    iifname "{prefix}*" fib saddr . iif oif missing drop
  }}

  chain resolver {{
    type nat hook prerouting priority dstnat; policy accept
    iifname "{prefix}*" ip daddr {gateway} meta l4proto {{ tcp, udp }} th dport 53 dnat ip to {gateway}:{dns_port}
  }}

  chain diverted {{
    type nat hook prerouting priority dstnat + 1; policy accept
    iifname "{prefix}*" ip saddr vmap @diversions
  }}

  chain outward {{
    type nat hook postrouting priority srcnat; policy accept
    iifname "{prefix}*" meta nfproto ipv4 masquerade
  }}

  chain limited {{
    type filter hook forward priority filter - 1; policy accept
    iifname != "{prefix}*" accept
    ct state established,related accept
    ip saddr vmap @policies
  }}

  chain forwarded {{
    type filter hook forward priority filter; policy accept
    iifname "{prefix}*" jump leaving
    oifname "{prefix}*" jump entering
  }}

  chain leaving {{
    ip daddr {subnet} jump refuse
    ct state invalid drop
    # An uplink may carry less than a veth: sandboxes must not depend on others' ICMP errors.
    tcp flags syn / syn,rst tcp option maxseg size set rt mtu
    ct state established,related accept
    ip daddr @allow4 jump outside
    ip6 daddr @allow6 jump outside
    ip daddr @deny4 jump refuse
    ip6 daddr @deny6 jump refuse
    jump outside
  }}

  # IPv6 is off in sandboxes: whatever carries it is forged.
  chain outside {{
    meta nfproto ipv6 drop
    ct state new jump counted
    accept
  }}

  chain counted {{
    add @connections {{ ip saddr ct count over {CONNECTIONS_PER_SANDBOX} }} jump refuse
  }}

  chain entering {{
    meta nfproto ipv6 drop
    tcp flags syn / syn,rst tcp option maxseg size set rt mtu
    ct state established,related accept
    drop
  }}

  chain received {{
    type filter hook input priority filter; policy accept
    iifname "{prefix}*" jump host
    # The gateway address is for sandboxes, not for the networks that the host is in.
    iifname != "lo" ip daddr {gateway} drop
  }}

  # What a sandbox sends to an address of the host, whichever it is.
  chain host {{
    meta nfproto ipv6 drop
    # The forwarder's socket has one receive buffer for all: none may fill it.
    ip daddr {gateway} udp dport {dns_port} update @queries {{ ip saddr limit rate over {QUERIES_PER_SECOND}/second burst {QUERY_BURST} packets }} drop
    ct state established,related accept
    ip daddr {gateway} meta l4proto {{ tcp, udp }} th dport {dns_port} jump queried
    ip daddr {gateway} tcp dport {proxy_port} ct status dnat jump queried
    jump refuse
  }}

  chain queried {{
    ct state new jump counted
    accept
  }}

  chain refuse {{
    {by_node}
    jump tell
  }}

  chain unlisted {{
    {by_policy}
    jump tell
  }}

  # Programs inside learn at once that they may not: EHOSTUNREACH, for TCP too, and a reset of a
  # connection that was open.
  chain tell {{
    tcp flags & (syn | ack) == ack reject with tcp reset
    reject with icmpx admin-prohibited
  }}
}}
"#
    )
}

fn set(name: &str, kind: &str, ranges: &[&Cidr]) -> String {
    let elements = match ranges {
        [] => String::new(),
        ranges => {
            let list: Vec<String> = ranges.iter().map(ToString::to_string).collect();
            format!("; elements = {{ {} }}", list.join(", "))
        }
    };
    format!("  set {name} {{ type {kind}; flags interval; auto-merge{elements} }}\n")
}
