//! Tar streams: POSIX pax interchange format (pax(1), IEEE Std 1003.1), and on the way in also
//! GNU's long names and base-256 numbers.

pub mod archive;
pub mod extract;
pub mod header;
mod layer;
pub mod stream;
mod uncompressed;
