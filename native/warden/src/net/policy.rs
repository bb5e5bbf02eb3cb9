//! What one sandbox may reach, below what the instance allows to all.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::config::Cidr;

/// Entries of each list, so that neither a rule nor a message grows without bound.
pub const MAX_ENTRIES: usize = 512;
/// RFC 1035 §2.3.4, without the root's dot.
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// Ports whose traffic names where it goes.
pub const HTTP: u16 = 80;
pub const HTTPS: u16 = 443;

/// An address is looked for in `deny`, then in `allow`; in neither, it may be reached when `rest` says
/// so or when it came as the answer to one of `names`. A range that the instance denies stays denied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub rest: bool,
    pub allow: Vec<Cidr>,
    pub deny: Vec<Cidr>,
    /// The names that resolve. None: every name does, and none opens an address.
    pub names: Option<Vec<Pattern>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    Denied,
    /// When it was the answer to an allowed name.
    ByName,
}

impl Policy {
    /// Of an IPv4 or IPv6 address.
    pub fn verdict(&self, address: IpAddr) -> Verdict {
        let within = |ranges: &[Cidr]| ranges.iter().any(|range| range.contains(address));
        if within(&self.deny) {
            Verdict::Denied
        } else if self.rest || within(&self.allow) {
            Verdict::Allowed
        } else if self.checks_names() {
            Verdict::ByName
        } else {
            Verdict::Denied
        }
    }

    /// Whether the name, without a dot at its end, resolves. Case does not matter.
    pub fn allows_name(&self, name: &str) -> bool {
        match &self.names {
            Some(patterns) => patterns.iter().any(|pattern| pattern.matches(name)),
            None => true,
        }
    }

    /// Whether addresses are opened by names, so that HTTP and TLS have to say which they want.
    pub fn checks_names(&self) -> bool {
        self.names.as_ref().is_some_and(|names| !names.is_empty())
    }
}

/// A name in lower case, `*.` before a name for every name below it, or `*` for every name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

impl Pattern {
    fn matches(&self, name: &str) -> bool {
        match self.0.strip_prefix('*') {
            Some("") => true,
            Some(suffix) => {
                let start = name.len().saturating_sub(suffix.len());
                start > 0
                    && name
                        .get(start..)
                        .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
            }
            None => name.eq_ignore_ascii_case(&self.0),
        }
    }
}

impl FromStr for Pattern {
    type Err = ();

    fn from_str(text: &str) -> Result<Pattern, ()> {
        let name = match text {
            "*" => return Ok(Pattern(text.to_owned())),
            _ => text.strip_prefix("*.").unwrap_or(text),
        };
        let valid = is_name(name) && name.parse::<IpAddr>().is_err();
        valid.then(|| Pattern(text.to_ascii_lowercase())).ok_or(())
    }
}

/// A host name as it is asked for and sent: letters, digits, hyphens and underscores.
pub fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.len() <= MAX_NAME
        && text.split('.').all(|label| {
            (1..=MAX_LABEL).contains(&label.len())
                && label.bytes().all(plain)
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Pattern, String> {
        text.parse()
            .map_err(|()| format!("{text:?}: not a host name, *.name or *"))
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> String {
        pattern.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    fn ranges(texts: &[&str]) -> Vec<Cidr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_wildcard_is_for_names_below_and_not_beside() {
        let below = pattern("*.Example.org");
        for name in ["a.example.org", "A.B.EXAMPLE.ORG"] {
            assert!(below.matches(name), "{name}");
        }
        for name in [
            "example.org",
            ".example.org",
            "notexample.org",
            "a.example.org.evil",
            "",
        ] {
            assert!(!below.matches(name), "{name}");
        }
        assert!(pattern("a.example.org").matches("A.example.ORG"));
        assert!(!pattern("a.example.org").matches("b.a.example.org"));
        assert!(pattern("*").matches("anything.at.all"));
    }

    #[test]
    fn patterns_that_are_no_names_are_refused() {
        for text in [
            "",
            ".",
            "*.",
            "**",
            "a.*",
            "*a.b",
            "a..b",
            "-a.b",
            "a-.b",
            "1.2.3.4",
            "*.1.2.3.4 ",
            "a b",
            "ä.b",
            "a\0b",
            "a;b",
            "::1",
            "a.b.",
        ] {
            assert!(text.parse::<Pattern>().is_err(), "{text:?}");
        }
        assert!("a".repeat(64).parse::<Pattern>().is_err());
        assert!(["a"; 128].join(".").parse::<Pattern>().is_err());
    }

    #[test]
    fn deny_goes_before_allow_and_allow_before_names() {
        let only = Policy {
            rest: false,
            allow: ranges(&["198.51.100.0/24", "2001:db8::/32"]),
            deny: ranges(&["198.51.100.66", "203.0.113.0/24"]),
            names: Some(vec![pattern("a.test")]),
        };
        let verdict = |text: &str| only.verdict(text.parse().unwrap());
        assert_eq!(verdict("198.51.100.1"), Verdict::Allowed);
        assert_eq!(verdict("198.51.100.66"), Verdict::Denied);
        assert_eq!(verdict("203.0.113.1"), Verdict::Denied);
        assert_eq!(verdict("192.0.2.1"), Verdict::ByName);
        assert_eq!(verdict("2001:db8::1"), Verdict::Allowed);
        let mut none = only.clone();
        none.names = Some(Vec::new());
        assert_eq!(none.verdict("192.0.2.1".parse().unwrap()), Verdict::Denied);
        assert!(!none.allows_name("a.test"));
        let except = Policy {
            rest: true,
            names: None,
            ..only
        };
        assert_eq!(
            except.verdict("192.0.2.1".parse().unwrap()),
            Verdict::Allowed
        );
        assert_eq!(
            except.verdict("203.0.113.9".parse().unwrap()),
            Verdict::Denied
        );
        assert!(except.allows_name("b.test"));
    }
}
