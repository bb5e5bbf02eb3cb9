//! Taking over from a dead warden: sandboxes that live go on, everything half-made goes.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex};

use crate::cgroup::Limits;
use crate::fault::{During, Outcome};
use crate::ids::Id;
use crate::live::{Holds, LiveRecord};
use crate::lock::lock;
use crate::pool::disks::Family;
use crate::pool::{ext4, loopdev};
use crate::seccomp::Profile;
use crate::slot::start_time;
use crate::sys;
use crate::volumes::VolumeMount;
use crate::warden::{END_LIMIT, Sandbox, Warden};

impl Warden {
    /// Runs before the first request.
    pub fn take_over(self: &Arc<Self>) -> Outcome<()> {
        let mut adopted = Vec::new();
        for (id, record) in self.live.read_all().during("live records")? {
            match self.adopt(id, &record) {
                Ok(sandbox) => adopted.push(sandbox),
                Err(fault) => {
                    eprintln!("warden: sandbox {id} is not taken over: {}", fault.message);
                    self.live.remove(id).during("live record")?;
                }
            }
        }
        let kept: Vec<Id> = adopted.iter().map(|s| s.slot).collect();
        self.kill_strangers(&kept)?;
        self.forget_dead(&kept)?;
        for sandbox in &adopted {
            let mut state = lock(&self.state);
            state.indexes.insert(sandbox.index);
            state.sandboxes.insert(sandbox.id, sandbox.clone());
        }
        for sandbox in adopted {
            let finished = self.locks.with(sandbox.id, || self.finish_saving(&sandbox));
            if let Err(fault) = finished {
                eprintln!("warden: sandbox {}: {}", sandbox.id, fault.message);
            }
        }
        self.remove_lost_memory()?;
        // What is left now belongs to nobody.
        let repair = atoll_wire::warden::Audit {
            repair: true,
            ..Default::default()
        };
        for leak in self.audit(&repair)?.leaks {
            let outcome = if leak.repaired { "removed" } else { "left" };
            eprintln!(
                "warden: {} {} of a dead warden is {outcome}",
                leak.kind, leak.name
            );
        }
        Ok(())
    }

    fn adopt(&self, id: Id, record: &LiveRecord) -> Outcome<Arc<Sandbox>> {
        let slot = Id::of("slot", &record.slot)?;
        let pidfd = sys::pidfd_open(record.pid).during("process")?;
        // After the open: the pidfd holds the process that the start time is read of.
        let started = start_time(record.pid).during("process")?;
        // An ended process that nobody has reaped still has its number and its start time.
        let ended = sys::poll_one(pidfd.as_fd(), libc::POLLIN, 0).during("process")?;
        if ended || started != record.start_time {
            return Err(crate::fault::Fault::not_found("process", record.pid));
        }
        let group = self.cgroups.group(slot);
        let (upper, loop_number) = self.upper_of(id)?;
        let layers: Outcome<Vec<Id>> = record.layers.iter().map(|l| Id::of("layers", l)).collect();
        let sandbox = Sandbox {
            id,
            slot,
            isolation: record.isolation.into(),
            profile: if record.extended {
                Profile::Extended
            } else {
                Profile::Standard
            },
            index: record.index,
            pid: record.pid,
            start_time: record.start_time,
            pidfd,
            group,
            layers: layers?,
            volumes: Mutex::new(self.volumes_of(record)?),
            limits: Mutex::new(Limits {
                cpu_millis: record.cpu_millis,
                memory_bytes: record.memory_bytes,
                pids: record.pids,
            }),
            upper: Mutex::new(Some(upper)),
            loop_number,
            mark: Mutex::new(record.mark),
            holds: Mutex::default(),
            policy: Mutex::new(record.policy.clone()),
            recorded: Mutex::new(false),
            oom: Mutex::new(None),
            oom_told: Mutex::new(0),
        };
        *lock(&sandbox.holds) = record.holds.unwrap_or_else(|| Holds {
            engine: sandbox.is_held(),
            pool: false,
        });
        self.watcher
            .add_end(sandbox.pidfd.as_fd(), slot)
            .during("watching the sandbox")?;
        *lock(&sandbox.oom_told) = sandbox.group.oom_kills();
        self.watch_memory(&sandbox);
        Ok(Arc::new(sandbox))
    }

    /// The upper of a running sandbox, mounted a second time: the kernel gives the same superblock.
    fn upper_of(&self, sandbox: Id) -> Outcome<(OwnedFd, u32)> {
        let image = self.pool.open_image(Family::Disk, sandbox)?;
        let device = loopdev::LoopDevice::find(&image)
            .during("disk")?
            .ok_or_else(|| crate::fault::Fault::not_found("loop device of disk", sandbox))?;
        let mounted = ext4::mount_device(&device).during("disk")?;
        // Nobody of ours freezes file systems, but a writer below one that somebody froze cannot
        // even be killed.
        if ext4::thaw(&mounted).during("disk")? {
            eprintln!("warden: disk {sandbox} was frozen and is thawed");
        }
        Ok((mounted.mount, mounted.loop_number))
    }

    /// Mounted again, so that they count as used; the kernel gives the superblocks in use.
    fn volumes_of(&self, record: &LiveRecord) -> Outcome<Vec<Arc<VolumeMount>>> {
        let ids = record.volumes.iter();
        ids.map(|id| self.volume(Id::of("volumes", id)?)).collect()
    }

    /// Ends processes in groups of the instance that belong to no adopted sandbox: unclaimed slots
    /// exit by themselves when their warden dies, half-claimed ones do not.
    fn kill_strangers(&self, kept: &[Id]) -> Outcome<()> {
        for slot in self.cgroups.slots().during("cgroups")? {
            if kept.contains(&slot) {
                continue;
            }
            let group = self.cgroups.group(slot);
            group.kill().during("stale cgroup")?;
            if !group.wait_empty(END_LIMIT).during("stale cgroup")? {
                eprintln!("warden: a process of the dead slot {slot} does not end");
                continue;
            }
            group.remove(END_LIMIT).during("stale cgroup")?;
        }
        Ok(())
    }
}
