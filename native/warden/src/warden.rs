//! The state of the service: who is alive, which indexes are taken, what is under way.

use std::collections::{BTreeSet, HashMap};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atoll_wire::warden::failure::Code;
use atoll_wire::warden::{self as wire, Isolation, event};

use crate::cgroup::{Cgroups, Group, Limits};
use crate::committer::Job;
use crate::config::Config;
use crate::events::Events;
use crate::fault::{During, Fault, Outcome};
use crate::gvisor::{Gvisor, Key};
use crate::ids::Id;
use crate::live::{Holds, LiveDir, Mark};
use crate::lock::{KeyedLocks, lock};
use crate::mounts::Roots;
use crate::net::Network;
use crate::net::policy::Policy;
use crate::pool::Pool;
use crate::pool::layers::Layers;
use crate::seccomp::Profile;
use crate::slot::{Confinements, Launcher, Slot};
use crate::volumes::{VolumeMount, Volumes};
use crate::watcher::Watcher;

/// How long an end may take: processes in uninterruptible sleep, journals being written.
pub const END_LIMIT: Duration = Duration::from_secs(20);

pub struct Warden {
    pub config: Config,
    pub pool: Pool,
    pub layers: Layers,
    pub volumes: Volumes,
    pub roots: Roots,
    pub cgroups: Cgroups,
    pub network: Network,
    pub launcher: Launcher,
    pub confinements: Confinements,
    pub gvisor: Gvisor,
    /// Seals saved memory.
    pub key: Key,
    pub live: LiveDir,
    pub events: Events,
    pub watcher: Watcher,
    /// Operations on one sandbox, slot, snapshot or layer go one at a time.
    pub locks: KeyedLocks<Id>,
    pub state: Mutex<State>,
    /// What claims leave to be done afterwards.
    pub jobs: SyncSender<Job>,
}

#[derive(Default)]
pub struct State {
    pub slots: HashMap<Id, Slot>,
    pub sandboxes: HashMap<Id, Arc<Sandbox>>,
    /// Layers that claims under way use, with how many do.
    pub layers_claimed: HashMap<Id, usize>,
    /// Layers that are being deleted.
    pub layers_ending: BTreeSet<Id>,
    /// Indexes of slots (also those being made or ending) and sandboxes.
    pub indexes: BTreeSet<u32>,
}

/// A live sandbox.
pub struct Sandbox {
    pub id: Id,
    pub slot: Id,
    pub isolation: Isolation,
    pub profile: Profile,
    pub index: u32,
    pub pid: i32,
    pub start_time: u64,
    pub pidfd: OwnedFd,
    pub group: Group,
    pub layers: Vec<Id>,
    /// Kept mounted until it ends.
    pub volumes: Mutex<Vec<Arc<VolumeMount>>>,
    pub limits: Mutex<Limits>,
    pub mark: Mutex<Mark>,
    pub holds: Mutex<Holds>,
    /// Of its network, when it has one of its own.
    pub policy: Mutex<Option<Policy>>,
    /// The mount of its upper, for syncfs. `None` once the sandbox ends.
    pub upper: Mutex<Option<OwnedFd>>,
    pub loop_number: u32,
    /// Whether the record of its disk is known to be durable; held while it is made so.
    pub recorded: Mutex<bool>,
    /// Keeps the notification of met memory limits alive.
    pub oom: Mutex<Option<OwnedFd>>,
    /// Limits met that were told already.
    pub oom_told: Mutex<u64>,
}

impl Sandbox {
    /// Whether it was told to stop every process, and not to go on since.
    pub fn is_held(&self) -> bool {
        match self.isolation {
            Isolation::Container => self.group.is_frozen(),
            Isolation::Gvisor => *lock(&self.mark) == Mark::Paused,
        }
    }

    /// Whether it is stopped for the engine, whoever else may hold it.
    pub fn is_paused(&self) -> bool {
        let holds = *lock(&self.holds);
        self.is_held() && (holds.engine || !holds.pool)
    }
}

impl Warden {
    pub fn sockets(&self) -> PathBuf {
        self.config.run_dir.join("s")
    }

    pub fn sandbox(&self, id: Id) -> Outcome<Arc<Sandbox>> {
        lock(&self.state)
            .sandboxes
            .get(&id)
            .cloned()
            .ok_or_else(|| Fault::not_found("live sandbox", id))
    }

    pub fn sandbox_of_slot(&self, slot: Id) -> Option<Arc<Sandbox>> {
        lock(&self.state)
            .sandboxes
            .values()
            .find(|s| s.slot == slot)
            .cloned()
    }

    pub fn address(&self, index: u32) -> String {
        self.network.address(index).to_string()
    }

    /// The limits of a request with the defaults where it says 0.
    pub fn limits(&self, asked: Option<wire::Limits>) -> Limits {
        let asked = asked.unwrap_or_default();
        let defaults = &self.config.limits;
        let or = |value, default| if value == 0 { default } else { value };
        Limits {
            cpu_millis: or(asked.cpu_millis, defaults.cpu_millis),
            memory_bytes: if asked.memory_bytes == 0 {
                defaults.memory_bytes
            } else {
                asked.memory_bytes
            },
            pids: or(asked.pids, defaults.pids),
        }
    }

