//! The pool: where layers, disks and snapshots lie, on a file system that shares extents when the
//! machine has one.
//!
//! ```text
//! layers/<id>.img|.erofs + .json   shared, read-only
//! disks/<sandbox>.img + .json      one upper a sandbox
//! snapshots/<id>.img + .json
//! volumes/<id>.img + .json        file systems that several sandboxes mount
//! empty/<bytes>.img                formatted uppers by class of size, cloned for new disks
//! slots/<slot>.img                 uppers of unclaimed slots, worth nothing after a restart
//! tmp/                             half-made things, removed at start
//! ```

pub mod disks;
pub mod durable;
mod empties;
pub mod ext4;
pub mod layers;
pub mod loopdev;
mod setup;

pub use setup::{close, is_mount_point};

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use atoll_wire::warden::failure::Code;

use crate::config::{Config, DISK_STEP, MAX_DISK, MIN_DISK};
use crate::fault::{During, Fault, Outcome};
use crate::ids::Id;
use crate::sys;
use empties::Empties;

/// How a clone is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Xfs,
    Btrfs,
    /// Nothing reflinks: clones are sparse copies, and every report says so.
    Copy,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Xfs => "xfs",
            Kind::Btrfs => "btrfs",
            Kind::Copy => "copy",
        }
    }
}

pub struct Pool {
    pub root: PathBuf,
    pub kind: Kind,
    /// Directory of the pool's own sparse file, whose file system is watched too.
    pub backing: Option<PathBuf>,
    pub admission_mark: u64,
    pub freeze_mark: u64,
    /// Size of the disks that slots are prepared with, bytes.
    pub default_class: u64,
    /// Bytes that sandboxes have written and the kernel has yet to write to their disks, as the
    /// watch of the marks last saw them.
    pub unwritten: AtomicU64,
    empties: Empties,
}

/// Free and total bytes of a pool.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    pub total: u64,
    pub free: u64,
    /// Free bytes below the sparse pool file; the same as `free` when there is none.
    pub backing_free: u64,
    /// See [`Pool::unwritten`].
    pub unwritten: u64,
}

impl Space {
    /// What can be written before ENOSPC at the nearer of both.
    pub fn writable(&self) -> u64 {
        self.free
            .min(self.backing_free)
            .saturating_sub(self.unwritten)
    }
}

const DIRS: [&str; 9] = [
    "layers",
    "disks",
    "snapshots",
    "volumes",
    "empty",
    "slots",
    "memory",
    "guests",
    "tmp",
];

impl Pool {
    /// Makes or finds the pool. Mounts go into the caller's mount namespace, which must be the
    /// host's, so that they outlive this process.
    pub fn open(config: &Config) -> Result<Pool, String> {
        let (root, backing) = setup::ensure(config)?;
        let explain = |e: io::Error| format!("pool {}: {e}", root.display());
        for dir in DIRS {
            let path = root.join(dir);
            if !path.is_dir() {
                std::fs::create_dir(&path).map_err(explain)?;
            }
        }
        for dir in ["tmp", "slots"] {
            setup::empty_dir(&root.join(dir)).map_err(explain)?;
        }
        let kind = setup::detect(&root).map_err(explain)?;
        let default_class = Pool::disk_class("default_disk_bytes", config.default_disk_bytes)
            .map_err(|fault| fault.message)?;
        let empties = Empties::open(&root, default_class)?;
        Ok(Pool {
            root,
            kind,
            backing,
            admission_mark: config.pool.admission_free_bytes,
            freeze_mark: config.pool.freeze_free_bytes,
            default_class,
            unwritten: AtomicU64::new(0),
            empties,
        })
    }

    pub fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    pub fn slot_image(&self, slot: Id) -> PathBuf {
        self.root.join(format!("slots/{slot}.img"))
    }

    pub fn space(&self) -> io::Result<Space> {
        let (total, free) = sys::space(&c_path(&self.root))?;
        let backing_free = match &self.backing {
            Some(dir) => sys::space(&c_path(dir))?.1,
            None => free,
        };
        Ok(Space {
            total,
            free,
            backing_free,
            unwritten: self.unwritten.load(Ordering::Relaxed),
        })
    }

