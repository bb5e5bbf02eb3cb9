//! Processes that the engine started: their table, their output, their end.
//!
//! One thread, the [`reactor`], reads all output, writes queued input, enforces deadlines and
//! reaps. Connection threads spawn and look on. Everything about one process is behind the
//! mutex of its [`State`]; the table's mutex is never taken while a state is locked.

pub mod child;
pub mod input;
pub mod pty;
pub mod reactor;
pub mod session;
pub mod signals;
pub mod spawn;
pub mod table;

use crate::spool::{Cursor, Spool, Stream};
use crate::sys::Waker;
use atoll_wire::guest::{ProcessExited, ProcessInfo};
use rustix::fd::OwnedFd;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One process of the engine's, running or ended.
pub struct Process {
    pub id: String,
    /// Names this process to the reactor; unlike the pid it is never reused.
    pub serial: u64,
    pub pid: i32,
    pub argv: Vec<Vec<u8>>,
    pub cwd: Vec<u8>,
    pub user: String,
    pub tty: bool,
    pub started_at_ms: u64,
    pub kill_group_on_exit: bool,
    /// The spawn asked for backpressure instead of loss, also while nobody is attached.
    pub required_reader: bool,
    state: Mutex<State>,
}

/// A descriptor that the reactor watches, and whether it does at the moment.
pub struct Source {
    pub fd: OwnedFd,
    pub watched: bool,
}

pub struct State {
    pub spool: Spool,
    /// stdout (or the pty's master) and stderr; None after their end.
    pub outputs: [Option<Source>; 2],
    pub stdin: Stdin,
    pub pidfd: Option<OwnedFd>,
    /// The child was reaped; what is in the pipes may not be read yet.
    pub reaped: Option<Reaped>,
    /// Published end: all that the child wrote is in the spool.
    pub exit: Option<Exit>,
    pub timed_out: bool,
    /// A SIGKILL that came from the engine's side.
    pub killed_by_us: bool,
    /// Ring positions of attached readers that must not lose anything.
    required: Vec<(u64, u64)>,
    /// Position of the last such reader, while none is attached.
    floor: u64,
    next_reader: u64,
    subscribers: Vec<Arc<Waker>>,
}

/// How the child ended, from wait4.
#[derive(Clone, Copy, Debug)]
pub struct Reaped {
    pub status: i32,
    pub cpu_us: u64,
    pub ended_at_ms: u64,
    /// Bytes that were in each pipe at that instant and are still to be read.
    pub pending: [u64; 2],
}

#[derive(Clone, Debug)]
pub struct Exit {
    pub report: ProcessExited,
    /// Ring position behind all that was written before the end.
    pub position: u64,
}

/// Input of a process. `accepted` counts the bytes of the stream of all input that were taken over.
pub struct Stdin {
    pub target: StdinTarget,
    pub queue: VecDeque<u8>,
    pub accepted: u64,
    /// The engine has sent the last byte; close when the queue is empty.
    pub ending: bool,
    pub watched: bool,
}

pub enum StdinTarget {
    Closed,
    Pipe(OwnedFd),
    /// The pty's master in `outputs[0]`.
    Pty,
}

/// Takes a lock; a panic elsewhere (impossible in release builds, which abort) left plain data.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Process {
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub fn info(&self) -> ProcessInfo {
        let state = self.state();
        ProcessInfo {
            id: self.id.clone(),
            pid: self.pid,
            argv: self.argv.clone(),
            cwd: String::from_utf8_lossy(&self.cwd).into_owned(),
            user: self.user.clone(),
            tty: self.tty,
            started_at_ms: self.started_at_ms,
            exited: state.exit.as_ref().map(|e| e.report),
            stdout_bytes: state.spool.total(0),
            stderr_bytes: state.spool.total(1),
            stdin_open: state.stdin_open(),
        }
    }
}

impl State {
    pub fn new(spool: Spool) -> State {
        State {
            spool,
            outputs: [None, None],
            stdin: Stdin {
                target: StdinTarget::Closed,
                queue: VecDeque::new(),
                accepted: 0,
                ending: false,
                watched: false,
            },
            pidfd: None,
            reaped: None,
            exit: None,
            timed_out: false,
            killed_by_us: false,
            required: Vec::new(),
            floor: 0,
            next_reader: 0,
            subscribers: Vec::new(),
        }
    }

    pub fn stdin_open(&self) -> bool {
        !matches!(self.stdin.target, StdinTarget::Closed) && !self.stdin.ending
    }

    pub fn subscribe(&mut self, waker: &Arc<Waker>) {
        self.subscribers.push(Arc::clone(waker));
    }

    pub fn unsubscribe(&mut self, waker: &Arc<Waker>) {
        self.subscribers.retain(|w| !Arc::ptr_eq(w, waker));
    }

    /// Something changed: wakes every thread that looks on.
    pub fn notify(&self) {
        for waker in &self.subscribers {
            waker.wake();
        }
    }

    /// Every thread that looks on, to be woken when the lock is free.
    pub fn subscribers(&self) -> Vec<Arc<Waker>> {
        self.subscribers.clone()
    }

    /// Registers a reader that must not lose output; returns its key.
    pub fn require(&mut self, cursor: &Cursor) -> u64 {
        self.next_reader += 1;
        self.required.push((self.next_reader, cursor.position()));
        self.next_reader
    }

    pub fn advance(&mut self, key: u64, position: u64) {
        for (k, p) in &mut self.required {
            if *k == key {
                *p = position;
            }
        }
    }

    pub fn release(&mut self, key: u64) {
        if let Some(i) = self.required.iter().position(|(k, _)| *k == key) {
            let (_, position) = self.required.swap_remove(i);
            self.floor = self.floor.max(position);
        }
    }

    /// How many bytes of output may be read now without losing what somebody still needs.
    pub fn room(&self, process: &Process) -> usize {
        let attached = self.required.iter().map(|(_, p)| *p).min();
        match attached.or(process.required_reader.then_some(self.floor)) {
            Some(floor) => self.spool.room(floor),
            None => usize::MAX,
        }
    }

    /// The end as a late reader sees it: totals of now, not of the exit.
    pub fn report_now(&self) -> Option<ProcessExited> {
        self.exit.as_ref().map(|exit| ProcessExited {
            stdout_bytes: self.spool.total(0),
            stderr_bytes: self.spool.total(1),
            ..exit.report
        })
    }

    pub fn output(&self, stream: Stream) -> Option<&Source> {
        self.outputs.get(stream).and_then(Option::as_ref)
    }
}