    pub fn default_limits(&self) -> Limits {
        self.limits(None)
    }

    /// Takes the lowest free index.
    pub fn take_index(&self) -> Outcome<u32> {
        let mut state = lock(&self.state);
        let free = (0..self.config.max_slots).find(|index| !state.indexes.contains(index));
        let index = free.ok_or_else(|| {
            Fault::new(
                Code::NoSlot,
                format!("all {} slots are in use", self.config.max_slots),
            )
        })?;
        state.indexes.insert(index);
        Ok(index)
    }

    pub fn free_index(&self, index: u32) {
        lock(&self.state).indexes.remove(&index);
    }

    /// Ends a sandbox, or what is left of one whose PID 1 ended: kills the group, lets the kernel
    /// release what it held, syncs the disk. The caller holds the sandbox's lock.
    pub fn release(&self, sandbox: &Sandbox) -> Outcome<()> {
        let busy = |what: &str| Fault::new(Code::Busy, format!("sandbox {}: {what}", sandbox.id));
        let oom = sandbox.group.oom_kills() > 0;
        sandbox.group.kill().during("kill")?;
        if !sandbox.group.wait_empty(END_LIMIT).during("kill")?
            || !crate::sys::poll_one(
                sandbox.pidfd.as_fd(),
                libc::POLLIN,
                END_LIMIT.as_millis() as i32,
            )
            .during("kill")?
        {
            return Err(busy("a process does not end"));
        }
        let status = crate::sys::reap(sandbox.pidfd.as_fd()).unwrap_or(-1);
        drop(lock(&sandbox.upper).take());
        let volumes = std::mem::take(&mut *lock(&sandbox.volumes));
        drop(lock(&sandbox.oom).take());
        std::thread::scope(|scope| {
            // Disk and network wait for different parts of the kernel.
            let network = std::thread::Builder::new()
                .name("network".to_owned())
                .spawn_scoped(scope, || self.network.destroy(sandbox.index))
                .during("thread")?;
            let synced = self.sync_disk(sandbox).and(self.sync_volumes(&volumes));
            let destroyed = network
                .join()
                .map_err(|_| Fault::new(Code::Io, "the thread of the network panicked"))?;
            synced.and(destroyed.during("network"))
        })?;
        sandbox.group.remove(END_LIMIT).during("cgroup")?;
        self.remove_socket(sandbox.slot);
        self.forget_gvisor(sandbox.slot);
        self.watcher.forget(sandbox.slot);
        {
            let mut state = lock(&self.state);
            state.sandboxes.remove(&sandbox.id);
            state.indexes.remove(&sandbox.index);
        }
        // After it is forgotten: see `record_live`.
        self.live.remove(sandbox.id).during("live record")?;
        let id = sandbox.id.to_string();
        self.events
            .publish(event::Kind::Exited(event::Exited { id, status, oom }));
        Ok(())
    }

    /// Waits until the kernel has unmounted the upper and makes its image durable.
    fn sync_disk(&self, sandbox: &Sandbox) -> Outcome<()> {
        use crate::pool::disks::Family;
        use crate::pool::loopdev;
        let image = match self.pool.open_image(Family::Disk, sandbox.id) {
            // The operator or an audit removed it; there is nothing to keep.
            Err(fault) if fault.code == Code::NotFound => return Ok(()),
            other => other?,
        };
        if !loopdev::wait_detached(sandbox.loop_number, &image, END_LIMIT).during("disk")? {
            return Err(Fault::new(
                Code::Busy,
                format!("sandbox {}: its disk is still in use", sandbox.id),
            ));
        }
        image.sync_all().during("disk")?;
        self.settle_live(sandbox).during("record of the disk")
    }

    /// Waits for a process of ours that was told to end, and removes its groups and network.
    pub fn discard_slot(&self, slot: Slot) -> Outcome<()> {
        let (id, index) = (slot.id, slot.index);
        let group = self.cgroups.group(id);
        group.kill().during("slot")?;
        if !group.wait_empty(END_LIMIT).during("slot")? {
            return Err(Fault::new(
                Code::Busy,
                format!("slot {id}: a process does not end"),
            ));
        }
        if let Some(process) = slot.process() {
            crate::sys::poll_one(process.pidfd.as_fd(), libc::POLLIN, 1000).during("slot")?;
            crate::sys::reap(process.pidfd.as_fd());
        }
        self.watcher.forget(id);
        drop(slot);
        self.clear_slot(id, index)
    }

    /// Removes what a slot without processes leaves.
    pub fn clear_slot(&self, id: Id, index: u32) -> Outcome<()> {
        self.network.destroy(index).during("network")?;
        self.cgroups.group(id).remove(END_LIMIT).during("cgroup")?;
        crate::pool::durable::remove(&self.pool.slot_image(id)).during("slot disk")?;
        self.remove_socket(id);
        self.forget_gvisor(id);
        self.free_index(index);
        Ok(())
    }

    /// What the engine may have put beside its socket is its own and stays.
    fn remove_socket(&self, slot: Id) {
        if let Err(error) = crate::slot::remove_socket_dir(&self.sockets(), slot) {
            eprintln!("warden: socket directory of slot {slot}: {error}");
        }
    }
}
