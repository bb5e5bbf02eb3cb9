//! Relaying over UDP: one thread, one socket a query and attempt, so that a slow resolver holds up
//! nobody and each attempt has a source port that a forger must guess as well as the id.

use super::answer::datagram_limit;
use super::gate::{Admission, Gate};
use super::message::{Query, Rcode, Unfit};
use super::random;
use super::resolvers::Resolvers;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

/// After this a client learns that there is no answer.
const GIVE_UP: Duration = Duration::from_secs(5);
/// After this without an answer, the next resolver is asked too.
const NEXT_ATTEMPT: Duration = Duration::from_millis(1500);
const ATTEMPTS: usize = 3;
/// How exactly the two above are kept.
const TICK: Duration = Duration::from_millis(100);
/// Queries under way, of one client and of all.
const PER_CLIENT: usize = 128;
const TOTAL: usize = 4096;
/// Queries taken before replies get their turn.
const BATCH: usize = 64;
const DATAGRAM: usize = 65_535;

const LISTENER: Token = Token(usize::MAX);

pub struct Relay<'a> {
    listener: UdpSocket,
    resolvers: &'a Resolvers,
    gate: &'a Gate,
    poll: Poll,
    pending: HashMap<usize, Pending>,
    clients: HashMap<IpAddr, usize>,
    next: usize,
}

struct Pending {
    client: SocketAddr,
    query: Query,
    /// The name whose answer is filtered.
    filtered: Option<String>,
    since: Instant,
    resolvers: Vec<SocketAddr>,
    attempts: Vec<Attempt>,
}

struct Attempt {
    id: u16,
    /// None once it has failed.
    socket: Option<UdpSocket>,
}

