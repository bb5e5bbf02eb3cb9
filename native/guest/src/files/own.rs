//! Files of /proc that are about the guest itself.
//!
//! The kernel lets every process look into itself: maps and the like, which nobody else inside may
//! open while PID 1 is not dumpable, would be opened by the guest on its own (ptrace_may_access() in
//! kernel/ptrace.c: "Don't let security modules deny introspection"). So it refuses them, whoever asks.

use rustix::fd::{AsFd, AsRawFd};
use rustix::fs::PROC_SUPER_MAGIC;
use std::io;

/// EACCES when the opened file is one of the guest's own below /proc. Where it lies is asked of the
/// descriptor, so no name and no link hides it; one that is bound elsewhere is refused unseen.
pub fn refuse(file: impl AsFd) -> io::Result<()> {
    let file = file.as_fd();
    if rustix::fs::fstatfs(file)?.f_type != PROC_SUPER_MAGIC {
        return Ok(());
    }
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    let place = rustix::fs::readlink(link, Vec::new())?.into_bytes();
    match place.strip_prefix(b"/proc/") {
        Some(place) if !is_own(place) => Ok(()),
        _ => Err(rustix::io::Errno::ACCESS.into()),
    }
}

/// The kernel has resolved `self` and `thread-self` to the number of the process.
fn is_own(place: &[u8]) -> bool {
    let own = std::process::id().to_string();
    place.split(|byte| *byte == b'/').next() == Some(own.as_bytes())
}
