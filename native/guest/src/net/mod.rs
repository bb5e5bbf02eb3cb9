//! The sandbox's own network, from inside: pipes to its ports, and who listens.

pub mod dial;
pub mod ports;
