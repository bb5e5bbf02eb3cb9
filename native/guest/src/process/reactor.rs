//! The thread that reads output, writes input, keeps deadlines and reaps.
//!
//! It is the only one that waits for children. An end is attributed *before* the zombie is reaped
//! (WNOWAIT first), so that a pid is never signalled after it was given away.

use super::table::Owner;
use super::{Exit, Process, Reaped, State, StdinTarget, lock};
use crate::guest::Guest;
use crate::sys;
use atoll_wire::guest::ProcessExited;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Timespec, fcntl_getfl};
use rustix::io::Errno;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Bytes read from one source before others get their turn.
const CHUNK: usize = 64 << 10;
/// Most that is taken from a pty at its process' end, bytes; its buffers are smaller.
const PTY_DRAIN: usize = 256 << 10;

/// Deadlines kept before those of ended processes are sorted out; twice as many as may run.
const MAX_DEADLINES: usize = 2 * super::table::MAX_RUNNING;

const TOKEN_CHILD: u64 = 0;
const TOKEN_TIMER: u64 = 1;
/// What a process' token (`serial * 4 + part`) stands for.
const PART_STDIN: u64 = 2;

pub struct Reactor {
    epoll: OwnedFd,
    children: OwnedFd,
    timer: OwnedFd,
    deadlines: Mutex<BinaryHeap<Reverse<(Instant, u64)>>>,
}

fn token(serial: u64, part: u64) -> EventData {
    EventData::new_u64((serial << 2) | part)
}

