//! The privileged part of Atoll.

pub mod net;
