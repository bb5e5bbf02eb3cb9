//! Slots: sandboxes that have everything but a name, and a root unless it was asked for ahead.

mod child;
mod confinement;
mod launch;
mod sysfs;
mod vfork;

pub use confinement::Confinements;
pub use launch::{
    Entry, Kind, Launcher, Process, Slot, enter, remove_socket_dir, socket_dir, start_time,
};
