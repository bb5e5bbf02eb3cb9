//! The name in a TLS handshake (RFC 8446 §4.1, RFC 6066 §3).

use super::talk::{Names, Refusal, Talk};
use crate::net::egress::Reason;
use crate::net::policy::is_name;

const RECORD_HEADER: usize = 5;
const MAX_RECORD: usize = 1 << 14;
const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
/// Those of browsers have some 2 KiB. With the headers of the records that it is cut into: each read of
/// it begins anew.
const MAX_HELLO: usize = 24 << 10;
const RANDOM: usize = 32;
const SERVER_NAME: u16 = 0;
const HOST_NAME: u8 = 0;
/// The name that counts would be the encrypted one (RFC 9849).
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
/// The random bytes that make a ServerHello a HelloRetryRequest (RFC 8446 §4.1.3).
const RETRY: [u8; RANDOM] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];
/// Record header, type, length, version.
const BEFORE_RANDOM: usize = RECORD_HEADER + 1 + 3 + 2;
/// fatal, unrecognized_name: a record of version 1.2.
const ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

#[derive(Default)]
enum State {
    #[default]
    Hello,
    /// What the server says first, which may ask for a second hello.
    Server(Vec<u8>),
    SecondHello,
    Through,
}

/// One connection.
#[derive(Default)]
pub struct Handshake {
    state: State,
}

impl Talk for Handshake {
    fn forward(
        &mut self,
        input: &mut Vec<u8>,
        output: &mut Vec<u8>,
        names: &mut Names,
    ) -> Result<(), Refusal> {
        let second = matches!(self.state, State::SecondHello);
        match self.state {
            State::Server(_) => return Ok(()),
            State::Through => output.append(input),
            State::Hello | State::SecondHello => {
                let Some((name, length)) = hello(input, second)? else {
                    return Ok(());
                };
                names(&name)?;
                output.extend(input.drain(..length));
                if second {
                    self.state = State::Through;
                    output.append(input);
                } else {
                    self.state = State::Server(Vec::new());
                }
            }
        }
        Ok(())
    }

    fn heard(&mut self, bytes: &[u8]) {
        let State::Server(heard) = &mut self.state else {
            return;
        };
        heard.extend_from_slice(&bytes[..bytes.len().min(BEFORE_RANDOM + RANDOM)]);
        let is_hello = |at: usize, value| heard.get(at).is_none_or(|byte| *byte == value);
        if !is_hello(0, HANDSHAKE) || !is_hello(RECORD_HEADER, SERVER_HELLO) {
            self.state = State::Through;
        } else if let Some(random) = heard.get(BEFORE_RANDOM..BEFORE_RANDOM + RANDOM) {
            self.state = if random == RETRY {
                State::SecondHello
            } else {
                State::Through
            };
        }
    }

    fn refusal(&self, _: &Refusal) -> Vec<u8> {
        match self.state {
            State::Hello => ALERT.to_vec(),
            _ => Vec::new(),
        }
    }

    fn protocol(&self) -> &'static str {
        "tls"
    }
}

/// The name in a ClientHello at the beginning of `input`, and how many bytes of it carry the hello. None
/// when there is more to come. `second`: one of a change of ciphers may stand before it.
fn hello(input: &[u8], second: bool) -> Result<Option<(String, usize)>, Refusal> {
    let malformed = || Refusal::new(Reason::Malformed);
    let incomplete = if input.len() > MAX_HELLO {
        Err(malformed())
    } else {
        Ok(None)
    };
    let mut message = Vec::new();
    let mut at = 0;
    loop {
        let Some(header) = input.get(at..at + RECORD_HEADER) else {
            // What cannot become a record is refused at its first bytes.
            let rest = &input[at.min(input.len())..];
            let begins = rest
                .first()
                .is_none_or(|kind| *kind == HANDSHAKE || second && *kind == CHANGE_CIPHER_SPEC);
            return if begins && rest.get(1).is_none_or(|major| *major == 3) {
                incomplete
            } else {
                Err(malformed())
            };
        };
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        if header[1] != 3 || length == 0 || length > MAX_RECORD {
            return Err(malformed());
        }
        let skipped =
            second && header[0] == CHANGE_CIPHER_SPEC && length == 1 && message.is_empty();
        if !skipped && header[0] != HANDSHAKE {
            return Err(malformed());
        }
        let Some(record) = input.get(at + RECORD_HEADER..at + RECORD_HEADER + length) else {
            return incomplete;
        };
        at += RECORD_HEADER + length;
        if skipped {
            if at > RECORD_HEADER + 1 {
                return Err(malformed());
            }
            continue;
        }
        message.extend_from_slice(record);
        if message[0] != CLIENT_HELLO {
            return Err(malformed());
        }
        let Some(size) = message.get(1..4) else {
            continue;
        };
        let size = usize::from(size[0]) << 16 | usize::from(size[1]) << 8 | usize::from(size[2]);
        if size > MAX_HELLO || message.len() > 4 + size {
            return Err(malformed());
        }
        if message.len() == 4 + size {
            let name = server_name(&message[4..])?;
            return Ok(Some((name, at)));
        }
    }
}

