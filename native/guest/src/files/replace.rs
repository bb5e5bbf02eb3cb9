//! Replacing text in files.

use super::path::Place;
use super::search::{check_pattern, expression, find};
use super::write::put;
use crate::conn::Conn;
use crate::failure::{Failure, Outcome, Stop};
use crate::guest::Guest;
use atoll_wire::guest::error::Code;
use atoll_wire::guest::{Replace, ReplaceResult, reply::Result as Answer};
use regex_lite::Regex;
use std::io::Read;

/// Largest file, bytes: it is held in memory.
const MAX_FILE: u64 = 64 << 20;
/// Files of one request.
const MAX_FILES: usize = 10_000;

enum How<'a> {
    Literal {
        pattern: &'a [u8],
        replacement: &'a [u8],
    },
    Expression {
        regex: Regex,
        replacement: &'a str,
    },
}

pub fn replace(guest: &Guest, conn: &mut Conn, request: &Replace) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    check_pattern(&request.pattern)?;
    if request.files.len() > MAX_FILES {
        return Err(Failure::invalid("files", format!("files: at most {MAX_FILES}")).into());
    }
    let how = if request.regex {
        let replacement = std::str::from_utf8(&request.replacement)
            .map_err(|_| Failure::invalid("replacement", "replacement: must be UTF-8"))?;
        How::Expression {
            regex: expression(&request.pattern, false)?,
            replacement,
        }
    } else {
        How::Literal {
            pattern: &request.pattern,
            replacement: &request.replacement,
        }
    };
    for file in &request.files {
        let result = place
            .path(file)
            .map_err(Stop::from)
            .and_then(|path| place.run(|| replace_in(&path, &how)).map(|n| (path, n)));
        let answer = match result {
            Ok((file, count)) => ReplaceResult {
                file,
                count,
                error: None,
            },
            Err(Stop::Failed(f)) => ReplaceResult {
                file: file.clone(),
                count: 0,
                error: Some(f.to_wire()),
            },
            Err(gone) => return Err(gone),
        };
        conn.reply(Answer::Replaced(answer))?;
    }
    conn.ok()?;
    Ok(())
}

/// Replaces all; how many there were. A file without a match is not touched.
fn replace_in(path: &[u8], how: &How<'_>) -> Outcome<u64> {
    let (file, _) = super::read::open(path)?;
    let mut content = Vec::new();
    file.take(MAX_FILE + 1)
        .read_to_end(&mut content)
        .map_err(|e| Failure::os(&e, path))?;
    let shown = || String::from_utf8_lossy(path).into_owned();
    if content.len() as u64 > MAX_FILE {
        let message = format!("{}: larger than {MAX_FILE} bytes", shown());
        return Err(Failure::new(Code::TooLarge, message).into());
    }
    let (new, count) = match how {
        How::Literal {
            pattern,
            replacement,
        } => literal(&content, pattern, replacement),
        How::Expression { regex, replacement } => {
            let text = std::str::from_utf8(&content)
                .map_err(|_| Failure::invalid("files", format!("{}: not UTF-8", shown())))?;
            let count = regex.find_iter(text).count() as u64;
            (
                regex
                    .replace_all(text, *replacement)
                    .into_owned()
                    .into_bytes(),
                count,
            )
        }
    };
    if count > 0 {
        put(path, &new)?;
    }
    Ok(count)
}

fn literal(content: &[u8], pattern: &[u8], replacement: &[u8]) -> (Vec<u8>, u64) {
    let mut new = Vec::with_capacity(content.len());
    let (mut rest, mut count) = (content, 0);
    while let Some(at) = find(rest, pattern) {
        new.extend_from_slice(rest.get(..at).unwrap_or_default());
        new.extend_from_slice(replacement);
        rest = rest.get(at + pattern.len()..).unwrap_or_default();
        count += 1;
    }
    new.extend_from_slice(rest);
    (new, count)
}
