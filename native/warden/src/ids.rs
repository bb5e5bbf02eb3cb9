//! The only names a request carries: 32 lower-case hexadecimal characters.

use std::fmt;

use crate::fault::{Fault, Outcome};

/// A checked id. As it holds neither `/` nor `.`, it is safe as one component of a path.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id([u8; 32]);

impl Id {
    pub fn parse(text: &str) -> Option<Id> {
        let bytes: [u8; 32] = text.as_bytes().try_into().ok()?;
        bytes
            .iter()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b))
            .then_some(Id(bytes))
    }

    /// The id in the request field `field`.
    pub fn of(field: &'static str, text: &str) -> Outcome<Id> {
        Id::parse(text).ok_or_else(|| {
            Fault::invalid(
                field,
                format!("{field} must be 32 lower-case hexadecimal characters"),
            )
        })
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Id;

    #[test]
    fn only_thirty_two_lower_case_hexadecimals_are_an_id() {
        assert!(Id::parse("0123456789abcdef0123456789abcdef").is_some());
        for bad in [
            "",
            "0123456789abcdef0123456789abcde",
            "0123456789abcdef0123456789abcdef0",
            "0123456789ABCDEF0123456789abcdef",
            "../../../../../../../../../../..",
            "0123456789abcdef0123456789abcde\0",
            "0123456789abcdef0123456789abcdé",
        ] {
            assert!(Id::parse(bad).is_none(), "{bad:?}");
        }
    }
}
