//! A byte pipe between the engine and a port inside.

use crate::conn::{Arrived, Conn};
use crate::creds::as_user;
use crate::failure::{Failure, Outcome, Stop};
use crate::files::path;
use crate::guest::Guest;
use crate::users;
use atoll_wire::frame::{self, HEADER, Kind};
use atoll_wire::guest::Dial;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Longest wait for a TCP connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes moved at once.
const CHUNK: usize = 64 << 10;

pub fn dial(guest: &Guest, conn: &mut Conn, request: &Dial) -> Outcome {
    let peer = if request.unix_path.is_empty() {
        tcp(request)?
    } else {
        unix(guest, request)?
    };
    conn.ok()?;
    Pipe {
        peer,
        to_peer: Vec::new(),
        to_engine: Vec::new(),
        sent: 0,
        input: Flow::Open,
        output: Flow::Open,
    }
    .run(conn)
}

fn unix(guest: &Guest, request: &Dial) -> Outcome<OwnedFd> {
    let settings = guest.settings();
    let who = users::resolve(&settings.user)?;
    let path = path::absolute(&settings, &who, b"", request.unix_path.as_bytes())?;
    as_user(&who, || {
        let stream =
            UnixStream::connect(path::as_path(&path)).map_err(|e| Failure::os(&e, &path))?;
        stream
            .set_nonblocking(true)
            .map_err(|e| Failure::os(&e, &path))?;
        Ok(stream.into())
    })
}

fn tcp(request: &Dial) -> Outcome<OwnedFd> {
    let port = u16::try_from(request.port)
        .ok()
        .filter(|p| *p > 0)
        .ok_or_else(|| {
            Failure::invalid("port", format!("port: {} is not in 1..65535", request.port))
        })?;
    let hosts = match request.host.as_str() {
        "" | "localhost" => vec![
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ],
        host => vec![host.parse().map_err(|_| {
            Failure::invalid(
                "host",
                format!("host: {host:?} is neither an address nor localhost"),
            )
        })?],
    };
    let mut first = None;
    for host in hosts {
        let address = SocketAddr::new(host, port);
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => {
                let failed = |e: io::Error| Failure::os(&e, address.to_string());
                stream.set_nonblocking(true).map_err(failed)?;
                stream.set_nodelay(true).map_err(failed)?;
                return Ok(stream.into());
            }
            Err(e) => {
                first.get_or_insert_with(|| Failure::os(&e, address.to_string()));
            }
        }
    }
    Err(first
        .unwrap_or_else(|| Failure::invalid("host", "host: no address"))
        .into())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Open,
    /// The source has ended; the end is to be passed on behind what is buffered.
    Ending,
    Ended,
}

struct Pipe {
    peer: OwnedFd,
    to_peer: Vec<u8>,
    /// Whole frames; `sent` bytes of them are gone.
    to_engine: Vec<u8>,
    sent: usize,
    input: Flow,
    output: Flow,
}

impl Pipe {
    /// Ends with the connection: closing it is how both sides say that all is over.
    fn run(mut self, conn: &mut Conn) -> Outcome {
        let over = || Stop::Gone(io::ErrorKind::ConnectionAborted.into());
        loop {
            self.write_peer()?;
            self.write_engine(conn)?;
            if self.input == Flow::Ended && self.output == Flow::Ended {
                return Err(over());
            }
            while conn.has_buffered() && self.read_engine(conn)? {
                self.write_peer()?;
            }
            self.wait(conn)?;
            self.read_engine(conn)?;
            self.read_peer()?;
        }
    }

    fn wait(&self, conn: &Conn) -> io::Result<()> {
        let mut engine = PollFlags::empty();
        let mut peer = PollFlags::empty();
        if self.input == Flow::Open && self.to_peer.is_empty() {
            engine |= PollFlags::IN;
        }
        if !self.to_engine.is_empty() {
            engine |= PollFlags::OUT;
        }
        if self.output == Flow::Open && self.to_engine.is_empty() {
            peer |= PollFlags::IN;
        }
        if !self.to_peer.is_empty() {
            peer |= PollFlags::OUT;
        }
        // A peer of which nothing is wanted now would report its hang-up over and over.
        let mut fds = vec![PollFd::from_borrowed_fd(
            conn.as_fd(),
            engine | PollFlags::RDHUP,
        )];
        if !peer.is_empty() {
            fds.push(PollFd::from_borrowed_fd(self.peer.as_fd(), peer));
        }
        rustix::io::retry_on_intr(|| poll(&mut fds, None))?;
        let gone = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        let engine = fds.first().map_or(PollFlags::empty(), PollFd::revents);
        // What the engine sent before it closed is still to be delivered.
        let empty = self.to_peer.is_empty() && !engine.contains(PollFlags::IN);
        if engine.intersects(gone) && empty {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Takes the engine's next frame when the last one was passed on; whether there was one.
    fn read_engine(&mut self, conn: &mut Conn) -> io::Result<bool> {
        if self.input != Flow::Open || !self.to_peer.is_empty() {
            return Ok(false);
        }
        match conn.try_frame()? {
            Arrived::Nothing => return Ok(false),
            Arrived::Frame(Kind::Data, payload) => self.to_peer = payload,
            Arrived::Frame(Kind::End, _) => self.input = Flow::Ending,
            Arrived::Frame(..) => return Err(io::ErrorKind::InvalidData.into()),
            Arrived::Closed => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        Ok(true)
    }

    fn write_peer(&mut self) -> io::Result<()> {
        while !self.to_peer.is_empty() {
            let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
            match rustix::io::retry_on_intr(|| rustix::net::send(&self.peer, &self.to_peer, flags))
            {
                Ok(n) => {
                    self.to_peer.drain(..n);
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(e) => return Err(e.into()),
            }
        }
        if self.input == Flow::Ending {
            // The peer may have gone already; reading from it tells.
            let _ = rustix::net::shutdown(&self.peer, Shutdown::Write);
            self.input = Flow::Ended;
        }
        Ok(())
    }

    fn read_peer(&mut self) -> io::Result<()> {
        if self.output != Flow::Open || !self.to_engine.is_empty() {
            return Ok(());
        }
        self.to_engine.resize(HEADER + CHUNK, 0);
        let target = self.to_engine.get_mut(HEADER..).unwrap_or_default();
        let result = rustix::io::retry_on_intr(|| {
            rustix::net::recv(&self.peer, &mut *target, RecvFlags::DONTWAIT)
        });
        let n = match result {
            Ok((n, _)) => n,
            Err(Errno::AGAIN) => {
                self.to_engine.clear();
                return Ok(());
            }
            Err(e) => return Err(e.into()),
        };
        self.to_engine.truncate(HEADER + n);
        let kind = if n == 0 { Kind::End } else { Kind::Data };
        if let Some(front) = self.to_engine.get_mut(..HEADER) {
            front.copy_from_slice(&frame::header(kind, n));
        }
        if n == 0 {
            self.output = Flow::Ending;
        }
        Ok(())
    }

    fn write_engine(&mut self, conn: &Conn) -> io::Result<()> {
        if !self.to_engine.is_empty() {
            self.sent += conn.try_send(self.to_engine.get(self.sent..).unwrap_or_default())?;
            if self.sent >= self.to_engine.len() {
                self.to_engine.clear();
                self.sent = 0;
            }
        }
        if self.to_engine.is_empty() && self.output == Flow::Ending {
            self.output = Flow::Ended;
        }
        Ok(())
    }
}
