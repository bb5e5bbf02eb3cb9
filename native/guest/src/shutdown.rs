//! The end of the sandbox: everybody is asked, then made, to go; then the disk is synced.

use crate::guest::Guest;
use atoll_wire::guest::Shutdown;
use rustix::fs::{Mode, OFlags};
use std::time::{Duration, Instant};

/// Longest time that processes get after SIGTERM.
const MAX_GRACE: Duration = Duration::from_secs(60);
/// How often it is looked whether all have gone.
const LOOK: Duration = Duration::from_millis(5);

pub fn shutdown(guest: &Guest, request: &Shutdown) {
    let until = Instant::now() + Duration::from_millis(request.grace_ms).min(MAX_GRACE);
    signal_all(guest, libc::SIGTERM);
    while anybody(guest) && Instant::now() < until {
        std::thread::sleep(LOOK);
    }
    signal_all(guest, libc::SIGKILL);
    // Of the sandbox's own disk only: sync(2) would write back the whole machine's.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    if let Ok(root) = rustix::fs::open(c"/", flags, Mode::empty()) {
        // A failed write-back is the disk's: nothing here could mend it.
        let _ = rustix::fs::syncfs(root);
    }
}

/// As PID 1 all of the sandbox (kill(2): -1 spares the caller and PID 1); in tests, where the
/// guest shares its namespace with the machine, its own processes' groups.
fn signal_all(guest: &Guest, signal: i32) {
    if guest.is_init {
        // SAFETY: no memory is passed; ESRCH means nobody is left.
        unsafe { libc::kill(-1, signal) };
        return;
    }
    for process in guest.processes.all() {
        let state = process.state();
        if let (None, Some(pidfd)) = (state.reaped, &state.pidfd) {
            crate::process::signals::signal_group_by_pidfd(pidfd, signal);
        }
    }
}

fn anybody(guest: &Guest) -> bool {
    if guest.is_init {
        // SAFETY: signal 0 only asks.
        return unsafe { libc::kill(-1, 0) } == 0;
    }
    guest.processes.running() > 0
}
