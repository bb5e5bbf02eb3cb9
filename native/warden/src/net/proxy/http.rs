//! The hosts in requests of HTTP/1 (RFC 9112), each of which is checked. Strict where servers differ in
//! what they take: they must not find another request in a stream than this does.

use super::talk::{Names, Refusal, Talk};
use crate::net::egress::Reason;
use crate::net::policy::is_name;

const MAX_HEAD: usize = 32 << 10;
/// Size lines of chunks and lines of trailers.
const MAX_LINE: usize = 8 << 10;
const END_OF_HEAD: &[u8] = b"\r\n\r\n";
const END_OF_LINE: &[u8] = b"\r\n";
/// How an answer begins after which the connection speaks another protocol.
const SWITCHING: &[u8] = b"HTTP/1.1 101";

#[derive(Default)]
enum State {
    #[default]
    Head,
    Body(u64),
    ChunkSize,
    /// Data and the line's end behind it.
    Chunk(u64),
    Trailers,
    /// What the server says to a request for another protocol.
    Server(Vec<u8>),
    /// Another protocol, with the server of a name that was checked.
    Through,
    /// The server did not take the other protocol: what follows is not known to be a request.
    End,
}

/// One connection.
#[derive(Default)]
pub struct Requests {
    state: State,
    seen: usize,
}

struct Head {
    /// As it is sent on.
    bytes: Vec<u8>,
    hosts: Vec<String>,
    body: State,
    switches: bool,
}

impl Talk for Requests {
    fn forward(
        &mut self,
        input: &mut Vec<u8>,
        output: &mut Vec<u8>,
        names: &mut Names,
    ) -> Result<(), Refusal> {
        while !input.is_empty() {
            match &mut self.state {
                State::Head => {
                    let Some(end) = find(input, END_OF_HEAD, MAX_HEAD)? else {
                        return Ok(());
                    };
                    let bytes: Vec<u8> = input.drain(..end + END_OF_HEAD.len()).collect();
                    self.seen += 1;
                    let head = read_head(&bytes, self.seen == 1)?;
                    for host in &head.hosts {
                        names(host)?;
                    }
                    output.extend_from_slice(&head.bytes);
                    self.state = match head.switches {
                        true => State::Server(Vec::new()),
                        false => head.body,
                    };
                }
                State::Body(left) => {
                    *left -= pass(input, output, *left);
                    if *left == 0 {
                        self.state = State::Head;
                    }
                }
                State::ChunkSize => {
                    let Some(end) = find(input, END_OF_LINE, MAX_LINE)? else {
                        return Ok(());
                    };
                    let size = chunk_size(&input[..end])?;
                    output.extend(input.drain(..end + END_OF_LINE.len()));
                    self.state = match size {
                        0 => State::Trailers,
                        size => State::Chunk(size),
                    };
                }
                State::Chunk(left) if *left > 0 => *left -= pass(input, output, *left),
                State::Chunk(_) => {
                    let Some(end) = input.get(..END_OF_LINE.len()) else {
                        return Ok(());
                    };
                    if end != END_OF_LINE {
                        return Err(malformed());
                    }
                    output.extend(input.drain(..END_OF_LINE.len()));
                    self.state = State::ChunkSize;
                }
                State::Trailers => {
                    let Some(end) = find(input, END_OF_LINE, MAX_LINE)? else {
                        return Ok(());
                    };
                    if end == 0 {
                        self.state = State::Head;
                    } else {
                        field(&input[..end])?;
                    }
                    output.extend(input.drain(..end + END_OF_LINE.len()));
                }
                State::Server(_) => return Ok(()),
                State::Through => output.append(input),
                State::End => return Err(Refusal::new(Reason::Kind)),
            }
        }
        Ok(())
    }

    fn heard(&mut self, bytes: &[u8]) {
        let State::Server(heard) = &mut self.state else {
            return;
        };
        heard.extend_from_slice(&bytes[..bytes.len().min(SWITCHING.len())]);
        if heard.len() >= SWITCHING.len() {
            self.state = match heard.starts_with(SWITCHING) {
                true => State::Through,
                false => State::End,
            };
        }
    }

