//! Frames and messages shared by guest and warden.
//!
//! The message types are generated from `proto/guest.proto` and `proto/warden.proto`; the framing
//! and its bounds are described at the top of those files and live in [`frame`].

pub mod frame;

/// Messages between engine and guest (`proto/guest.proto`).
pub mod guest {
    include!(concat!(env!("OUT_DIR"), "/atoll.guest.v1.rs"));
}

/// Messages between engine and warden (`proto/warden.proto`).
pub mod warden {
    include!(concat!(env!("OUT_DIR"), "/atoll.warden.v1.rs"));
}
