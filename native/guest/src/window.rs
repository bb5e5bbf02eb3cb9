//! The window of a write: memory that the engine fills and the guest reads.
//!
//! A file beside the engine's socket, on a mount that is read-only in the sandbox. The engine leaves
//! a piece alone from the FILLED frame that announces it until the TAKEN frame that answers it.

use rustix::fs::{FileType, Mode, OFlags};
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::ptr::NonNull;

/// Name of the file in the directory of the engine's socket.
const NAME: &str = "w";

/// A mapping of the window, read-only.
pub struct Window {
    start: NonNull<u8>,
    length: usize,
}

impl Window {
    /// Maps the window of `length` bytes that lies in `directory`.
    pub fn open(directory: &Path, length: u32) -> io::Result<Window> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = rustix::fs::open(directory.join(NAME), flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&file)?;
        let length = length as usize;
        let whole = usize::try_from(stat.st_size).is_ok_and(|size| size >= length);
        if length == 0 || !whole || !FileType::from_raw_mode(stat.st_mode).is_file() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ,
                libc::MAP_SHARED | libc::MAP_POPULATE,
                file.as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Window { start, length })
    }

    /// A piece that the engine announced. It is for system calls to read: should the engine be gone
    /// and its file be cut, they fail with EFAULT, where an access of our own would be a signal.
    pub fn piece(&self, offset: u32, length: u32) -> Option<&[u8]> {
        let (offset, length) = (offset as usize, length as usize);
        if offset.checked_add(length)? > self.length {
            return None;
        }
        // SAFETY: inside the mapping, which lives as long as `self`; the engine does not write to a
        // piece before it was told that it was taken.
        Some(unsafe { std::slice::from_raw_parts(self.start.add(offset).as_ptr(), length) })
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // SAFETY: the mapping of `open`; no piece outlives `self`.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}