    fn refusal(&self, refusal: &Refusal) -> Vec<u8> {
        let text = match (refusal.reason, refusal.name.as_str()) {
            (Reason::Name, name) => {
                format!("the network policy of this sandbox does not allow {name}\n")
            }
            (reason, _) => format!("refused by the network policy of this sandbox: {reason}\n"),
        };
        format!(
            "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{text}",
            text.len()
        )
        .into_bytes()
    }

    fn protocol(&self) -> &'static str {
        "http"
    }
}

/// Moves at most `most` bytes and says how many.
fn pass(input: &mut Vec<u8>, output: &mut Vec<u8>, most: u64) -> u64 {
    let count = usize::try_from(most).map_or(input.len(), |most| most.min(input.len()));
    output.extend(input.drain(..count));
    count as u64
}

/// Where the text is. None when there is more to come, and there may be.
fn find(input: &[u8], text: &[u8], most: usize) -> Result<Option<usize>, Refusal> {
    let searched = &input[..input.len().min(most)];
    match searched.windows(text.len()).position(|part| part == text) {
        None if input.len() >= most => Err(malformed()),
        found => Ok(found),
    }
}

fn read_head(bytes: &[u8], first: bool) -> Result<Head, Refusal> {
    let text =
        std::str::from_utf8(&bytes[..bytes.len() - END_OF_HEAD.len()]).map_err(|_| malformed())?;
    let mut lines = text.split("\r\n");
    let request = lines.next().unwrap_or_default();
    let (target, http_1_1) = read_request(request)?;
    let mut kept = vec![request.to_owned()];
    let (mut hosts, mut lengths, mut encodings) = (Vec::new(), Vec::new(), Vec::new());
    let (mut upgrade, mut connection) = (Vec::new(), Vec::new());
    for line in lines {
        let (name, value) = field(line.as_bytes())?;
        match name.as_str() {
            "host" => hosts.push(value.to_owned()),
            "content-length" => lengths.push(value.to_owned()),
            "transfer-encoding" => encodings.push(value.to_ascii_lowercase()),
            "upgrade" => {
                upgrade.push(value.to_ascii_lowercase());
                continue;
            }
            // Of an upgrade to HTTP/2, whose requests could name others.
            "http2-settings" => continue,
            "connection" => {
                connection.extend(
                    value
                        .split(',')
                        .map(|token| token.trim().to_ascii_lowercase()),
                );
                continue;
            }
            _ => {}
        }
        kept.push(line.to_owned());
    }
    let body = match (lengths.as_slice(), encodings.as_slice()) {
        ([], []) => State::Head,
        ([length], []) => match decimal(length)? {
            0 => State::Head,
            length => State::Body(length),
        },
        ([], [encoding]) if encoding == "chunked" && http_1_1 => State::ChunkSize,
        _ => return Err(malformed()),
    };
    // Other protocols than this one name no hosts that could be checked.
    let switches = first && http_1_1 && matches!(body, State::Head) && upgrade == ["websocket"];
    if switches {
        kept.push("Upgrade: websocket".to_owned());
    } else {
        connection.retain(|token| token != "upgrade");
    }
    connection.retain(|token| token != "http2-settings" && !token.is_empty());
    if !connection.is_empty() {
        kept.push(format!("Connection: {}", connection.join(", ")));
    }
    let [host] = hosts.as_slice() else {
        let reason = if hosts.is_empty() {
            Reason::NoName
        } else {
            Reason::Malformed
        };
        return Err(Refusal::new(reason));
    };
    let mut names = vec![host_of(host)?];
    if let Some(authority) = target {
        names.push(host_of(authority)?);
    }
    Ok(Head {
        bytes: (kept.join("\r\n") + "\r\n\r\n").into_bytes(),
        hosts: names,
        body,
        switches,
    })
}

