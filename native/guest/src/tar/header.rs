//! The 512-byte header block.

/// Size of a block; content is padded to it.
pub const BLOCK: usize = 512;

const NAME: std::ops::Range<usize> = 0..100;
const MODE: std::ops::Range<usize> = 100..108;
const UID: std::ops::Range<usize> = 108..116;
const GID: std::ops::Range<usize> = 116..124;
const SIZE: std::ops::Range<usize> = 124..136;
const MTIME: std::ops::Range<usize> = 136..148;
const CHECKSUM: std::ops::Range<usize> = 148..156;
const KIND: usize = 156;
const LINK: std::ops::Range<usize> = 157..257;
const MAGIC: std::ops::Range<usize> = 257..265;
const UNAME: std::ops::Range<usize> = 265..297;
const GNAME: std::ops::Range<usize> = 297..329;
const PREFIX: std::ops::Range<usize> = 345..500;

/// One entry's attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    pub name: Vec<u8>,
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    pub size: u64,
    /// Seconds since 1970.
    pub mtime: i64,
    /// Type flag: b'0' file, b'1' hard link, b'2' symbolic link, b'5' directory, b'6' FIFO, ...
    pub kind: u8,
    pub link: Vec<u8>,
    pub user: String,
    pub group: String,
    /// Extended attributes of pax records, by name.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What star, GNU tar and Go put before the name of an extended attribute.
const XATTR: &[u8] = b"SCHILY.xattr.";

fn text(block: &[u8; BLOCK], range: std::ops::Range<usize>) -> &[u8] {
    let field = block.get(range).unwrap_or_default();
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    field.get(..end).unwrap_or_default()
}

