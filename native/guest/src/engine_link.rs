//! The connections to the engine.
//!
//! One thread dials; each connection then has a thread of its own, which serves one operation
//! after the other. At least [`MIN_IDLE`] connections wait for work; when one is taken by an
//! operation and fewer are left, the next is dialled at once. When the engine is away the dialler
//! tries again for ever.

use crate::conn::Conn;
use crate::dispatch;
use crate::failure::Stop;
use crate::guest::Guest;
use crate::process::lock;
use crate::wait::left;
use atoll_wire::frame::{Kind, MAX_MSG_TO_GUEST};
use atoll_wire::guest::{Hello, Request};
use prost::Message;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::AsFd;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Version of the protocol of `guest.proto`, which says what came with each.
pub const PROTOCOL: u32 = if cfg!(feature = "previous-protocol") {
    1
} else {
    2
};
/// The generation that a hello tells before the first Configure.
const NOT_CONFIGURED: u64 = 0;
/// Connections at once, busy ones included.
pub const MAX_CONNECTIONS: u32 = 256;
const MIN_IDLE: u32 = 2;
/// Idle connections beyond this many are closed when they were not used for [`SURPLUS_AFTER`].
const MAX_IDLE: u32 = 4;
const SURPLUS_AFTER: Duration = Duration::from_secs(5);
const FIRST_BACKOFF: Duration = Duration::from_millis(5);
const LAST_BACKOFF: Duration = Duration::from_millis(250);
/// Stack of a connection's thread, bytes; pages are touched only as used. The compressor builds
/// its tables (about 200 KiB) on the stack before it moves them to the heap.
const STACK: usize = 512 << 10;

#[derive(Default)]
struct Counts {
    idle: u32,
    open: u32,
}

pub struct Link {
    socket: PathBuf,
    /// Whether memory mapped from a file of the engine's is the engine's memory. Under gVisor's
    /// sentry that is not known: a stale page would be wrong content in a file.
    windows: bool,
    counts: Mutex<Counts>,
    changed: Condvar,
}

