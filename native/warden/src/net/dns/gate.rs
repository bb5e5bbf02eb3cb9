//! Which questions of sandboxes with a list of names are asked, and what of the answers passes.

use std::net::IpAddr;
use std::sync::Arc;

use super::answer::{A, AAAA, Answer, INTERNET};
use super::message::{Query, Rcode};
use crate::net::egress::{Denied, OPEN_AT_MOST, Reason};
use crate::net::helper::{Calls, Policies, Reply};
use crate::net::policy::is_name;

/// Records that lead to addresses beside those of the answer (RFC 9460), and that bring keys to hide the
/// name in a handshake: there are none.
const SERVICE: [u16; 2] = [64, 65];
/// Everything of a name, or of a zone.
const WHOLESALE: std::ops::RangeInclusive<u16> = 251..=255;

pub struct Gate {
    policies: Arc<Policies>,
    calls: Calls,
}

pub enum Admission {
    /// The answer passes as it is.
    Relay,
    /// The answer about this name passes through [`Gate::filter`].
    Filter(String),
    /// It is not asked.
    Answer(Vec<u8>),
}

impl Gate {
    pub fn new(policies: Arc<Policies>, calls: Calls) -> Gate {
        Gate { policies, calls }
    }

    pub fn admit(&self, client: IpAddr, query: &Query) -> Admission {
        let Some(policy) = self
            .policies
            .of(client)
            .filter(|policy| policy.names.is_some())
        else {
            return Admission::Relay;
        };
        let name = query.name().to_ascii_lowercase();
        let refused = |reason| Admission::Answer(self.refuse(client, query, &name, reason));
        if !is_name(&name) {
            return refused(Reason::Malformed);
        }
        if !policy.allows_name(&name) {
            return refused(Reason::Name);
        }
        match query.kind() {
            (A | AAAA, INTERNET) => Admission::Filter(name),
            (kind, INTERNET) if SERVICE.contains(&kind) => {
                Admission::Answer(Answer::default().write(query, &[], usize::from(u16::MAX)))
            }
            (kind, INTERNET) if !WHOLESALE.contains(&kind) => Admission::Relay,
            _ => refused(Reason::Kind),
        }
    }

    /// The answer for the client, at most `limit` bytes, after its addresses were opened.
    pub fn filter(
        &self,
        client: IpAddr,
        query: &Query,
        name: &str,
        reply: &[u8],
        limit: usize,
    ) -> Vec<u8> {
        let Some(answer) = Answer::read(query, reply) else {
            return query.failure(Rcode::ServFail);
        };
        let mut addresses = answer.addresses.clone();
        for (_, seconds) in &mut addresses {
            *seconds = (*seconds).min(OPEN_AT_MOST);
        }
        if !addresses.is_empty() {
            let IpAddr::V4(sandbox) = client else {
                return query.failure(Rcode::Refused);
            };
            match self.calls.open(sandbox, name, addresses.clone()) {
                Reply::Opened(open) if !open.is_empty() => {
                    addresses.retain(|(address, _)| open.contains(address));
                }
                _ => return query.failure(Rcode::Refused),
            }
        }
        answer.write(query, &addresses, limit)
    }

    fn refuse(&self, client: IpAddr, query: &Query, name: &str, reason: Reason) -> Vec<u8> {
        if let IpAddr::V4(sandbox) = client {
            self.calls.denied(
                sandbox,
                Denied {
                    protocol: "dns".to_owned(),
                    address: None,
                    port: 0,
                    name: if is_name(name) {
                        name.to_owned()
                    } else {
                        String::new()
                    },
                    reason,
                },
            );
        }
        query.failure(Rcode::Refused)
    }
}
