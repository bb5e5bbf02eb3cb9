//! Reading the addresses of an answer and writing one that has only those that pass (RFC 1035 §4.1).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::message::{HEADER, Query, Rcode};

pub const A: u16 = 1;
pub const CNAME: u16 = 5;
pub const AAAA: u16 = 28;
const OPT: u16 = 41;
pub const INTERNET: u16 = 1;

/// Records of an answer that are read. More would not fit what clients expect of one.
const MAX_RECORDS: usize = 256;
const MAX_NAME: usize = 255;
/// Names that follow each other; resolvers give up after fewer.
const MAX_CHAIN: usize = 16;
/// Pointers in one name: each must lead further back.
const MAX_POINTERS: usize = 64;
/// Without the extension that says more (RFC 6891).
const DATAGRAM: usize = 512;
const MOST: usize = 4096;
const TRUNCATED: u8 = 0x02;
const TO_QUESTION: [u8; 2] = [0xc0, HEADER as u8];

/// What an answer says about the name that was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub rcode: u8,
    pub truncated: bool,
    /// Aliases in the order in which they lead on: whose, for how many seconds, what.
    aliases: Vec<(Vec<u8>, u32, Vec<u8>)>,
    /// Addresses at the end of the aliases, each for some seconds.
    pub addresses: Vec<(IpAddr, u32)>,
}

struct Record {
    owner: Vec<u8>,
    kind: u16,
    seconds: u32,
    data: Data,
}

enum Data {
    Address(IpAddr),
    Alias(Vec<u8>),
    Other,
}

impl Answer {
    /// Of a reply that answers the query. None when it cannot be read to its end.
    pub fn read(query: &Query, reply: &[u8]) -> Option<Answer> {
        let count = usize::from(number(reply, 6)?);
        let mut answer = Answer {
            rcode: *reply.get(3)? & 15,
            truncated: *reply.get(2)? & TRUNCATED != 0,
            ..Answer::default()
        };
        if answer.truncated || number(reply, 4)? == 0 {
            return Some(answer);
        }
        if count > MAX_RECORDS {
            return None;
        }
        let mut at = HEADER;
        let asked = name(reply, &mut at)?;
        at += 4;
        let records: Vec<Record> = (0..count)
            .map(|_| record(reply, &mut at))
            .collect::<Option<_>>()?;
        let (kind, _) = query.kind();
        let mut owner = asked;
        for _ in 0..MAX_CHAIN {
            let of_owner = |record: &&Record| record.owner.eq_ignore_ascii_case(&owner);
            answer.addresses = records
                .iter()
                .filter(of_owner)
                .filter(|record| record.kind == kind)
                .filter_map(|record| match record.data {
                    Data::Address(address) => Some((address, record.seconds)),
                    _ => None,
                })
                .collect();
            let alias = records
                .iter()
                .filter(of_owner)
                .find_map(|record| match &record.data {
                    Data::Alias(to) => Some((record.owner.clone(), record.seconds, to.clone())),
                    _ => None,
                });
            match alias {
                Some(alias) if answer.addresses.is_empty() => {
                    owner = alias.2.clone();
                    answer.aliases.push(alias);
                }
                _ => return Some(answer),
            }
        }
        None
    }

    /// The answer to the query, at most `limit` bytes, with `addresses` in place of those that it had.
    pub fn write(&self, query: &Query, addresses: &[(IpAddr, u32)], limit: usize) -> Vec<u8> {
        let mut bytes = self.start(query);
        let last = self.aliases.last().map(|(_, _, to)| to.clone());
        let mut count = 0u16;
        for (number, (owner, seconds, to)) in self.aliases.iter().enumerate() {
            let owner = if number == 0 { &TO_QUESTION[..] } else { owner };
            write_record(&mut bytes, owner, CNAME, *seconds, to);
            count += 1;
        }
        let owner = last.as_deref().unwrap_or(&TO_QUESTION);
        for (address, seconds) in addresses {
            match address {
                IpAddr::V4(v4) => write_record(&mut bytes, owner, A, *seconds, &v4.octets()),
                IpAddr::V6(v6) => write_record(&mut bytes, owner, AAAA, *seconds, &v6.octets()),
            }
            count += 1;
        }
        let options = options(query);
        if self.truncated || bytes.len() + options.len() > limit {
            bytes = self.start(query);
            bytes[2] |= TRUNCATED;
            count = 0;
        }
        bytes[6..8].copy_from_slice(&count.to_be_bytes());
        bytes[11] = u8::from(!options.is_empty());
        bytes.extend_from_slice(&options);
        bytes
    }

