//! A user namespace for idmapped mounts alone. `runsc` makes the one its processes run in itself,
//! from the spec, after the mounts; both have the same map, which is all a mount takes of it.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use crate::config::IDS_PER_SANDBOX;
use crate::sys::{self, check};

/// A user namespace without processes that maps the sandbox's range from `base` on.
pub fn user_namespace(base: u32) -> io::Result<OwnedFd> {
    let (ours, theirs) = sys::packet_pair()?;
    let flags = libc::CLONE_NEWUSER | libc::SIGCHLD;
    // SAFETY: without CLONE_VM this is a fork; the child makes two system calls on what was made
    // before.
    let pid = check(unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) })? as i32;
    if pid == 0 {
        let mut byte = [0u8; 1];
        let theirs = std::os::fd::AsRawFd::as_raw_fd(&theirs);
        // SAFETY: a buffer of ours. Ends with the warden's end of the pair, and holds nothing of
        // what it inherited for longer than the namespace takes to be opened.
        unsafe {
            libc::close(std::os::fd::AsRawFd::as_raw_fd(&ours));
            libc::read(theirs, byte.as_mut_ptr().cast(), 1);
            libc::_exit(0)
        }
    }
    let pidfd = sys::pidfd_open(pid);
    let map = format!("0 {base} {IDS_PER_SANDBOX}\n");
    let made = fs::write(format!("/proc/{pid}/uid_map"), &map)
        .and_then(|()| fs::write(format!("/proc/{pid}/gid_map"), &map))
        .and_then(|()| File::open(format!("/proc/{pid}/ns/user")));
    drop((ours, theirs));
    if let Ok(pidfd) = pidfd {
        sys::poll_one(pidfd.as_fd(), libc::POLLIN, -1)?;
        sys::reap(pidfd.as_fd());
    }
    Ok(made?.into())
}
