//! Small things around system calls.

use rustix::event::EventfdFlags;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::rand::GetRandomFlags;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// 16 hexadecimal characters for the name of a temporary file.
pub fn random_name() -> String {
    let mut bytes = [0u8; 8];
    // The kernel's pool is ready long before the first process; a failure leaves zeros, and the
    // exclusive create of the caller then fails instead of hitting a foreign file.
    let _ = rustix::rand::getrandom(&mut bytes, GetRandomFlags::empty());
    format!("{:016x}", u64::from_ne_bytes(bytes))
}

/// An eventfd that wakes one polling thread.
pub struct Waker {
    event: OwnedFd,
    /// A wake that nobody has cleared: another one need not be written.
    pending: AtomicBool,
}

impl Waker {
    pub fn new() -> io::Result<Waker> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Waker {
            event: rustix::event::eventfd(0, flags)?,
            pending: AtomicBool::new(false),
        })
    }

    /// After the change that it tells of.
    pub fn wake(&self) {
        if !self.pending.swap(true, Ordering::AcqRel) {
            // Cannot fail: the counter is at most 1.
            let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
        }
    }

    /// Before the caller looks at what it waits for, so that no change is missed.
    pub fn clear(&self) {
        // EAGAIN: nothing was pending, or it is just being written and wakes once more.
        let _ = rustix::io::read(&self.event, &mut [0u8; 8]);
        self.pending.store(false, Ordering::Release);
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}
