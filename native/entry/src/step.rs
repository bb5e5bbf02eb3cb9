//! What can fail on the way from clone to sandbox.

use std::ffi::c_int;

/// Length of a report of failure: the step, then errno in the machine's order.
pub const REPORT: usize = 5;

/// A step and its errno.
#[derive(Clone, Copy, Debug)]
pub struct Failed(pub Step, pub c_int);

impl Failed {
    /// The step with the calling thread's errno.
    pub fn now(step: Step) -> Failed {
        // SAFETY: the location of this thread's errno.
        Failed(step, unsafe { *libc::__errno_location() })
    }

    /// Allocates nothing.
    pub fn report(self) -> [u8; REPORT] {
        let [a, b, c, d] = self.1.to_ne_bytes();
        [self.0 as u8, a, b, c, d]
    }
}

/// Steps, told to the warden when one fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    Descriptors = 1,
    Go = 2,
    Ids = 3,
    Private = 4,
    Stage = 5,
    Proc = 6,
    Dev = 7,
    Sys = 8,
    Sockets = 9,
    Mask = 10,
    Claim = 11,
    Root = 12,
    Pivot = 13,
    Hostname = 14,
    Filter = 15,
    Capabilities = 16,
    Exec = 17,
    CgroupNamespace = 18,
    Volume = 19,
}

impl Step {
    /// What a report's first byte means, in words.
    pub fn name(number: u8) -> &'static str {
        match number {
            1 => "closing descriptors",
            2 => "waiting for the id maps",
            3 => "becoming root of the user namespace",
            4 => "making mounts private",
            5 => "mounting the work place",
            6 => "mounting proc",
            7 => "making dev",
            8 => "making sys",
            9 => "mounting the socket directory",
            10 => "masking proc",
            11 => "receiving the claim",
            12 => "mounting the root",
            13 => "changing the root",
            14 => "setting the host name",
            15 => "installing the filter",
            16 => "dropping capabilities",
            17 => "executing the guest",
            18 => "the cgroup namespace",
            19 => "mounting a volume",
            _ => "an unknown step",
        }
    }
}
