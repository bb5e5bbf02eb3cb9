//! The kept output of one process: a ring of records in arrival order.
//!
//! A record is `u8 stream | u32 length | bytes`, so that the order between stdout and stderr
//! survives. Positions in the ring are absolute (they only grow); a position is stored at
//! `position % capacity`. Small outputs stay in memory; beyond [`MEMORY`] bytes the ring moves to
//! an unlinked file in the spool directory, which lies on the sandbox's own disk. Disk blocks are
//! reserved before they are written: where the disk is full the ring stays as small as what it got.

use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{FallocateFlags, Mode, OFlags};
use std::io;

/// Bytes kept in memory before the ring moves to a file.
pub const MEMORY: u64 = 64 << 10;
/// Smallest ring, bytes.
pub const SMALLEST: u64 = 4 << 10;
/// Largest ring, bytes.
pub const LARGEST: u64 = 4 << 30;
/// Disk is reserved in steps of this many bytes.
const STEP: u64 = 1 << 20;
/// Bytes in front of each record.
const HEADER: u64 = 5;
/// Longest record's data, bytes.
const MAX_RECORD: u64 = 64 << 10;

/// stdout (also the pty) is 0, stderr is 1.
pub type Stream = usize;

enum Store {
    Memory(Vec<u8>),
    File { fd: OwnedFd, reserved: u64 },
}

pub struct Spool {
    store: Store,
    capacity: u64,
    head: u64,
    tail: u64,
    /// Bytes of each stream written so far.
    total: [u64; 2],
    /// Bytes of each stream that lie before `tail`.
    base: [u64; 2],
}

/// Where a reader stands.
#[derive(Clone, Debug)]
pub struct Cursor {
    position: u64,
    offset: [u64; 2],
    wanted: [u64; 2],
    skip: [bool; 2],
}

impl Cursor {
    /// Ring position: everything before it was consumed.
    pub fn position(&self) -> u64 {
        self.position
    }
}

/// What a reader gets next.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    Data(Stream),
    Gap {
        stream: Stream,
        from: u64,
        to: u64,
    },
    /// Nothing before the given end.
    End,
}

impl Spool {
    pub fn new(limit: u64) -> Spool {
        Spool {
            store: Store::Memory(Vec::new()),
            capacity: limit.clamp(SMALLEST, LARGEST),
            head: 0,
            tail: 0,
            total: [0; 2],
            base: [0; 2],
        }
    }

    pub fn total(&self, stream: Stream) -> u64 {
        self.total[stream & 1]
    }

    pub fn head(&self) -> u64 {
        self.head
    }

    /// Bytes of memory and of disk that this ring holds.
    pub fn held(&self) -> (u64, u64) {
        match &self.store {
            Store::Memory(bytes) => (bytes.capacity() as u64, 0),
            Store::File { reserved, .. } => (0, *reserved),
        }
    }

    fn longest_record(&self) -> u64 {
        MAX_RECORD.min(self.capacity / 4)
    }

    /// How many bytes fit before something after `floor` would have to be dropped.
    pub fn room(&self, floor: u64) -> usize {
        let held = self.head - floor.clamp(self.tail, self.head);
        let free = self.capacity.saturating_sub(held);
        // Room for two headers: an append may be split at the longest record.
        free.saturating_sub(2 * HEADER).min(self.longest_record()) as usize
    }

    /// Appends output, dropping the oldest records where the ring is full.
    pub fn append(&mut self, stream: Stream, mut data: &[u8], directory: BorrowedFd<'_>) {
        while !data.is_empty() {
            self.prepare(data.len() as u64, directory);
            let (record, rest) = data.split_at(data.len().min(self.longest_record() as usize));
            self.push(stream & 1, record);
            data = rest;
        }
    }

    fn push(&mut self, stream: Stream, record: &[u8]) {
        let needed = HEADER + record.len() as u64;
        while self.head - self.tail + needed > self.capacity {
            if !self.drop_oldest() {
                break;
            }
        }
        let length = (record.len() as u32).to_le_bytes();
        let header = [stream as u8, length[0], length[1], length[2], length[3]];
        let written = self
            .write(self.head, &header)
            .and_then(|()| self.write(self.head + HEADER, record));
        self.total[stream] += record.len() as u64;
        match written {
            Ok(()) => self.head += needed,
            Err(_) => self.lose_everything(),
        }
    }