/// The authority in the target, if it has one, and whether the version is 1.1.
fn read_request(line: &str) -> Result<(Option<&str>, bool), Refusal> {
    let parts: Vec<&str> = line.split(' ').collect();
    let [method, target, version] = parts.as_slice() else {
        return Err(malformed());
    };
    let http_1_1 = match *version {
        "HTTP/1.1" => true,
        "HTTP/1.0" => false,
        // The beginning of HTTP/2 (RFC 9113 §3.4), which curl and others use when told that a server
        // speaks it.
        "HTTP/2.0" => return Err(Refusal::new(Reason::Kind)),
        _ => return Err(malformed()),
    };
    let visible = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_token(method) || !visible(target) {
        return Err(malformed());
    }
    // A tunnel to whatever it names.
    if *method == "CONNECT" {
        return Err(Refusal::new(Reason::Kind));
    }
    if target.starts_with('/') || *target == "*" {
        return Ok((None, http_1_1));
    }
    let (_, rest) = target.split_once("://").ok_or_else(malformed)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    Ok((Some(&rest[..end]), http_1_1))
}

/// The name in `host[:port]`.
fn host_of(authority: &str) -> Result<String, Refusal> {
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let host = host.to_ascii_lowercase();
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed());
    }
    if host.parse::<std::net::Ipv4Addr>().is_ok() {
        return Err(Refusal::new(Reason::NoName));
    }
    if !is_name(&host) {
        return Err(malformed());
    }
    Ok(host)
}

/// Name, in lower case, and value of a line of a head.
fn field(line: &[u8]) -> Result<(String, &str), Refusal> {
    let line = std::str::from_utf8(line).map_err(|_| malformed())?;
    let (name, value) = line.split_once(':').ok_or_else(malformed)?;
    let plain = |byte: u8| byte == b'\t' || byte >= b' ' && byte != 0x7f;
    if !is_token(name) || !value.bytes().all(plain) {
        return Err(malformed());
    }
    let value = value.trim_matches([' ', '\t']);
    Ok((name.to_ascii_lowercase(), value))
}

fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

fn decimal(text: &str) -> Result<u64, Refusal> {
    let digits = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .ok_or_else(malformed)
}

/// Without extensions, which nobody sends and servers read differently.
fn chunk_size(line: &[u8]) -> Result<u64, Refusal> {
    let digits = (1..=15).contains(&line.len()) && line.iter().all(u8::is_ascii_hexdigit);
    std::str::from_utf8(line)
        .ok()
        .filter(|_| digits)
        .and_then(|text| u64::from_str_radix(text, 16).ok())
        .ok_or_else(malformed)
}

