//! File operations. Each runs on its connection's thread with the credentials of the asked user.

pub mod attributes;
pub mod copy;
pub mod glob;
pub mod list;
mod own;
pub mod path;
pub mod read;
pub mod replace;
pub mod search;
pub mod stat;
pub mod tree;
pub mod walk;
pub mod write;
