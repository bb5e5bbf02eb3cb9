//! What all threads of the guest share.

use crate::engine_link::Link;
use crate::failure::Failure;
use crate::process::reactor::Reactor;
use crate::process::table::Table;
use crate::process::{Process, lock};
use crate::sys::Waker;
use atoll_wire::guest::error::Code;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Output kept of one process unless asked otherwise, bytes.
pub const DEFAULT_SPOOL: u64 = 16 << 20;
/// Ended processes that stay readable unless asked otherwise.
pub const DEFAULT_KEPT: usize = 1000;

/// What the last Configure said.
#[derive(Clone, Debug)]
pub struct Settings {
    pub generation: u64,
    pub env: Vec<(Vec<u8>, Vec<u8>)>,
    /// "" = root.
    pub user: String,
    /// "" = the user's home.
    pub workdir: Vec<u8>,
    pub spool_limit: u64,
    pub kept_processes: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            generation: 0,
            env: Vec::new(),
            user: String::new(),
            workdir: Vec::new(),
            spool_limit: DEFAULT_SPOOL,
            kept_processes: DEFAULT_KEPT,
        }
    }
}

pub struct Guest {
    settings: Mutex<Arc<Settings>>,
    pub processes: Table,
    pub reactor: Reactor,
    pub link: Link,
    spool_directory: OwnedFd,
    pub started: Instant,
    /// Limit of open files that children get: what the guest was started with. None = the guest's.
    pub child_nofile: Option<libc::rlimit>,
    /// Children are killed before the guest when memory runs out. None where that decides nothing.
    pub child_oom_score_adj: Option<i32>,
    /// Root without other groups, as most children are to be.
    pub is_root: bool,
    /// PID 1 of its namespace (not so in tests).
    pub is_init: bool,
    /// Processes that Quiesce stopped.
    pub quiesced: Mutex<BTreeSet<i32>>,
}

impl Guest {
    pub fn new(reactor: Reactor, link: Link, spool_directory: OwnedFd, start: Start) -> Guest {
        Guest {
            settings: Mutex::default(),
            processes: Table::default(),
            reactor,
            link,
            spool_directory,
            started: Instant::now(),
            child_nofile: start.nofile,
            child_oom_score_adj: start.child_oom_score_adj,
            is_root: start.is_root,
            is_init: start.is_init,
            quiesced: Mutex::default(),
        }
    }

    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&lock(&self.settings))
    }

    pub fn set_settings(&self, settings: Settings) {
        *lock(&self.settings) = Arc::new(settings);
    }

    pub fn spool_directory(&self) -> BorrowedFd<'_> {
        self.spool_directory.as_fd()
    }

    pub fn process(&self, id: &str) -> Result<Arc<Process>, Failure> {
        crate::process::spawn::check_id(id)?;
        self.processes.get(id).ok_or_else(|| {
            Failure::new(Code::NoSuchProcess, format!("process {id}: not known")).with_field("id")
        })
    }

    pub fn waker(&self) -> Result<Waker, Failure> {
        Waker::new().map_err(|e| Failure::os(&e, "an event descriptor"))
    }
}

/// What the program found when it started.
pub struct Start {
    pub nofile: Option<libc::rlimit>,
    pub child_oom_score_adj: Option<i32>,
    pub is_root: bool,
    pub is_init: bool,
}