fn server_name(hello: &[u8]) -> Result<String, Refusal> {
    let mut reader = Reader(hello);
    let extensions = reader
        .take(2 + RANDOM)
        .and_then(|_| reader.vector(1))
        .and_then(|_| reader.vector(2))
        .and_then(|_| reader.vector(1))
        .ok_or(Refusal::new(Reason::Malformed))
        .and_then(|_| {
            // Before TLS 1.2 a hello could end here.
            if reader.0.is_empty() {
                return Err(Refusal::new(Reason::NoName));
            }
            reader
                .vector(2)
                .filter(|_| reader.0.is_empty())
                .ok_or(Refusal::new(Reason::Malformed))
        })?;
    let mut reader = Reader(extensions);
    let (mut name, mut encrypted) = (None, false);
    while !reader.0.is_empty() {
        let (kind, value) = reader
            .number()
            .zip(reader.vector(2))
            .ok_or(Refusal::new(Reason::Malformed))?;
        match kind {
            SERVER_NAME if name.is_none() => {
                name = Some(host_name(value).ok_or(Refusal::new(Reason::Malformed))?);
            }
            SERVER_NAME => return Err(Refusal::new(Reason::Malformed)),
            ENCRYPTED_CLIENT_HELLO => encrypted = true,
            _ => {}
        }
    }
    let name = name.ok_or(Refusal::new(Reason::NoName))?;
    if encrypted {
        return Err(Refusal {
            reason: Reason::Kind,
            name,
        });
    }
    Ok(name)
}

