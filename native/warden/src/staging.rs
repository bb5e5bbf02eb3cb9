//! A mount namespace where mounts lie that a kernel before Linux 6.15 must find by a path.
//!
//! Those kernels clone a mount (`open_tree`, and the overlay its layers) only when it is attached
//! in the namespace of the calling thread. Slots are cloned from the warden's own namespace, so what
//! is attached there would be copied into every sandbox; hence this one, whose root is an empty
//! tmpfs. A descriptor pins it and it ends with the warden. Of a mount that the namespace let go of
//! a descriptor can still open files.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, thread};

use crate::sys::{self, FsContext, check};

#[derive(Clone)]
pub struct Staging(Arc<Namespace>);

struct Namespace {
    fd: OwnedFd,
    /// Name of the next directory.
    next: AtomicU64,
}

impl Staging {
    /// Leaves the caller's thread in its namespace.
    pub fn open() -> io::Result<Staging> {
        let fd = on_a_thread(|| {
            // Takes the working directory apart from the other threads' too.
            // SAFETY: plain integer; it acts on this thread alone.
            check(unsafe { libc::unshare(libc::CLONE_NEWNS) }.into())?;
            let fd = fs::File::open("/proc/thread-self/ns/mnt")?;
            empty_root()?;
            Ok(fd.into())
        })?;
        let next = AtomicU64::new(0);
        Ok(Staging(Arc::new(Namespace { fd, next })))
    }

    /// Runs `work` on a thread in the namespace, with a working directory of its own: the root.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        on_a_thread(|| {
            // A thread that shares its working directory may not change its mount namespace.
            // SAFETY: plain integer; it acts on this thread alone.
            check(unsafe { libc::unshare(libc::CLONE_FS) }.into())?;
            sys::join_namespace(self.0.fd.as_fd(), libc::CLONE_NEWNS)?;
            work()
        })
    }

    /// Attaches detached mounts as `<directory>/0`, `<directory>/1`, … Call it within
    /// [`Staging::run`].
    pub fn attach(&self, mounts: &[BorrowedFd<'_>]) -> io::Result<Attached> {
        let directory = self.0.next.fetch_add(1, Ordering::Relaxed);
        fs::create_dir(format!("/{directory}"))?;
        let mut attached = Attached {
            staging: self.clone(),
            directory,
            count: 0,
        };
        for mount in mounts {
            let path = attached.path(attached.count);
            fs::create_dir(&path)?;
            attached.count += 1;
            sys::attach(*mount, &crate::pool::c_path(Path::new(&path)))?;
        }
        Ok(attached)
    }
}

/// Mounts in the namespace. Dropping it lets go of them, which waits for a grace period of the
/// kernel; may be done by any thread.
pub struct Attached {
    staging: Staging,
    directory: u64,
    count: usize,
}

impl Attached {
    /// The directory that holds them.
    pub fn directory(&self) -> String {
        format!("/{}", self.directory)
    }

    pub fn path(&self, number: usize) -> String {
        format!("/{}/{number}", self.directory)
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let let_go = || -> io::Result<()> {
            for number in 0..self.count {
                let path = self.path(number);
                match sys::unmount(&CString::new(path.as_str())?, libc::MNT_DETACH) {
                    // The attachment failed.
                    Err(e) if e.raw_os_error() == Some(libc::EINVAL) => {}
                    other => other?,
                }
                fs::remove_dir(path)?;
            }
            fs::remove_dir(self.directory())
        };
        if let Err(error) = self.staging.run(let_go) {
            eprintln!("warden: mounts below {}: {error}", self.directory());
        }
    }
}

fn on_a_thread<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| {
        thread::Builder::new()
            .name("staging".to_owned())
            .spawn_scoped(scope, work)?
            .join()
            .map_err(|_| io::Error::other("a thread of the staging namespace panicked"))?
    })
}

/// Makes an empty tmpfs the root of the thread's namespace and lets go of everything else.
fn empty_root() -> io::Result<()> {
    let private = libc::MS_REC | libc::MS_PRIVATE;
    let none = std::ptr::null();
    // SAFETY: valid C strings; without a source and a type null is allowed.
    check(unsafe { libc::mount(none, c"/".as_ptr(), none, private, none.cast()) }.into())?;
    let root = FsContext::open(c"tmpfs")?;
    root.string(c"mode", c"0700")?;
    let root =
        root.mount(libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC)?;
    // Covers any directory that every Linux has.
    sys::attach(root.as_fd(), c"/proc")?;
    let here = c".".as_ptr();
    // SAFETY: valid C strings; they act on this thread's namespace and working directory.
    unsafe {
        check(libc::chdir(c"/proc".as_ptr()).into())?;
        check(libc::syscall(libc::SYS_pivot_root, here, here))?;
        check(libc::umount2(here, libc::MNT_DETACH).into())?;
        check(libc::chdir(c"/".as_ptr()).into())?;
    }
    Ok(())
}
