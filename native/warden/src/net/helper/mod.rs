//! Processes without privileges that serve sandboxes: they read what sandboxes and the internet send.
//! The warden binds their sockets, starts them, tells them the policies and starts them again when they
//! end. What they tell the warden is checked: it could come from whoever took one over.

mod inside;
mod privileges;
mod supervisor;
mod wire;

pub use inside::{Calls, Policies};
pub use privileges::drop_all;
pub use supervisor::{Helper, Office, Program, Telling};
pub use wire::{Call, Reply};

use std::os::fd::RawFd;

/// Where a helper finds its connections to the warden, besides its sockets on standard input and
/// output, and the network namespace to enter.
pub const ORDERS: RawFd = 3;
pub const CALLS: RawFd = 4;
pub const NAMESPACE: RawFd = 5;
