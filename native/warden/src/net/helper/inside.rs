//! The helpers' end of their connections to the warden.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use super::wire::{self, Call, Order, Reply};
use super::{CALLS, ORDERS};
use crate::lock::lock;
use crate::net::egress::Denied;
use crate::net::policy::Policy;

/// For the warden to answer, which runs `nft` at most.
const ANSWER: Duration = Duration::from_secs(5);

/// The policies of the sandboxes that have one.
#[derive(Default)]
pub struct Policies {
    known: RwLock<HashMap<Ipv4Addr, Arc<Policy>>>,
}

impl Policies {
    /// Returns when the warden has told all that there are. Later ones are told to `changed` before the
    /// warden hears that they are in force. The process ends with the connection.
    pub fn start(
        changed: impl Fn(Ipv4Addr, Option<&Policy>) + Send + 'static,
    ) -> io::Result<Arc<Policies>> {
        // SAFETY: the warden passes this descriptor, and nothing else of the process knows it.
        let orders = UnixStream::from(unsafe { OwnedFd::from_raw_fd(ORDERS) });
        let policies = Arc::new(Policies::default());
        while !policies.take(&orders, &changed)? {}
        let taking = Arc::clone(&policies);
        thread::Builder::new()
            .name("orders".into())
            .spawn(move || {
                while taking.take(&orders, &changed).is_ok() {}
                // The warden is gone, or says what this program does not know.
                std::process::exit(1)
            })?;
        Ok(policies)
    }

    pub fn of(&self, sandbox: IpAddr) -> Option<Arc<Policy>> {
        let IpAddr::V4(sandbox) = sandbox else {
            return None;
        };
        let known = self
            .known
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        known.get(&sandbox).cloned()
    }

    /// Whether it was the order to serve.
    fn take(
        &self,
        orders: &UnixStream,
        changed: &impl Fn(Ipv4Addr, Option<&Policy>),
    ) -> io::Result<bool> {
        let order = wire::receive(orders)?;
        let serve = matches!(order, Order::Serve);
        if let Order::Policy { sandbox, policy } = order {
            let policy = policy.map(Arc::new);
            let mut known = self
                .known
                .write()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            match &policy {
                Some(policy) => known.insert(sandbox, Arc::clone(policy)),
                None => known.remove(&sandbox),
            };
            drop(known);
            changed(sandbox, policy.as_deref());
        }
        wire::send(orders, &Reply::Done)?;
        Ok(serve)
    }
}

/// What a helper asks of the warden and tells it, from any thread.
pub struct Calls {
    stream: Mutex<UnixStream>,
    /// When the present second began, and the denials told in it by sandbox.
    told: Mutex<(Instant, HashMap<Ipv4Addr, u32>)>,
}

/// Denials of one sandbox that are told in a second. The others would only keep the warden busy: its
/// record is bounded.
const DENIALS_PER_SECOND: u32 = 20;

impl Calls {
    pub fn start() -> io::Result<Calls> {
        // SAFETY: as above.
        let stream = UnixStream::from(unsafe { OwnedFd::from_raw_fd(CALLS) });
        stream.set_read_timeout(Some(ANSWER))?;
        stream.set_write_timeout(Some(ANSWER))?;
        Ok(Calls {
            stream: Mutex::new(stream),
            told: Mutex::new((Instant::now(), HashMap::new())),
        })
    }

    pub fn open(&self, sandbox: Ipv4Addr, name: &str, addresses: Vec<(IpAddr, u32)>) -> Reply {
        self.call(&Call::Open {
            sandbox,
            name: name.to_owned(),
            addresses,
        })
    }

    pub fn denied(&self, sandbox: Ipv4Addr, denied: Denied) {
        let mut told = lock(&self.told);
        if told.0.elapsed() >= Duration::from_secs(1) {
            *told = (Instant::now(), HashMap::new());
        }
        let count = told.1.entry(sandbox).or_default();
        if *count >= DENIALS_PER_SECOND {
            return;
        }
        *count += 1;
        drop(told);
        self.call(&Call::Denied { sandbox, denied });
    }

    /// Ends the process when the warden does not answer: another starts with a fresh connection.
    fn call(&self, call: &Call) -> Reply {
        let stream = lock(&self.stream);
        wire::send(&stream, call)
            .and_then(|()| wire::receive(&stream))
            .unwrap_or_else(|error| {
                eprintln!("the warden does not answer: {error}");
                std::process::exit(1)
            })
    }
}
