//! A user namespace for idmapped mounts alone. `runsc` makes the one its processes run in itself,
//! from the spec, after the mounts; both have the same map, which is all a mount takes of it.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use crate::config::IDS_PER_SANDBOX;
use crate::sys::{self, check};

/// A user namespace without processes that maps the sandbox's range from `base` on.
pub fn user_namespace(base: u32) -> io::Result<OwnedFd> {
    let (ours, theirs) = sys::packet_pair()?;
    let flags = libc::CLONE_NEWUSER | libc::SIGCHLD;
    // SAFETY: without CLONE_VM this is a fork; the child makes a few system calls on what was
    // made before.
    let pid = check(unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) })? as i32;
    if pid == 0 {
        let mut byte = [0u8; 1];
        // SAFETY: plain descriptors and a buffer of ours. It ends with the warden's end of the pair,
        // so it keeps no other descriptor: two such processes made at the same time have inherited
        // each other's, and would wait for each other for ever.
        unsafe {
            libc::dup2(theirs.as_raw_fd(), 0);
            libc::syscall(libc::SYS_close_range, 1, libc::c_int::MAX, 0);
            libc::read(0, byte.as_mut_ptr().cast(), 1);
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

#[cfg(test)]
mod tests {
    use super::user_namespace;
    use std::sync::mpsc;
    use std::time::Duration;

    /// Each child once inherited the other's end of its pair: none ever ended.
    #[test]
    fn namespaces_made_side_by_side_do_not_wait_for_each_other() {
        let (done, made) = mpsc::channel();
        for _ in 0..8 {
            let done = done.clone();
            std::thread::spawn(move || {
                let all: std::io::Result<Vec<_>> =
                    (0..25).map(|_| user_namespace(0x2000_0000)).collect();
                done.send(all.map(|all| all.len()))
            });
        }
        for _ in 0..8 {
            let count = made.recv_timeout(Duration::from_secs(60)).unwrap().unwrap();
            assert_eq!(count, 25);
        }
    }
}
