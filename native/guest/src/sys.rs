//! Small things around system calls.

use rustix::event::EventfdFlags;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::rand::GetRandomFlags;
use std::io;
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
pub struct Waker(OwnedFd);

impl Waker {
    pub fn new() -> io::Result<Waker> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Waker(rustix::event::eventfd(0, flags)?))
    }

    pub fn wake(&self) {
        // EAGAIN means the counter is full, hence the wake is pending already.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    pub fn clear(&self) {
        // EAGAIN: nothing was pending.
        let _ = rustix::io::read(&self.0, &mut [0u8; 8]);
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
