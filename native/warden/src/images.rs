//! Images of disks and snapshots as streams of parts: out of the pool for an archive, into it again.
//!
//! The engine keeps the parts and cannot be believed when it brings them back: the kernel would mount
//! whatever it made up. So the warden hashes what it sends, and the image is given a name in the pool
//! only when the hash of what came back is the same.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use atoll_wire::frame::{Kind, MAX_MSG_WARDEN, read_frame};
use atoll_wire::warden::failure::Code;
use atoll_wire::warden::request::Op;
use atoll_wire::warden::response::Result as Reply;
use atoll_wire::warden::{
    self as wire, Done, ImageEnd, ImageOpened, ImagePart, Request, read_image, write_image,
};
use prost::Message;

use crate::claims::checked_layers;
use crate::fault::{During, Fault, Outcome};
use crate::gvisor::ImageSeal;
use crate::ids::Id;
use crate::lock::lock;
use crate::pool::disks::{DiskRecord, Family};
use crate::pool::{Pool, durable};
use crate::server::respond;
use crate::warden::Warden;

/// Bytes of a part.
const PART: usize = 1 << 20;
const BLOCK: usize = 4 << 10;
/// Bytes of the bits that say which blocks of a part are there.
const BITS: usize = PART / BLOCK / 8;
/// The pool is asked for room each time so many parts were written.
const ADMIT_EVERY: u64 = 64;

impl Warden {
    /// Sends an image; the answer to a request that was refused before anything was sent is the
    /// caller's.
    pub fn read_image(
        &self,
        request: &wire::ReadImage,
        writer: &mut UnixStream,
    ) -> io::Result<Outcome<()>> {
        let source = match &request.source {
            Some(read_image::Source::Sandbox(id)) => {
                Id::of("sandbox", id).map(|id| (Family::Disk, id))
            }
            Some(read_image::Source::Snapshot(id)) => {
                Id::of("snapshot", id).map(|id| (Family::Snapshot, id))
            }
            None => Err(Fault::invalid(
                "source",
                "source must be sandbox or snapshot",
            )),
        };
        let (family, id) = match source {
            Ok(source) => source,
            Err(fault) => return Ok(Err(fault)),
        };
        self.locks.with(id, || {
            let (image, record) = match self.still_image(family, id) {
                Ok(found) => found,
                Err(fault) => return Ok(Err(fault)),
            };
            let opened = ImageOpened {
                size: record.size,
                layers: record.layers,
            };
            let mut seal = self.key.image(record.size);
            respond(writer, Reply::ImageOpened(opened))?;
            match send_parts(&image, record.size, &mut seal, writer) {
                Ok(()) => respond(
                    writer,
                    Reply::ImageEnd(ImageEnd {
                        seal: seal.finish(),
                    }),
                )?,
                Err(Sending::Image(error)) => return Ok(Err(Fault::io("image", error))),
                Err(Sending::Peer(error)) => return Err(error),
            }
            Ok(Ok(()))
        })
    }

    /// An image that nobody writes to. The caller holds its lock.
    fn still_image(&self, family: Family, id: Id) -> Outcome<(File, DiskRecord)> {
        let record = self.pool.record(family, id)?;
        let image = self.pool.open_image(family, id)?;
        if family == Family::Disk {
            self.refuse_live(id)?;
            self.wait_unused(id, &image)?;
        }
        // The record of a disk that grew and whose warden died may be the older one.
        let size = image.metadata().during("image")?.len();
        Ok((image, DiskRecord { size, ..record }))
    }

