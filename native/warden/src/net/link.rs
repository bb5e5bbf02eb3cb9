//! Links, addresses, neighbours and routes through rtnetlink(7).

use super::netlink::{self, Message, Socket};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::thread;
use std::time::{Duration, Instant};

/// The loopback interface is the first of every network namespace.
pub const LOOPBACK: u32 = 1;

const VETH_INFO_PEER: u16 = 1; // linux/veth.h
const NUD_PERMANENT: u16 = 0x80; // linux/neighbour.h
const IF_OPER_UP: u8 = 6; // linux/if.h
/// For a link whose two ends are up to become operational: it takes a turn of a kernel worker.
const OPERATIONAL: Duration = Duration::from_secs(5);
const IFINFOMSG: usize = 16;

pub type Mac = [u8; 6];

/// Both ends of a veth pair to make.
pub struct Veth<'a> {
    pub name: &'a str,
    pub mac: Mac,
    pub peer_name: &'a str,
    pub peer_mac: Mac,
    pub peer_namespace: BorrowedFd<'a>,
}

/// What the kernel reports of a link.
pub struct Link {
    pub index: u32,
    pub name: String,
    /// Up, with carrier, and the kernel has acted on both.
    operational: bool,
    /// The other end, when it is in another namespace.
    peer: Option<Peer>,
    pub received: u64,
    pub sent: u64,
}

/// The other end of a veth: its index, and its namespace by the number that this one has for it.
#[derive(Clone, Copy)]
struct Peer {
    index: u32,
    namespace: u32,
}

/// rtnetlink requests in the network namespace where the socket was opened.
pub struct Links {
    socket: Socket,
}

impl Links {
    pub fn open() -> io::Result<Links> {
        Ok(Links {
            socket: Socket::open(libc::NETLINK_ROUTE)?,
        })
    }

    /// Makes the pair, both ends down. One queue an end: the default is one per possible CPU, which
    /// makes a pair slow and large on a big machine.
    pub fn add_veth(&mut self, veth: &Veth) -> io::Result<()> {
        let flags = libc::NLM_F_CREATE | libc::NLM_F_EXCL;
        let message = Message::new(libc::RTM_NEWLINK, flags, &ifinfomsg(0, 0, 0))
            .string(libc::IFLA_IFNAME, veth.name)
            .attribute(libc::IFLA_ADDRESS, &veth.mac)
            .u32(libc::IFLA_NUM_TX_QUEUES, 1)
            .u32(libc::IFLA_NUM_RX_QUEUES, 1)
            .nested(libc::IFLA_LINKINFO, &[], |info| {
                info.string(libc::IFLA_INFO_KIND, "veth").nested(
                    libc::IFLA_INFO_DATA,
                    &[],
                    |data| {
                        data.nested(VETH_INFO_PEER, &ifinfomsg(0, 0, 0), |peer| {
                            peer.string(libc::IFLA_IFNAME, veth.peer_name)
                                .attribute(libc::IFLA_ADDRESS, &veth.peer_mac)
                                .u32(libc::IFLA_NET_NS_FD, veth.peer_namespace.as_raw_fd() as u32)
                                .u32(libc::IFLA_NUM_TX_QUEUES, 1)
                                .u32(libc::IFLA_NUM_RX_QUEUES, 1)
                        })
                    },
                )
            });
        self.socket.change(message)
    }

