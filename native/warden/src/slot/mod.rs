//! Slots: sandboxes that have everything but a root.

mod child;
mod launch;
mod sysfs;

pub use launch::{Launcher, Slot, Upper, socket_dir, start_time};
