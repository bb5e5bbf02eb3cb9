//! What a sandbox says on a connection, between being read and being sent on.

use super::{http, tls};
use crate::net::egress::Reason;
use crate::net::policy::{HTTP, HTTPS};

/// Why a connection does not go on.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reason: Reason,
    /// The name that it asked for, if it is one.
    pub name: String,
}

impl Refusal {
    pub fn new(reason: Reason) -> Refusal {
        Refusal {
            reason,
            name: String::new(),
        }
    }
}

/// Decides on a name, which it may remember.
pub type Names<'a> = dyn FnMut(&str) -> Result<(), Refusal> + 'a;

/// Bytes of a client wait in `input`. What may be sent on moves to `output`; what stays needs more of
/// it, or of what the server says.
pub trait Talk {
    fn forward(
        &mut self,
        input: &mut Vec<u8>,
        output: &mut Vec<u8>,
        names: &mut Names,
    ) -> Result<(), Refusal>;

    /// The server has said this.
    fn heard(&mut self, bytes: &[u8]);

    /// For a client that is refused.
    fn refusal(&self, refusal: &Refusal) -> Vec<u8>;

    /// As denials call it.
    fn protocol(&self) -> &'static str;
}

/// By the port that the sandbox connected to.
pub fn of_port(port: u16) -> Option<Box<dyn Talk>> {
    match port {
        HTTP => Some(Box::new(http::Requests::default())),
        HTTPS => Some(Box::new(tls::Handshake::default())),
        _ => None,
    }
}