impl Reactor {
    /// `children` is a signalfd for SIGCHLD.
    pub fn new(children: OwnedFd) -> io::Result<Reactor> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
        epoll::add(
            &epoll,
            &children,
            EventData::new_u64(TOKEN_CHILD),
            EventFlags::IN,
        )?;
        epoll::add(
            &epoll,
            &timer,
            EventData::new_u64(TOKEN_TIMER),
            EventFlags::IN,
        )?;
        Ok(Reactor {
            epoll,
            children,
            timer,
            deadlines: Mutex::new(BinaryHeap::new()),
        })
    }

    /// Starts (or, after backpressure, resumes) reading an output.
    pub fn watch_output(&self, process: &Process, state: &mut State, stream: usize) {
        let stdin_waits = stream == 0 && state.stdin.watched && process.tty;
        let Some(source) = state.outputs.get_mut(stream).and_then(Option::as_mut) else {
            return;
        };
        if !source.watched {
            let mut events = EventFlags::IN;
            if stdin_waits {
                events |= EventFlags::OUT;
            }
            source.watched = epoll::add(
                &self.epoll,
                &source.fd,
                token(process.serial, stream as u64),
                events,
            )
            .is_ok();
        }
    }

    /// Reads again what backpressure had stopped, now that a reader has moved on.
    pub fn resume(&self, process: &Process, state: &mut State) {
        for stream in [0, 1] {
            let stopped = state.output(stream).is_some_and(|s| !s.watched);
            if stopped && state.room(process) > 0 {
                self.watch_output(process, state, stream);
            }
        }
    }

    /// Waits for the input's pipe to take more.
    pub fn watch_input(&self, process: &Process, state: &mut State) {
        if state.stdin.watched {
            return;
        }
        state.stdin.watched = true;
        match &state.stdin.target {
            StdinTarget::Closed => state.stdin.watched = false,
            StdinTarget::Pipe(fd) => {
                let data = token(process.serial, PART_STDIN);
                if epoll::add(&self.epoll, fd, data, EventFlags::OUT).is_err() {
                    state.stdin.watched = false;
                }
            }
            StdinTarget::Pty => {
                if let Some(source) = state.outputs[0].as_ref().filter(|s| s.watched) {
                    let events = EventFlags::IN | EventFlags::OUT;
                    let data = token(process.serial, 0);
                    // Fails only when the fd is not registered, which `watched` excludes.
                    let _ = epoll::modify(&self.epoll, &source.fd, data, events);
                }
            }
        }
    }

    fn unwatch_input(&self, process: &Process, state: &mut State) {
        if !std::mem::take(&mut state.stdin.watched) {
            return;
        }
        match &state.stdin.target {
            StdinTarget::Closed => {}
            StdinTarget::Pipe(fd) => {
                // Fails only when the fd is not registered; the state wanted is reached then.
                let _ = epoll::delete(&self.epoll, fd);
            }
            StdinTarget::Pty => {
                if let Some(source) = state.outputs[0].as_ref().filter(|s| s.watched) {
                    let data = token(process.serial, 0);
                    let _ = epoll::modify(&self.epoll, &source.fd, data, EventFlags::IN);
                }
            }
        }
    }

    fn pause(&self, state: &mut State, stream: usize) {
        if let Some(source) = state.outputs.get_mut(stream).and_then(Option::as_mut)
            && std::mem::take(&mut source.watched)
        {
            // A removed descriptor cannot report the writer's hang-up over and over.
            let _ = epoll::delete(&self.epoll, &source.fd);
        }
    }

    /// Kills the process' group at this instant unless it has ended.
    pub fn set_deadline(&self, guest: &Guest, serial: u64, at: Instant) {
        let mut deadlines = lock(&self.deadlines);
        // Deadlines of processes that ended in time stay until they are due, or too many.
        if deadlines.len() >= MAX_DEADLINES {
            deadlines.retain(|Reverse((_, serial))| guest.processes.by_serial(*serial).is_some());
        }
        let earliest = deadlines
            .peek()
            .is_none_or(|Reverse((first, _))| at < *first);
        deadlines.push(Reverse((at, serial)));
        if earliest {
            self.arm(at);
        }
    }

    fn arm(&self, at: Instant) {
        let left = at
            .saturating_duration_since(Instant::now())
            .max(Duration::from_nanos(1));
        let value = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        let zero = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let spec = Itimerspec {
            it_interval: zero,
            it_value: value,
        };
        // Cannot fail: the clock is valid and the time normalised.
        let _ = rustix::time::timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec);
    }

    /// Serves for ever.
    pub fn run(&self, guest: &Guest) -> io::Error {
        let mut buffer = vec![0u8; CHUNK];
        let mut events = Vec::with_capacity(64);
        loop {
            events.clear();
            match epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                None,
            ) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(e) => return e.into(),
            }
            for event in &events {
                let (data, flags) = (event.data.u64(), event.flags);
                match data {
                    TOKEN_CHILD => self.reap_all(guest, &mut buffer),
                    TOKEN_TIMER => self.expire(guest),
                    _ => {
                        if let Some(process) = guest.processes.by_serial(data >> 2) {
                            self.serve(guest, &process, data & 3, flags, &mut buffer);
                        }
                    }
                }
            }
        }
    }

    fn serve(
        &self,
        guest: &Guest,
        process: &Arc<Process>,
        part: u64,
        flags: EventFlags,
        buffer: &mut [u8],
    ) {
        let mut state = process.state();
        if part == PART_STDIN {
            self.flush_input(process, &mut state);
            return;
        }
        if process.tty && state.stdin.watched && flags.contains(EventFlags::OUT) {
            self.flush_input(process, &mut state);
        }
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            let stream = part as usize & 1;
            self.read_output(guest, process, &mut state, stream, CHUNK, buffer);
            self.finish(guest, process, state);
        }
    }

    /// Reads once from an output; Ok(true) when there may be more.
    fn read_output(
        &self,
        guest: &Guest,
        process: &Process,
        state: &mut State,
        stream: usize,
        limit: usize,
        buffer: &mut [u8],
    ) -> bool {
        let room = state.room(process).min(limit).min(buffer.len());
        if room == 0 {
            self.pause(state, stream);
            return false;
        }
        let Some(source) = state.output(stream) else {
            return false;
        };
        let target = buffer.get_mut(..room).unwrap_or_default();
        match rustix::io::retry_on_intr(|| rustix::io::read(&source.fd, &mut *target)) {
            Ok(0) => self.close_output(process, state, stream),
            Ok(n) => {
                let data = buffer.get(..n).unwrap_or_default();
                state.spool.append(stream, data, guest.spool_directory());
                if let Some(reaped) = &mut state.reaped {
                    let pending = &mut reaped.pending[stream & 1];
                    *pending = pending.saturating_sub(n as u64);
                }
                state.notify();
                return true;
            }
            Err(Errno::AGAIN) => {
                if let Some(reaped) = &mut state.reaped {
                    reaped.pending[stream & 1] = 0;
                }
            }
            // EIO is how a pty's master tells that nobody has the slave open any more.
            Err(_) => self.close_output(process, state, stream),
        }
        false
    }

    fn close_output(&self, process: &Process, state: &mut State, stream: usize) {
        if process.tty {
            self.close_input(state);
        }
        self.pause(state, stream);
        state.outputs[stream & 1] = None;
        if let Some(reaped) = &mut state.reaped {
            reaped.pending[stream & 1] = 0;
        }
    }

    fn close_input(&self, state: &mut State) {
        if matches!(state.stdin.target, StdinTarget::Closed) && state.stdin.queue.is_empty() {
            return;
        }
        if let StdinTarget::Pipe(fd) = &state.stdin.target
            && state.stdin.watched
        {
            let _ = epoll::delete(&self.epoll, fd);
        }
        state.stdin.watched = false;
        state.stdin.target = StdinTarget::Closed;
        state.stdin.queue = Default::default();
        state.notify();
    }

    /// Writes queued input as far as the process takes it. Called with the state locked, by the
    /// reactor and by threads that add input.
    pub fn flush_input(&self, process: &Process, state: &mut State) {
        while !state.stdin.queue.is_empty() {
            let fd = match &state.stdin.target {
                StdinTarget::Pipe(fd) => fd,
                StdinTarget::Pty => match state.outputs[0].as_ref() {
                    Some(source) => &source.fd,
                    None => return self.close_input(state),
                },
                StdinTarget::Closed => return,
            };
            let (front, _) = state.stdin.queue.as_slices();
            match rustix::io::retry_on_intr(|| rustix::io::write(fd, front)) {
                Ok(n) => {
                    state.stdin.queue.drain(..n);
                    state.notify();
                }
                Err(Errno::AGAIN) => return self.watch_input(process, state),
                Err(_) => return self.close_input(state),
            }
        }
        if state.stdin.queue.capacity() > 4096 {
            state.stdin.queue = Default::default();
        }
        self.unwatch_input(process, state);
        if state.stdin.ending {
            match state.stdin.target {
                // A terminal has no end of file but the character that stands for it (VEOF).
                StdinTarget::Pty => {
                    state.stdin.ending = false;
                    if let Some(source) = state.outputs[0].as_ref() {
                        let _ = rustix::io::write(&source.fd, &[4]);
                    }
                }
                _ => self.close_input(state),
            }
        }
    }

    fn expire(&self, guest: &Guest) {
        // EAGAIN: another expiry was read together with this one.
        let _ = rustix::io::read(&self.timer, &mut [0u8; 8]);
        let now = Instant::now();
        let mut due = Vec::new();
        {
            let mut deadlines = lock(&self.deadlines);
            while let Some(Reverse((at, serial))) = deadlines.peek().copied() {
                if at > now {
                    self.arm(at);
                    break;
                }
                deadlines.pop();
                due.push(serial);
            }
        }
        for process in due.into_iter().filter_map(|s| guest.processes.by_serial(s)) {
            let mut state = process.state();
            if state.reaped.is_none() {
                state.timed_out = true;
                super::signals::kill_everything(&process, &mut state);
            }
        }
    }

    fn reap_all(&self, guest: &Guest, buffer: &mut [u8]) {
        // One read takes the pending SIGCHLD; ends after it make the descriptor readable again.
        let _ = rustix::io::read(&self.children, &mut [0u8; 128]);
        while let Some(pid) = peek_zombie() {
            guest.processes.reap(pid, |owner| match owner {
                Owner::Process(process) => {
                    let mut state = process.state();
                    if process.kill_group_on_exit {
                        super::signals::kill_group(process);
                    }
                    if let Some((status, cpu_us)) = wait_for(pid) {
                        self.ended(guest, process, &mut state, status, cpu_us, buffer);
                    }
                    self.finish(guest, process, state);
                    None
                }
                Owner::Spawning(_) | Owner::Nobody => wait_for(pid),
            });
        }
    }

    /// Takes over an end that was reaped before its process was registered.
    pub fn ended_early(&self, guest: &Guest, process: &Arc<Process>, ended: (i32, u64)) {
        let mut state = process.state();
        if process.kill_group_on_exit
            && let Some(pidfd) = &state.pidfd
        {
            super::signals::signal_group_by_pidfd(pidfd, libc::SIGKILL);
        }
        let mut buffer = vec![0u8; CHUNK];
        self.ended(guest, process, &mut state, ended.0, ended.1, &mut buffer);
        self.finish(guest, process, state);
    }

    /// Notes the end and takes what is in the pipes at this instant.
    fn ended(
        &self,
        guest: &Guest,
        process: &Arc<Process>,
        state: &mut State,
        status: i32,
        cpu_us: u64,
        buffer: &mut [u8],
    ) {
        let mut pending = [0; 2];
        for (stream, pending) in pending.iter_mut().enumerate() {
            if let Some(source) = state.output(stream) {
                // A pty's queue shows itself only to read: taken until it would block.
                let waiting = rustix::io::ioctl_fionread(&source.fd).unwrap_or(0);
                *pending = if process.tty {
                    PTY_DRAIN as u64
                } else {
                    waiting
                };
            }
        }
        state.reaped = Some(Reaped {
            status,
            cpu_us,
            ended_at_ms: sys::now_ms(),
            pending,
        });
        for stream in [0, 1] {
            while let Some(left) = state.reaped.map(|r| r.pending[stream]).filter(|n| *n > 0) {
                let limit = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
                if !self.read_output(guest, process, state, stream, limit, buffer) {
                    break;
                }
            }
        }
    }

    /// Publishes the end once everything written before it is in the spool, and lets go of a
    /// process of which nothing is left to watch.
    fn finish(
        &self,
        guest: &Guest,
        process: &Arc<Process>,
        mut state: std::sync::MutexGuard<'_, State>,
    ) {
        let Some(reaped) = state.reaped else { return };
        let drained = [0, 1]
            .iter()
            .all(|s| reaped.pending[*s] == 0 || state.output(*s).is_none());
        let published = state.exit.is_some();
        let done = state.outputs.iter().all(Option::is_none);
        if !published && drained {
            if !process.tty {
                self.close_input(&mut state);
            }
            let report = report(&state, &reaped);
            state.exit = Some(Exit {
                report,
                position: state.spool.head(),
            });
        }
        if done {
            self.close_input(&mut state);
            state.spool.shrink();
            // Signal 0 asks whether anybody of the group is left that could still be signalled.
            if state
                .pidfd
                .as_ref()
                .is_some_and(|p| !super::signals::signal_group_by_pidfd(p, 0))
            {
                state.pidfd = None;
            }
        }
        let publish = !published && drained;
        // Woken with the lock free: it is the first thing they take.
        let waiting = match publish {
            true => state.subscribers(),
            false => Vec::new(),
        };
        drop(state);
        waiting.iter().for_each(|waker| waker.wake());
        if done {
            guest.processes.unwatch(process.serial);
        }
        if publish {
            let keep = guest.settings().kept_processes;
            guest
                .processes
                .retire(process, keep, guest.spool_directory());
        }
    }
}