    /// Refuses when free space is below the admission mark.
    pub fn admit(&self) -> Outcome<()> {
        let space = self.space().during("pool")?;
        if space.writable() < self.admission_mark {
            return Err(Fault::new(
                Code::PoolFull,
                format!(
                    "the pool has {} bytes left, new data is taken from {} on",
                    space.writable(),
                    self.admission_mark
                ),
            ));
        }
        Ok(())
    }

    /// The size a new disk of `bytes` gets: the next class, 256 MiB to 1 TiB.
    pub fn disk_class(field: &'static str, bytes: u64) -> Outcome<u64> {
        let size = Pool::disk_size(field, bytes)?;
        empties::class_of(size)
            .ok_or_else(|| Fault::invalid(field, format!("{field}: no disk has {bytes} bytes")))
    }

    /// The size a disk that is grown to `bytes` gets: rounded up to whole MiB, 256 MiB to 1 TiB.
    pub fn disk_size(field: &'static str, bytes: u64) -> Outcome<u64> {
        if !(MIN_DISK..=MAX_DISK).contains(&bytes) {
            return Err(Fault::invalid(
                field,
                format!("{field} is {bytes} bytes, a disk has {MIN_DISK} to {MAX_DISK}"),
            ));
        }
        Ok(bytes.next_multiple_of(DISK_STEP))
    }

    /// A formatted empty upper of this class; one that is not formatted yet is waited for.
    pub fn empty(&self, class: u64) -> io::Result<Arc<File>> {
        self.empties.get(class)
    }

    /// Formats the classes that are missing; never returns.
    pub fn format_classes(&self) {
        self.empties.run();
    }

    /// Clones `from` to the new file `to`.
    pub fn clone_file(&self, from: &File, to: &Path) -> io::Result<File> {
        let target = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(to)?;
        let result = match self.kind {
            Kind::Copy => copy_sparse(from, &target),
            Kind::Xfs | Kind::Btrfs => sys::reflink(from, &target),
        };
        if let Err(error) = result {
            drop(target);
            durable::remove(to)?;
            return Err(error);
        }
        Ok(target)
    }
}

pub fn c_path(path: &Path) -> CString {
    // A path that came from the configuration or from ids; a NUL in it cannot name a file, and
    // neither can the empty path.
    CString::new(path.as_os_str().as_bytes()).unwrap_or_default()
}

/// Copies the data of a file and leaves its holes holes.
fn copy_sparse(from: &File, to: &File) -> io::Result<()> {
    let length = from.metadata()?.len();
    to.set_len(length)?;
    let mut at: u64 = 0;
    while at < length {
        // SAFETY: plain integers.
        let data = unsafe { libc::lseek(from.as_raw_fd(), at as i64, libc::SEEK_DATA) };
        if data < 0 {
            let error = io::Error::last_os_error();
            if error.raw_os_error() == Some(libc::ENXIO) {
                break;
            }
            return Err(error);
        }
        // SAFETY: plain integers.
        let hole = unsafe { libc::lseek(from.as_raw_fd(), data, libc::SEEK_HOLE) };
        if hole < 0 {
            return Err(io::Error::last_os_error());
        }
        let (mut offset, mut out) = (data, data);
        while offset < hole {
            let want = (hole - offset) as usize;
            // SAFETY: both offsets are ours.
            let n = unsafe {
                libc::copy_file_range(
                    from.as_raw_fd(),
                    &mut offset,
                    to.as_raw_fd(),
                    &mut out,
                    want,
                    0,
                )
            };
            match n {
                0 => break,
                n if n < 0 => return Err(io::Error::last_os_error()),
                _ => {}
            }
        }
        at = hole as u64;
    }
    let mut to = to;
    to.seek(SeekFrom::Start(0))?;
    Ok(())
}

/// Bytes allocated to a file.
pub fn used_bytes(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).map_or(0, |m| m.blocks() * 512)
}
