//! Shell patterns over paths: `*`, `?`, `[a-z]`, `[!a]`, `\x`, `{a,b}`, and `**` for any number of
//! directories. A leading dot is matched like any other character.

use super::list::Sender;
use super::path::{Place, check};
use super::walk::{Go, Tree, is_kernel_directory};
use crate::conn::Conn;
use crate::failure::{Failure, Outcome};
use crate::guest::Guest;
use atoll_wire::guest::Glob;

/// Alternatives that the braces of one pattern may make.
const MAX_ALTERNATIVES: usize = 256;

pub fn glob(guest: &Guest, conn: &mut Conn, request: &Glob) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    let path = place.path_or_cwd(&request.path)?;
    check("pattern", &request.pattern)?;
    let pattern = Pattern::parse(&request.pattern)?;
    place.run(|| {
        let tree = Tree::open(&path)?.lenient();
        let mut sender = Sender::new(conn, request.limit);
        tree.walk(|entry| {
            if pattern.matches(entry.relative) && !sender.add(&tree, entry)? {
                return Ok(Go::Stop);
            }
            let deep = !pattern.reaches(entry.depth + 1)
                || is_kernel_directory(&tree.absolute(entry.relative));
            Ok(if deep { Go::Past } else { Go::On })
        })?;
        sender.finish()
    })
}

pub struct Pattern {
    alternatives: Vec<Vec<Vec<u8>>>,
}

impl Pattern {
    pub fn parse(pattern: &[u8]) -> Result<Pattern, Failure> {
        if pattern.is_empty() {
            return Err(Failure::invalid("pattern", "pattern: empty"));
        }
        let mut expanded = Vec::new();
        expand(pattern.to_vec(), &mut expanded)?;
        let components = |p: &Vec<u8>| {
            p.split(|b| *b == b'/')
                .filter(|c| !c.is_empty() && c != b".")
                .map(<[u8]>::to_vec)
                .collect()
        };
        Ok(Pattern {
            alternatives: expanded.iter().map(components).collect(),
        })
    }

    pub fn matches(&self, path: &[u8]) -> bool {
        let parts: Vec<&[u8]> = path
            .split(|b| *b == b'/')
            .filter(|c| !c.is_empty())
            .collect();
        self.alternatives
            .iter()
            .any(|pattern| match_components(pattern, &parts))
    }

    /// Whether something at this depth could match.
    fn reaches(&self, depth: u32) -> bool {
        self.alternatives
            .iter()
            .any(|p| p.len() >= depth as usize || p.iter().any(|c| c == b"**"))
    }
}

/// Replaces the first brace group by each of its alternatives, again and again.
fn expand(pattern: Vec<u8>, into: &mut Vec<Vec<u8>>) -> Result<(), Failure> {
    let mut pending = vec![pattern];
    while let Some(pattern) = pending.pop() {
        match first_group(&pattern) {
            None => into.push(pattern),
            Some((open, close, commas)) => {
                let mut start = open + 1;
                for end in commas.into_iter().chain([close]) {
                    let mut one = pattern.get(..open).unwrap_or_default().to_vec();
                    one.extend_from_slice(pattern.get(start..end).unwrap_or_default());
                    one.extend_from_slice(pattern.get(close + 1..).unwrap_or_default());
                    pending.push(one);
                    start = end + 1;
                }
            }
        }
        if pending.len() + into.len() > MAX_ALTERNATIVES {
            let message = format!("pattern: braces make over {MAX_ALTERNATIVES} alternatives");
            return Err(Failure::invalid("pattern", message));
        }
    }
    Ok(())
}

/// Positions of the first `{`, its `}`, and the commas of that level between them.
fn first_group(pattern: &[u8]) -> Option<(usize, usize, Vec<usize>)> {
    let (mut open, mut depth, mut commas, mut escaped) = (None, 0, Vec::new(), false);
    for (i, byte) in pattern.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'{' => {
                open.get_or_insert(i);
                depth += 1;
            }
            b',' if depth == 1 => commas.push(i),
            b'}' if depth > 0 => {
                depth -= 1;
                if let (0, Some(open)) = (depth, open) {
                    return Some((open, i, commas));
                }
            }
            _ => {}
        }
    }
    None
}

