//! Length-prefixed frames: `u32` big endian length of the payload, `u8` kind, payload.
//!
//! Lengths are checked against the bounds of the protocol before anything is allocated.

use std::io::{self, Read, Write};

/// What a frame carries. The numbers are the wire values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Msg = 0,
    Data = 1,
    Err = 2,
    End = 3,
    Filled = 4,
    Taken = 5,
}

impl Kind {
    fn from_wire(value: u8) -> io::Result<Kind> {
        match value {
            0 => Ok(Kind::Msg),
            1 => Ok(Kind::Data),
            2 => Ok(Kind::Err),
            3 => Ok(Kind::End),
            4 => Ok(Kind::Filled),
            5 => Ok(Kind::Taken),
            other => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("frame kind {other} is not one of 0..5"),
            )),
        }
    }
}

/// Largest message towards the guest, bytes.
pub const MAX_MSG_TO_GUEST: usize = 16 << 20;
/// Largest message from the guest, bytes.
pub const MAX_MSG_FROM_GUEST: usize = 4 << 20;
/// Largest message in either direction between engine and warden, bytes.
pub const MAX_MSG_WARDEN: usize = 4 << 20;
/// Largest DATA or ERR payload, bytes.
pub const MAX_DATA: usize = 256 << 10;
/// Bytes of a FILLED payload: offset and length in the window.
pub const FILLED: usize = 8;
/// Bytes before the payload.
pub const HEADER: usize = 5;

/// Reads the header of the next frame. `Ok(None)` at a clean end of the stream.
/// `max_msg` bounds MSG frames; DATA, ERR and END have fixed bounds.
pub fn read_header(reader: &mut impl Read, max_msg: usize) -> io::Result<Option<(Kind, usize)>> {
    let mut header = [0u8; HEADER];
    let mut have = 0;
    while have < HEADER {
        match reader.read(&mut header[have..]) {
            Ok(0) if have == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => have += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    let length = u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize;
    let kind = Kind::from_wire(header[4])?;
    let bound = match kind {
        Kind::Msg => max_msg,
        Kind::Data | Kind::Err => MAX_DATA,
        Kind::Filled => FILLED,
        Kind::End | Kind::Taken => 0,
    };
    if length > bound {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("frame of kind {kind:?} has {length} bytes, at most {bound} are allowed"),
        ));
    }
    Ok(Some((kind, length)))
}

/// Reads one whole frame into `buffer` (cleared first). `Ok(None)` at a clean end of the stream.
pub fn read_frame(
    reader: &mut impl Read,
    max_msg: usize,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<Kind>> {
    let Some((kind, length)) = read_header(reader, max_msg)? else {
        return Ok(None);
    };
    buffer.clear();
    buffer.resize(length, 0);
    reader.read_exact(buffer)?;
    Ok(Some(kind))
}

/// The five bytes in front of a payload.
pub fn header(kind: Kind, length: usize) -> [u8; HEADER] {
    let l = (length as u32).to_be_bytes();
    [l[0], l[1], l[2], l[3], kind as u8]
}

/// Writes one frame. Small frames go out in one `write`, so that a reader wakes once.
pub fn write_frame(writer: &mut impl Write, kind: Kind, payload: &[u8]) -> io::Result<()> {
    if payload.len() <= 16 << 10 {
        let mut whole = Vec::with_capacity(HEADER + payload.len());
        whole.extend_from_slice(&header(kind, payload.len()));
        whole.extend_from_slice(payload);
        return writer.write_all(&whole);
    }
    writer.write_all(&header(kind, payload.len()))?;
    writer.write_all(payload)
}

/// Encodes and writes a message frame.
pub fn write_msg(writer: &mut impl Write, message: &impl prost::Message) -> io::Result<()> {
    let length = message.encoded_len();
    let mut whole = Vec::with_capacity(HEADER + length);
    whole.extend_from_slice(&header(Kind::Msg, length));
    message
        .encode(&mut whole)
        .map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
    writer.write_all(&whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_survives_the_round_trip() {
        let mut wire = Vec::new();
        write_frame(&mut wire, Kind::Data, b"abc").unwrap();
        write_frame(&mut wire, Kind::End, b"").unwrap();
        let mut reader = wire.as_slice();
        let mut buffer = Vec::new();
        assert_eq!(
            read_frame(&mut reader, 10, &mut buffer).unwrap(),
            Some(Kind::Data)
        );
        assert_eq!(buffer, b"abc");
        assert_eq!(
            read_frame(&mut reader, 10, &mut buffer).unwrap(),
            Some(Kind::End)
        );
        assert_eq!(read_frame(&mut reader, 10, &mut buffer).unwrap(), None);
    }

    #[test]
    fn a_length_over_the_bound_is_refused_before_allocation() {
        let wire = [0x7f, 0xff, 0xff, 0xff, 0];
        let error = read_frame(&mut wire.as_slice(), 1 << 20, &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn an_unknown_kind_and_a_cut_header_are_errors() {
        let wire = [0, 0, 0, 0, 9];
        assert!(read_frame(&mut wire.as_slice(), 10, &mut Vec::new()).is_err());
        let wire = [0, 0, 0];
        let error = read_frame(&mut wire.as_slice(), 10, &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
