//! A netlink socket and the encoding of its messages: as much as the network and conntrack requests
//! of this module need. Layouts are those of netlink(7) and linux/netlink.h: everything is in host
//! byte order and padded to four bytes.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

const HEADER: usize = 16;
// linux/netfilter/nfnetlink.h
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
/// The kernel fills one datagram of a dump with at most 32 KiB (netlink_dump() in af_netlink.c).
const RECEIVE_BUFFER: usize = 64 << 10;

/// A request under construction: the header, a fixed part, then attributes.
pub struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// `flags` come on top of NLM_F_REQUEST.
    pub fn new(kind: u16, flags: i32, fixed: &[u8]) -> Message {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&((libc::NLM_F_REQUEST | flags) as u16).to_ne_bytes());
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(fixed);
        Message { bytes }
    }

    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Message {
        let length = (4 + value.len()) as u16;
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.pad();
        self
    }

    pub fn u32(self, kind: u16, value: u32) -> Message {
        self.attribute(kind, &value.to_ne_bytes())
    }

    /// A NUL-terminated string.
    pub fn string(self, kind: u16, value: &str) -> Message {
        self.attribute(kind, &[value.as_bytes(), &[0]].concat())
    }

    /// An attribute whose value begins with `fixed` and goes on with what `inner` adds.
    pub fn nested(
        mut self,
        kind: u16,
        fixed: &[u8],
        inner: impl FnOnce(Message) -> Message,
    ) -> Message {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 2]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(fixed);
        let mut outer = inner(self);
        let length = (outer.bytes.len() - start) as u16;
        outer.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        outer
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn sealed(mut self, sequence: u32) -> Vec<u8> {
        let length = self.bytes.len() as u32;
        self.bytes[0..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.bytes
    }
}

/// A netlink socket, tied to the network namespace of the thread that opened it for as long as it
/// lives, whichever thread uses it.
pub struct Socket {
    fd: OwnedFd,
    sequence: u32,
}

impl Socket {
    /// `protocol` is NETLINK_ROUTE or NETLINK_NETFILTER.
    pub fn open(protocol: i32) -> io::Result<Socket> {
        // SAFETY: plain socket(2); the result is checked before it is owned.
        let fd = unsafe {
            libc::socket(
                libc::AF_NETLINK,
                libc::SOCK_RAW | libc::SOCK_CLOEXEC,
                protocol,
            )
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: fd is a fresh descriptor that nothing else owns.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Socket { fd, sequence: 0 })
    }

    /// Sends a change and waits for the kernel's answer. The error is the kernel's errno, unadorned.
    pub fn change(&mut self, message: Message) -> io::Result<()> {
        self.exchange(message, |_, _| {})
    }

    /// Sends a request and gives each answer (message type, payload after the header) to `reply`.
    /// A dump that the kernel marks as interrupted by a change fails with `ErrorKind::Interrupted`.
    pub fn exchange(
        &mut self,
        mut message: Message,
        mut reply: impl FnMut(u16, &[u8]),
    ) -> io::Result<()> {
        let dump = libc::NLM_F_DUMP as u16;
        if read_u16(&message.bytes, 6).is_some_and(|flags| flags & dump != dump) {
            message.bytes[6] |= libc::NLM_F_ACK as u8;
        }
        self.sequence += 1;
        self.send(&message.sealed(self.sequence))?;
        let mut buffer = vec![0u8; RECEIVE_BUFFER];
        let mut consistent = true;
        loop {
            let received = self.receive(&mut buffer)?;
            let mut rest = &buffer[..received];
            while let Some(message) = split(rest) {
                rest = message.rest;
                if message.sequence != self.sequence {
                    continue;
                }
                consistent &= message.flags & libc::NLM_F_DUMP_INTR as u16 == 0;
                match i32::from(message.kind) {
                    libc::NLMSG_ERROR => {
                        return match read_i32(message.payload, 0) {
                            Some(0) => Ok(()),
                            Some(errno) => Err(io::Error::from_raw_os_error(-errno)),
                            None => Err(io::ErrorKind::InvalidData.into()),
                        };
                    }
                    libc::NLMSG_DONE if consistent => return Ok(()),
                    libc::NLMSG_DONE => return Err(io::ErrorKind::Interrupted.into()),
                    _ => reply(message.kind, message.payload),
                }
            }
        }
    }

