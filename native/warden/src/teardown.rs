//! Removes what an instance has in the kernel and in its run directory: sandboxes, groups, links,
//! packet filter, mounts. Disks, snapshots and layers stay in the state directory.

use std::fs;
use std::io;
use std::time::Duration;

use crate::cgroup::Cgroups;
use crate::config::Config;
use crate::net::Network;
use crate::pool::{self, c_path};
use crate::service::{exclusive, network_config};
use crate::sys;

const LIMIT: Duration = Duration::from_secs(20);

/// Works also for an instance whose warden was killed; refuses while one runs.
pub fn run(config: &Config) -> Result<(), String> {
    let run_dir = &config.run_dir;
    fs::create_dir_all(run_dir).map_err(|e| format!("{}: {e}", run_dir.display()))?;
    let _lock = exclusive(&run_dir.join("warden.lock"))?;
    let cgroups = Cgroups::open(&config.instance, &run_dir.join("cgroup2"))?;
    end_all(&cgroups).map_err(|e| format!("cgroups: {e}"))?;
    Network::teardown(&network_config(config)?).map_err(|e| format!("network: {e}"))?;
    pool::close(config).map_err(|e| format!("pool: {e}"))?;
    for name in ["s", "live", "cgroup2"] {
        let dir = run_dir.join(name);
        if dir.is_dir() && pool::is_mount_point(&dir).map_err(|e| e.to_string())? {
            sys::unmount(&c_path(&dir), libc::MNT_DETACH)
                .map_err(|e| format!("{}: {e}", dir.display()))?;
        }
    }
    fs::remove_dir_all(run_dir).map_err(|e| format!("{}: {e}", run_dir.display()))
}

fn end_all(cgroups: &Cgroups) -> io::Result<()> {
    let slots = cgroups.slots()?;
    for slot in &slots {
        cgroups.group(*slot).kill()?;
    }
    for slot in slots {
        let group = cgroups.group(slot);
        if !group.wait_empty(LIMIT)? {
            return Err(io::Error::other(format!(
                "a process of slot {slot} does not end"
            )));
        }
        group.remove(LIMIT)?;
    }
    cgroups.remove_parents()
}