    fn start(&self, query: &Query) -> Vec<u8> {
        let mut bytes = query.failure(Rcode::NoError);
        bytes[3] |= self.rcode;
        bytes
    }
}

/// What the client takes in one datagram.
pub fn datagram_limit(query: &Query) -> usize {
    options_of(query).map_or(DATAGRAM, |size| usize::from(size).clamp(DATAGRAM, MOST))
}

/// The answer's own, when the query has some.
fn options(query: &Query) -> Vec<u8> {
    match options_of(query) {
        Some(_) => {
            let mut bytes = vec![0];
            bytes.extend_from_slice(&OPT.to_be_bytes());
            bytes.extend_from_slice(&(MOST as u16).to_be_bytes());
            bytes.extend_from_slice(&[0; 6]);
            bytes
        }
        None => Vec::new(),
    }
}

/// The size in the query's options, which are the first record after the question as clients send it.
fn options_of(query: &Query) -> Option<u16> {
    let rest = query.rest();
    let is_first = rest.first() == Some(&0) && number(rest, 1) == Some(OPT);
    if is_first { number(rest, 3) } else { None }
}

fn write_record(bytes: &mut Vec<u8>, owner: &[u8], kind: u16, seconds: u32, data: &[u8]) {
    bytes.extend_from_slice(owner);
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&INTERNET.to_be_bytes());
    bytes.extend_from_slice(&seconds.to_be_bytes());
    bytes.extend_from_slice(&(data.len() as u16).to_be_bytes());
    bytes.extend_from_slice(data);
}

fn record(message: &[u8], at: &mut usize) -> Option<Record> {
    let owner = name(message, at)?;
    let (kind, class) = (number(message, *at)?, number(message, *at + 2)?);
    let seconds = u32::from_be_bytes(message.get(*at + 4..*at + 8)?.try_into().ok()?);
    let length = usize::from(number(message, *at + 8)?);
    let start = *at + 10;
    let bytes = message.get(start..start + length)?;
    *at = start + length;
    let data = match (kind, class) {
        (A, INTERNET) => {
            let octets: [u8; 4] = bytes.try_into().ok()?;
            Data::Address(Ipv4Addr::from(octets).into())
        }
        (AAAA, INTERNET) => {
            let octets: [u8; 16] = bytes.try_into().ok()?;
            Data::Address(Ipv6Addr::from(octets).into())
        }
        (CNAME, INTERNET) => {
            let mut end = start;
            let to = name(message, &mut end)?;
            (end == start + length).then_some(Data::Alias(to))?
        }
        _ => Data::Other,
    };
    Some(Record {
        owner,
        kind,
        seconds,
        data,
    })
}

