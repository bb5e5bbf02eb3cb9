//! How the process of a slot becomes PID 1 of a sandbox.
//!
//! A slot's process executes the guest when the slot is made: the program's start, its first page
//! faults and its dial-in are over before anybody waits for a sandbox. It then waits in a work place
//! of its own (see [`Stage`](stage)) for the claim: root and spool as descriptors, and [`Orders`]. It
//! enters the root itself, gives up what it no longer may have, and only then starts threads.
//!
//! Until the claim nothing of a user is near it, so its rights over its own user namespace are no
//! danger; what it is allowed afterwards is decided by the warden, which sends capabilities and
//! filter with the orders.
//!
//! | from | to | packet |
//! |---|---|---|
//! | guest | warden | [`READY`] when it waits for a claim |
//! | warden | guest | [`Orders`], with overlay, spool and volumes |
//! | guest | warden | [`ENTERED`] when it is confined; then it closes the socket |
//! | either process of the slot | warden | (step, errno) of what failed; then it exits |
//!
//! The control socket is of the sequential-packet kind. Its end tells a waiting guest to exit.

mod enter;
mod orders;
mod step;

pub use enter::Slot;
pub use orders::{MAX_HOSTNAME, MAX_VOLUME_PATH, MAX_VOLUMES, Orders};
pub use step::{Failed, REPORT, Step};

/// Tells the warden that the process waits for a claim.
pub const READY: u8 = b'r';
/// Tells the warden that the sandbox has its root and no right too many.
pub const ENTERED: u8 = b'e';

/// Where the engine's socket is before the claim, relative to the work place.
pub const SOCKET_BEFORE: &str = "atoll/d/e";
/// Where it is afterwards.
pub const SOCKET: &str = "/run/.atoll/d/e";

/// Names in the work place, which is the working directory until the claim. The slot's child makes
/// and fills them; entering the root moves all but `root` into it.
pub mod stage {
    use std::ffi::CStr;

    pub const PROC: &CStr = c"proc";
    pub const DEV: &CStr = c"dev";
    pub const SYS: &CStr = c"sys";
    /// A directory that only root of the sandbox passes, with the engine's directory `d` in it.
    pub const SOCKETS: &CStr = c"atoll";
    pub const ROOT: &CStr = c"root";
}