impl Link {
    pub fn new(socket: PathBuf, windows: bool) -> Link {
        Link {
            socket,
            windows,
            counts: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// The directory of the engine's socket.
    pub fn directory(&self) -> &Path {
        self.socket.parent().unwrap_or(Path::new("/"))
    }

    pub fn open_connections(&self) -> u32 {
        lock(&self.counts).open
    }

    /// An idle connection was taken by an operation.
    fn taken(&self) {
        let mut counts = lock(&self.counts);
        counts.idle -= 1;
        if counts.idle < MIN_IDLE {
            self.changed.notify_one();
        }
    }

    /// An operation ended: whether this connection is now one more than needed.
    fn returned(&self) -> bool {
        let mut counts = lock(&self.counts);
        counts.idle += 1;
        counts.idle > MAX_IDLE
    }

    fn is_surplus(&self) -> bool {
        lock(&self.counts).idle > MAX_IDLE
    }

    fn closed(&self, was_idle: bool) {
        let mut counts = lock(&self.counts);
        counts.open -= 1;
        if was_idle {
            counts.idle -= 1;
        }
        self.changed.notify_one();
    }

    /// Counts a connection that was dialled before there was a link.
    fn dialled(&self) {
        let mut counts = lock(&self.counts);
        counts.idle += 1;
        counts.open += 1;
    }

    /// Waits until another connection is wanted, and counts it.
    fn wanted(&self) {
        let mut counts = lock(&self.counts);
        while counts.idle >= MIN_IDLE || counts.open >= MAX_CONNECTIONS {
            counts = self
                .changed
                .wait(counts)
                .unwrap_or_else(PoisonError::into_inner);
        }
        counts.idle += 1;
        counts.open += 1;
    }
}

/// Dials from a slot, so that a claim need not wait for it. Fewer connections than wanted (the
/// engine may be away) are no failure: the dialler goes on where this ends.
pub fn dial_ahead() -> Vec<Conn> {
    (0..MIN_IDLE)
        .map_while(|_| connect(Path::new(atoll_entry::SOCKET_BEFORE), NOT_CONFIGURED, true).ok())
        .collect()
}

/// Serves the connections there are and starts the dialling thread.
pub fn start(guest: &Arc<Guest>, dialled: Vec<Conn>) -> io::Result<()> {
    for conn in dialled {
        guest.link.dialled();
        serve_in_thread(guest, conn)?;
    }
    let guest = Arc::clone(guest);
    std::thread::Builder::new()
        .name("dial".to_owned())
        .stack_size(STACK)
        .spawn(move || dial_for_ever(&guest))?;
    Ok(())
}

/// A connection that has said its hello.
fn connect(socket: &Path, generation: u64, window: bool) -> io::Result<Conn> {
    let mut conn = Conn::new(UnixStream::connect(socket)?);
    conn.hello(&Hello {
        protocol: PROTOCOL,
        generation,
        guest_version: env!("CARGO_PKG_VERSION").to_owned(),
        max_connections: MAX_CONNECTIONS,
        window,
    })?;
    Ok(conn)
}

fn serve_in_thread(guest: &Arc<Guest>, conn: Conn) -> io::Result<()> {
    let guest = Arc::clone(guest);
    std::thread::Builder::new()
        .name("conn".to_owned())
        .stack_size(STACK)
        .spawn(move || serve(&guest, conn))?;
    Ok(())
}

fn dial_for_ever(guest: &Arc<Guest>) {
    let mut backoff = FIRST_BACKOFF;
    loop {
        guest.link.wanted();
        let link = &guest.link;
        let connected = connect(&link.socket, guest.settings().generation, link.windows)
            .and_then(|conn| serve_in_thread(guest, conn));
        match connected {
            Ok(()) => backoff = FIRST_BACKOFF,
            Err(_) => {
                guest.link.closed(true);
                std::thread::sleep(backoff);
                backoff = (backoff * 2).min(LAST_BACKOFF);
            }
        }
    }
}

/// Serves one connection until its end.
fn serve(guest: &Guest, mut conn: Conn) {
    let mut idle = true;
    // How a connection ended is the engine's to know; here it only frees its place.
    let _ = converse(guest, &mut conn, &mut idle);
    drop(conn);
    guest.link.closed(idle);
}

fn converse(guest: &Guest, conn: &mut Conn, idle: &mut bool) -> io::Result<()> {
    let mut payload = Vec::new();
    while let Some((kind, length)) = conn.read_header()? {
        conn.read_payload(length, &mut payload)?;
        match kind {
            Kind::Msg => {}
            // What was under way (input, the rest of an upload that failed) when the last
            // operation got its final reply.
            Kind::Data | Kind::Filled | Kind::End => continue,
            Kind::Err | Kind::Taken => return Err(io::ErrorKind::InvalidData.into()),
        }
        debug_assert!(length <= MAX_MSG_TO_GUEST);
        guest.link.taken();
        *idle = false;
        let request = Request::decode(payload.as_slice());
        payload = Vec::new();
        match dispatch::serve(guest, conn, request) {
            Ok(()) => {}
            Err(Stop::Failed(failure)) => conn.error(&failure)?,
            Err(Stop::Gone(e)) => return Err(e),
        }
        conn.relax();
        *idle = true;
        let mut surplus = guest.link.returned();
        // Not at once: a burst uses them again. An engine that sends a request just when the
        // connection closes gets no reply at all, and knows from that that nothing was done.
        while surplus && !conn.has_buffered() && !readable(conn, SURPLUS_AFTER)? {
            surplus = guest.link.is_surplus();
            if surplus {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Whether something (also the end) arrives within the time.
fn readable(conn: &Conn, within: Duration) -> io::Result<bool> {
    let mut fds = [PollFd::from_borrowed_fd(conn.as_fd(), PollFlags::IN)];
    let until = left(Instant::now().checked_add(within));
    Ok(rustix::io::retry_on_intr(|| poll(&mut fds, until.as_ref()))? > 0)
}
