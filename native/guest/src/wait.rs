//! Waiting for an event inside the guest and for the engine's leaving at the same time.

use crate::conn::Conn;
use crate::sys::Waker;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::io::Errno;
use std::io;
use std::time::Instant;

pub enum Woken {
    Event,
    /// The engine closed the connection.
    Closed,
    Timeout,
}

/// Time left until a deadline as poll wants it; `None` waits for ever.
pub fn left(until: Option<Instant>) -> Option<Timespec> {
    until.map(|at| {
        let left = at.saturating_duration_since(Instant::now());
        Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        }
    })
}

/// Waits for the waker, the end of the connection, or the deadline.
pub fn wait_for(conn: &Conn, waker: &Waker, until: Option<Instant>) -> io::Result<Woken> {
    loop {
        let mut fds = [
            PollFd::from_borrowed_fd(waker.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(conn.as_fd(), PollFlags::RDHUP),
        ];
        match poll(&mut fds, left(until).as_ref()) {
            Ok(0) => return Ok(Woken::Timeout),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(e) => return Err(e.into()),
        }
        let gone = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        if fds[1].revents().intersects(gone) {
            return Ok(Woken::Closed);
        }
        if fds[0].revents().intersects(PollFlags::IN) {
            return Ok(Woken::Event);
        }
    }
}
