//! Forgetting the connections of a sandbox that is gone, through ctnetlink.
//!
//! Addresses are used again, and the host remembers a connection for up to five days: without this
//! a peer of the old sandbox would go on talking to the new one.

use super::netlink::{self, Message, Socket};
use std::collections::HashSet;
use std::io;
use std::net::Ipv4Addr;

// linux/netfilter/nfnetlink.h and nfnetlink_conntrack.h
const SUBSYSTEM: u16 = 1 << 8;
const GET: u16 = SUBSYSTEM | 1;
const DELETE: u16 = SUBSYSTEM | 2;
const TUPLE_ORIG: u16 = 1;
const TUPLE_IP: u16 = 1;
const IP_V4_SRC: u16 = 1;
const ID: u16 = 12;
const FILTER: u16 = 25;
const FILTER_ORIG_FLAGS: u16 = 1;
const FILTER_IP_SRC: u32 = 1;
const NESTED: u16 = libc::NLA_F_NESTED as u16;
/// struct nfgenmsg: family, version 0, resource id 0.
const NFGENMSG: [u8; 4] = [libc::AF_INET as u8, 0, 0, 0];

/// Removes every connection that `source` opened from the connection table of this namespace.
pub fn forget(source: Ipv4Addr) -> io::Result<()> {
    let mut socket = Socket::open(libc::NETLINK_NETFILTER)?;
    // The kernel filters the dump since Linux 5.8. Entries are deleted one by one because a delete
    // that takes a filter came later, and an older kernel would empty the table instead.
    let dump = Message::new(GET, libc::NLM_F_DUMP, &NFGENMSG)
        .nested(TUPLE_ORIG | NESTED, &[], |tuple| {
            tuple.nested(TUPLE_IP | NESTED, &[], |ip| {
                ip.attribute(IP_V4_SRC, &source.octets())
            })
        })
        .nested(FILTER | NESTED, &[], |filter| {
            filter.u32(FILTER_ORIG_FLAGS, FILTER_IP_SRC)
        });
    let mut found = Vec::new();
    socket.exchange(dump, |_, payload| {
        let attributes = payload.get(NFGENMSG.len()..).unwrap_or(&[]);
        let tuple = netlink::find(attributes, TUPLE_ORIG);
        if let (Some(tuple), Some(id)) = (tuple, netlink::find(attributes, ID))
            && source_of(tuple) == Some(source)
        {
            found.push((tuple.to_vec(), id.to_vec()));
        }
    })?;
    for (tuple, id) in found {
        let delete = Message::new(DELETE, 0, &NFGENMSG)
            .attribute(TUPLE_ORIG | NESTED, &tuple)
            .attribute(ID, &id);
        match socket.change(delete) {
            // It ended by itself meanwhile.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
            other => other?,
        }
    }
    Ok(())
}

/// Whose connections the table holds, of the addresses in question. Like [`forget`] it walks the
/// whole table of hash buckets, some 10 ms of CPU on a machine of the common size.
pub fn sources(of: &HashSet<Ipv4Addr>) -> io::Result<HashSet<Ipv4Addr>> {
    let mut found = HashSet::new();
    let dump = Message::new(GET, libc::NLM_F_DUMP, &NFGENMSG);
    Socket::open(libc::NETLINK_NETFILTER)?.exchange(dump, |_, payload| {
        let attributes = payload.get(NFGENMSG.len()..).unwrap_or(&[]);
        let source = netlink::find(attributes, TUPLE_ORIG).and_then(source_of);
        found.extend(source.filter(|source| of.contains(source)));
    })?;
    Ok(found)
}

fn source_of(tuple: &[u8]) -> Option<Ipv4Addr> {
    let ip = netlink::find(tuple, TUPLE_IP)?;
    let octets: [u8; 4] = netlink::find(ip, IP_V4_SRC)?.try_into().ok()?;
    Some(octets.into())
}
