//! Relaying over TCP (RFC 7766), which clients use when an answer does not fit a datagram: rare, so
//! a thread a connection, few of them and each with deadlines.

use super::gate::{Admission, Gate};
use super::message::{Query, Rcode, Unfit};
use super::random;
use super::resolvers::Resolvers;
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Connections at once, of one client and of all.
const PER_CLIENT: usize = 4;
const TOTAL: usize = 256;
/// For a query to arrive whole, for its answer, for the client to take it.
const STEP: Duration = Duration::from_secs(5);
/// For one resolver, so that there is time for the next.
const ATTEMPT: Duration = Duration::from_secs(2);
const QUERIES_PER_CONNECTION: usize = 64;
const STACK: usize = 256 << 10;
/// Before the next accept(2) when one failed, which is for want of descriptors or memory.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Default)]
struct Open {
    clients: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection that is counted while this lives.
struct Counted {
    open: Arc<Open>,
    client: IpAddr,
}

impl Open {
    fn enter(self: &Arc<Open>, client: IpAddr) -> Option<Counted> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = clients.get(&client).copied().unwrap_or(0);
        if mine >= PER_CLIENT || clients.values().sum::<usize>() >= TOTAL {
            return None;
        }
        clients.insert(client, mine + 1);
        Some(Counted {
            open: Arc::clone(self),
            client,
        })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut clients = self
            .open
            .clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = clients.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                clients.remove(&self.client);
            }
        }
    }
}

/// Accepts for ever. Connections over the bounds are closed at once.
pub fn serve(listener: &TcpListener, resolvers: &Arc<Resolvers>, gate: &Arc<Gate>) {
    let open = Arc::new(Open::default());
    loop {
        let Ok((stream, client)) = listener.accept() else {
            thread::sleep(PAUSE);
            continue;
        };
        let Some(counted) = open.enter(client.ip()) else {
            continue;
        };
        let (resolvers, gate) = (Arc::clone(resolvers), Arc::clone(gate));
        // Without a thread the closure is dropped: the connection closes and counts no more.
        let _ = thread::Builder::new().stack_size(STACK).spawn(move || {
            let _counted = counted;
            // Nobody else cares how a client's connection ended.
            let _ = relay(&stream, client.ip(), &resolvers, &gate);
        });
    }
}

fn relay(client: &TcpStream, ip: IpAddr, resolvers: &Resolvers, gate: &Gate) -> io::Result<()> {
    for _ in 0..QUERIES_PER_CONNECTION {
        let bytes = read_message(client, Instant::now() + STEP)?;
        let answer = match Query::parse(&bytes) {
            Ok(query) => answer(&query, ip, resolvers, gate),
            Err(Unfit::Answer(answer)) => answer,
            Err(Unfit::Silent) => return Ok(()),
        };
        write_message(client, &answer, Instant::now() + STEP)?;
    }
    Ok(())
}

fn answer(query: &Query, client: IpAddr, resolvers: &Resolvers, gate: &Gate) -> Vec<u8> {
    let name = match gate.admit(client, query) {
        Admission::Relay => None,
        Admission::Filter(name) => Some(name),
        Admission::Answer(answer) => return answer,
    };
    match (resolve(query, &resolvers.current()), name) {
        (None, _) => query.failure(Rcode::ServFail),
        (Some(reply), None) => reply,
        (Some(reply), Some(name)) => {
            gate.filter(client, query, &name, &reply, usize::from(u16::MAX))
        }
    }
}

fn resolve(query: &Query, resolvers: &[SocketAddr]) -> Option<Vec<u8>> {
    let end = Instant::now() + STEP;
    resolvers
        .iter()
        .find_map(|resolver| ask(query, *resolver, end.min(Instant::now() + ATTEMPT)).ok()?)
}

fn ask(query: &Query, resolver: SocketAddr, end: Instant) -> io::Result<Option<Vec<u8>>> {
    let id = random::id()?;
    let stream = TcpStream::connect_timeout(&resolver, left(end)?)?;
    write_message(&stream, &query.with_id(id), end)?;
    let reply = read_message(&stream, end)?;
    Ok(query.accept(id, &reply))
}

/// A message behind its length of two bytes. `end` holds however slowly the bytes come.
fn read_message(stream: &TcpStream, end: Instant) -> io::Result<Vec<u8>> {
    let mut length = [0u8; 2];
    read_exact(stream, &mut length, end)?;
    let mut bytes = vec![0u8; usize::from(u16::from_be_bytes(length))];
    read_exact(stream, &mut bytes, end)?;
    Ok(bytes)
}

fn read_exact(mut stream: &TcpStream, mut bytes: &mut [u8], end: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.set_read_timeout(Some(left(end)?))?;
        match stream.read(bytes)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => bytes = &mut bytes[count..],
        }
    }
    Ok(())
}

fn write_message(mut stream: &TcpStream, bytes: &[u8], end: Instant) -> io::Result<()> {
    let length = u16::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    let message = [&length.to_be_bytes(), bytes].concat();
    let mut rest = message.as_slice();
    while !rest.is_empty() {
        stream.set_write_timeout(Some(left(end)?))?;
        rest = &rest[stream.write(rest)?..];
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
