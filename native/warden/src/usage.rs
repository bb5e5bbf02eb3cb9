//! Usage and Df.

use atoll_wire::warden::{DfReport, UsageReport, usage_report::One};

use crate::fault::{During, Outcome};
use crate::ids::Id;
use crate::lock::lock;
use crate::pool::disks::Family;
use crate::pool::used_bytes;
use crate::warden::{Sandbox, Warden};

impl Warden {
    pub fn usage_of(&self, sandbox: &Sandbox) -> One {
        let used = sandbox.group.usage();
        // The link is gone once PID 1 has ended.
        let (net_rx, net_tx) = self.network.counters(sandbox.index).unwrap_or_default();
        One {
            sandbox: sandbox.id.to_string(),
            cpu_us: used.cpu_us,
            memory_bytes: used.memory_bytes,
            memory_peak: used.memory_peak,
            disk_used: used_bytes(&self.pool.image(Family::Disk, sandbox.id)),
            net_rx,
            net_tx,
            pids: used.pids,
            oom_kills: used.oom_kills,
        }
    }

    /// Of the live ones among `ids`, or of all.
    pub fn usage(&self, ids: &[String]) -> Outcome<UsageReport> {
        let wanted: Outcome<Vec<Id>> = ids.iter().map(|id| Id::of("sandboxes", id)).collect();
        let wanted = wanted?;
        let live: Vec<_> = {
            let state = lock(&self.state);
            if wanted.is_empty() {
                state.sandboxes.values().cloned().collect()
            } else {
                wanted
                    .iter()
                    .filter_map(|id| state.sandboxes.get(id).cloned())
                    .collect()
            }
        };
        Ok(UsageReport {
            of: live.iter().map(|sandbox| self.usage_of(sandbox)).collect(),
        })
    }

    pub fn df(&self) -> Outcome<DfReport> {
        let space = self.pool.space().during("pool")?;
        let layers = self.pool.layers().during("layers")?;
        Ok(DfReport {
            pool_total: space.total,
            pool_free: space.free,
            backing_free: space.backing_free,
            admission_mark: self.pool.admission_mark,
            freeze_mark: self.pool.freeze_mark,
            refusing: space.writable() < self.pool.admission_mark,
            kind: self.pool.kind.name().to_owned(),
            layers_used: layers.into_iter().map(|id| self.pool.layer_bytes(id)).sum(),
            snapshots_used: self.pool.used(Family::Snapshot).during("snapshots")?,
            disks_used: self.pool.used(Family::Disk).during("disks")?,
            volumes_used: self.pool.used(Family::Volume).during("volumes")?,
        })
    }
}