fn malformed() -> Refusal {
    Refusal::new(Reason::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is sent on, and which hosts were asked for.
    fn talk(bytes: &[u8], step: usize) -> Result<(Vec<u8>, Vec<String>), Reason> {
        let (mut requests, mut output, mut hosts) = (Requests::default(), Vec::new(), Vec::new());
        let mut input = Vec::new();
        for part in bytes.chunks(step) {
            input.extend_from_slice(part);
            let mut names = |name: &str| {
                hosts.push(name.to_owned());
                Ok(())
            };
            requests
                .forward(&mut input, &mut output, &mut names)
                .map_err(|refusal| refusal.reason)?;
        }
        Ok((output, hosts))
    }

    #[test]
    fn every_request_of_a_connection_is_seen() {
        let stream = b"POST /a HTTP/1.1\r\nHost: A.test:80\r\nContent-Length: 30\r\n\r\n\
            GET / HTTP/1.1\r\nHost: no\r\n\r\n..\
            PUT /b HTTP/1.1\r\nhost: b.test\r\nTransfer-Encoding: Chunked\r\n\r\n\
            4\r\nHost\r\nA\r\n: evil\r\nab\r\n0\r\nTrailer: x\r\n\r\n\
            GET http://c.test/x?http://d.test HTTP/1.0\r\nHost: e.test\r\n\r\n";
        for step in [1, 3, 4096] {
            let (output, hosts) = talk(stream, step).unwrap();
            assert_eq!(output, stream, "{step}");
            assert_eq!(hosts, ["a.test", "b.test", "e.test", "c.test"]);
        }
    }

    #[test]
    fn requests_that_servers_could_read_differently_are_refused() {
        let head = |lines: &str| format!("GET / HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n\r\n");
        for stream in [
            head("Content-Length: 1\r\nContent-Length: 1"),
            head("Content-Length: +1"),
            head("Content-Length: 1, 1"),
            head("Content-Length: 1\r\nTransfer-Encoding: chunked"),
            head("Transfer-Encoding: gzip, chunked"),
            head("Transfer-Encoding : chunked"),
            head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
            head("X: y\r\n Host: b.test"),
            head("X: y\nHost: b.test"),
            head("X: y\rHost: b.test"),
            head("X: \0"),
            head("Host: b.test"),
            head("no colon"),
            "GET / HTTP/1.1\r\nHost: a.test b.test\r\n\r\n".to_owned(),
            "GET / HTTP/1.1\r\nHost: a.test@b.test\r\n\r\n".to_owned(),
            "GET http://a.test@b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n".to_owned(),
            "GET  / HTTP/1.1\r\nHost: a.test\r\n\r\n".to_owned(),
            "GET / HTTP/1.2\r\nHost: a.test\r\n\r\n".to_owned(),
            "\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n".to_owned(),
            head("Transfer-Encoding: chunked") + "1;x=\"\r\na\r\n",
            head("Transfer-Encoding: chunked") + "1\r\naX\r\n",
            head("Transfer-Encoding: chunked") + "-1\r\n",
            "\x16\x03\x01".to_owned() + &"a".repeat(MAX_HEAD),
        ] {
            assert_eq!(
                talk(stream.as_bytes(), 4096).unwrap_err(),
                Reason::Malformed,
                "{stream:?}"
            );
        }
        for stream in [
            "GET / HTTP/1.1\r\nX: y\r\n\r\n",
            "GET / HTTP/1.0\r\nX: y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n",
        ] {
            assert_eq!(
                talk(stream.as_bytes(), 4096).unwrap_err(),
                Reason::NoName,
                "{stream:?}"
            );
        }
        for stream in [
            "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ] {
            assert_eq!(
                talk(stream.as_bytes(), 4096).unwrap_err(),
                Reason::Kind,
                "{stream:?}"
            );
        }
    }

    #[test]
    fn only_a_websocket_that_the_server_takes_ends_the_checks() {
        let request = "GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\r\n";
        let mut allow = |_: &str| Ok(());
        for (answer, through) in [
            ("HTTP/1.1 101 Switching", true),
            ("HTTP/1.1 200 OK\r\n\r\n", false),
        ] {
            let mut requests = Requests::default();
            let mut input = request.as_bytes().to_vec();
            input.extend_from_slice(b"frames");
            let mut output = Vec::new();
            requests
                .forward(&mut input, &mut output, &mut allow)
                .unwrap();
            let sent = String::from_utf8(output.clone()).unwrap();
            assert!(
                sent.contains("Upgrade: websocket\r\nConnection: keep-alive, upgrade\r\n"),
                "{sent}"
            );
            assert_eq!(input, b"frames");
            for byte in answer.as_bytes() {
                requests.heard(&[*byte]);
            }
            let after = requests.forward(&mut input, &mut output, &mut allow);
            assert_eq!(
                (after.is_ok(), output.ends_with(b"frames")),
                (through, through)
            );
        }
        let other = request.replace("WebSocket", "h2c").replace(
            "Upgrade\r\n\r\n",
            "Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x\r\n\r\n",
        );
        let (sent, _) = talk(
            (other.clone() + "GET /b HTTP/1.1\r\nHost: b.test\r\n\r\n").as_bytes(),
            4096,
        )
        .unwrap();
        let sent = String::from_utf8(sent).unwrap().to_ascii_lowercase();
        assert!(
            !sent.contains("upgrade") && !sent.contains("http2") && sent.contains("host: b.test"),
            "{sent}"
        );
    }
}
