//! One diverted connection: a thread that reads what it asks for, connects to where it wanted to, and
//! moves bytes both ways.

use std::io::{self, Read, Write};
use std::mem::size_of;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::registry::{Registered, Registry, allows};
use super::talk::{self, Refusal, Talk};
use crate::net::egress::{Denied, Reason};
use crate::net::helper::{Calls, Policies};

/// For a client to say whom it wants.
const FIRST: Duration = Duration::from_secs(15);
const CONNECT: Duration = Duration::from_secs(10);
/// For a refused client to take the reason.
const FAREWELL: Duration = Duration::from_secs(1);
/// Bytes read at once, and those that wait in one direction at most.
const CHUNK: usize = 16 << 10;
const WAITING: usize = 32 << 10;
const FAREWELL_BYTES: usize = 256 << 10;

pub struct Proxy {
    pub policies: Arc<Policies>,
    pub calls: Calls,
    pub registry: Arc<Registry>,
}

/// What is being moved to one end.
#[derive(Default)]
struct Way {
    bytes: Vec<u8>,
    /// No more will come from the other end.
    ended: bool,
    /// And that was told.
    closed: bool,
}

impl Proxy {
    pub fn serve(&self, client: TcpStream, sandbox: Ipv4Addr) {
        let Ok(to) = original_destination(&client) else {
            return;
        };
        let Some(mut talk) = talk::of_port(to.port()) else {
            return;
        };
        let registered = client
            .try_clone()
            .ok()
            .and_then(|client| self.registry.enter(sandbox, to, client));
        let Some(registered) = registered else {
            // Closed at once: nobody waits for what has too many already.
            return self.tell(sandbox, to, talk.as_ref(), &Refusal::new(Reason::Capacity));
        };
        let conversation = Conversation {
            proxy: self,
            sandbox,
            to,
            registered,
        };
        match conversation.run(&client, talk.as_mut()) {
            // Whatever went wrong, both ends see that it is over.
            Ok(()) | Err(Failure::Io) => {}
            Err(Failure::Refused(refusal)) => {
                self.refuse(&client, sandbox, to, talk.as_ref(), &refusal);
            }
        }
    }

    fn refuse(
        &self,
        client: &TcpStream,
        sandbox: Ipv4Addr,
        to: SocketAddrV4,
        talk: &dyn Talk,
        refusal: &Refusal,
    ) {
        self.tell(sandbox, to, talk, refusal);
        // How it fails to hear of it is its own matter.
        let _ = farewell(client, &talk.refusal(refusal));
    }

    fn tell(&self, sandbox: Ipv4Addr, to: SocketAddrV4, talk: &dyn Talk, refusal: &Refusal) {
        self.calls.denied(
            sandbox,
            Denied {
                protocol: talk.protocol().to_owned(),
                address: Some(IpAddr::V4(*to.ip())),
                port: to.port(),
                name: refusal.name.clone(),
                reason: refusal.reason,
            },
        );
    }
}

enum Failure {
    Refused(Refusal),
    Io,
}

impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Failure {
        Failure::Io
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Refused(refusal)
    }
}

struct Conversation<'a> {
    proxy: &'a Proxy,
    sandbox: Ipv4Addr,
    to: SocketAddrV4,
    registered: Registered,
}

impl Conversation<'_> {
    fn run(&self, client: &TcpStream, talk: &mut dyn Talk) -> Result<(), Failure> {
        let mut input = Vec::new();
        let mut to_server = Way::default();
        let end = Instant::now() + FIRST;
        while to_server.bytes.is_empty() {
            client.set_read_timeout(Some(left(end)?))?;
            if read(client, &mut input)? == 0 {
                return Ok(());
            }
            talk.forward(&mut input, &mut to_server.bytes, &mut |name| {
                self.check(name)
            })?;
        }
        let server = TcpStream::connect_timeout(&SocketAddr::V4(self.to), CONNECT)?;
        self.registered.add(server.try_clone()?);
        // From here on a change of policy cuts both ends; one before this found only one.
        let policy = self.proxy.policies.of(IpAddr::V4(self.sandbox));
        if !self.registered.is_allowed(policy.as_deref()) {
            return Err(Failure::Io);
        }
        for stream in [client, &server] {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            keep_alive(stream)?;
        }
        self.pump(client, &server, talk, input, to_server)
    }

    /// Moves bytes until the server has nothing more to say.
    fn pump(
        &self,
        client: &TcpStream,
        server: &TcpStream,
        talk: &mut dyn Talk,
        mut input: Vec<u8>,
        mut to_server: Way,
    ) -> Result<(), Failure> {
        let mut to_client = Way::default();
        let mut client_ended = false;
        loop {
            to_server.flush(server)?;
            to_client.flush(client)?;
            // A server that has ended says nothing to what may still be asked of it.
            if to_client.closed {
                return Ok(());
            }
            let reads_client =
                !client_ended && input.len() < WAITING && to_server.bytes.len() < WAITING;
            let reads_server = !to_client.ended && to_client.bytes.len() < WAITING;
            let ready = wait([
                (client, reads_client, !to_client.bytes.is_empty()),
                (server, reads_server, !to_server.bytes.is_empty()),
            ])?;
            if ready[0] && reads_client {
                client_ended = ended(read(client, &mut input))?;
            }
            if ready[1] && reads_server {
                let before = to_client.bytes.len();
                to_client.ended = ended(read(server, &mut to_client.bytes))?;
                talk.heard(&to_client.bytes[before..]);
            }
            talk.forward(&mut input, &mut to_server.bytes, &mut |name| {
                self.check(name)
            })?;
            // What it has begun to say and not ended is not sent on.
            to_server.ended |= client_ended;
        }
    }

    fn check(&self, name: &str) -> Result<(), Refusal> {
        let refused = |reason| {
            Err(Refusal {
                reason,
                name: name.to_owned(),
            })
        };
        if !self.registered.name(name) {
            return refused(Reason::Capacity);
        }
        let policy = self.proxy.policies.of(IpAddr::V4(self.sandbox));
        if !allows(policy.as_deref(), self.to, name) {
            return refused(Reason::Name);
        }
        Ok(())
    }
}