/// Greedy with one point of return per kind of star: linear in practice, quadratic at worst.
fn match_components(pattern: &[Vec<u8>], path: &[&[u8]]) -> bool {
    let (mut p, mut s) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(p), path.get(s)) {
            (Some(stars), _) if stars == b"**" => {
                back = Some((p + 1, s));
                p += 1;
                continue;
            }
            (None, None) => return true,
            (Some(one), Some(part)) if match_name(one, part) => {
                p += 1;
                s += 1;
                continue;
            }
            _ => {}
        }
        match back {
            Some((after, from)) if from < path.len() => {
                back = Some((after, from + 1));
                p = after;
                s = from + 1;
            }
            _ => return false,
        }
    }
}

fn match_name(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut s) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            back = Some((p, s));
            continue;
        }
        match (pattern.get(p), name.get(s)) {
            (None, None) => return true,
            (Some(_), Some(byte)) => {
                if let Some(next) = match_one(pattern, p, *byte) {
                    p = next;
                    s += 1;
                    continue;
                }
            }
            _ => {}
        }
        match back {
            Some((after, from)) if from < name.len() => {
                back = Some((after, from + 1));
                p = after;
                s = from + 1;
            }
            _ => return false,
        }
    }
}

/// Matches one byte against the element at `p`; the position after it.
fn match_one(pattern: &[u8], p: usize, byte: u8) -> Option<usize> {
    match pattern.get(p)? {
        b'?' => Some(p + 1),
        b'\\' => {
            let literal = pattern.get(p + 1).unwrap_or(&b'\\');
            (*literal == byte).then_some((p + 2).min(pattern.len()))
        }
        b'[' => match class(pattern, p, byte) {
            Some((end, true)) => Some(end),
            Some((_, false)) => None,
            // No closing bracket: an ordinary character.
            None => (byte == b'[').then_some(p + 1),
        },
        literal => (*literal == byte).then_some(p + 1),
    }
}

/// A bracket expression: the position behind it and whether the byte is in it.
fn class(pattern: &[u8], open: usize, byte: u8) -> Option<(usize, bool)> {
    let mut i = open + 1;
    let negated = matches!(pattern.get(i)?, b'!' | b'^');
    if negated {
        i += 1;
    }
    let first = i;
    let mut found = false;
    loop {
        let low = *pattern.get(i)?;
        if low == b']' && i > first {
            return Some((i + 1, found != negated));
        }
        let high = match (pattern.get(i + 1), pattern.get(i + 2)) {
            (Some(b'-'), Some(high)) if *high != b']' => {
                i += 2;
                *high
            }
            _ => low,
        };
        found |= (low..=high).contains(&byte);
        i += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Pattern::parse(pattern.as_bytes())
            .unwrap()
            .matches(path.as_bytes())
    }

    #[test]
    fn patterns_match_as_a_shell_would() {
        for (pattern, path, wanted) in [
            ("*.py", "a.py", true),
            ("*.py", "d/a.py", false),
            ("**/*.py", "a.py", true),
            ("**/*.py", "d/e/a.py", true),
            ("d/**", "d/e/f", true),
            ("d/**/f", "d/f", true),
            ("d/**/f", "d/x/y/g", false),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]x", "]x", true),
            ("[x", "[x", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("*.{js,ts}", "f.ts", true),
            ("{a,b{c,d}}", "bd", true),
            ("{a", "{a", true),
            ("*a*b*c*", "xxaxxbxxcxx", true),
            ("./src/*.rs", "src/main.rs", true),
            ("\\", "\\", true),
        ] {
            assert_eq!(matches(pattern, path), wanted, "{pattern} on {path}");
        }
        assert!(Pattern::parse(b"{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}").is_err());
    }

    #[test]
    fn a_hostile_pattern_does_not_explode() {
        let pattern = format!("{}b", "*a".repeat(60));
        assert!(!matches(&pattern, &"a".repeat(200)));
    }
}
