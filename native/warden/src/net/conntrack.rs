//! The host's table of connections, through ctnetlink: forgetting those of a sandbox that is gone, or
//! that it may no longer have.
//!
//! Addresses are used again, and the host remembers a connection for up to five days: without this
//! a peer of the old sandbox would go on talking to the new one.

use super::netlink::{self, Message, Socket};
use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

// linux/netfilter/nfnetlink.h and nfnetlink_conntrack.h
const SUBSYSTEM: u16 = 1 << 8;
const GET: u16 = SUBSYSTEM | 1;
const DELETE: u16 = SUBSYSTEM | 2;
const TUPLE_ORIG: u16 = 1;
const TUPLE_REPLY: u16 = 2;
const TUPLE_IP: u16 = 1;
const TUPLE_PROTO: u16 = 2;
const IP_V4_SRC: u16 = 1;
const IP_V4_DST: u16 = 2;
const PROTO_NUMBER: u16 = 1;
const PROTO_SRC_PORT: u16 = 2;
const PROTO_DST_PORT: u16 = 3;
const ID: u16 = 12;
const FILTER: u16 = 25;
const FILTER_ORIG_FLAGS: u16 = 1;
const FILTER_IP_SRC: u32 = 1;
const NESTED: u16 = libc::NLA_F_NESTED as u16;
/// struct nfgenmsg: family, version 0, resource id 0.
const NFGENMSG: [u8; 4] = [libc::AF_INET as u8, 0, 0, 0];

/// A tracked connection as its opener sees it. Ports are 0 of protocols without.
pub struct Connection {
    pub protocol: u8,
    pub from: SocketAddrV4,
    pub to: SocketAddrV4,
    /// Who answers, which differs from `to` when it was redirected.
    pub answers: Ipv4Addr,
    tuple: Vec<u8>,
    id: Vec<u8>,
}

/// Every connection that `source` opened. The kernel walks its whole table for it, some 10 ms of CPU
/// on a machine of the common size.
pub fn of(source: Ipv4Addr) -> io::Result<Vec<Connection>> {
    // The kernel filters the dump since Linux 5.8.
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
    Socket::open(libc::NETLINK_NETFILTER)?.exchange(dump, |_, payload| {
        let attributes = payload.get(NFGENMSG.len()..).unwrap_or(&[]);
        found.extend(parse(attributes).filter(|connection| *connection.from.ip() == source));
    })?;
    Ok(found)
}

/// Entries are deleted one by one because a delete that takes a filter came later than 5.8, and an
/// older kernel would empty the table instead.
pub fn delete(connections: &[Connection]) -> io::Result<()> {
    let mut socket = Socket::open(libc::NETLINK_NETFILTER)?;
    for connection in connections {
        let delete = Message::new(DELETE, 0, &NFGENMSG)
            .attribute(TUPLE_ORIG | NESTED, &connection.tuple)
            .attribute(ID, &connection.id);
        match socket.change(delete) {
            // It ended by itself meanwhile.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
            other => other?,
        }
    }
    Ok(())
}

/// Removes every connection that `source` opened from the connection table of this namespace.
pub fn forget(source: Ipv4Addr) -> io::Result<()> {
    delete(&of(source)?)
}

/// Whose connections the table holds, of the addresses in question. Like [`of`] it walks the whole
/// table.
pub fn sources(of: &HashSet<Ipv4Addr>) -> io::Result<HashSet<Ipv4Addr>> {
    let mut found = HashSet::new();
    let dump = Message::new(GET, libc::NLM_F_DUMP, &NFGENMSG);
    Socket::open(libc::NETLINK_NETFILTER)?.exchange(dump, |_, payload| {
        let attributes = payload.get(NFGENMSG.len()..).unwrap_or(&[]);
        let source =
            netlink::find(attributes, TUPLE_ORIG).and_then(|tuple| address(tuple, IP_V4_SRC));
        found.extend(source.filter(|source| of.contains(source)));
    })?;
    Ok(found)
}

fn parse(attributes: &[u8]) -> Option<Connection> {
    let tuple = netlink::find(attributes, TUPLE_ORIG)?;
    let protocol = netlink::find(tuple, TUPLE_PROTO).unwrap_or(&[]);
    let port = |kind| {
        netlink::find(protocol, kind)
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(0, u16::from_be_bytes)
    };
    Some(Connection {
        protocol: *netlink::find(protocol, PROTO_NUMBER)?.first()?,
        from: SocketAddrV4::new(address(tuple, IP_V4_SRC)?, port(PROTO_SRC_PORT)),
        to: SocketAddrV4::new(address(tuple, IP_V4_DST)?, port(PROTO_DST_PORT)),
        answers: address(netlink::find(attributes, TUPLE_REPLY)?, IP_V4_SRC)?,
        tuple: tuple.to_vec(),
        id: netlink::find(attributes, ID)?.to_vec(),
    })
}

fn address(tuple: &[u8], kind: u16) -> Option<Ipv4Addr> {
    let ip = netlink::find(tuple, TUPLE_IP)?;
    let octets: [u8; 4] = netlink::find(ip, kind)?.try_into().ok()?;
    Some(octets.into())
}
