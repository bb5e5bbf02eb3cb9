//! Denied packets, as the packet filter logs them (nfnetlink_log).

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::denials::{Denials, Denied, Reason};
use crate::net::config::Plan;
use crate::net::netlink::{self, Message, Socket};
use crate::net::rules::BY_POLICY;

// linux/netfilter/nfnetlink_log.h
const SUBSYSTEM: u16 = 4 << 8;
const PACKET: u16 = SUBSYSTEM;
const CONFIG: u16 = SUBSYSTEM | 1;
const CONFIG_COMMAND: u16 = 1;
const CONFIG_MODE: u16 = 2;
const CONFIG_THRESHOLD: u16 = 5;
const COMMAND_BIND: u8 = 1;
const COPY_PACKET: u8 = 2;
const PAYLOAD: u16 = 9;
const PREFIX: u16 = 10;
const NFGENMSG: usize = 4;
/// One instance after the other takes the first that is free.
const GROUPS: std::ops::Range<u16> = 7_200..7_264;
const COPIED_BYTES: u32 = 64;

/// Reads on a thread of its own until it is dropped.
pub struct Packets {
    pub group: u16,
    stop: Option<UnixStream>,
    reader: Option<JoinHandle<()>>,
}

impl Packets {
    pub fn watch(plan: Plan, denials: Arc<Denials>) -> io::Result<Packets> {
        let (socket, group) = bind()?;
        let (stop, stopped) = UnixStream::pair()?;
        let reader = thread::Builder::new()
            .name("denied packets".into())
            .spawn(move || read(&socket, &stopped, &plan, &denials))?;
        Ok(Packets {
            group,
            stop: Some(stop),
            reader: Some(reader),
        })
    }
}

impl Drop for Packets {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn bind() -> io::Result<(Socket, u16)> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for group in GROUPS {
        let mut socket = Socket::open(libc::NETLINK_NETFILTER)?;
        // struct nfgenmsg: family, version, the group as resource id.
        let [high, low] = group.to_be_bytes();
        let to_group = [libc::AF_UNSPEC as u8, 0, high, low];
        let configure =
            |kind, value: &[u8]| Message::new(CONFIG, 0, &to_group).attribute(kind, value);
        let command = [COMMAND_BIND];
        // struct nfulnl_msg_config_mode: copied bytes, mode, padding.
        let [a, b, c, d] = COPIED_BYTES.to_be_bytes();
        let mode = [a, b, c, d, COPY_PACKET, 0];
        let bound = socket
            .change(configure(CONFIG_COMMAND, &command))
            .and_then(|()| socket.change(configure(CONFIG_MODE, &mode)))
            // Each packet at once, not a second later.
            .and_then(|()| socket.change(configure(CONFIG_THRESHOLD, &1u32.to_be_bytes())));
        match bound {
            Ok(()) => return Ok((socket, group)),
            // A group that another socket has; or we may not have any.
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

fn read(socket: &Socket, stopped: &UnixStream, plan: &Plan, denials: &Denials) {
    loop {
        let mut wait = [socket.as_fd().as_raw_fd(), stopped.as_raw_fd()].map(|fd| libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        });
        // SAFETY: pointer and length are those of a live array.
        let ready = unsafe { libc::poll(wait.as_mut_ptr(), wait.len() as libc::nfds_t, -1) };
        if ready > 0 && wait[1].revents != 0 {
            return;
        }
        if ready <= 0 || wait[0].revents == 0 {
            continue;
        }
        // ENOBUFS says that some were lost, which the rate makes unlikely.
        let _ = socket.listen(|kind, payload| {
            if kind == PACKET
                && let Some((sandbox, denied)) = payload.get(NFGENMSG..).and_then(denied)
                && plan.is_sandbox(sandbox)
            {
                denials.add(sandbox, denied);
            }
        });
    }
}

/// What a logged packet is, and of which sandbox.
fn denied(attributes: &[u8]) -> Option<(Ipv4Addr, Denied)> {
    let packet = netlink::find(attributes, PAYLOAD)?;
    let reason = match netlink::find(attributes, PREFIX)
        .map(netlink::text)?
        .as_str()
    {
        BY_POLICY => Reason::Policy,
        _ => Reason::Node,
    };
    let address = |at: usize| -> Option<Ipv4Addr> {
        let octets: [u8; 4] = packet.get(at..at + 4)?.try_into().ok()?;
        Some(octets.into())
    };
    let first = *packet.first()?;
    if first >> 4 != 4 {
        return None;
    }
    let header = usize::from(first & 15) * 4;
    let number = *packet.get(9)?;
    // Later fragments have no ports.
    let fragment = u16::from_be_bytes([*packet.get(6)?, *packet.get(7)?]) & 0x1fff;
    let (protocol, has_ports) = match i32::from(number) {
        libc::IPPROTO_TCP => ("tcp".to_owned(), true),
        libc::IPPROTO_UDP => ("udp".to_owned(), true),
        libc::IPPROTO_ICMP => ("icmp".to_owned(), false),
        _ => (number.to_string(), false),
    };
    let port = packet
        .get(header + 2..header + 4)
        .filter(|_| has_ports && fragment == 0)
        .map_or(0, |bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
    let denied = Denied {
        protocol,
        address: Some(address(16)?.into()),
        port,
        name: String::new(),
        reason,
    };
    Some((address(12)?, denied))
}