    /// Takes the parts that follow on the connection. What fails is told when the peer has sent all:
    /// closing the socket before would lose the answer.
    pub fn write_image(
        &self,
        request: &wire::WriteImage,
        reader: &mut impl BufRead,
        writer: &mut UnixStream,
    ) -> io::Result<Outcome<()>> {
        let order = match self.image_order(request) {
            Ok(order) => order,
            Err(fault) => return Ok(Err(fault)),
        };
        self.locks.with(order.id, || {
            let begun = self.begin_image(&order);
            let mut file = match begun {
                Ok(file) => Some(file),
                Err(fault) => return Ok(Err(fault)),
            };
            respond(
                writer,
                Reply::ImageOpened(ImageOpened {
                    size: order.size,
                    layers: Vec::new(),
                }),
            )?;
            let received = self.receive_parts(&order, &mut file, reader);
            let outcome = match received {
                Ok(outcome) => outcome,
                Err(error) => {
                    let _ = durable::remove(&order.tmp);
                    return Err(error);
                }
            };
            if outcome.is_err() {
                durable::remove(&order.tmp)?;
            }
            match outcome {
                Ok(()) => respond(writer, Reply::Done(Done {})).map(Ok),
                Err(fault) => Ok(Err(fault)),
            }
        })
    }

    fn image_order(&self, request: &wire::WriteImage) -> Outcome<Order> {
        let (family, id) = match &request.target {
            Some(write_image::Target::Sandbox(id)) => (Family::Disk, Id::of("sandbox", id)?),
            Some(write_image::Target::Snapshot(id)) => (Family::Snapshot, Id::of("snapshot", id)?),
            None => {
                return Err(Fault::invalid(
                    "target",
                    "target must be sandbox or snapshot",
                ));
            }
        };
        if Pool::disk_size("size", request.size)? != request.size {
            return Err(Fault::invalid("size", "size must be whole MiB"));
        }
        Ok(Order {
            family,
            id,
            size: request.size,
            layers: checked_layers(&request.layers)?,
            tmp: self.pool.tmp().join(format!("image-{id}.img")),
        })
    }

    fn begin_image(&self, order: &Order) -> Outcome<File> {
        if self.pool.image(order.family, order.id).exists() {
            return Err(Fault::exists("image", order.id));
        }
        if lock(&self.state).sandboxes.contains_key(&order.id) {
            return Err(Fault::exists("live sandbox", order.id));
        }
        for layer in &order.layers {
            self.pool.layer_record(*layer)?;
        }
        self.pool.admit()?;
        durable::remove(&order.tmp).during("image")?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&order.tmp)
            .during("image")?;
        file.set_len(order.size).during("image")?;
        Ok(file)
    }

    /// The outer error is the connection's; `file` is let go of at the first failure.
    fn receive_parts(
        &self,
        order: &Order,
        file: &mut Option<File>,
        reader: &mut impl BufRead,
    ) -> io::Result<Outcome<()>> {
        let mut seal = self.key.image(order.size);
        let mut failed = None;
        let mut next = 0;
        let mut count = 0u64;
        let mut buffer = Vec::new();
        loop {
            let end = || io::Error::from(io::ErrorKind::UnexpectedEof);
            if read_frame(reader, MAX_MSG_WARDEN, &mut buffer)?.ok_or_else(end)? != Kind::Msg {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "only MSG frames are expected",
                ));
            }
            let request = Request::decode(buffer.as_slice())
                .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
            match request.op {
                Some(Op::ImagePart(part)) => {
                    let Some(file) = file.as_ref() else { continue };
                    count += 1;
                    let written = checked_part(&part, order.size, next)
                        .and_then(|()| {
                            if count.is_multiple_of(ADMIT_EVERY) {
                                self.pool.admit()
                            } else {
                                Ok(())
                            }
                        })
                        .and_then(|()| write_part(file, &part).during("image"));
                    next = part.index.saturating_add(1);
                    seal.part(part.index, &part.content);
                    failed = written.err();
                }
                Some(Op::ImageEnd(ImageEnd { seal: expected })) => {
                    return Ok(match (failed, file.take()) {
                        (None, Some(file)) => self.commit_image(order, file, &seal, &expected),
                        (fault, _) => Err(fault.unwrap_or_else(|| Fault::new(Code::Io, "image"))),
                    });
                }
                _ => {
                    let what = "only parts and the end are expected of an image";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                }
            }
            if failed.is_some() {
                file.take();
            }
        }
    }

    fn commit_image(
        &self,
        order: &Order,
        file: File,
        seal: &ImageSeal,
        expected: &[u8],
    ) -> Outcome<()> {
        if !seal.is(expected) {
            let what =
                "the image is not one that this node has written: parts, size or seal differ";
            return Err(Fault::new(Code::Corrupt, what));
        }
        let record = DiskRecord {
            size: order.size,
            layers: order.layers.iter().map(Id::to_string).collect(),
        };
        let commit = || -> io::Result<()> {
            file.sync_all()?;
            self.pool
                .write_record(order.family, order.id, &record, true)?;
            durable::commit(&order.tmp, &self.pool.image(order.family, order.id))
        };
        commit().map_err(|error| {
            let _ = self.pool.remove(order.family, order.id);
            Fault::io("image", error)
        })
    }
}

