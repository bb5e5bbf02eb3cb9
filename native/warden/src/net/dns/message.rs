//! As much of the DNS message format (RFC 1035 §4.1) as a forwarder must read: the header and the
//! one question. Everything else is passed on unread, but for the addresses of sandboxes whose names are
//! listed (`answer`).

pub const HEADER: usize = 12;
const MAX_NAME: usize = 255;
const MAX_LABEL: u8 = 63;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rcode {
    NoError = 0,
    FormErr = 1,
    ServFail = 2,
    NotImp = 4,
    Refused = 5,
}

/// A query of a client, as it came.
#[derive(Debug)]
pub struct Query {
    bytes: Vec<u8>,
    question_end: usize,
}

/// What is wrong with bytes that are no query to relay.
#[derive(Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Not to be answered: too short, or itself a response (answering could go on for ever).
    Silent,
    /// To be answered with these bytes.
    Answer(Vec<u8>),
}

impl Query {
    pub fn parse(bytes: &[u8]) -> Result<Query, Unfit> {
        if bytes.len() < HEADER || is_response(bytes) {
            return Err(Unfit::Silent);
        }
        if bytes[2] & 0x78 != 0 {
            return Err(Unfit::Answer(failure(&bytes[..HEADER], Rcode::NotImp)));
        }
        match question_end(bytes) {
            Some(question_end) => Ok(Query {
                bytes: bytes.to_vec(),
                question_end,
            }),
            None => Err(Unfit::Answer(failure(&bytes[..HEADER], Rcode::FormErr))),
        }
    }

    /// The name asked for, with dots between its labels and none at the end; whatever bytes they have.
    pub fn name(&self) -> String {
        let mut labels = Vec::new();
        let mut at = HEADER;
        while let Some(length) = self.bytes.get(at).map(|length| usize::from(*length)) {
            let label = self.bytes.get(at + 1..at + 1 + length).unwrap_or(&[]);
            if label.is_empty() {
                break;
            }
            // A dot within a label is not one between two: no host name has it.
            labels.push(String::from_utf8_lossy(label).replace('.', "\\."));
            at += 1 + length;
        }
        labels.join(".")
    }

    /// Type and class of the question.
    pub fn kind(&self) -> (u16, u16) {
        let at = self.question_end - 4;
        let number = |at: usize| u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]]);
        (number(at), number(at + 2))
    }

    /// What follows the question.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.question_end..]
    }

    /// The query under another id, for a resolver.
    pub fn with_id(&self, id: u16) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes[..2].copy_from_slice(&id.to_be_bytes());
        bytes
    }

    /// The answer for the client, if `reply` answers this query as sent under `id`.
    pub fn accept(&self, id: u16, reply: &[u8]) -> Option<Vec<u8>> {
        let fits = reply.len() >= HEADER
            && is_response(reply)
            && reply[..2] == id.to_be_bytes()
            && self.same_question(reply);
        fits.then(|| {
            let mut bytes = reply.to_vec();
            bytes[..2].copy_from_slice(&self.bytes[..2]);
            bytes
        })
    }

    pub fn failure(&self, rcode: Rcode) -> Vec<u8> {
        failure(&self.bytes[..self.question_end], rcode)
    }

    /// Names compare without case, type and class exactly. A server that could not read the query
    /// may answer without a question.
    fn same_question(&self, reply: &[u8]) -> bool {
        if reply[4..6] == [0, 0] {
            return reply.len() == HEADER && reply[3] & 0x0f != 0;
        }
        let Some(end) = question_end(reply) else {
            return false;
        };
        let (ours, theirs) = (&self.bytes[HEADER..self.question_end], &reply[HEADER..end]);
        ours.len() == theirs.len() && {
            let (our_name, our_type) = ours.split_at(ours.len() - 4);
            let (their_name, their_type) = theirs.split_at(theirs.len() - 4);
            our_name.eq_ignore_ascii_case(their_name) && our_type == their_type
        }
    }
}

fn is_response(bytes: &[u8]) -> bool {
    bytes[2] & 0x80 != 0
}

