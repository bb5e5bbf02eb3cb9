//! File operations. Each runs on its connection's thread with the credentials of the asked user.

pub mod path;
pub mod read;
pub mod stat;
pub mod write;
