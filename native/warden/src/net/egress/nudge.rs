//! Makes a sandbox's end of a TCP connection speak, so that it hears that the connection is over.
//!
//! The host does not know the sequence numbers that a reset must carry. But a segment outside of the
//! window is answered with a segment that has them (RFC 9293 §3.10.7.4), and that one the packet
//! filter resets like every other of a connection that it does not know.

use std::io;
use std::mem::size_of;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::net::link::Mac;

const IP_HEADER: usize = 20;
const TCP_HEADER: usize = 20;
const TTL: u8 = 64;
const DATA_OFFSET: u8 = 5 << 4;
const ACK: u8 = 0x10;
const WINDOW: u16 = 1024;

/// A socket that sends past the host's packet filter and connection table, onto one link.
pub struct Nudge {
    socket: OwnedFd,
    to: libc::sockaddr_ll,
}

impl Nudge {
    /// `mac` is that of the sandbox's end of the link.
    pub fn onto(link: u32, mac: Mac) -> io::Result<Nudge> {
        // SAFETY: plain socket(2). Protocol 0: it receives nothing.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: sockaddr_ll is plain data for which zero is valid.
        let mut to: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        to.sll_family = libc::AF_PACKET as u16;
        to.sll_protocol = (libc::ETH_P_IP as u16).to_be();
        to.sll_ifindex = link as i32;
        to.sll_halen = mac.len() as u8;
        to.sll_addr[..mac.len()].copy_from_slice(&mac);
        Ok(Nudge {
            // SAFETY: fd is a fresh descriptor that nothing else owns.
            socket: unsafe { OwnedFd::from_raw_fd(fd) },
            to,
        })
    }

    /// A segment as if from `peer` to the sandbox's `end`.
    pub fn send(&self, peer: SocketAddrV4, end: SocketAddrV4) -> io::Result<()> {
        let packet = packet(peer, end);
        // SAFETY: pointers and lengths are those of live values.
        let sent = unsafe {
            libc::sendto(
                self.socket.as_raw_fd(),
                packet.as_ptr().cast(),
                packet.len(),
                0,
                (&raw const self.to).cast(),
                size_of::<libc::sockaddr_ll>() as u32,
            )
        };
        if sent < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

/// Sequence and acknowledgement number are 0: all but surely outside of the window, and harmless
/// within, since the segment carries nothing.
fn packet(from: SocketAddrV4, to: SocketAddrV4) -> [u8; IP_HEADER + TCP_HEADER] {
    let mut bytes = [0; IP_HEADER + TCP_HEADER];
    bytes[0] = 0x45;
    bytes[2..4].copy_from_slice(&((IP_HEADER + TCP_HEADER) as u16).to_be_bytes());
    bytes[8] = TTL;
    bytes[9] = libc::IPPROTO_TCP as u8;
    bytes[12..16].copy_from_slice(&from.ip().octets());
    bytes[16..20].copy_from_slice(&to.ip().octets());
    let sum = checksum(&bytes[..IP_HEADER], 0);
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    let tcp = &mut bytes[IP_HEADER..];
    tcp[..2].copy_from_slice(&from.port().to_be_bytes());
    tcp[2..4].copy_from_slice(&to.port().to_be_bytes());
    tcp[12] = DATA_OFFSET;
    tcp[13] = ACK;
    tcp[14..16].copy_from_slice(&WINDOW.to_be_bytes());
    let halves = |address: &Ipv4Addr| {
        let [a, b, c, d] = address.octets().map(u32::from);
        (a << 8 | b) + (c << 8 | d)
    };
    let pseudo = halves(from.ip()) + halves(to.ip()) + libc::IPPROTO_TCP as u32 + TCP_HEADER as u32;
    let sum = checksum(tcp, pseudo);
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// RFC 1071, of an even number of bytes.
fn checksum(bytes: &[u8], start: u32) -> u16 {
    let mut sum = start;
    for pair in bytes.chunks_exact(2) {
        sum += u32::from(u16::from_be_bytes([pair[0], pair[1]]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_that_a_receiver_expects() {
        let from = SocketAddrV4::new(Ipv4Addr::new(198, 51, 100, 80), 443);
        let to = SocketAddrV4::new(Ipv4Addr::new(10, 204, 0, 2), 50_000);
        let bytes = packet(from, to);
        // Over a header that includes its checksum the sum is all ones.
        assert_eq!(checksum(&bytes[..IP_HEADER], 0), 0);
        let pseudo = [&bytes[12..20], &[0, 6, 0, TCP_HEADER as u8]].concat();
        let sum = checksum(&[&pseudo, &bytes[IP_HEADER..]].concat(), 0);
        assert_eq!(sum, 0);
    }
}
