//! Quiesce: nothing but the guest runs until it is lifted.

use crate::failure::{Failure, Outcome};
use crate::guest::Guest;
use crate::process::lock;
use atoll_wire::guest::Quiesce;
use atoll_wire::guest::error::Code;
use std::collections::BTreeSet;
use std::fs;
use std::io;

/// Passes over the table of processes: what is forked while it is read is found by the next.
const PASSES: u32 = 100;

pub fn quiesce(guest: &Guest, request: &Quiesce) -> Outcome {
    if request.lift {
        lift(guest);
        return Ok(());
    }
    if !guest.is_init {
        // The processes of the machine are not ours.
        return Err(Failure::new(Code::Unsupported, "the guest is not PID 1").into());
    }
    let mut stopped = lock(&guest.quiesced);
    for _ in 0..PASSES {
        let found = running().map_err(|e| Failure::os(&e, "/proc"))?;
        let new: Vec<i32> = found.difference(&stopped).copied().collect();
        if new.is_empty() {
            return Ok(());
        }
        for pid in new {
            // SAFETY: plain integers; one that has ended is none of ours any more.
            unsafe { libc::kill(pid, libc::SIGSTOP) };
            stopped.insert(pid);
        }
    }
    drop(stopped);
    lift(guest);
    Err(Failure::new(
        Code::Busy,
        "processes are started faster than they can be stopped",
    )
    .into())
}

/// Those that somebody else stopped before stay so.
pub fn lift(guest: &Guest) {
    for pid in std::mem::take(&mut *lock(&guest.quiesced)) {
        // SAFETY: plain integers.
        unsafe { libc::kill(pid, libc::SIGCONT) };
    }
}

/// Processes that are neither stopped nor ended.
fn running() -> io::Result<BTreeSet<i32>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|n| n.parse::<i32>().ok()) else {
            continue;
        };
        // The name in field 2 may hold anything, parentheses too.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.trim().chars().next());
        if pid != 1 && state.is_some_and(|state| !matches!(state, 'T' | 't' | 'Z' | 'X')) {
            found.insert(pid);
        }
    }
    Ok(found)
}
