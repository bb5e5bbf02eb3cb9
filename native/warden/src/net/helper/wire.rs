//! What warden and helpers say to each other: JSON behind a length of four bytes, each message answered
//! before the next.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::net::UnixStream;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::net::egress::Denied;
use crate::net::policy::Policy;

/// A policy has at most three lists of 512 entries of 255 bytes.
const MAX_BYTES: usize = 1 << 20;

/// Warden to helper, on its own connection. Answered by [`Reply::Done`].
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// None: what the instance allows to all.
    Policy {
        sandbox: Ipv4Addr,
        policy: Option<Policy>,
    },
    /// All policies have been told.
    Serve,
}

/// Helper to warden, on another connection.
#[derive(Debug, Serialize, Deserialize)]
pub enum Call {
    /// The name has these addresses, each for some seconds. Answered by [`Reply::Opened`] when the
    /// sandbox reaches them, or by [`Reply::Refused`].
    Open {
        sandbox: Ipv4Addr,
        name: String,
        addresses: Vec<(IpAddr, u32)>,
    },
    /// Answered by [`Reply::Done`].
    Denied { sandbox: Ipv4Addr, denied: Denied },
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    Done,
    /// Those of the addresses that may be told.
    Opened(Vec<IpAddr>),
    Refused,
}

pub fn send(mut to: &UnixStream, message: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_vec(message)?;
    let length = u32::try_from(json.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    to.write_all(&[&length.to_le_bytes()[..], &json].concat())
}

pub fn receive<T: DeserializeOwned>(mut from: &UnixStream) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut json = vec![0; length];
    from.read_exact(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}
