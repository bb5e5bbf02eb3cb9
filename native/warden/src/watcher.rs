//! One epoll for the ends of processes and for memory limits met. After a restart of the warden
//! sandboxes are nobody's children, so an end is learnt by pidfd.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::Mutex;

use crate::ids::Id;
use crate::lock::lock;
use crate::sys::check;

/// What a descriptor tells about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The process of this slot ended.
    Ended(Id),
    /// The group of this slot met its memory limit.
    Memory(Id),
}

pub struct Watcher {
    epoll: OwnedFd,
    tokens: Mutex<(u64, HashMap<u64, Signal>)>,
}

impl Watcher {
    pub fn new() -> io::Result<Watcher> {
        // SAFETY: plain integer.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) }.into())?;
        // SAFETY: just made for us.
        let epoll = unsafe { OwnedFd::from_raw_fd(fd as i32) };
        Ok(Watcher {
            epoll,
            tokens: Mutex::default(),
        })
    }

    /// Tells once of the end of the process that `pidfd` names. It stays readable until it is closed,
    /// which comes after the release of all that the process held.
    pub fn add_end(&self, pidfd: BorrowedFd<'_>, slot: Id) -> io::Result<()> {
        let once = libc::EPOLLIN as u32 | libc::EPOLLONESHOT as u32;
        self.add(pidfd, once, Signal::Ended(slot))
    }

    /// Watches until `fd` is closed.
    pub fn add(&self, fd: BorrowedFd<'_>, events: u32, signal: Signal) -> io::Result<()> {
        let token = {
            let mut tokens = lock(&self.tokens);
            tokens.0 += 1;
            let token = tokens.0;
            tokens.1.insert(token, signal);
            token
        };
        let mut event = libc::epoll_event { events, u64: token };
        // SAFETY: `event` lives through the call.
        let added = check(
            unsafe {
                libc::epoll_ctl(
                    self.epoll.as_raw_fd(),
                    libc::EPOLL_CTL_ADD,
                    fd.as_raw_fd(),
                    &mut event,
                )
            }
            .into(),
        );
        if added.is_err() {
            lock(&self.tokens).1.remove(&token);
        }
        added.map(drop)
    }

    /// Blocks until something happens, or `timeout_ms` are over (-1 = never).
    pub fn wait(&self, timeout_ms: i32) -> io::Result<Vec<Signal>> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 64];
        // SAFETY: room for 64 events.
        let n = check(
            unsafe {
                libc::epoll_wait(self.epoll.as_raw_fd(), events.as_mut_ptr(), 64, timeout_ms)
            }
            .into(),
        );
        let n = match n {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => 0,
            other => other? as usize,
        };
        let mut tokens = lock(&self.tokens);
        let mut signals = Vec::with_capacity(n);
        for event in &events[..n] {
            let token = event.u64;
            signals.extend(tokens.1.get(&token).copied());
            if matches!(tokens.1.get(&token), Some(Signal::Ended(_))) {
                tokens.1.remove(&token);
            }
        }
        Ok(signals)
    }

    /// Drops what is known of a slot.
    pub fn forget(&self, slot: Id) {
        let gone = |signal: &Signal| matches!(signal, Signal::Ended(id) | Signal::Memory(id) if *id == slot);
        lock(&self.tokens).1.retain(|_, signal| !gone(signal));
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::process::Command;

    use super::{Signal, Watcher};
    use crate::ids::Id;
    use crate::sys;

    /// The thread that waits once ran without a pause from each end of a sandbox to the closing of
    /// its descriptor.
    #[test]
    fn an_end_is_told_once_while_its_descriptor_is_open() {
        let slot = Id::parse(&"a".repeat(32)).unwrap();
        let mut child = Command::new("true").spawn().unwrap();
        let pidfd = sys::pidfd_open(child.id() as i32).unwrap();
        let watcher = Watcher::new().unwrap();
        watcher.add_end(pidfd.as_fd(), slot).unwrap();
        assert_eq!(watcher.wait(-1).unwrap(), [Signal::Ended(slot)]);
        let mut events = [libc::epoll_event { events: 0, u64: 0 }];
        // SAFETY: room for one event.
        let more = unsafe {
            let epoll = std::os::fd::AsRawFd::as_raw_fd(&watcher.epoll);
            libc::epoll_wait(epoll, events.as_mut_ptr(), 1, 0)
        };
        assert_eq!(more, 0);
        child.wait().unwrap();
    }
}