    /// The disk failed under the ring: what it held is a gap for readers, the ring goes on small.
    fn lose_everything(&mut self) {
        self.store = Store::Memory(Vec::new());
        self.capacity = self.capacity.min(MEMORY);
        self.tail = self.head;
        self.base = self.total;
    }

    fn drop_oldest(&mut self) -> bool {
        match self.record(self.tail) {
            Some((stream, length)) => {
                self.base[stream] += length;
                self.tail += HEADER + length;
                true
            }
            None => {
                self.tail = self.head;
                self.base = self.total;
                false
            }
        }
    }

    /// Stream and length of the record at a position.
    fn record(&self, position: u64) -> Option<(Stream, u64)> {
        if position >= self.head {
            return None;
        }
        let mut header = [0; HEADER as usize];
        self.read(position, &mut header).ok()?;
        let [stream, a, b, c, d] = header;
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        let fits = stream < 2 && position + HEADER + length <= self.head;
        fits.then_some((usize::from(stream & 1), length))
    }

    /// Makes the store large enough for `more` bytes, as far as that is possible.
    fn prepare(&mut self, more: u64, directory: BorrowedFd<'_>) {
        let end = (self.head + more + 2 * HEADER).min(self.capacity);
        if let Store::Memory(_) = self.store {
            let limit = MEMORY.min(self.capacity);
            if end > limit || self.head > limit {
                self.move_to_file(directory);
            }
        }
        if let Store::File { fd, reserved } = &mut self.store
            && self.head < self.capacity
        {
            while *reserved < end {
                let step = STEP.min(self.capacity - *reserved);
                match reserve(fd, *reserved, step) {
                    Ok(()) => *reserved += step,
                    // The first round of the ring is not over (head < capacity), so that it may
                    // still become smaller: nothing has wrapped.
                    Err(_) if *reserved >= self.head && *reserved >= SMALLEST => {
                        self.capacity = *reserved;
                        break;
                    }
                    Err(_) => break,
                }
            }
        }
    }

    /// Moves a ring in memory to a file; without one (disk full) it stays a small ring in memory.
    pub fn move_to_file(&mut self, directory: BorrowedFd<'_>) {
        let Store::Memory(bytes) = &self.store else {
            return;
        };
        if self.capacity <= MEMORY && self.head > self.capacity {
            return;
        }
        let step = STEP.min(self.capacity);
        let moved = create(directory).and_then(|fd| {
            reserve(&fd, 0, step)?;
            write_all_at(&fd, bytes, 0)?;
            Ok(fd)
        });
        match moved {
            Ok(fd) => self.store = Store::File { fd, reserved: step },
            Err(_) => self.capacity = self.capacity.min(MEMORY),
        }
    }

    /// Gives back what the ring reserved and will not need: called when its process has ended and
    /// nothing more is written.
    pub fn shrink(&mut self) {
        match &mut self.store {
            Store::Memory(bytes) => bytes.shrink_to_fit(),
            Store::File { fd, reserved } => {
                if self.head < *reserved && rustix::fs::ftruncate(&*fd, self.head).is_ok() {
                    *reserved = self.head;
                }
            }
        }
    }

    fn write(&mut self, position: u64, data: &[u8]) -> io::Result<()> {
        let at = position % self.capacity;
        let first = data.len().min((self.capacity - at) as usize);
        let (one, two) = data.split_at(first);
        for (at, part) in [(at, one), (0, two)] {
            if part.is_empty() {
                continue;
            }
            match &mut self.store {
                Store::Memory(bytes) => {
                    let (from, to) = (at as usize, at as usize + part.len());
                    if bytes.len() < to {
                        bytes.resize(to, 0);
                    }
                    bytes
                        .get_mut(from..to)
                        .ok_or(io::ErrorKind::Other)?
                        .copy_from_slice(part);
                }
                Store::File { fd, .. } => write_all_at(fd, part, at)?,
            }
        }
        Ok(())
    }