fn report(state: &State, reaped: &Reaped) -> ProcessExited {
    let signal = if libc::WIFSIGNALED(reaped.status) {
        libc::WTERMSIG(reaped.status)
    } else {
        0
    };
    let code = if signal > 0 {
        128 + signal
    } else {
        libc::WEXITSTATUS(reaped.status)
    };
    ProcessExited {
        code,
        signal,
        oom_killed: signal == libc::SIGKILL
            && !state.killed_by_us
            && crate::metrics::oom_kill_seen(),
        timed_out: state.timed_out,
        stdout_bytes: state.spool.total(0),
        stderr_bytes: state.spool.total(1),
        ended_at_ms: reaped.ended_at_ms,
        cpu_us: reaped.cpu_us,
    }
}

/// The pid of some child that has ended, still a zombie.
fn peek_zombie() -> Option<i32> {
    loop {
        // SAFETY: waitid fills the siginfo; WNOWAIT leaves the zombie in place.
        let (result, pid) = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            let result = libc::waitid(libc::P_ALL, 0, &mut info, flags);
            (result, info.si_pid())
        };
        if result == 0 {
            return (pid > 0).then_some(pid);
        }
        if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return None;
        }
    }
}

/// Reaps: wait status and CPU time in µs (of the child and what it waited for).
fn wait_for(pid: i32) -> Option<(i32, u64)> {
    let mut status = 0;
    // SAFETY: wait4 fills both; rusage is plain data.
    let (result, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (
            libc::wait4(pid, &mut status, libc::WNOHANG, &mut usage),
            usage,
        )
    };
    let micros = |t: libc::timeval| (t.tv_sec as u64) * 1_000_000 + t.tv_usec as u64;
    (result == pid).then(|| (status, micros(usage.ru_utime) + micros(usage.ru_stime)))
}

/// Makes the guest's end of a pipe non-blocking.
pub fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    let flags = fcntl_getfl(fd)?;
    rustix::fs::fcntl_setfl(fd.as_fd(), flags | rustix::fs::OFlags::NONBLOCK)?;
    Ok(())
}
