//! Signals to processes and groups, and the size of terminals.

use super::{Process, State, pty};
use crate::failure::{Failure, Outcome};
use crate::guest::Guest;
use atoll_wire::guest::error::Code;
use atoll_wire::guest::{Resize, Signal};
use rustix::fd::OwnedFd;
use std::io;
use std::os::fd::AsRawFd;

/// pidfd_send_signal's flag for the whole group (Linux 6.9).
const PIDFD_SIGNAL_PROCESS_GROUP: libc::c_uint = 1 << 2;

/// Signals a group through the pidfd of its leader, which stays right when the leader is gone and
/// its number was given to somebody else. `false` when the kernel cannot or nobody is there.
pub fn signal_group_by_pidfd(pidfd: &OwnedFd, signal: i32) -> bool {
    // SAFETY: no memory is passed.
    let result = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal,
            std::ptr::null::<libc::siginfo_t>(),
            PIDFD_SIGNAL_PROCESS_GROUP,
        )
    };
    result == 0
}

/// SIGKILL to the group. Only while the leader is not reaped: its number is the group's.
pub fn kill_group(process: &Process) {
    // SAFETY: kill has no memory preconditions; ESRCH is the wanted state.
    unsafe { libc::kill(-process.pid, libc::SIGKILL) };
}

/// SIGKILL to the group and to a terminal's foreground group, by the engine's will.
pub fn kill_everything(process: &Process, state: &mut State) {
    state.killed_by_us = true;
    if let Some(group) = foreground(process, state) {
        // SAFETY: as above.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
    if state.reaped.is_none() {
        kill_group(process);
    } else if let Some(pidfd) = &state.pidfd {
        signal_group_by_pidfd(pidfd, libc::SIGKILL);
    }
}

/// The foreground group of a process' terminal, when it is another than its own.
fn foreground(process: &Process, state: &State) -> Option<i32> {
    let master = state.outputs[0].as_ref().filter(|_| process.tty)?;
    let group = rustix::termios::tcgetpgrp(&master.fd)
        .ok()?
        .as_raw_nonzero()
        .get();
    (group > 1 && group != process.pid).then_some(group)
}

pub fn signal(guest: &Guest, request: &Signal) -> Outcome {
    let process = guest.process(&request.id)?;
    if !(1..=64).contains(&request.signal) {
        return Err(Failure::invalid(
            "signal",
            format!("signal: {} is not in 1..64", request.signal),
        )
        .into());
    }
    let mut state = process.state();
    if request.signal == libc::SIGKILL {
        state.killed_by_us = true;
    }
    let gone = || {
        Failure::new(
            Code::NoSuchProcess,
            format!("process {} has ended", request.id),
        )
    };
    if state.reaped.is_some() {
        let reached = request.group
            && state
                .pidfd
                .as_ref()
                .is_some_and(|p| signal_group_by_pidfd(p, request.signal));
        return if reached { Ok(()) } else { Err(gone().into()) };
    }
    let target = if request.group {
        if let Some(group) = foreground(&process, &state) {
            // SAFETY: kill has no memory preconditions. The leader's group is signalled too.
            unsafe { libc::kill(-group, request.signal) };
        }
        -process.pid
    } else {
        process.pid
    };
    // SAFETY: kill has no memory preconditions; not reaped, so the number is still its own.
    if unsafe { libc::kill(target, request.signal) } < 0 {
        let error = io::Error::last_os_error();
        return Err(Failure::os(&error, format!("signalling process {}", request.id)).into());
    }
    Ok(())
}

pub fn resize(guest: &Guest, request: &Resize) -> Outcome {
    let process = guest.process(&request.id)?;
    let size = pty::winsize(request.cols, request.rows)?;
    let state = process.state();
    if !process.tty {
        return Err(Failure::invalid("id", format!("process {} has no tty", request.id)).into());
    }
    let Some(master) = state.output(0) else {
        return Err(Failure::new(
            Code::NoSuchProcess,
            format!("process {} has ended", request.id),
        )
        .into());
    };
    rustix::termios::tcsetwinsize(&master.fd, size)
        .map_err(|e| Failure::os(&e.into(), format!("resizing process {}", request.id)).into())
}
