//! One connection to the engine: frames in and out.
//!
//! Reading keeps what arrived beyond the current frame, so that header and payload of a small
//! request cost one system call. Owned by one thread.

use crate::failure::Failure;
use atoll_wire::frame::{self, HEADER, Kind, MAX_DATA, MAX_MSG_TO_GUEST};
use atoll_wire::guest::{self, reply::Result as Answer};
use prost::Message;
use rustix::net::{RecvFlags, SendFlags};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

/// What is read at once when a frame's length is not known yet, bytes.
const READ_AHEAD: usize = 1 << 10;

pub struct Conn {
    stream: UnixStream,
    buffer: Vec<u8>,
    start: usize,
}

impl AsFd for Conn {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// What a read that does not block found.
pub enum Arrived {
    Frame(Kind, Vec<u8>),
    Nothing,
    Closed,
}

impl Conn {
    pub fn new(stream: UnixStream) -> Conn {
        Conn {
            stream,
            buffer: Vec::new(),
            start: 0,
        }
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or(&[])
    }

    fn take_into(&mut self, target: &mut [u8]) -> usize {
        let n = self.unread().len().min(target.len());
        let (from, to) = (self.start, self.start + n);
        if let (Some(into), Some(source)) = (target.get_mut(..n), self.buffer.get(from..to)) {
            into.copy_from_slice(source);
        }
        self.start = to;
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
        n
    }

    /// Whether bytes beyond the last frame were read already: poll does not tell of those.
    pub fn has_buffered(&self) -> bool {
        !self.unread().is_empty()
    }

    /// Gives back the memory of past large frames; called when the connection turns idle.
    pub fn relax(&mut self) {
        if self.start == self.buffer.len() {
            self.buffer = Vec::new();
            self.start = 0;
        }
    }

    /// Reads once from the socket, `more` bytes at most. Ok(0) is the end of the stream.
    fn receive(&mut self, more: usize, flags: RecvFlags) -> io::Result<usize> {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let old = self.buffer.len();
        self.buffer.resize(old + more, 0);
        let spare = self.buffer.get_mut(old..).unwrap_or_default();
        let result = loop {
            match rustix::net::recv(&self.stream, &mut *spare, flags) {
                Err(rustix::io::Errno::INTR) => {}
                Ok((n, _)) => break Ok(n),
                Err(e) => break Err(io::Error::from(e)),
            }
        };
        self.buffer.truncate(old + *result.as_ref().unwrap_or(&0));
        result
    }

    fn parse_header(&self) -> io::Result<Option<(Kind, usize)>> {
        match self.unread().get(..HEADER) {
            None => Ok(None),
            Some(mut bytes) => frame::read_header(&mut bytes, MAX_MSG_TO_GUEST),
        }
    }

    /// Waits for the next frame's header. `None` at a clean end of the stream.
    pub fn read_header(&mut self) -> io::Result<Option<(Kind, usize)>> {
        loop {
            if let Some(header) = self.parse_header()? {
                let mut bytes = [0; HEADER];
                self.take_into(&mut bytes);
                return Ok(Some(header));
            }
            if self.receive(READ_AHEAD, RecvFlags::empty())? == 0 {
                return match self.unread().is_empty() {
                    true => Ok(None),
                    false => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
        }
    }

    /// Reads the payload that a header announced into `into` (replaced).
    pub fn read_payload(&mut self, length: usize, into: &mut Vec<u8>) -> io::Result<()> {
        // What is there already need not be cleared to be overwritten.
        into.resize(length, 0);
        let have = self.take_into(into);
        self.stream
            .read_exact(into.get_mut(have..).unwrap_or_default())
    }

    /// The next piece of the main stream towards the guest: `true` with its bytes in `into`,
    /// `false` at END. A message or the end of the connection is an error here.
    pub fn read_data(&mut self, into: &mut Vec<u8>) -> io::Result<bool> {
        match self.read_header()? {
            Some((Kind::Data, length)) => self.read_payload(length, into).map(|()| true),
            Some((Kind::End, _)) => Ok(false),
            Some((kind, _)) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a frame of kind {kind:?} inside a stream of DATA"),
            )),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Takes the next frame if all of it can be had without blocking.
    pub fn try_frame(&mut self) -> io::Result<Arrived> {
        loop {
            let mut want = READ_AHEAD;
            if let Some((kind, length)) = self.parse_header()? {
                let whole = HEADER + length;
                if self.unread().len() >= whole {
                    let mut payload = vec![0; length];
                    let mut bytes = [0; HEADER];
                    self.take_into(&mut bytes);
                    self.take_into(&mut payload);
                    return Ok(Arrived::Frame(kind, payload));
                }
                want = (whole - self.unread().len()).clamp(READ_AHEAD, MAX_DATA);
            }
            match self.receive(want, RecvFlags::DONTWAIT) {
                Ok(0) => return Ok(Arrived::Closed),
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(Arrived::Nothing),
                Err(e) => return Err(e),
            }
        }
    }

    /// Sends what the socket takes without blocking; the number of bytes taken.
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::net::send(
                &self.stream,
                bytes,
                SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
            ) {
                Ok(n) => return Ok(n),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return Ok(0),
                Err(e) => return Err(e.into()),
            }
        }
    }

    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub fn hello(&mut self, hello: &guest::Hello) -> io::Result<()> {
        frame::write_msg(&mut self.stream, hello)
    }

    pub fn reply(&mut self, answer: Answer) -> io::Result<()> {
        self.stream.write_all(&encode(answer))
    }

    pub fn ok(&mut self) -> io::Result<()> {
        self.reply(Answer::Ok(guest::Ok {}))
    }

    pub fn error(&mut self, failure: &Failure) -> io::Result<()> {
        self.reply(Answer::Error(failure.to_wire()))
    }

    /// Sends a piece of the main stream, at most [`MAX_DATA`] bytes.
    pub fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream
            .write_all(&frame::header(Kind::Data, bytes.len()))?;
        self.stream.write_all(bytes)
    }

    /// Tells that the oldest piece of the window was taken.
    pub fn taken(&mut self) -> io::Result<()> {
        self.stream.write_all(&frame::header(Kind::Taken, 0))
    }

    pub fn end(&mut self) -> io::Result<()> {
        self.stream.write_all(&frame::header(Kind::End, 0))
    }
}

/// A reply as a whole MSG frame.
pub fn encode(answer: Answer) -> Vec<u8> {
    let reply = guest::Reply {
        result: Some(answer),
    };
    let payload = reply.encode_to_vec();
    let mut whole = Vec::with_capacity(HEADER + payload.len());
    whole.extend_from_slice(&frame::header(Kind::Msg, payload.len()));
    whole.extend_from_slice(&payload);
    whole
}
