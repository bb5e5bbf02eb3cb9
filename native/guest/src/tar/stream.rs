//! The connection's main stream as a reader and a writer.

use crate::conn::Conn;
use atoll_wire::frame::{HEADER, Kind, MAX_DATA, header};
use std::cell::Cell;
use std::io::{self, BufRead, Read, Write};

/// Collects bytes into DATA frames.
pub struct FrameWriter<'a> {
    conn: &'a mut Conn,
    /// A frame in the making, its header's place in front.
    frame: Vec<u8>,
}

impl<'a> FrameWriter<'a> {
    pub fn new(conn: &'a mut Conn) -> FrameWriter<'a> {
        FrameWriter {
            conn,
            frame: vec![0; HEADER],
        }
    }
}

impl Write for FrameWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = (HEADER + MAX_DATA).saturating_sub(self.frame.len());
        let n = bytes.len().min(room);
        self.frame
            .extend_from_slice(bytes.get(..n).unwrap_or_default());
        if self.frame.len() >= HEADER + MAX_DATA {
            self.flush()?;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        let length = self.frame.len() - HEADER;
        if length > 0 {
            if let Some(front) = self.frame.get_mut(..HEADER) {
                front.copy_from_slice(&header(Kind::Data, length));
            }
            self.conn.send_raw(&self.frame)?;
            self.frame.truncate(HEADER);
        }
        Ok(())
    }
}

/// Reads DATA frames up to END.
pub struct FrameReader<'a> {
    conn: &'a mut Conn,
    frame: Vec<u8>,
    at: usize,
    ended: bool,
    /// Set when the connection failed, to tell that from errors of the content.
    broken: &'a Cell<bool>,
}

impl<'a> FrameReader<'a> {
    pub fn new(conn: &'a mut Conn, broken: &'a Cell<bool>) -> FrameReader<'a> {
        FrameReader {
            conn,
            frame: Vec::new(),
            at: 0,
            ended: false,
            broken,
        }
    }

    /// Passes over what is left up to END.
    pub fn drain(&mut self) -> io::Result<()> {
        loop {
            let n = self.fill_buf()?.len();
            if n == 0 {
                return Ok(());
            }
            self.consume(n);
        }
    }
}

impl BufRead for FrameReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at >= self.frame.len() && !self.ended {
            self.at = 0;
            let more = self
                .conn
                .read_data(&mut self.frame)
                .inspect_err(|_| self.broken.set(true))?;
            if !more {
                self.ended = true;
                self.frame.clear();
            }
        }
        Ok(self.frame.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, n: usize) {
        self.at = (self.at + n).min(self.frame.len());
    }
}

impl Read for FrameReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut source = self.fill_buf()?;
        let n = source.read(into)?;
        self.consume(n);
        Ok(n)
    }
}
