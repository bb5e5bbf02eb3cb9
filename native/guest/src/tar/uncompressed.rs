//! The plain bytes of a stream that may be compressed, with their digest.

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use sha2::{Digest, Sha256};
use std::io::{self, BufRead, Read};

const GZIP: [u8; 2] = [0x1f, 0x8b];
/// RFC 8878: a frame, and the skippable frames that a stream may begin with.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const ZSTD_SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];
/// Uncompressed bytes that are decoded at a time.
const PIECE: usize = 128 << 10;

/// Tells by its first bytes what a stream is.
pub fn uncompressed<'a, R: BufRead>(source: &'a mut R) -> io::Result<Box<dyn Read + 'a>> {
    let head = source.fill_buf()?;
    if head.starts_with(&GZIP) {
        Ok(Box::new(MultiGzDecoder::new(source)))
    } else if head.starts_with(&ZSTD) || head.get(1..4) == Some(&ZSTD_SKIPPABLE) {
        Ok(Box::new(Zstd {
            source,
            frame: FrameDecoder::new(),
            inside: false,
        }))
    } else {
        Ok(Box::new(source))
    }
}

/// All frames of a zstd stream, one after the other.
struct Zstd<'a, R> {
    source: &'a mut R,
    frame: FrameDecoder,
    inside: bool,
}

impl<R: BufRead> Zstd<'_, R> {
    /// `false` at the end of the stream.
    fn next_frame(&mut self) -> io::Result<bool> {
        if self.source.fill_buf()?.is_empty() {
            return Ok(false);
        }
        match self.frame.reset(&mut *self.source) {
            Ok(()) => self.inside = true,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let passed = io::copy(
                    &mut Read::take(&mut *self.source, length.into()),
                    &mut io::sink(),
                )?;
                if passed < length.into() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Err(e) => return Err(io::Error::other(e)),
        }
        Ok(true)
    }
}

impl<R: BufRead> Read for Zstd<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.inside {
                if !self.next_frame()? {
                    return Ok(0);
                }
                continue;
            }
            let n = self.frame.read(into)?;
            if n > 0 {
                return Ok(n);
            }
            if self.frame.is_finished() {
                self.inside = false;
                continue;
            }
            self.frame
                .decode_blocks(&mut *self.source, BlockDecodingStrategy::UptoBytes(PIECE))
                .map_err(io::Error::other)?;
        }
    }
}

/// Counts and hashes what is read through it, and fails over a bound.
pub struct Checked<R> {
    source: R,
    left: u64,
    over: bool,
    digest: Sha256,
}

impl<R: Read> Checked<R> {
    pub fn new(source: R, most: u64) -> Checked<R> {
        Checked {
            source,
            left: most,
            over: false,
            digest: Sha256::new(),
        }
    }

    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Reads the rest; the SHA-256 of all.
    pub fn finish(mut self) -> io::Result<Vec<u8>> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(self.digest.finalize().to_vec())
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(into)?;
        match self.left.checked_sub(n as u64) {
            Some(left) => self.left = left,
            None => {
                self.over = true;
                return Err(io::ErrorKind::FileTooLarge.into());
            }
        }
        self.digest.update(into.get(..n).unwrap_or_default());
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(mut bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        uncompressed(&mut bytes)?.read_to_end(&mut all)?;
        Ok(all)
    }

    /// `printf one | zstd`.
    const ONE: &[u8] = b"\x28\xb5\x2f\xfd\x04\x58\x19\x00\x00one\xf6\xa1\x08\x24";

    #[test]
    fn every_frame_of_a_zstd_stream_is_read() {
        assert_eq!(plain(ONE).unwrap(), b"one");
        let skippable = b"\x50\x2a\x4d\x18\x03\x00\x00\x00xyz";
        let stream = [skippable, ONE, skippable, ONE].concat();
        assert_eq!(plain(&stream).unwrap(), b"oneone");
        assert!(plain(&stream[..5]).is_err());
        assert!(plain(&ONE[..11]).is_err());
    }

    #[test]
    fn a_bound_ends_what_expands() {
        let mut checked = Checked::new(io::repeat(0), 10_000);
        assert!(io::copy(&mut checked, &mut io::sink()).is_err());
        assert!(checked.is_over());
        let few = Checked::new(&b"abc"[..], 3).finish().unwrap();
        assert_eq!(few.get(..4), Some(&[0xba, 0x78, 0x16, 0xbf][..]));
    }
}
