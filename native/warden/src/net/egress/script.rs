//! The chains of one sandbox with a policy: `p<index>` decides on forwarded packets, `n<index>` sends
//! HTTP and TLS to the proxy, `o<index>` are the addresses that names have opened.

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::opened::CAPACITY;
use crate::net::config::{Cidr, Plan};
use crate::net::policy::{HTTP, HTTPS, Policy};

pub fn opened_set(index: u32) -> String {
    format!("o{index}")
}

/// Makes the chains or replaces what is in them. `opened`, and for how long, is what the set holds
/// afterwards.
pub fn apply(
    plan: &Plan,
    proxy_port: u16,
    index: u32,
    policy: &Policy,
    opened: &[(Ipv4Addr, Duration)],
) -> String {
    let (table, address, gateway) = (&plan.table, plan.address(index), plan.gateway);
    let set = opened_set(index);
    let deny = ranges(&policy.deny);
    let allow = ranges(&policy.allow);
    let matching = |ranges: &Option<String>, verdict: &str| match ranges {
        Some(ranges) => format!("    ip daddr {{ {ranges} }} {verdict}\n"),
        None => String::new(),
    };
    let mut decide = matching(&deny, "jump unlisted");
    let mut divert = matching(&deny, "return");
    decide += &matching(&allow, "accept");
    divert += &matching(&allow, "return");
    if policy.rest {
        decide += "    accept\n";
    } else if policy.checks_names() {
        // Those that came to an opened address were diverted; QUIC says where it goes, too, but what
        // it says is encrypted.
        let _ = writeln!(
            decide,
            "    tcp dport {{ {HTTP}, {HTTPS} }} jump unlisted\n    udp dport {HTTPS} jump unlisted\n    \
             ip daddr @{set} accept"
        );
        let _ = writeln!(
            divert,
            "    tcp dport {{ {HTTP}, {HTTPS} }} ip daddr @{set} dnat ip to {gateway}:{proxy_port}"
        );
    }
    if !policy.rest {
        decide += "    jump unlisted\n";
    }
    // A table's chains that are there already are added to, so they are made and emptied before.
    let mut script = format!(
        "table inet {table} {{\n  set {set} {{\n    type ipv4_addr; size {size}; flags timeout\n  }}\n  \
         chain p{index} {{\n  }}\n  chain n{index} {{\n  }}\n}}\n\
         flush chain inet {table} p{index}\nflush chain inet {table} n{index}\n\
         flush set inet {table} {set}\n\
         table inet {table} {{\n  chain p{index} {{\n{decide}  }}\n  chain n{index} {{\n{divert}  }}\n}}\n\
         add element inet {table} policies {{ {address} : jump p{index} }}\n\
         add element inet {table} diversions {{ {address} : jump n{index} }}\n",
        // The kernel counts elements whose time is over until it collects them.
        size = CAPACITY * 2,
    );
    if !opened.is_empty() {
        let elements: Vec<String> = opened
            .iter()
            .map(|(address, left)| format!("{address} timeout {}s", left.as_secs().max(1)))
            .collect();
        let _ = writeln!(
            script,
            "add element inet {table} {set} {{ {} }}",
            elements.join(", ")
        );
    }
    script
}

pub fn remove(plan: &Plan, index: u32) -> String {
    let (table, address) = (&plan.table, plan.address(index));
    let set = opened_set(index);
    format!(
        "delete element inet {table} policies {{ {address} }}\n\
         delete element inet {table} diversions {{ {address} }}\n\
         delete chain inet {table} p{index}\ndelete chain inet {table} n{index}\n\
         delete set inet {table} {set}\n"
    )
}

/// Of IPv4: whatever carries IPv6 is dropped before. None when there is none.
fn ranges(ranges: &[Cidr]) -> Option<String> {
    let v4 = ranges.iter().filter(|range| range.address.is_ipv4());
    let widest: Vec<String> = Cidr::widest(v4).iter().map(Cidr::to_string).collect();
    (!widest.is_empty()).then(|| widest.join(", "))
}
