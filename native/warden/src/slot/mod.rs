//! Slots: sandboxes that have everything but a root.

mod child;
mod confinement;
mod launch;
mod sysfs;

pub use confinement::Confinements;
pub use launch::{Kind, Launcher, Process, Slot, enter, remove_socket_dir, socket_dir, start_time};
