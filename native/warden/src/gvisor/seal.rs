//! What makes saved memory trustworthy: `runsc` goes on from any image it can parse, also from an
//! altered one.
//!
//! A manifest names every part with its keyed hashes and is authenticated itself. The key lies in the
//! state directory, so a state that another node made, or that somebody wrote by hand, is refused.
//!
//! The memory image is hashed whole, in chunks. A disk has up to 1 TiB and is not: it is bound by its
//! identity (inode, size, allocated blocks, time of last change), which every write, truncation and
//! replacement through the file system changes, and which nothing changes otherwise, as a saved disk is
//! only ever cloned. Up to [`DISK_SUMMED`] allocated bytes its data are hashed as well. Not found out
//! on larger disks is what alters blocks below the file system; the kernel finds that no more on any
//! other file of the pool.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::lock::lock;

const CHUNK: u64 = 4 << 20;
/// Allocated bytes of a disk up to which its data are hashed.
const DISK_SUMMED: u64 = 64 << 20;
/// More cores than this gain little: memory is the bound.
const MOST_THREADS: usize = 4;

/// Of this node; made at the first start.
pub struct Key([u8; 32]);

impl Key {
    pub fn open(path: &Path) -> io::Result<Key> {
        let mut key = [0u8; 32];
        match File::open(path) {
            Ok(mut file) => file.read_exact(&mut key)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                File::open("/dev/urandom")?.read_exact(&mut key)?;
                let new = path.with_extension("new");
                let mut file = OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .mode(0o600)
                    .open(&new)?;
                file.write_all(&key)?;
                file.sync_all()?;
                crate::pool::durable::commit(&new, path)?;
            }
            Err(e) => return Err(e),
        }
        Ok(Key(key))
    }

    /// Content that [`Key::open_sealed`] accepts.
    pub fn seal(&self, body: &str) -> String {
        format!(
            "{}\n{body}",
            blake3::keyed_hash(&self.0, body.as_bytes()).to_hex()
        )
    }

    /// A hash over the parts of an image of `size` bytes.
    pub fn image(&self, size: u64) -> ImageSeal {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(b"image 1");
        hasher.update(&size.to_le_bytes());
        ImageSeal(hasher)
    }

    /// The body of a sealed text; `None` when it was not sealed with this key or was altered.
    pub fn open_sealed<'a>(&self, sealed: &'a str) -> Option<&'a str> {
        let (hash, body) = sealed.split_once('\n')?;
        let hash = blake3::Hash::from_hex(hash).ok()?;
        // Compared in constant time.
        (blake3::keyed_hash(&self.0, body.as_bytes()) == hash).then_some(body)
    }
}

/// Tells an image that was read of the pool from any other.
pub struct ImageSeal(blake3::Hasher);

impl ImageSeal {
    pub fn part(&mut self, index: u32, content: &[u8]) {
        self.0.update(&index.to_le_bytes());
        self.0.update(&(content.len() as u32).to_le_bytes());
        self.0.update(content);
    }

    pub fn finish(&self) -> Vec<u8> {
        self.0.finalize().as_bytes().to_vec()
    }

    /// Compared in constant time.
    pub fn is(&self, expected: &[u8]) -> bool {
        expected
            .try_into()
            .is_ok_and(|expected: [u8; 32]| self.0.finalize() == blake3::Hash::from_bytes(expected))
    }
}

/// Hashes of the chunks of a file, hexadecimal, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    pub size: u64,
    pub chunks: Vec<String>,
}

impl Sum {
    pub fn of(key: &Key, path: &Path) -> io::Result<Sum> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let count = size.div_ceil(CHUNK);
        let next = AtomicU64::new(0);
        let chunks = Mutex::new(vec![String::new(); count as usize]);
        let work = || -> io::Result<()> {
            let mut buffer = vec![0u8; CHUNK.min(size) as usize];
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(());
                }
                let at = number * CHUNK;
                let part = &mut buffer[..CHUNK.min(size - at) as usize];
                file.read_exact_at(part, at)?;
                let hash = blake3::keyed_hash(&key.0, part).to_hex().to_string();
                lock(&chunks)[number as usize] = hash;
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads.min(MOST_THREADS).min(count as usize))
                .map(|_| scope.spawn(work))
                .collect();
            let mut outcome = work();
            for other in others {
                let done = other
                    .join()
                    .unwrap_or_else(|_| Err(io::Error::other("a hashing thread panicked")));
                outcome = outcome.and(done);
            }
            outcome
        })?;
        let chunks = chunks.into_inner().unwrap_or_default();
        Ok(Sum { size, chunks })
    }
}