/// Where the only question ends. None unless there is exactly one, well formed and uncompressed.
fn question_end(bytes: &[u8]) -> Option<usize> {
    if bytes.get(4..6)? != [0, 1] {
        return None;
    }
    let mut at = HEADER;
    loop {
        let length = *bytes.get(at)?;
        if length > MAX_LABEL {
            return None;
        }
        at += 1 + usize::from(length);
        if at - HEADER > MAX_NAME {
            return None;
        }
        if length == 0 {
            break;
        }
    }
    let end = at + 4;
    (bytes.len() >= end).then_some(end)
}

/// `start` is the header of a query, or header and question. The answer has the same id, opcode and
/// RD bit, and RA as a forwarder gives it.
fn failure(start: &[u8], rcode: Rcode) -> Vec<u8> {
    let mut bytes = start.to_vec();
    bytes[2] = 0x80 | (bytes[2] & 0x79);
    bytes[3] = 0x80 | rcode as u8;
    let questions = u8::from(bytes.len() > HEADER);
    bytes[4..HEADER].copy_from_slice(&[0, questions, 0, 0, 0, 0, 0, 0]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query() -> Vec<u8> {
        let mut bytes = vec![0x12, 0x34, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 1];
        bytes.extend_from_slice(b"\x07example\x03org\x00\x00\x01\x00\x01");
        bytes.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        bytes
    }

    fn reply(id: u16) -> Vec<u8> {
        let mut bytes = query();
        bytes[..2].copy_from_slice(&id.to_be_bytes());
        bytes[2] |= 0x80;
        bytes
    }

    #[test]
    fn a_reply_returns_under_the_id_of_the_client() {
        let query = Query::parse(&query()).unwrap();
        assert_eq!(query.with_id(0xabcd)[..2], [0xab, 0xcd]);
        let accepted = query.accept(0xabcd, &reply(0xabcd)).unwrap();
        assert_eq!(accepted[..2], [0x12, 0x34]);
    }

    #[test]
    fn forged_replies_are_refused() {
        let query = Query::parse(&query()).unwrap();
        assert!(query.accept(1, &reply(2)).is_none());
        let mut other_name = reply(1);
        other_name[14] = b'X' + 1;
        assert!(query.accept(1, &other_name).is_none());
        let mut other_type = reply(1);
        other_type[HEADER + 14] = 28;
        assert!(query.accept(1, &other_type).is_none());
        let mut no_response = reply(1);
        no_response[2] &= 0x7f;
        assert!(query.accept(1, &no_response).is_none());
        let mut no_question = reply(1);
        no_question[5] = 0;
        assert!(query.accept(1, &no_question).is_none());
        let mut other_case = reply(1);
        other_case[13] = b'E';
        assert!(query.accept(1, &other_case).is_some());
    }

    #[test]
    fn hostile_queries_end_in_an_error_or_in_silence() {
        let whole = query();
        for length in 0..HEADER {
            assert!(matches!(Query::parse(&whole[..length]), Err(Unfit::Silent)));
        }
        for length in HEADER..HEADER + 17 {
            let Err(Unfit::Answer(answer)) = Query::parse(&whole[..length]) else {
                panic!("{length} bytes were taken");
            };
            assert_eq!(
                (answer.len(), answer[3] & 15),
                (HEADER, Rcode::FormErr as u8)
            );
        }
        let mut pointer = query();
        pointer[HEADER] = 0xc0;
        assert!(matches!(Query::parse(&pointer), Err(Unfit::Answer(_))));
        let mut two = query();
        two[5] = 2;
        assert!(matches!(Query::parse(&two), Err(Unfit::Answer(_))));
        let mut long = query()[..HEADER].to_vec();
        for _ in 0..5 {
            long.push(63);
            long.extend_from_slice(&[b'a'; 63]);
        }
        long.extend_from_slice(&[0, 0, 1, 0, 1]);
        assert!(matches!(Query::parse(&long), Err(Unfit::Answer(_))));
        assert_eq!(Query::parse(&reply(1)).unwrap_err(), Unfit::Silent);
    }

    #[test]
    fn a_failure_repeats_the_question_and_nothing_else() {
        let answer = Query::parse(&query()).unwrap().failure(Rcode::ServFail);
        assert_eq!(answer.len(), HEADER + 17);
        assert_eq!(
            answer[..12],
            [0x12, 0x34, 0x81, 0x82, 0, 1, 0, 0, 0, 0, 0, 0]
        );
    }
}
