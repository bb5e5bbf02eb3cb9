//! Adding elements to a set of the packet filter through nfnetlink: a name that resolves must not wait
//! for a program to start.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::net::netlink::{self, Message, Socket};

// linux/netfilter/nfnetlink.h and nf_tables.h
const SUBSYSTEM: u16 = 10;
const NEW_ELEMENT: u16 = (SUBSYSTEM << 8) | 12;
const GET_ELEMENT: u16 = (SUBSYSTEM << 8) | 13;
const DELETE_ELEMENT: u16 = (SUBSYSTEM << 8) | 14;
const LIST_TABLE: u16 = 1;
const LIST_SET: u16 = 2;
const LIST_ELEMENTS: u16 = 3;
const LIST_ELEMENT: u16 = 1;
const ELEMENT_KEY: u16 = 1;
const ELEMENT_TIMEOUT: u16 = 4;
const ELEMENT_EXPIRATION: u16 = 5;
const DATA_VALUE: u16 = 1;
const NESTED: u16 = libc::NLA_F_NESTED as u16;
/// struct nfgenmsg: family inet, version 0, resource id 0.
const NFGENMSG: [u8; 4] = [1, 0, 0, 0];

/// An address, for how long it is to be in the set, and whether it is in it already for less.
pub struct Element {
    pub address: Ipv4Addr,
    pub timeout: Duration,
    pub replaced: bool,
}

/// What is in the set, and for how long still. Nothing when there is no such set.
pub fn list(table: &str, set: &str) -> io::Result<Vec<(Ipv4Addr, Duration)>> {
    let dump = Message::new(GET_ELEMENT, libc::NLM_F_DUMP, &NFGENMSG)
        .string(LIST_TABLE, table)
        .string(LIST_SET, set);
    let mut found = Vec::new();
    let listed = Socket::open(libc::NETLINK_NETFILTER)?.exchange(dump, |_, payload| {
        let attributes = payload.get(NFGENMSG.len()..).unwrap_or(&[]);
        let list = netlink::find(attributes, LIST_ELEMENTS).unwrap_or(&[]);
        found.extend(netlink::attributes(list).filter_map(|(_, element)| parse(element)));
    });
    match listed {
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(Vec::new()),
        other => other.map(|()| found),
    }
}

fn parse(element: &[u8]) -> Option<(Ipv4Addr, Duration)> {
    let key = netlink::find(element, ELEMENT_KEY)?;
    let octets: [u8; 4] = netlink::find(key, DATA_VALUE)?.try_into().ok()?;
    let left: [u8; 8] = netlink::find(element, ELEMENT_EXPIRATION)?
        .try_into()
        .ok()?;
    Some((
        octets.into(),
        Duration::from_millis(u64::from_be_bytes(left)),
    ))
}

/// All or nothing.
pub fn add(table: &str, set: &str, elements: &[Element]) -> io::Result<()> {
    match change(table, set, elements, true) {
        // The kernel has taken out meanwhile what was to be replaced.
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {
            change(table, set, elements, false)
        }
        other => other,
    }
}

fn change(table: &str, set: &str, elements: &[Element], replace: bool) -> io::Result<()> {
    let mut messages = Vec::with_capacity(elements.len() * 2);
    let message = |kind, flags| {
        Message::new(kind, flags, &NFGENMSG)
            .string(LIST_TABLE, table)
            .string(LIST_SET, set)
    };
    for element in elements {
        let key = |inner: Message| {
            inner.nested(ELEMENT_KEY | NESTED, &[], |key| {
                key.attribute(DATA_VALUE, &element.address.octets())
            })
        };
        // The kernel leaves the timeout of an element as it is (before Linux 6.13).
        if element.replaced && replace {
            messages.push(
                message(DELETE_ELEMENT, 0).nested(LIST_ELEMENTS | NESTED, &[], |list| {
                    list.nested(LIST_ELEMENT | NESTED, &[], key)
                }),
            );
        }
        let milliseconds = element.timeout.as_millis() as u64;
        messages.push(message(NEW_ELEMENT, libc::NLM_F_CREATE).nested(
            LIST_ELEMENTS | NESTED,
            &[],
            |list| {
                list.nested(LIST_ELEMENT | NESTED, &[], |inner| {
                    key(inner).attribute(ELEMENT_TIMEOUT, &milliseconds.to_be_bytes())
                })
            },
        ));
    }
    Socket::open(libc::NETLINK_NETFILTER)?.batch(SUBSYSTEM, messages)
}