/// The only entry of a server_name extension.
fn host_name(extension: &[u8]) -> Option<String> {
    let mut list = Reader(extension);
    let entries = list.vector(2).filter(|_| list.0.is_empty())?;
    let mut entries = Reader(entries);
    let kind = entries.take(1)?[0];
    let name = entries.vector(2).filter(|_| entries.0.is_empty())?;
    let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
    (kind == HOST_NAME && is_name(&name)).then_some(name)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        let bytes = self.take(2)?;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// Bytes behind a length of one or two bytes.
    fn vector(&mut self, length_bytes: usize) -> Option<&'a [u8]> {
        let length = self
            .take(length_bytes)?
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(length_bytes: usize, content: &[u8]) -> Vec<u8> {
        let length = (content.len() as u32).to_be_bytes();
        [&length[4 - length_bytes..], content].concat()
    }

    fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
        [&kind.to_be_bytes()[..], &vector(2, content)].concat()
    }

    fn sni(name: &str) -> Vec<u8> {
        let entry = [&[HOST_NAME][..], &vector(2, name.as_bytes())].concat();
        extension(SERVER_NAME, &vector(2, &entry))
    }

    fn message(extensions: &[u8]) -> Vec<u8> {
        let body = [
            &[3, 3][..],
            &[7; RANDOM],
            &vector(1, &[1; 32]),
            &vector(2, &[0x13, 0x01]),
            &vector(1, &[0]),
            &vector(2, extensions),
        ]
        .concat();
        [&[CLIENT_HELLO][..], &vector(3, &body)].concat()
    }

    fn records(message: &[u8], size: usize) -> Vec<u8> {
        message
            .chunks(size)
            .flat_map(|chunk| [&[HANDSHAKE, 3, 1][..], &vector(2, chunk)].concat())
            .collect()
    }

    fn name_of(bytes: &[u8]) -> Result<Option<String>, Reason> {
        hello(bytes, false)
            .map(|found| found.map(|(name, _)| name))
            .map_err(|refusal| refusal.reason)
    }

    #[test]
    fn the_name_is_found_however_it_is_cut() {
        let message = message(
            &[
                extension(10, &[1; 40]),
                sni("A.Example.org"),
                extension(0xfafa, &[]),
            ]
            .concat(),
        );
        for size in [1, 2, 7, 4096] {
            let bytes = records(&message, size);
            assert_eq!(name_of(&bytes), Ok(Some("a.example.org".to_owned())));
            for length in 0..bytes.len() {
                assert_eq!(name_of(&bytes[..length]), Ok(None), "{length} of {size}");
            }
            let (_, length) = hello(&[&bytes[..], &[20, 3, 3]].concat(), false)
                .unwrap()
                .unwrap();
            assert_eq!(length, bytes.len());
        }
    }

    #[test]
    fn hellos_that_name_nothing_or_hide_it_are_refused() {
        let of = |extensions: &[u8]| name_of(&records(&message(extensions), 4096));
        assert_eq!(of(&extension(10, &[1; 4])), Err(Reason::NoName));
        assert_eq!(
            of(&[sni("a.test"), extension(ENCRYPTED_CLIENT_HELLO, &[0; 8])].concat()),
            Err(Reason::Kind)
        );
        assert_eq!(
            of(&[sni("a.test"), sni("b.test")].concat()),
            Err(Reason::Malformed)
        );
        for name in ["", "a..b", "a b", "a.test.", "a\0b"] {
            assert_eq!(of(&sni(name)), Err(Reason::Malformed), "{name:?}");
        }
        assert_eq!(of(&extension(SERVER_NAME, &[0])), Err(Reason::Malformed));
        let old = [
            &[3, 1][..],
            &[7; RANDOM],
            &[0],
            &vector(2, &[0, 1]),
            &vector(1, &[0]),
        ]
        .concat();
        let old = [&[CLIENT_HELLO][..], &vector(3, &old)].concat();
        assert_eq!(name_of(&records(&old, 4096)), Err(Reason::NoName));
    }

    #[test]
    fn what_is_no_hello_is_refused_at_once() {
        for bytes in [
            &b"GET / HTTP/1.1"[..],
            b"S",
            &[HANDSHAKE, 2],
            &[HANDSHAKE, 3, 1, 0, 0],
            &[HANDSHAKE, 3, 1, 0x7f, 0xff],
            &[HANDSHAKE, 3, 1, 0, 1, 2],
            &[HANDSHAKE, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff],
            &[CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1],
        ] {
            assert_eq!(name_of(bytes), Err(Reason::Malformed), "{bytes:?}");
        }
        let mut inner = message(&sni("a.test"));
        let last = inner.len() - 1;
        for at in 4..last {
            let was = inner[at];
            inner[at] = 0xff;
            // Whatever comes out, it ends.
            let _ = name_of(&records(&inner, 4096));
            inner[at] = was;
        }
        let trailing = [&inner[..], &[0]].concat();
        assert_eq!(name_of(&records(&trailing, 4096)), Err(Reason::Malformed));
    }

    #[test]
    fn a_second_hello_is_checked_as_the_first() {
        let mut talk = Handshake::default();
        let mut seen = Vec::new();
        let mut output = Vec::new();
        let first = records(&message(&sni("a.test")), 4096);
        let mut input = first.clone();
        let mut names = |name: &str| {
            seen.push(name.to_owned());
            Ok(())
        };
        talk.forward(&mut input, &mut output, &mut names).unwrap();
        assert_eq!(output, first);
        let retry = [
            &[HANDSHAKE, 3, 3, 0, 80, SERVER_HELLO, 0, 0, 76, 3, 3][..],
            &RETRY,
            &[0; 20],
        ]
        .concat();
        let mut more = [
            &[CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1][..],
            &records(&message(&sni("b.test")), 4096),
            b"rest",
        ]
        .concat();
        talk.forward(&mut more, &mut output, &mut names).unwrap();
        assert_eq!(
            output.len(),
            first.len(),
            "nothing passes before the server has answered"
        );
        for byte in &retry {
            talk.heard(&[*byte]);
        }
        talk.forward(&mut more, &mut output, &mut names).unwrap();
        assert!(more.is_empty() && output.ends_with(b"rest"));
        assert_eq!(seen, ["a.test", "b.test"]);
        let mut talk = Handshake {
            state: State::Server(Vec::new()),
        };
        talk.heard(&[HANDSHAKE, 3, 3, 0, 80, SERVER_HELLO, 0, 0, 76, 3, 3]);
        talk.heard(&[1; 60]);
        let mut data = vec![23, 3, 3, 0, 1, 0];
        talk.forward(&mut data, &mut output, &mut |_| panic!("no name"))
            .unwrap();
        assert!(data.is_empty());
    }
}
