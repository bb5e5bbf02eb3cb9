//! Finding text in files.

use super::path::Place;
use super::walk::{Go, Tree, is_kernel_directory};
use crate::conn::Conn;
use crate::failure::{Failure, Outcome};
use crate::guest::Guest;
use atoll_wire::guest::{Match, MatchBatch, Search, reply::Result as Answer};
use regex_lite::{Regex, RegexBuilder};
use rustix::fs::FileType;
use std::fs::File;
use std::io::{self, BufRead, BufReader};

/// Longest pattern, bytes.
pub const MAX_PATTERN: usize = 64 << 10;
/// Memory of a compiled expression, bytes.
const MAX_COMPILED: usize = 4 << 20;
/// Bytes of a line that are looked at; the rest of a longer one is passed over.
const MAX_LINE: usize = 256 << 10;
/// Bytes of a line that are sent.
const MAX_CONTENT: usize = 4 << 10;
/// Bytes at a file's begin in which a NUL means: not text.
const SNIFF: usize = 8 << 10;
const BATCH_BYTES: usize = 64 << 10;

/// What is looked for in a line.
pub enum Needle {
    Literal { bytes: Vec<u8>, ignore_case: bool },
    Expression(Regex),
}

/// Compiles an expression within bounds.
pub fn expression(pattern: &[u8], ignore_case: bool) -> Result<Regex, Failure> {
    let text = std::str::from_utf8(pattern)
        .map_err(|_| Failure::invalid("pattern", "pattern: an expression must be UTF-8"))?;
    RegexBuilder::new(text)
        .case_insensitive(ignore_case)
        .size_limit(MAX_COMPILED)
        .build()
        .map_err(|e| Failure::invalid("pattern", format!("pattern: {e}")))
}

pub fn check_pattern(pattern: &[u8]) -> Result<(), Failure> {
    if pattern.is_empty() || pattern.len() > MAX_PATTERN {
        return Err(Failure::invalid(
            "pattern",
            format!("pattern: 1 to {MAX_PATTERN} bytes"),
        ));
    }
    Ok(())
}

impl Needle {
    fn parse(request: &Search) -> Result<Needle, Failure> {
        check_pattern(&request.pattern)?;
        if request.regex {
            return Ok(Needle::Expression(expression(
                &request.pattern,
                request.ignore_case,
            )?));
        }
        let mut bytes = request.pattern.clone();
        if request.ignore_case {
            bytes.make_ascii_lowercase();
        }
        Ok(Needle::Literal {
            bytes,
            ignore_case: request.ignore_case,
        })
    }

    /// Offset of the first match in a line. Expressions see bytes that are not UTF-8 as U+FFFD.
    fn find(&self, line: &[u8]) -> Option<usize> {
        match self {
            Needle::Literal {
                bytes,
                ignore_case: false,
            } => find(line, bytes),
            Needle::Literal {
                bytes,
                ignore_case: true,
            } => find(&line.to_ascii_lowercase(), bytes),
            Needle::Expression(regex) => regex
                .find(&String::from_utf8_lossy(line))
                .map(|m| m.start()),
        }
    }
}

/// Offset of `needle` (not empty) in `hay`.
pub fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    let (first, rest) = needle.split_first()?;
    let mut from = 0;
    loop {
        let at = from + hay.get(from..)?.iter().position(|b| b == first)?;
        if hay.get(at + 1..)?.starts_with(rest) {
            return Some(at);
        }
        from = at + 1;
    }
}

pub fn search(guest: &Guest, conn: &mut Conn, request: &Search) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    let path = place.path_or_cwd(&request.path)?;
    let needle = Needle::parse(request)?;
    place.run(|| {
        let mut found = Found::new(conn, request.limit);
        let stat = rustix::fs::stat(path.as_slice()).map_err(|e| Failure::os(&e.into(), &path))?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            let tree = Tree::open(&path)?.lenient();
            tree.walk(|entry| {
                let file = tree.absolute(entry.relative);
                if entry.kind() == FileType::Directory && is_kernel_directory(&file) {
                    return Ok(Go::Past);
                }
                // What the user may not read does not take part in the search.
                if entry.kind() == FileType::RegularFile
                    && let Ok(content) = entry.open()
                    && !found.search(&file, content, &needle)?
                {
                    return Ok(Go::Stop);
                }
                Ok(Go::On)
            })?;
        } else {
            let (file, _) = super::read::open(&path)?;
            found.search(&path, file, &needle)?;
        }
        found.flush()?;
        found.conn.ok()?;
        Ok(())
    })
}

struct Found<'a> {
    conn: &'a mut Conn,
    batch: Vec<Match>,
    bytes: usize,
    left: u64,
}

impl<'a> Found<'a> {
    fn new(conn: &'a mut Conn, limit: u64) -> Found<'a> {
        let left = if limit == 0 { u64::MAX } else { limit };
        Found {
            conn,
            batch: Vec::new(),
            bytes: 0,
            left,
        }
    }

    fn flush(&mut self) -> Outcome {
        self.bytes = 0;
        let matches = std::mem::take(&mut self.batch);
        if !matches.is_empty() {
            self.conn.reply(Answer::Matches(MatchBatch { matches }))?;
        }
        Ok(())
    }

    /// Looks through one file; `false` when the limit is reached. A file that fails while it is
    /// read ends there.
    fn search(&mut self, path: &[u8], file: File, needle: &Needle) -> Outcome<bool> {
        let mut reader = BufReader::with_capacity(64 << 10, file);
        match reader.fill_buf() {
            Ok(start) if start.iter().take(SNIFF).any(|b| *b == 0) => return Ok(true),
            Ok(_) => {}
            Err(_) => return Ok(true),
        }
        let mut line = Vec::new();
        let mut number = 0;
        while read_line(&mut reader, &mut line).unwrap_or(false) {
            number += 1;
            if let Some(at) = needle.find(&line) {
                self.add(path, number, at, &line)?;
                if self.left == 0 {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn add(&mut self, path: &[u8], line: u64, at: usize, content: &[u8]) -> Outcome {
        let content = content
            .get(..content.len().min(MAX_CONTENT))
            .unwrap_or_default();
        self.bytes += path.len() + content.len();
        self.batch.push(Match {
            file: path.to_vec(),
            line,
            content: content.to_vec(),
            column: at as u64 + 1,
        });
        self.left -= 1;
        if self.bytes > BATCH_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }
}

/// Reads a line without its end; `false` at the end of the file. Bytes beyond [`MAX_LINE`] are
/// passed over.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let buffer = match reader.fill_buf() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if buffer.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = buffer.iter().position(|b| *b == b'\n');
        let part = buffer
            .get(..end.unwrap_or(buffer.len()))
            .unwrap_or_default();
        let room = MAX_LINE.saturating_sub(line.len()).min(part.len());
        line.extend_from_slice(part.get(..room).unwrap_or_default());
        let used = part.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(true);
        }
    }
}