/// What a saved disk is known by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSeal {
    pub inode: u64,
    pub size: u64,
    pub blocks: u64,
    /// Time of the last change of the inode, ns since 1970.
    pub changed: i64,
    /// Of the data, where there are not too many.
    pub sum: Option<String>,
}

impl DiskSeal {
    /// Of a disk that is written no more and has been synced.
    pub fn of(key: &Key, path: &Path) -> io::Result<DiskSeal> {
        let file = File::open(path)?;
        let meta = file.metadata()?;
        let sum = match meta.blocks() * 512 {
            0..=DISK_SUMMED => Some(sum_of_data(key, &file, meta.len())?),
            _ => None,
        };
        Ok(DiskSeal {
            inode: meta.ino(),
            size: meta.len(),
            blocks: meta.blocks(),
            changed: meta.ctime() * 1_000_000_000 + meta.ctime_nsec(),
            sum,
        })
    }
}

/// Of the extents that hold data, with their places.
fn sum_of_data(key: &Key, file: &File, length: u64) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new_keyed(&key.0);
    let mut buffer = vec![0u8; 1 << 20];
    let seek = |from: u64, whence| -> io::Result<Option<u64>> {
        // SAFETY: plain integers.
        let at = unsafe { libc::lseek(file.as_raw_fd(), from as i64, whence) };
        if at >= 0 {
            return Ok(Some(at as u64));
        }
        match io::Error::last_os_error() {
            e if e.raw_os_error() == Some(libc::ENXIO) => Ok(None),
            e => Err(e),
        }
    };
    let mut at = 0;
    while let Some(data) = seek(at, libc::SEEK_DATA)? {
        let hole = seek(data, libc::SEEK_HOLE)?.unwrap_or(length);
        hasher.update(&data.to_le_bytes());
        hasher.update(&hole.to_le_bytes());
        at = data;
        while at < hole {
            let part = &mut buffer[..(hole - at).min(1 << 20) as usize];
            file.read_exact_at(part, at)?;
            hasher.update(part);
            at += part.len() as u64;
        }
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Makes every file of a directory durable, and the directory.
pub fn sync_all(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_all(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::FileExt;
    use std::path::PathBuf;

    use super::{CHUNK, DiskSeal, Key, Sum};

    fn dir(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("atoll-seal-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn a_key_outlives_its_process_and_opens_only_what_it_sealed() {
        let dir = dir("key");
        let key = Key::open(&dir.join("key")).unwrap();
        let sealed = key.seal("body");
        assert_eq!(
            Key::open(&dir.join("key")).unwrap().open_sealed(&sealed),
            Some("body")
        );
        assert_eq!(
            Key::open(&dir.join("other")).unwrap().open_sealed(&sealed),
            None
        );
        assert_eq!(key.open_sealed(&sealed.replace("body", "bodx")), None);
        assert_eq!(key.open_sealed(&sealed[..sealed.len() - 1]), None);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn every_byte_of_an_image_counts() {
        let dir = dir("sum");
        let key = Key::open(&dir.join("key")).unwrap();
        let path = dir.join("image");
        let length = 2 * CHUNK + 5;
        fs::write(&path, vec![7u8; length as usize]).unwrap();
        let whole = Sum::of(&key, &path).unwrap();
        assert_eq!((whole.size, whole.chunks.len()), (length, 3));
        for at in [0, CHUNK - 1, CHUNK, length - 1] {
            let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            file.write_all_at(&[8], at).unwrap();
            assert_ne!(Sum::of(&key, &path).unwrap(), whole, "byte {at}");
            file.write_all_at(&[7], at).unwrap();
        }
        assert_eq!(Sum::of(&key, &path).unwrap(), whole);
        fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(length - 1)
            .unwrap();
        assert_ne!(Sum::of(&key, &path).unwrap(), whole);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_disk_that_was_written_or_replaced_is_another() {
        let dir = dir("disk");
        let key = Key::open(&dir.join("key")).unwrap();
        let path = dir.join("disk");
        let file = fs::File::create(&path).unwrap();
        file.set_len(1 << 30).unwrap();
        file.write_all_at(b"data", 5 << 20).unwrap();
        file.sync_all().unwrap();
        let sealed = DiskSeal::of(&key, &path).unwrap();
        assert_eq!(DiskSeal::of(&key, &path).unwrap(), sealed);
        file.write_all_at(b"date", 5 << 20).unwrap();
        file.sync_all().unwrap();
        assert_ne!(DiskSeal::of(&key, &path).unwrap().sum, sealed.sum);
        fs::copy(&path, dir.join("copy")).unwrap();
        fs::rename(dir.join("copy"), &path).unwrap();
        assert_ne!(DiskSeal::of(&key, &path).unwrap().inode, sealed.inode);
        fs::remove_dir_all(dir).unwrap();
    }
}