    /// Sends changes that the kernel makes as one, or none of (nfnetlink batches).
    pub fn batch(&mut self, subsystem: u16, messages: Vec<Message>) -> io::Result<()> {
        let frame = |kind| {
            // struct nfgenmsg: the subsystem is its resource id.
            let [high, low] = subsystem.to_be_bytes();
            Message::new(kind, 0, &[0, 0, high, low])
        };
        let mut unanswered = messages.len();
        let mut bytes = Vec::new();
        let framed = std::iter::once(frame(BATCH_BEGIN))
            .chain(messages.into_iter().map(|mut message| {
                message.bytes[6] |= libc::NLM_F_ACK as u8;
                message
            }))
            .chain(std::iter::once(frame(BATCH_END)));
        let first = self.sequence + 1;
        for message in framed {
            self.sequence += 1;
            bytes.extend_from_slice(&message.sealed(self.sequence));
        }
        self.send(&bytes)?;
        let mut failure = None;
        let mut buffer = vec![0u8; RECEIVE_BUFFER];
        while unanswered > 0 {
            let received = self.receive(&mut buffer)?;
            let mut rest = &buffer[..received];
            while let Some(message) = split(rest) {
                rest = message.rest;
                let ours = (first..=self.sequence).contains(&message.sequence);
                if !ours || i32::from(message.kind) != libc::NLMSG_ERROR {
                    continue;
                }
                unanswered = unanswered.saturating_sub(1);
                let errno = read_i32(message.payload, 0).unwrap_or(-libc::EBADMSG);
                if errno != 0 && failure.is_none() {
                    failure = Some(io::Error::from_raw_os_error(-errno));
                }
                // The whole of it may be refused with one answer, to its beginning.
                if errno != 0 && message.sequence == first {
                    unanswered = 0;
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Gives what has arrived without being asked for to `reply`; waits when there is nothing.
    pub fn listen(&self, mut reply: impl FnMut(u16, &[u8])) -> io::Result<()> {
        let mut buffer = vec![0u8; RECEIVE_BUFFER];
        let received = self.receive(&mut buffer)?;
        let mut rest = &buffer[..received];
        while let Some(message) = split(rest) {
            rest = message.rest;
            reply(message.kind, message.payload);
        }
        Ok(())
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        // SAFETY: the pointer and length are those of a live slice. An unbound netlink socket
        // without destination sends to the kernel.
        let sent =
            unsafe { libc::send(self.fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0) };
        if sent < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // SAFETY: the kernel writes at most buffer.len() bytes into a live, exclusive slice.
            let received = unsafe {
                libc::recv(
                    self.fd.as_raw_fd(),
                    buffer.as_mut_ptr().cast(),
                    buffer.len(),
                    libc::MSG_TRUNC,
                )
            };
            if received >= 0 {
                let received = received as usize;
                if received > buffer.len() {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "netlink answer larger than its buffer",
                    ));
                }
                return Ok(received);
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

struct Received<'a> {
    kind: u16,
    flags: u16,
    sequence: u32,
    payload: &'a [u8],
    rest: &'a [u8],
}

/// The first message of a datagram, and what follows it.
fn split(bytes: &[u8]) -> Option<Received<'_>> {
    let length = read_u32(bytes, 0)? as usize;
    let payload = bytes.get(HEADER..length)?;
    let rest = bytes.get(length.next_multiple_of(4)..).unwrap_or(&[]);
    Some(Received {
        kind: read_u16(bytes, 4)?,
        flags: read_u16(bytes, 6)?,
        sequence: read_u32(bytes, 8)?,
        payload,
        rest,
    })
}

/// The attributes in `bytes`: (type without its flag bits, value). Ends at the first malformed one.
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = read_u16(bytes, 0)? as usize;
        let kind = read_u16(bytes, 2)? & libc::NLA_TYPE_MASK as u16;
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some((kind, value))
    })
}

/// The value of the first attribute of that type.
pub fn find(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes)
        .find(|(found, _)| *found == kind)
        .map(|(_, value)| value)
}

/// A string attribute's text without its NUL.
pub fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value.split(|byte| *byte == 0).next().unwrap_or(&[])).into_owned()
}

pub fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

pub fn read_i32(bytes: &[u8], at: usize) -> Option<i32> {
    read_u32(bytes, at).map(|value| value as i32)
}

pub fn read_u64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_and_nested_lengths_cover_their_content() {
        let bytes = Message::new(7, 0, &[1, 2, 3, 4])
            .string(3, "ab")
            .nested(4 | libc::NLA_F_NESTED as u16, &[], |inner| inner.u32(9, 5))
            .sealed(11);
        let message = split(&bytes).unwrap();
        let payload = message.payload;
        assert_eq!(
            (message.kind, message.sequence, message.rest.len()),
            (7, 11, 0)
        );
        assert_eq!(find(&payload[4..], 3).map(text).as_deref(), Some("ab"));
        let nested = find(&payload[4..], 4).unwrap();
        assert_eq!(
            find(nested, 9).and_then(|value| read_u32(value, 0)),
            Some(5)
        );
    }

    #[test]
    fn malformed_lengths_end_the_walk() {
        assert_eq!(attributes(&[2, 0, 1, 0, 9]).count(), 0);
        assert_eq!(attributes(&[255, 0, 1, 0, 9]).count(), 0);
        assert_eq!(attributes(&[8]).count(), 0);
        assert!(split(&[3, 0, 0, 0]).is_none());
    }
}