    fn read(&self, position: u64, into: &mut [u8]) -> io::Result<()> {
        let at = position % self.capacity;
        let first = into.len().min((self.capacity - at) as usize);
        let (one, two) = into.split_at_mut(first);
        for (at, part) in [(at, one), (0, two)] {
            match &self.store {
                Store::Memory(bytes) => {
                    let (from, to) = (at as usize, at as usize + part.len());
                    part.copy_from_slice(bytes.get(from..to).ok_or(io::ErrorKind::Other)?);
                }
                Store::File { fd, .. } => read_exact_at(fd, part, at)?,
            }
        }
        Ok(())
    }

    /// A reader of both streams from the given offsets on. An offset that was not written yet is
    /// an error: `Err(stream)`.
    pub fn cursor(&self, wanted: [u64; 2], skip: [bool; 2]) -> Result<Cursor, Stream> {
        for stream in [0, 1] {
            if wanted[stream] > self.total[stream] && !skip[stream] {
                return Err(stream);
            }
        }
        Ok(Cursor {
            position: self.tail,
            offset: self.base,
            wanted,
            skip,
        })
    }

    /// Appends the next piece before ring position `end` to `out`, at most about `limit` bytes.
    /// Neighbouring records of one stream come as one piece.
    pub fn next(&self, cursor: &mut Cursor, end: u64, limit: usize, out: &mut Vec<u8>) -> Piece {
        if cursor.position < self.tail {
            cursor.position = self.tail;
            cursor.offset = self.base;
        }
        for stream in [0, 1] {
            let (from, to) = (cursor.wanted[stream], self.base[stream]);
            if from < to && cursor.offset[stream] == to {
                cursor.wanted[stream] = to;
                if !cursor.skip[stream] {
                    return Piece::Gap { stream, from, to };
                }
            }
        }
        let mut current = None;
        while cursor.position < end {
            let Some((stream, length)) = self.record(cursor.position) else {
                break;
            };
            let start = cursor.offset[stream];
            let ignored = cursor.wanted[stream].saturating_sub(start).min(length);
            let useful = if cursor.skip[stream] {
                0
            } else {
                length - ignored
            };
            if useful > 0 {
                if current.is_some_and(|c| c != stream || out.len() as u64 + useful > limit as u64)
                {
                    break;
                }
                current = Some(stream);
                let old = out.len();
                out.resize(old + useful as usize, 0);
                let from = cursor.position + HEADER + ignored;
                let target = out.get_mut(old..).unwrap_or_default();
                if self.read(from, target).is_err() {
                    out.truncate(old);
                    break;
                }
            }
            cursor.position += HEADER + length;
            cursor.offset[stream] = start + length;
            cursor.wanted[stream] = cursor.wanted[stream].max(start + length);
        }
        current.map_or(Piece::End, Piece::Data)
    }
}

fn create(directory: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    match rustix::fs::openat(directory, c".", flags | OFlags::TMPFILE, mode) {
        Ok(fd) => Ok(fd),
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::ISDIR) => {
            let name = format!("spool-{}", crate::sys::random_name());
            let fd = rustix::fs::openat(
                directory,
                name.as_str(),
                flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW,
                mode,
            )?;
            rustix::fs::unlinkat(directory, name.as_str(), rustix::fs::AtFlags::empty())?;
            Ok(fd)
        }
        Err(e) => Err(e.into()),
    }
}