/// A checked request.
struct Order {
    family: Family,
    id: Id,
    size: u64,
    layers: Vec<Id>,
    tmp: PathBuf,
}

/// Which side failed.
enum Sending {
    Image(io::Error),
    Peer(io::Error),
}

fn send_parts(
    image: &File,
    size: u64,
    seal: &mut ImageSeal,
    writer: &mut UnixStream,
) -> Result<(), Sending> {
    let mut buffer = vec![0u8; PART];
    let mut at = 0;
    while let Some(data) = next_data(image, at).map_err(Sending::Image)? {
        let start = data - data % PART as u64;
        if start >= size {
            break;
        }
        let length = (size - start).min(PART as u64) as usize;
        buffer[length..].fill(0);
        image
            .read_exact_at(&mut buffer[..length], start)
            .map_err(Sending::Image)?;
        forget_cached(image, start);
        if let Some(content) = pack(&buffer) {
            let index = (start / PART as u64) as u32;
            seal.part(index, &content);
            respond(writer, Reply::ImagePart(ImagePart { index, content }))
                .map_err(Sending::Peer)?;
        }
        at = start + PART as u64;
    }
    Ok(())
}

/// Where the next data lie at or after `from`.
fn next_data(image: &File, from: u64) -> io::Result<Option<u64>> {
    // SAFETY: plain integers.
    let data = unsafe { libc::lseek(image.as_raw_fd(), from as i64, libc::SEEK_DATA) };
    if data >= 0 {
        return Ok(Some(data as u64));
    }
    let error = io::Error::last_os_error();
    if error.raw_os_error() == Some(libc::ENXIO) {
        return Ok(None);
    }
    Err(error)
}

/// Sandboxes go past the page cache to their images; what was read once need not stay there.
fn forget_cached(image: &File, start: u64) {
    // SAFETY: plain integers; an advice that is not taken changes nothing.
    unsafe {
        libc::posix_fadvise(
            image.as_raw_fd(),
            start as i64,
            PART as i64,
            libc::POSIX_FADV_DONTNEED,
        )
    };
}

/// The content of a part, `None` when all of it is zeros.
fn pack(part: &[u8]) -> Option<Vec<u8>> {
    let mut content = vec![0u8; BITS];
    for (number, block) in part.chunks_exact(BLOCK).enumerate() {
        if block.iter().any(|byte| *byte != 0) {
            content[number / 8] |= 1 << (number % 8);
            content.extend_from_slice(block);
        }
    }
    (content.len() > BITS).then_some(content)
}

fn blocks(bits: &[u8]) -> impl Iterator<Item = usize> + '_ {
    (0..BITS * 8).filter(|number| bits[number / 8] & (1 << (number % 8)) != 0)
}