    /// Whether there was such a link to delete. The peer of a veth goes with it.
    pub fn delete(&mut self, name: &str) -> io::Result<bool> {
        let message =
            Message::new(libc::RTM_DELLINK, 0, &ifinfomsg(0, 0, 0)).string(libc::IFLA_IFNAME, name);
        match self.socket.change(message) {
            Ok(()) => Ok(true),
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub fn set_up(&mut self, index: u32, up: bool) -> io::Result<()> {
        let flag = libc::IFF_UP as u32;
        let flags = if up { flag } else { 0 };
        self.socket.change(Message::new(
            libc::RTM_NEWLINK,
            0,
            &ifinfomsg(index, flags, flag),
        ))
    }

    /// Waits until a veth whose two ends are up carries packets both ways. An end that is up before
    /// it has a carrier gets its queue by deferred work (linkwatch) and loses without a trace what it
    /// is given until then: the host's end when a pair is made, the other one when the host's is
    /// taken up again. The kernel sets the queue and the state IF_OPER_UP in one step under the
    /// lock that a question takes. Since Linux 6.8 the first question makes it do that work
    /// (rtnl_getlink()).
    pub fn await_operational(&mut self, name: &str) -> io::Result<()> {
        let end = Instant::now() + OPERATIONAL;
        loop {
            let link = self.get(name)?;
            let peer = match link.peer {
                Some(peer) if link.operational => Some(self.get_peer(peer)?),
                _ => None,
            };
            if peer.is_some_and(|peer| peer.operational) {
                return Ok(());
            }
            if Instant::now() >= end {
                return Err(io::ErrorKind::TimedOut.into());
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Fails with ENODEV (`raw_os_error`) when there is none of that name.
    pub fn get(&mut self, name: &str) -> io::Result<Link> {
        self.one(
            Message::new(libc::RTM_GETLINK, 0, &ifinfomsg(0, 0, 0)).string(libc::IFLA_IFNAME, name),
        )
    }

    /// Asks here for a link of another namespace. Needs CAP_NET_ADMIN there.
    fn get_peer(&mut self, peer: Peer) -> io::Result<Link> {
        self.one(
            Message::new(libc::RTM_GETLINK, 0, &ifinfomsg(peer.index, 0, 0))
                .u32(libc::IFLA_TARGET_NETNSID, peer.namespace),
        )
    }

    fn one(&mut self, question: Message) -> io::Result<Link> {
        let mut link = None;
        self.socket.exchange(question, |kind, payload| {
            if kind == libc::RTM_NEWLINK {
                link = parse(payload);
            }
        })?;
        link.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Every link of the namespace.
    pub fn list(&mut self) -> io::Result<Vec<Link>> {
        loop {
            let message = Message::new(libc::RTM_GETLINK, libc::NLM_F_DUMP, &ifinfomsg(0, 0, 0));
            let mut links = Vec::new();
            let result = self.socket.exchange(message, |kind, payload| {
                if kind == libc::RTM_NEWLINK {
                    links.extend(parse(payload));
                }
            });
            match result {
                Ok(()) => return Ok(links),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
        }
    }

    /// Adds address/32; it may be there already.
    pub fn add_address(&mut self, index: u32, address: Ipv4Addr, scope: u8) -> io::Result<()> {
        let flags = libc::NLM_F_CREATE | libc::NLM_F_REPLACE;
        self.socket.change(
            Message::new(libc::RTM_NEWADDR, flags, &ifaddrmsg(index, scope))
                .attribute(libc::IFA_LOCAL, &address.octets())
                .attribute(libc::IFA_ADDRESS, &address.octets()),
        )
    }

    /// Whether the address was there.
    pub fn delete_address(&mut self, index: u32, address: Ipv4Addr) -> io::Result<bool> {
        let message = Message::new(libc::RTM_DELADDR, 0, &ifaddrmsg(index, 0))
            .attribute(libc::IFA_LOCAL, &address.octets());
        match self.socket.change(message) {
            Ok(()) => Ok(true),
            Err(error) if error.raw_os_error() == Some(libc::EADDRNOTAVAIL) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A neighbour that is never asked for, so that nothing depends on the host's ARP settings.
    pub fn set_neighbour(&mut self, index: u32, address: Ipv4Addr, mac: Mac) -> io::Result<()> {
        let mut fixed = [0u8; 12];
        fixed[0] = libc::AF_INET as u8;
        fixed[4..8].copy_from_slice(&index.to_ne_bytes());
        fixed[8..10].copy_from_slice(&NUD_PERMANENT.to_ne_bytes());
        let flags = libc::NLM_F_CREATE | libc::NLM_F_REPLACE;
        self.socket.change(
            Message::new(libc::RTM_NEWNEIGH, flags, &fixed)
                .attribute(libc::NDA_DST, &address.octets())
                .attribute(libc::NDA_LLADDR, &mac),
        )
    }

    /// address/32 is on the link; packets to it that have no source yet get `source`.
    pub fn set_host_route(
        &mut self,
        index: u32,
        address: Ipv4Addr,
        source: Ipv4Addr,
    ) -> io::Result<()> {
        let flags = libc::NLM_F_CREATE | libc::NLM_F_REPLACE;
        self.socket.change(
            Message::new(libc::RTM_NEWROUTE, flags, &rtmsg(32, libc::RT_SCOPE_LINK))
                .attribute(libc::RTA_DST, &address.octets())
                .attribute(libc::RTA_PREFSRC, &source.octets())
                .u32(libc::RTA_OIF, index),
        )
    }

    /// Everything else goes through `gateway`, which must be on the link already.
    pub fn set_default_route(&mut self, index: u32, gateway: Ipv4Addr) -> io::Result<()> {
        let flags = libc::NLM_F_CREATE | libc::NLM_F_REPLACE;
        self.socket.change(
            Message::new(
                libc::RTM_NEWROUTE,
                flags,
                &rtmsg(0, libc::RT_SCOPE_UNIVERSE),
            )
            .attribute(libc::RTA_GATEWAY, &gateway.octets())
            .u32(libc::RTA_OIF, index),
        )
    }
}

fn parse(payload: &[u8]) -> Option<Link> {
    let index = netlink::read_u32(payload, 4)?;
    let attributes = payload.get(IFINFOMSG..)?;
    // struct rtnl_link_stats64: rx_packets, tx_packets, rx_bytes, tx_bytes, ...
    let statistics = netlink::find(attributes, libc::IFLA_STATS64).unwrap_or(&[]);
    let number =
        |kind| netlink::find(attributes, kind).and_then(|value| netlink::read_u32(value, 0));
    let peer = number(libc::IFLA_LINK).zip(number(libc::IFLA_LINK_NETNSID));
    Some(Link {
        index,
        name: netlink::text(netlink::find(attributes, libc::IFLA_IFNAME)?),
        operational: netlink::find(attributes, libc::IFLA_OPERSTATE) == Some(&[IF_OPER_UP]),
        peer: peer.map(|(index, namespace)| Peer { index, namespace }),
        received: netlink::read_u64(statistics, 16).unwrap_or(0),
        sent: netlink::read_u64(statistics, 24).unwrap_or(0),
    })
}

fn ifinfomsg(index: u32, flags: u32, change: u32) -> [u8; IFINFOMSG] {
    let mut bytes = [0; IFINFOMSG];
    bytes[4..8].copy_from_slice(&index.to_ne_bytes());
    bytes[8..12].copy_from_slice(&flags.to_ne_bytes());
    bytes[12..16].copy_from_slice(&change.to_ne_bytes());
    bytes
}

fn ifaddrmsg(index: u32, scope: u8) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&[libc::AF_INET as u8, 32, 0, scope]);
    bytes[4..].copy_from_slice(&index.to_ne_bytes());
    bytes
}

fn rtmsg(prefix: u8, scope: u8) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&[
        libc::AF_INET as u8,
        prefix,
        0,
        0,
        libc::RT_TABLE_MAIN,
        libc::RTPROT_STATIC,
        scope,
        libc::RTN_UNICAST,
    ]);
    bytes
}