fn reserve(fd: &OwnedFd, from: u64, length: u64) -> io::Result<()> {
    match rustix::fs::fallocate(fd, FallocateFlags::empty(), from, length) {
        Ok(()) | Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

fn write_all_at(fd: &OwnedFd, mut data: &[u8], mut at: u64) -> io::Result<()> {
    while !data.is_empty() {
        let n = rustix::io::retry_on_intr(|| rustix::io::pwrite(fd, data, at))?;
        if n == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        data = data.get(n..).unwrap_or_default();
        at += n as u64;
    }
    Ok(())
}

fn read_exact_at(fd: &OwnedFd, mut into: &mut [u8], mut at: u64) -> io::Result<()> {
    while !into.is_empty() {
        let n = rustix::io::retry_on_intr(|| rustix::io::pread(fd, &mut *into, at))?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        into = into.get_mut(n..).unwrap_or_default();
        at += n as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    fn directory() -> std::fs::File {
        std::fs::File::open(std::env::temp_dir()).unwrap()
    }

    type Pieces = Vec<(Stream, Vec<u8>)>;
    type Gaps = Vec<(Stream, u64, u64)>;

    fn drain(spool: &Spool, cursor: &mut Cursor) -> (Pieces, Gaps) {
        let (mut data, mut gaps) = (Vec::new(), Vec::new());
        loop {
            let mut out = Vec::new();
            match spool.next(cursor, spool.head(), 64 << 10, &mut out) {
                Piece::Data(s) => data.push((s, out)),
                Piece::Gap { stream, from, to } => gaps.push((stream, from, to)),
                Piece::End => return (data, gaps),
            }
        }
    }

    #[test]
    fn order_between_streams_is_kept_and_neighbours_are_joined() {
        let dir = directory();
        let mut spool = Spool::new(1 << 20);
        for (s, text) in [(0, "a"), (0, "b"), (1, "e"), (0, "c")] {
            spool.append(s, text.as_bytes(), dir.as_fd());
        }
        let (data, gaps) = drain(&spool, &mut spool.cursor([0, 0], [false; 2]).unwrap());
        assert_eq!(
            data,
            [(0, b"ab".to_vec()), (1, b"e".to_vec()), (0, b"c".to_vec())]
        );
        assert!(gaps.is_empty());
        let (data, _) = drain(&spool, &mut spool.cursor([1, 1], [false; 2]).unwrap());
        assert_eq!(data, [(0, b"bc".to_vec())]);
        assert_eq!(spool.cursor([4, 0], [false; 2]).unwrap_err(), 0);
    }

    #[test]
    fn a_full_ring_drops_the_oldest_and_says_which_bytes() {
        let dir = directory();
        for limit in [SMALLEST, 256 << 10] {
            let mut spool = Spool::new(limit);
            let mut cursor = spool.cursor([0, 0], [false; 2]).unwrap();
            let mut written = Vec::new();
            for i in 0..(limit / 16 * 3) {
                let piece = format!("{i:015}\n");
                written.extend_from_slice(piece.as_bytes());
                spool.append(0, piece.as_bytes(), dir.as_fd());
            }
            let (data, gaps) = drain(&spool, &mut cursor);
            let got: Vec<u8> = data.into_iter().flat_map(|(_, d)| d).collect();
            assert_eq!(gaps.len(), 1);
            let (stream, from, to) = gaps[0];
            assert_eq!((stream, from), (0, 0));
            assert_eq!(to as usize + got.len(), written.len());
            assert_eq!(got, written[to as usize..]);
            assert!(spool.held().0 <= MEMORY);
            assert_eq!(spool.total(0) as usize, written.len());
        }
    }

    #[test]
    fn a_slow_reader_finds_a_gap_in_the_middle() {
        let dir = directory();
        let mut spool = Spool::new(SMALLEST);
        spool.append(0, &[b'x'; 500], dir.as_fd());
        let mut cursor = spool.cursor([0, 0], [false; 2]).unwrap();
        let (data, _) = drain(&spool, &mut cursor);
        assert_eq!(data[0].1.len(), 500);
        for _ in 0..40 {
            spool.append(0, &[b'y'; 500], dir.as_fd());
        }
        let (data, gaps) = drain(&spool, &mut cursor);
        assert_eq!(gaps[0].1, 500);
        let got: usize = data.iter().map(|(_, d)| d.len()).sum();
        assert_eq!(gaps[0].2 as usize + got, 500 * 41);
    }

    #[test]
    fn room_is_what_fits_after_the_floor() {
        let dir = directory();
        let mut spool = Spool::new(SMALLEST);
        let mut written = 0;
        while spool.room(0) > 0 {
            let n = spool.room(0);
            spool.append(1, &vec![7; n], dir.as_fd());
            written += n as u64;
        }
        assert_eq!(spool.base, [0, 0]);
        assert_eq!(spool.total(1), written);
        assert!(spool.room(spool.head()) > 0);
    }
}
