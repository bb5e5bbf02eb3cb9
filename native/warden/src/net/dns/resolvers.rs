//! Whom the forwarder asks.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const RESOLV_CONF: &str = "/etc/resolv.conf";
/// glibc reads no more either (MAXNS).
const MAX: usize = 3;
/// How long a change of the file may go unnoticed.
const RECHECK: Duration = Duration::from_secs(1);
const PORT: u16 = 53;

/// The resolvers of the configuration, or those of the host, read again when the file changes.
pub struct Resolvers {
    fixed: Option<Vec<SocketAddr>>,
    host: Mutex<Host>,
}

#[derive(Default)]
struct Host {
    checked: Option<Instant>,
    version: Option<(u64, u64, i64, i64)>,
    resolvers: Vec<SocketAddr>,
}

impl Resolvers {
    /// `configured` may be empty: then the host's.
    pub fn new(configured: &[IpAddr]) -> Resolvers {
        let fixed: Vec<_> = configured
            .iter()
            .map(|ip| SocketAddr::new(*ip, PORT))
            .collect();
        Resolvers {
            fixed: (!fixed.is_empty()).then_some(fixed),
            host: Mutex::default(),
        }
    }

    /// Never empty, in order of preference.
    pub fn current(&self) -> Vec<SocketAddr> {
        match &self.fixed {
            Some(fixed) => fixed.clone(),
            None => {
                let mut host = self.host.lock().unwrap_or_else(PoisonError::into_inner);
                host.refresh(Instant::now());
                host.resolvers.clone()
            }
        }
    }
}

impl Host {
    fn refresh(&mut self, now: Instant) {
        if self
            .checked
            .is_some_and(|at| now.duration_since(at) < RECHECK)
        {
            return;
        }
        self.checked = Some(now);
        let version = fs::metadata(RESOLV_CONF)
            .ok()
            .map(|file| (file.ino(), file.size(), file.mtime(), file.mtime_nsec()));
        if self.resolvers.is_empty() || version != self.version {
            let text = fs::read(RESOLV_CONF).unwrap_or_default();
            self.resolvers = parse(&String::from_utf8_lossy(&text));
            self.version = version;
        }
    }
}

/// The nameserver lines of resolv.conf(5); the local host when there is none.
fn parse(text: &str) -> Vec<SocketAddr> {
    let mut found: Vec<SocketAddr> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let address = words
                .next()
                .filter(|word| *word == "nameserver")
                .and(words.next())?;
            match address.parse::<IpAddr>() {
                Ok(ip) => Some(SocketAddr::new(ip, PORT)),
                // A link-local address with its interface number.
                Err(_) => format!("[{address}]:{PORT}").parse().ok(),
            }
        })
        .take(MAX)
        .collect();
    if found.is_empty() {
        found.push(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nameserver_lines_are_read_and_nothing_else() {
        let text = "# nameserver 9.9.9.9\nsearch a.b\nnameserver 127.0.0.53 # x\n nameserver\t::1\n\
                    nameserver fe80::1%2\nnameserver nonsense\nnameserver 1.2.3.4\noptions edns0";
        let found: Vec<String> = parse(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["127.0.0.53:53", "[::1]:53", "[fe80::1%2]:53"]);
        assert_eq!(parse("").len(), 1);
    }
}