impl Way {
    fn flush(&mut self, mut to: &TcpStream) -> io::Result<()> {
        while !self.bytes.is_empty() {
            match to.write(&self.bytes) {
                Ok(count) => drop(self.bytes.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.ended && !self.closed {
            self.closed = true;
            // It may be closed altogether already.
            let _ = to.shutdown(Shutdown::Write);
        }
        Ok(())
    }
}

fn read(mut from: &TcpStream, into: &mut Vec<u8>) -> io::Result<usize> {
    let mut chunk = [0; CHUNK];
    let count = from.read(&mut chunk)?;
    into.extend_from_slice(&chunk[..count]);
    Ok(count)
}

fn ended(read: io::Result<usize>) -> io::Result<bool> {
    match read {
        Ok(count) => Ok(count == 0),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
        Err(error) => Err(error),
    }
}

/// Which of the two have something to read, or have ended. Returns also when one can be written to.
fn wait(streams: [(&TcpStream, bool, bool); 2]) -> io::Result<[bool; 2]> {
    let mut wanted = streams.map(|(stream, reads, writes)| {
        let mut events = 0;
        if reads {
            events |= libc::POLLIN;
        }
        if writes {
            events |= libc::POLLOUT;
        }
        libc::pollfd {
            // An end that nothing is wanted of would wake this up for ever once it is closed.
            fd: if events == 0 { -1 } else { stream.as_raw_fd() },
            events,
            revents: 0,
        }
    });
    // SAFETY: pointer and length are those of a live array.
    let ready = unsafe { libc::poll(wanted.as_mut_ptr(), wanted.len() as libc::nfds_t, -1) };
    if ready < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok([0, 1].map(|n| wanted[n].revents & (libc::POLLIN | libc::POLLHUP | libc::POLLERR) != 0))
}

/// Sends the reason and takes what is still on its way: closing with unread bytes resets the connection,
/// and the client would lose the reason with that.
fn farewell(mut client: &TcpStream, reason: &[u8]) -> io::Result<()> {
    client.set_nonblocking(false)?;
    client.set_write_timeout(Some(FAREWELL))?;
    client.write_all(reason)?;
    client.shutdown(Shutdown::Write)?;
    let end = Instant::now() + FAREWELL;
    let (mut chunk, mut taken) = ([0; CHUNK], 0);
    while taken < FAREWELL_BYTES {
        client.set_read_timeout(Some(left(end)?))?;
        match client.read(&mut chunk)? {
            0 => break,
            count => taken += count,
        }
    }
    Ok(())
}

/// Where the client connected to before the packet filter sent it here (SO_ORIGINAL_DST of
/// linux/netfilter_ipv4.h).
fn original_destination(client: &TcpStream) -> io::Result<SocketAddrV4> {
    // SAFETY: sockaddr_in is plain data for which zero is valid.
    let mut address: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes into a live value.
    let got = unsafe {
        libc::getsockopt(
            client.as_raw_fd(),
            libc::SOL_IP,
            libc::SO_ORIGINAL_DST,
            (&raw mut address).cast(),
            &mut length,
        )
    };
    if got != 0 {
        return Err(io::Error::last_os_error());
    }
    let ip = Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr));
    Ok(SocketAddrV4::new(ip, u16::from_be(address.sin_port)))
}

/// So that the kernel finds out about ends that are gone.
/// Ends of sandboxes that are gone answer nothing: that is found out within minutes, not the kernel's two
/// hours. One that is frozen answers, as its kernel does.
fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    for (level, option, value) in [
        (libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1),
        (libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, 60),
        (libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, 15),
        (libc::IPPROTO_TCP, libc::TCP_KEEPCNT, 8),
    ] {
        let value: libc::c_int = value;
        // SAFETY: pointer and length are those of a live value.
        let set = unsafe {
            libc::setsockopt(
                stream.as_raw_fd(),
                level,
                option,
                (&raw const value).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            )
        };
        if set != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Never zero, which sockets take for "no timeout".
fn left(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(left)
}