impl<'a> Relay<'a> {
    pub fn new(
        listener: std::net::UdpSocket,
        resolvers: &'a Resolvers,
        gate: &'a Gate,
    ) -> io::Result<Relay<'a>> {
        listener.set_nonblocking(true)?;
        let mut listener = UdpSocket::from_std(listener);
        let poll = Poll::new()?;
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Relay {
            listener,
            resolvers,
            gate,
            poll,
            pending: HashMap::new(),
            clients: HashMap::new(),
            next: 0,
        })
    }

    /// Does not return unless waiting itself fails.
    pub fn run(&mut self) -> io::Result<Infallible> {
        let mut events = Events::with_capacity(256);
        let mut buffer = vec![0u8; DATAGRAM];
        // Events tell of changes only, so what a batch leaves must be remembered.
        let mut waiting = false;
        let mut ticked = Instant::now();
        loop {
            let timeout = match (waiting, self.pending.is_empty()) {
                (true, _) => Some(Duration::ZERO),
                (false, false) => Some(TICK),
                (false, true) => None,
            };
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                match event.token() {
                    LISTENER => waiting = true,
                    Token(token) => self.receive(token / ATTEMPTS, token % ATTEMPTS, &mut buffer),
                }
            }
            if waiting {
                waiting = self.take(&mut buffer);
            }
            let now = Instant::now();
            if now.duration_since(ticked) >= TICK {
                ticked = now;
                self.expire(now);
            }
        }
    }

    /// Whether queries may be left.
    fn take(&mut self, buffer: &mut [u8]) -> bool {
        for _ in 0..BATCH {
            match self.listener.recv_from(buffer) {
                Ok((length, client)) => self.start(client, &buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // An ICMP error for an answer sent earlier: nothing to do with this query.
                Err(_) => {}
            }
        }
        true
    }

    fn start(&mut self, client: SocketAddr, bytes: &[u8]) {
        let query = match Query::parse(bytes) {
            Ok(query) => query,
            Err(Unfit::Answer(answer)) => return self.answer(client, &answer),
            Err(Unfit::Silent) => return,
        };
        let under_way = self.clients.get(&client.ip()).copied().unwrap_or(0);
        if under_way >= PER_CLIENT || self.pending.len() >= TOTAL {
            return self.answer(client, &query.failure(Rcode::Refused));
        }
        let filtered = match self.gate.admit(client.ip(), &query) {
            Admission::Relay => None,
            Admission::Filter(name) => Some(name),
            Admission::Answer(answer) => return self.answer(client, &answer),
        };
        let key = self.next;
        self.next = (self.next + 1) % (usize::MAX / ATTEMPTS);
        self.clients.insert(client.ip(), under_way + 1);
        self.pending.insert(
            key,
            Pending {
                client,
                query,
                filtered,
                since: Instant::now(),
                resolvers: self.resolvers.current(),
                attempts: Vec::with_capacity(1),
            },
        );
        self.attempt(key);
    }

    /// Asks the next resolver, until one can be asked. When none is left and no attempt is under
    /// way, the client is told.
    fn attempt(&mut self, key: usize) {
        let Some(pending) = self.pending.get_mut(&key) else {
            return;
        };
        while pending.attempts.len() < ATTEMPTS {
            let number = pending.attempts.len();
            let resolver = pending.resolvers[number % pending.resolvers.len()];
            let token = Token(key * ATTEMPTS + number);
            match ask(&self.poll, token, &pending.query, resolver) {
                Ok(attempt) => return pending.attempts.push(attempt),
                Err(_) => pending.attempts.push(Attempt {
                    id: 0,
                    socket: None,
                }),
            }
        }
        if pending
            .attempts
            .iter()
            .all(|attempt| attempt.socket.is_none())
        {
            let answer = pending.query.failure(Rcode::ServFail);
            self.finish(key, &answer);
        }
    }

    fn receive(&mut self, key: usize, number: usize, buffer: &mut [u8]) {
        // Answered or given up in the same turn.
        let Some(pending) = self.pending.get_mut(&key) else {
            return;
        };
        let Some(attempt) = pending.attempts.get_mut(number) else {
            return;
        };
        while let Some(socket) = &attempt.socket {
            match socket.recv(buffer) {
                Ok(length) => {
                    let Some(reply) = pending.query.accept(attempt.id, &buffer[..length]) else {
                        continue;
                    };
                    let answer = match &pending.filtered {
                        None => reply,
                        Some(name) => {
                            let (query, limit) = (&pending.query, datagram_limit(&pending.query));
                            self.gate
                                .filter(pending.client.ip(), query, name, &reply, limit)
                        }
                    };
                    return self.finish(key, &answer);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    attempt.socket = None;
                    return self.attempt(key);
                }
            }
        }
    }

    fn expire(&mut self, now: Instant) {
        let (late, slow): (Vec<_>, Vec<_>) = self
            .pending
            .iter()
            .filter(|(_, pending)| {
                let age = now.duration_since(pending.since);
                let tried = pending.attempts.len();
                age >= GIVE_UP || (tried < ATTEMPTS && age >= NEXT_ATTEMPT * tried as u32)
            })
            .map(|(key, pending)| (*key, now.duration_since(pending.since)))
            .partition(|(_, age)| *age >= GIVE_UP);
        for (key, _) in slow {
            self.attempt(key);
        }
        for (key, _) in late {
            if let Some(pending) = self.pending.get(&key) {
                let answer = pending.query.failure(Rcode::ServFail);
                self.finish(key, &answer);
            }
        }
    }

    fn finish(&mut self, key: usize, answer: &[u8]) {
        // Closing its sockets takes them off the poll.
        let Some(pending) = self.pending.remove(&key) else {
            return;
        };
        let client = pending.client;
        if let Some(under_way) = self.clients.get_mut(&client.ip()) {
            *under_way -= 1;
            if *under_way == 0 {
                self.clients.remove(&client.ip());
            }
        }
        self.answer(client, answer);
    }

    /// As UDP does: an answer that cannot be sent is lost, and the client asks again.
    fn answer(&self, client: SocketAddr, bytes: &[u8]) {
        let _ = self.listener.send_to(bytes, client);
    }
}

fn ask(poll: &Poll, token: Token, query: &Query, resolver: SocketAddr) -> io::Result<Attempt> {
    let any = match resolver {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let id = random::id()?;
    let mut socket = UdpSocket::bind(any)?;
    socket.connect(resolver)?;
    poll.registry()
        .register(&mut socket, token, Interest::READABLE)?;
    socket.send(&query.with_id(id))?;
    Ok(Attempt {
        id,
        socket: Some(socket),
    })
}