fn checked_part(part: &ImagePart, size: u64, next: u32) -> Outcome<()> {
    let wrong = |what: &str| Fault::invalid("content", format!("part {}: {what}", part.index));
    if part.index < next {
        return Err(wrong("parts come in rising order"));
    }
    let Some((bits, data)) = part.content.split_at_checked(BITS) else {
        return Err(wrong("it is cut"));
    };
    let count: u32 = bits.iter().map(|byte| byte.count_ones()).sum();
    if data.len() != count as usize * BLOCK || count == 0 {
        return Err(wrong("bits and blocks differ"));
    }
    let last = blocks(bits).last().unwrap_or_default() as u64;
    let end = u64::from(part.index) * PART as u64 + (last + 1) * BLOCK as u64;
    if end > size {
        return Err(wrong("it lies behind the end"));
    }
    Ok(())
}

/// Of a checked part.
fn write_part(file: &File, part: &ImagePart) -> io::Result<()> {
    let start = u64::from(part.index) * PART as u64;
    let (bits, data) = part.content.split_at(BITS);
    let mut data = data;
    let mut numbers = blocks(bits).peekable();
    // Neighbours go in one write.
    while let Some(first) = numbers.next() {
        let mut count = 1;
        while numbers.next_if_eq(&(first + count)).is_some() {
            count += 1;
        }
        let (run, rest) = data.split_at(count * BLOCK);
        file.write_all_at(run, start + (first * BLOCK) as u64)?;
        data = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gvisor::Key;

    fn part(numbers: &[usize]) -> Vec<u8> {
        let mut bytes = vec![0u8; PART];
        for number in numbers {
            bytes[number * BLOCK + 7] = (number % 255) as u8 + 1;
        }
        bytes
    }

    #[test]
    fn a_packed_part_is_written_as_it_was() {
        let bytes = part(&[0, 1, 2, 9, 255]);
        let content = pack(&bytes).unwrap();
        assert_eq!(content.len(), BITS + 5 * BLOCK);
        let part = ImagePart { index: 1, content };
        checked_part(&part, 2 << 20, 1).unwrap();
        let path = std::env::temp_dir().join(format!("atoll-part-{}", std::process::id()));
        let file = File::create(&path).unwrap();
        file.set_len(2 << 20).unwrap();
        write_part(&file, &part).unwrap();
        let whole = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(whole[..PART].iter().all(|byte| *byte == 0));
        assert!(whole[PART..] == bytes);
    }

    #[test]
    fn zeros_are_no_part() {
        assert_eq!(pack(&part(&[])), None);
    }

    #[test]
    fn parts_that_are_cut_repeated_or_too_far_are_refused() {
        let content = pack(&part(&[3])).unwrap();
        let whole = ImagePart {
            index: 4,
            content: content.clone(),
        };
        assert!(checked_part(&whole, 8 << 20, 4).is_ok());
        assert!(checked_part(&whole, 8 << 20, 5).is_err());
        assert!(checked_part(&whole, 4 << 20, 0).is_err());
        for length in [0, 5, BITS, BITS + 1, content.len() - 1] {
            let cut = ImagePart {
                index: 0,
                content: content[..length].to_vec(),
            };
            assert!(checked_part(&cut, 8 << 20, 0).is_err(), "{length}");
        }
    }

    #[test]
    fn the_seal_tells_other_parts_and_other_keys() {
        let path = std::env::temp_dir().join(format!("atoll-key-{}", std::process::id()));
        let key = Key::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let other = Key::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let seal = |key: &Key, size, index, content: &[u8]| {
            let mut seal = key.image(size);
            seal.part(index, content);
            seal
        };
        let bytes = seal(&key, 1, 2, b"content").finish();
        assert!(seal(&key, 1, 2, b"content").is(&bytes));
        assert!(!seal(&key, 9, 2, b"content").is(&bytes));
        assert!(!seal(&key, 1, 3, b"content").is(&bytes));
        assert!(!seal(&key, 1, 2, b"contenT").is(&bytes));
        assert!(!seal(&other, 1, 2, b"content").is(&bytes));
        assert!(!seal(&key, 1, 2, b"content").is(&bytes[..31]));
        assert!(!seal(&key, 1, 2, b"content").is(b""));
    }
}