/// A name without pointers, as it would be written; `at` moves behind it.
fn name(message: &[u8], at: &mut usize) -> Option<Vec<u8>> {
    let mut name = Vec::new();
    let mut here = *at;
    let mut end = None;
    let mut pointers = 0;
    loop {
        let length = usize::from(*message.get(here)?);
        match length {
            0 => break,
            1..=63 => {
                name.extend_from_slice(message.get(here..here + 1 + length)?);
                here += 1 + length;
            }
            0xc0..=0xff => {
                let to = usize::from(number(message, here)? & 0x3fff);
                end.get_or_insert(here + 2);
                pointers += 1;
                if to >= here || pointers > MAX_POINTERS {
                    return None;
                }
                here = to;
            }
            _ => return None,
        }
        if name.len() >= MAX_NAME {
            return None;
        }
    }
    name.push(0);
    *at = end.unwrap_or(here + 1);
    Some(name)
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(name: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        for label in name.split('.') {
            bytes.push(label.len() as u8);
            bytes.extend_from_slice(label.as_bytes());
        }
        bytes.push(0);
        bytes
    }

    fn query(name: &str, kind: u16, options: bool) -> Query {
        let mut bytes = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(options)];
        bytes.extend_from_slice(&labels(name));
        bytes.extend_from_slice(&kind.to_be_bytes());
        bytes.extend_from_slice(&[0, 1]);
        if options {
            bytes.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        }
        Query::parse(&bytes).unwrap()
    }

    fn reply(query: &Query, records: &[(&[u8], u16, &[u8])]) -> Vec<u8> {
        let mut bytes = query.failure(Rcode::NoError);
        bytes[7] = records.len() as u8;
        bytes[11] = 0;
        for (owner, kind, data) in records {
            write_record(&mut bytes, owner, *kind, 300, data);
        }
        bytes
    }

    #[test]
    fn addresses_are_those_at_the_end_of_the_aliases() {
        let query = query("a.test", A, true);
        let (b, c) = (labels("B.test"), labels("c.test"));
        // Out of order, with other cases, and with one that nobody asked for.
        let reply = reply(
            &query,
            &[
                (&labels("C.test"), A, &[192, 0, 2, 1]),
                (&labels("evil.test"), A, &[192, 0, 2, 66]),
                (&labels("b.test"), CNAME, &c),
                (&TO_QUESTION, CNAME, &b),
                (&labels("c.test"), AAAA, &[1; 16]),
            ],
        );
        let answer = Answer::read(&query, &reply).unwrap();
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        assert_eq!(answer.addresses, [(address, 300)]);
        let written = answer.write(&query, &[(address, 60)], datagram_limit(&query));
        assert_eq!((written[2] & TRUNCATED, written[7], written[11]), (0, 3, 1));
        let again = Answer::read(&query, &written).unwrap();
        assert_eq!(again.addresses, [(address, 60)]);
        assert_eq!(again.aliases.len(), 2);
        let none = Answer::read(&query, &answer.write(&query, &[], 4096)).unwrap();
        assert!(none.addresses.is_empty());
    }

    #[test]
    fn what_does_not_fit_is_truncated_and_says_so() {
        let query = query("a.test", AAAA, false);
        let addresses: Vec<(IpAddr, u32)> =
            (0..20).map(|n| (Ipv6Addr::from(n).into(), 1)).collect();
        let written = Answer::default().write(&query, &addresses, datagram_limit(&query));
        assert_eq!((written[2] & TRUNCATED, written[7]), (TRUNCATED, 0));
        let whole = Answer::default().write(&query, &addresses, 65_535);
        assert_eq!(Answer::read(&query, &whole).unwrap().addresses, addresses);
    }

    #[test]
    fn hostile_answers_are_not_read() {
        let query = query("a.test", A, false);
        let loops = reply(&query, &[(&TO_QUESTION, CNAME, &TO_QUESTION)]);
        assert_eq!(Answer::read(&query, &loops), None);
        let forward = reply(&query, &[(&[0xc0, 0xff], A, &[1, 2, 3, 4])]);
        assert_eq!(Answer::read(&query, &forward), None);
        let short = reply(&query, &[(&TO_QUESTION, A, &[1, 2, 3])]);
        assert_eq!(Answer::read(&query, &short), None);
        let whole = reply(&query, &[(&TO_QUESTION, A, &[1, 2, 3, 4])]);
        for length in HEADER..whole.len() {
            assert_eq!(Answer::read(&query, &whole[..length]), None, "{length}");
        }
        let mut many = whole.clone();
        many[6] = 0xff;
        assert_eq!(Answer::read(&query, &many), None);
    }
}