/// Octal with spaces or NULs around, or GNU's base-256 with the top bit set.
fn number(block: &[u8; BLOCK], range: std::ops::Range<usize>) -> Option<u64> {
    let field = block.get(range)?;
    if field.first()? & 0x80 != 0 {
        let mut value: u64 = 0;
        for (i, byte) in field.iter().enumerate() {
            let byte = if i == 0 { byte & 0x7f } else { *byte };
            value = value.checked_mul(256)?.checked_add(u64::from(byte))?;
        }
        return Some(value);
    }
    let digits: Vec<u8> = field
        .iter()
        .copied()
        .filter(|b| *b != b' ' && *b != 0)
        .collect();
    digits.iter().try_fold(0u64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

fn checksum(block: &[u8; BLOCK]) -> u64 {
    let spaces = CHECKSUM;
    block
        .iter()
        .enumerate()
        .map(|(i, b)| {
            if spaces.contains(&i) {
                32
            } else {
                u64::from(*b)
            }
        })
        .sum()
}

/// Reads a header; `None` when it is not one.
pub fn parse(block: &[u8; BLOCK]) -> Option<Header> {
    if number(block, CHECKSUM)? != checksum(block) {
        return None;
    }
    let mut name = text(block, NAME).to_vec();
    // The prefix field exists in the POSIX format only; GNU's magic ends in blanks.
    let prefix = text(block, PREFIX);
    if block.get(MAGIC)?.starts_with(b"ustar\0") && !prefix.is_empty() {
        name = [prefix, b"/", &name].concat();
    }
    let shown = |range| String::from_utf8_lossy(text(block, range)).into_owned();
    Some(Header {
        name,
        mode: (number(block, MODE)? & 0o7777) as u32,
        uid: number(block, UID)?,
        gid: number(block, GID)?,
        size: number(block, SIZE)?,
        // A time before 1970 in base-256 does not fit here and does not matter.
        mtime: number(block, MTIME)
            .and_then(|t| i64::try_from(t).ok())
            .unwrap_or(0),
        kind: *block.get(KIND)?,
        link: text(block, LINK).to_vec(),
        user: shown(UNAME),
        group: shown(GNAME),
        xattrs: Vec::new(),
    })
}

fn put(block: &mut [u8; BLOCK], range: std::ops::Range<usize>, bytes: &[u8]) {
    for (to, from) in block
        .iter_mut()
        .skip(range.start)
        .take(range.len())
        .zip(bytes)
    {
        *to = *from;
    }
}

/// Octal, as wide as the field with its closing NUL; 0 when it does not fit (pax then has it).
fn put_number(block: &mut [u8; BLOCK], range: std::ops::Range<usize>, value: u64) {
    let width = range.len() - 1;
    let fits = value < 1 << (3 * width);
    let text = format!("{:0width$o}", if fits { value } else { 0 });
    put(block, range, text.as_bytes());
}

fn fits(value: u64, range: &std::ops::Range<usize>) -> bool {
    value < 1 << (3 * (range.len() - 1))
}

/// One pax record, `"LENGTH KEY=VALUE\n"`, whose length counts its own digits.
fn record(key: &str, value: &[u8], into: &mut Vec<u8>) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    into.extend_from_slice(format!("{length} {key}=").as_bytes());
    into.extend_from_slice(value);
    into.push(b'\n');
}

impl Header {
    fn block(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        put(&mut block, NAME, &self.name);
        put_number(&mut block, MODE, u64::from(self.mode));
        put_number(&mut block, UID, self.uid);
        put_number(&mut block, GID, self.gid);
        put_number(&mut block, SIZE, self.size);
        put_number(&mut block, MTIME, u64::try_from(self.mtime).unwrap_or(0));
        block[KIND] = self.kind;
        put(&mut block, LINK, &self.link);
        put(&mut block, MAGIC, b"ustar\x0000");
        put(&mut block, UNAME.start..UNAME.end - 1, self.user.as_bytes());
        put(
            &mut block,
            GNAME.start..GNAME.end - 1,
            self.group.as_bytes(),
        );
        let sum = format!("{:06o}\0 ", checksum(&block));
        put(&mut block, CHECKSUM, sum.as_bytes());
        block
    }

    /// The header's blocks, with a pax header in front where a field is too small for its value.
    pub fn encode(&self) -> Vec<u8> {
        let mut records = Vec::new();
        if self.name.len() > NAME.len() {
            record("path", &self.name, &mut records);
        }
        if self.link.len() > LINK.len() {
            record("linkpath", &self.link, &mut records);
        }
        for (key, value, range) in [
            ("size", self.size, SIZE),
            ("uid", self.uid, UID),
            ("gid", self.gid, GID),
        ] {
            if !fits(value, &range) {
                record(key, value.to_string().as_bytes(), &mut records);
            }
        }
        let mut out = Vec::new();
        if !records.is_empty() {
            let pax = Header {
                name: b"././@PaxHeader".to_vec(),
                mode: 0o644,
                size: records.len() as u64,
                kind: b'x',
                ..Header::default()
            };
            out.extend_from_slice(&pax.block());
            out.extend_from_slice(&records);
            out.resize(out.len() + padding(records.len() as u64), 0);
        }
        out.extend_from_slice(&self.block());
        out
    }

    /// Applies pax records; `None` when they are malformed.
    pub fn apply(&mut self, mut records: &[u8]) -> Option<()> {
        while !records.is_empty() {
            let space = records.iter().position(|b| *b == b' ')?;
            let length: usize = std::str::from_utf8(records.get(..space)?)
                .ok()?
                .parse()
                .ok()?;
            let body = records.get(space + 1..length)?.strip_suffix(b"\n")?;
            records = records.get(length..)?;
            let equals = body.iter().position(|b| *b == b'=')?;
            let (key, value) = (body.get(..equals)?, body.get(equals + 1..)?);
            let decimal = || std::str::from_utf8(value).ok()?.parse::<u64>().ok();
            match key {
                b"path" => self.name = value.to_vec(),
                b"linkpath" => self.link = value.to_vec(),
                b"size" => self.size = decimal()?,
                b"uid" => self.uid = decimal()?,
                b"gid" => self.gid = decimal()?,
                b"mtime" => {
                    let whole = std::str::from_utf8(value).ok()?.split('.').next()?;
                    self.mtime = whole.parse().ok()?;
                }
                _ => {
                    if let Some(name) = key.strip_prefix(XATTR) {
                        self.xattrs.push((name.to_vec(), value.to_vec()));
                    }
                }
            }
        }
        Some(())
    }
}

/// Zero bytes behind content of this length.
pub fn padding(length: u64) -> usize {
    let over = (length % BLOCK as u64) as usize;
    if over == 0 { 0 } else { BLOCK - over }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_the_round_trip() {
        let header = Header {
            name: b"dir/file".to_vec(),
            mode: 0o4755,
            uid: 1000,
            gid: 0o7777777,
            size: 12345,
            mtime: 1_700_000_000,
            kind: b'0',
            link: Vec::new(),
            user: "u".into(),
            group: "g".into(),
            xattrs: Vec::new(),
        };
        let blocks = header.encode();
        assert_eq!(
            parse(blocks.as_slice().try_into().unwrap()).unwrap(),
            header
        );
        let mut broken: [u8; BLOCK] = blocks.as_slice().try_into().unwrap();
        broken[0] ^= 1;
        assert!(parse(&broken).is_none());
    }

    #[test]
    fn what_does_not_fit_goes_into_pax_records() {
        let header = Header {
            name: vec![b'n'; 300],
            size: 9 << 30,
            uid: 1 << 31,
            kind: b'0',
            ..Header::default()
        };
        let blocks = header.encode();
        assert_eq!(blocks.len() % BLOCK, 0);
        let pax = parse(blocks[..BLOCK].try_into().unwrap()).unwrap();
        assert_eq!(pax.kind, b'x');
        let mut plain = parse(blocks[blocks.len() - BLOCK..].try_into().unwrap()).unwrap();
        plain
            .apply(&blocks[BLOCK..BLOCK + pax.size as usize])
            .unwrap();
        assert_eq!(
            (plain.name, plain.size, plain.uid),
            (header.name, header.size, header.uid)
        );
    }

    #[test]
    fn malformed_records_are_refused() {
        for bad in [
            &b"x"[..],
            b"99 a=b\n",
            b"3 a\n",
            b"0 a=b\n",
            b"7 a=bcc",
            b"-1 a=b\n",
            b"12 size=x12\n",
        ] {
            assert!(Header::default().apply(bad).is_none(), "{bad:?}");
        }
    }
}
