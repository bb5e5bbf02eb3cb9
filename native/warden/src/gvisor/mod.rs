//! The class `gvisor`: a sandbox whose kernel is gVisor's sentry, run by `runsc` on the same disks,
//! network namespace and groups as a container.
//!
//! Nothing of it is mounted in a namespace that outlives the sandbox: `runsc` is started in a mount
//! namespace of its own, and what it needs from there its two processes (sandbox and gofer) take
//! along. Both are in the slot's groups, so limits, freezing, killing and usage work as for
//! containers. `runsc`'s own records lie in `<run>/g/<slot>/`, one root directory a sandbox: its
//! commands match ids by prefix, and so never see another one.

mod hibernate;
mod launch;
pub mod memory;
mod prepare;
mod runsc;
mod seal;
mod spec;
mod userns;

pub use launch::{Launch, Prepared, Warm};
pub use runsc::{Gvisor, Runsc};
pub use seal::{ImageSeal, Key};
pub use spec::host_tasks;
use userns::user_namespace;

use atoll_wire::warden::doctor_report::Check;
use atoll_wire::warden::{Class, Isolation};

use crate::warden::Warden;

/// What each class can do here, and why not.
pub fn classes(warden: &Warden) -> Vec<Class> {
    let usable = warden.gvisor.usable();
    vec![
        Class {
            isolation: Isolation::Container.into(),
            usable: true,
            reason: String::new(),
            memory: false,
        },
        Class {
            isolation: Isolation::Gvisor.into(),
            usable: usable.is_ok(),
            reason: usable.err().unwrap_or_default().to_owned(),
            memory: usable.is_ok(),
        },
    ]
}

/// The doctor's line.
pub fn check(warden: &Warden) -> Check {
    let (ok, detail) = match warden.gvisor.usable() {
        Ok(runsc) => (true, format!("runsc {}", runsc.version)),
        Err(why) => (false, why.to_owned()),
    };
    Check {
        name: "class gvisor".to_owned(),
        ok,
        detail,
        required: false,
    }
}
