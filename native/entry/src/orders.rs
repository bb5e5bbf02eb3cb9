//! The packet of a claim.
//!
//! Eight bytes of capabilities (little-endian mask), one byte with the length of the host name, the
//! host name, one byte with the number of volumes, each volume's path after two bytes of its length
//! (little-endian), then the filter: classic BPF instructions of eight bytes each, as the kernel takes
//! them.

/// Linux' bound of a host name, bytes.
pub const MAX_HOSTNAME: usize = 64;
/// Linux' bound of a classic BPF program, instructions (BPF_MAXINSNS).
const MAX_INSTRUCTIONS: usize = 4096;
/// Most volumes of a sandbox.
pub const MAX_VOLUMES: usize = 16;
/// Longest path of a volume in a sandbox, bytes.
pub const MAX_VOLUME_PATH: usize = 1024;
const FIXED: usize = 10;
/// Longest packet, bytes.
pub(crate) const MAX_PACKET: usize =
    FIXED + MAX_HOSTNAME + MAX_VOLUMES * (2 + MAX_VOLUME_PATH) + MAX_INSTRUCTIONS * INSTRUCTION;
const INSTRUCTION: usize = 8;

/// What the warden decided for a sandbox.
#[derive(Debug, PartialEq, Eq)]
pub struct Orders<'a> {
    /// Those that the sandbox keeps over its own user namespace, bit n = capability n.
    pub capabilities: u64,
    /// At most [`MAX_HOSTNAME`] bytes.
    pub hostname: &'a [u8],
    /// The filter of system calls: instructions of 8 bytes.
    pub filter: &'a [u8],
    /// Where its volumes are mounted, in the order of their descriptors: absolute paths of at most
    /// [`MAX_VOLUME_PATH`] bytes, at most [`MAX_VOLUMES`].
    pub volumes: Vec<&'a [u8]>,
}

impl<'a> Orders<'a> {
    /// # Panics
    /// When host name or paths are longer than they may be: they were checked before.
    pub fn packet(&self) -> Vec<u8> {
        assert!(self.hostname.len() <= MAX_HOSTNAME, "checked by the caller");
        let mut packet = Vec::with_capacity(FIXED + self.hostname.len() + self.filter.len());
        packet.extend_from_slice(&self.capabilities.to_le_bytes());
        packet.push(self.hostname.len() as u8);
        packet.extend_from_slice(self.hostname);
        packet.push(self.volumes.len() as u8);
        for path in &self.volumes {
            assert!(path.len() <= MAX_VOLUME_PATH, "checked by the caller");
            packet.extend_from_slice(&(path.len() as u16).to_le_bytes());
            packet.extend_from_slice(path);
        }
        packet.extend_from_slice(self.filter);
        packet
    }

    /// `None` when the packet is none.
    pub fn parse(packet: &'a [u8]) -> Option<Orders<'a>> {
        let (capabilities, rest) = packet.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first()?;
        let (hostname, rest) = rest.split_at_checked(usize::from(*length))?;
        let (count, mut filter) = rest.split_first()?;
        let mut volumes = Vec::with_capacity(usize::from(*count));
        for _ in 0..*count {
            let (length, rest) = filter.split_first_chunk::<2>()?;
            let (path, rest) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
            volumes.push(path);
            filter = rest;
        }
        let well = hostname.len() <= MAX_HOSTNAME
            && !filter.is_empty()
            && filter.len() % INSTRUCTION == 0
            && filter.len() / INSTRUCTION <= MAX_INSTRUCTIONS;
        well.then_some(Orders {
            capabilities: u64::from_le_bytes(*capabilities),
            hostname,
            filter,
            volumes,
        })
    }

    pub(crate) fn instructions(&self) -> Vec<libc::sock_filter> {
        self.filter
            .chunks_exact(INSTRUCTION)
            .map(|i| libc::sock_filter {
                code: u16::from_ne_bytes([i[0], i[1]]),
                jt: i[2],
                jf: i[3],
                k: u32::from_ne_bytes([i[4], i[5], i[6], i[7]]),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_read_again() {
        let filter = [6, 0, 0, 0, 0, 0, 0xff, 0x7f];
        let orders = Orders {
            capabilities: 0x1_0000_0021,
            hostname: b"box",
            filter: &filter,
            volumes: vec![b"/data", b"/srv/models"],
        };
        let packet = orders.packet();
        assert_eq!(Orders::parse(&packet), Some(orders));
        let one = &Orders::parse(&packet).unwrap().instructions()[0];
        assert_eq!((one.code, one.jt, one.jf, one.k), (6, 0, 0, 0x7fff_0000));
    }

    #[test]
    fn a_cut_packet_is_none() {
        let packet = Orders {
            capabilities: 0,
            hostname: b"box",
            filter: &[0; 16],
            volumes: vec![b"/d"],
        }
        .packet();
        for length in 0..packet.len() {
            let whole = length == packet.len() - 8;
            assert_eq!(
                Orders::parse(&packet[..length]).is_some(),
                whole,
                "{length}"
            );
        }
    }
}
