//! Claim and Kill.

use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex};

use atoll_entry::Orders;
use atoll_wire::warden::{self as wire, Claimed, Killed, claim};

use crate::committer::Job;
use crate::control::checked_policy;
use crate::fault::{During, Fault, Outcome};
use crate::gvisor::memory::{self, Saved};
use crate::gvisor::{Prepared, Warm};
use crate::ids::Id;
use crate::live::{Holds, LiveRecord, Mark};
use crate::lock::lock;
use crate::mounts::{Leftovers, Upper};
use crate::net::policy::Policy;
use crate::pool::disks::{DiskRecord, Family};
use crate::pool::layers::LayerMount;
use crate::pool::{Pool, durable, ext4, loopdev, used_bytes};
use crate::seccomp::Profile;
use crate::slot::{self, Entry, Kind, Process, Slot};
use crate::volumes::{Mount, View};
use crate::warden::{END_LIMIT, Sandbox, Warden};
use crate::watcher::Signal;

/// A checked claim.
struct Order {
    slot: Id,
    sandbox: Id,
    layers: Vec<Id>,
    disk: DiskSource,
    hostname: String,
    network: bool,
    policy: Option<Policy>,
    profile: Profile,
    limits: crate::cgroup::Limits,
    volumes: Vec<Mount>,
}

enum DiskSource {
    New(u64),
    Existing,
    Snapshot(Id),
    /// Goes on from the memory saved under this id.
    Memory(Id),
    /// A snapshot that ends with the claim: its image becomes the disk.
    Taken(Id),
}

impl Order {
    /// A sandbox that runs already is what it is.
    fn fits(&self, slot: &Slot, default_class: u64) -> Outcome<()> {
        if let (Kind::Container { .. }, DiskSource::Memory(_)) = (&slot.kind, &self.disk) {
            let what = "a container cannot go on from saved memory";
            return Err(Fault::invalid("memory", what));
        }
        if !self.volumes.is_empty() && slot.layers_ahead().is_some() {
            let what = "volumes are mounted in a slot that has no root yet";
            return Err(Fault::invalid("slot", what));
        }
        let Some(layers) = slot.layers_ahead() else {
            return Ok(());
        };
        let new = matches!(self.disk, DiskSource::New(size) if size == default_class);
        if !new || self.profile != Profile::Standard || self.layers != layers {
            return Err(Fault::invalid(
                "slot",
                "the sandbox of this slot runs already: it has the layers it was prepared with, \
                 a new disk of the default size and the standard profile",
            ));
        }
        Ok(())
    }
}

/// What a container's root is made of, and for whom.
pub struct Place<'a> {
    /// Lowest first.
    pub layers: &'a [Arc<LayerMount>],
    pub upper: &'a Upper,
    pub slot: &'a Slot,
    pub profile: Profile,
    pub volumes: &'a [View],
}

/// Most layers below one sandbox; the kernel's own bound is 500.
const MAX_LAYERS: usize = 64;

impl Warden {
    fn order(&self, claim: &wire::Claim) -> Outcome<Order> {
        let slot = Id::of("slot", &claim.slot)?;
        let sandbox = Id::of("sandbox", &claim.sandbox)?;
        let disk = match &claim.disk {
            Some(claim::Disk::NewBytes(bytes)) => {
                DiskSource::New(Pool::disk_class("new_bytes", *bytes)?)
            }
            Some(claim::Disk::Existing(true)) => DiskSource::Existing,
            Some(claim::Disk::Snapshot(id)) => DiskSource::Snapshot(Id::of("snapshot", id)?),
            Some(claim::Disk::Memory(id)) => DiskSource::Memory(Id::of("memory", id)?),
            Some(claim::Disk::TakenSnapshot(id)) => {
                DiskSource::Taken(Id::of("taken_snapshot", id)?)
            }
            Some(claim::Disk::Existing(false)) | None => {
                return Err(Fault::invalid(
                    "disk",
                    "disk must be new_bytes, existing, snapshot, taken_snapshot or memory",
                ));
            }
        };
        let layers = match claim.layers.as_slice() {
            [] => Vec::new(),
            layers => checked_layers(layers)?,
        };
        let hostname = match claim.hostname.as_str() {
            "" => default_hostname(sandbox),
            name => checked_hostname(name)?,
        };
        let profile = match claim.profile {
            0 => Profile::Standard,
            1 => Profile::Extended,
            other => {
                return Err(Fault::invalid(
                    "profile",
                    format!("profile {other} is unknown"),
                ));
            }
        };
        if sandbox == slot {
            // Both are locked, one after the other.
            return Err(Fault::invalid("sandbox", "sandbox has the slot's id"));
        }
        Ok(Order {
            slot,
            sandbox,
            layers,
            disk,
            hostname,
            network: claim.network,
            policy: claim.policy.clone().map(checked_policy).transpose()?,
            profile,
            limits: self.limits(claim.limits),
            volumes: checked_volumes(claim, profile)?,
        })
    }

    /// Makes a slot a sandbox. The slot is used up whatever comes out, unless the request itself
    /// was refused.
    pub fn claim(&self, claim: &wire::Claim) -> Outcome<Claimed> {
        let order = self.order(claim)?;
        self.locks.with(order.sandbox, || match order.disk {
            // It is not deleted while a sandbox is made of it.
            DiskSource::Snapshot(id) | DiskSource::Memory(id) if id != order.sandbox => {
                self.locks.sharing(id, || self.claim_order(&order))
            }
            _ => self.claim_order(&order),
        })
    }

    /// The caller holds the sandbox's lock.
    fn claim_order(&self, order: &Order) -> Outcome<Claimed> {
        if lock(&self.state).sandboxes.contains_key(&order.sandbox) {
            return Err(Fault::exists("live sandbox", order.sandbox));
        }
        self.check_disk(order)?;
        let _claimed = self.claim_layers(&order.layers)?;
        let layers = self.layer_mounts(&order.layers)?;
        self.locks.with(order.slot, || {
            let slot = {
                let mut state = lock(&self.state);
                let Some(slot) = state.slots.get(&order.slot) else {
                    return Err(Fault::not_found("slot", order.slot));
                };
                order.fits(slot, self.pool.default_class)?;
                state.slots.remove(&order.slot)
            };
            let slot = slot.ok_or_else(|| Fault::not_found("slot", order.slot))?;
            self.claim_slot(order, &layers, slot)
        })
    }

    pub fn layer_mounts(&self, layers: &[Id]) -> Outcome<Vec<Arc<LayerMount>>> {
        let mount = |id: &Id| self.layers.get(&self.pool, &self.roots, *id);
        layers.iter().map(mount).collect()
    }

    /// Refuses before the slot is used up.
    fn check_disk(&self, order: &Order) -> Outcome<()> {
        let there = self.pool.image(Family::Disk, order.sandbox).exists();
        match order.disk {
            DiskSource::Existing if !there => Err(Fault::not_found("disk", order.sandbox)),
            DiskSource::Existing => Ok(()),
            DiskSource::Memory(memory) if memory == order.sandbox => {
                memory::manifest(&self.pool, &self.key, memory).map(drop)
            }
            _ if there => Err(Fault::exists("disk", order.sandbox)),
            DiskSource::New(_) => self.pool.admit(),
            DiskSource::Snapshot(snapshot) | DiskSource::Taken(snapshot) => {
                self.pool.record(Family::Snapshot, snapshot)?;
                self.pool.admit()
            }
            DiskSource::Memory(memory) => {
                memory::manifest(&self.pool, &self.key, memory)?;
                self.pool.admit()
            }
        }
    }

    fn claim_slot(
        &self,
        order: &Order,
        layers: &[Arc<LayerMount>],
        mut slot: Slot,
    ) -> Outcome<Claimed> {
        let made = self.memory_of(order).and_then(|memory| {
            let (views, volumes) = self.volume_views(&order.volumes, slot.userns.as_fd())?;
            let (upper, size) = self.disk_of(order, &mut slot)?;
            let unused = self.run(order, layers, &mut slot, &upper, &views, memory.as_ref())?;
            Ok((unused, upper, size, volumes))
        });
        let (mut unused, upper, size, volumes) = match made {
            Ok(made) => made,
            Err(fault) => {
                self.undo(order, slot);
                return Err(fault);
            }
        };
        let mounted = upper.part(&mut unused);
        let Slot {
            id,
            index,
            kind,
            group,
            userns,
            upper: spare,
            ..
        } = slot;
        unused.descriptors.push(userns);
        if let Some(spare) = spare {
            let mounted = spare.part(&mut unused);
            unused.descriptors.push(mounted.mount);
        }
        let isolation = kind.isolation();
        let Process {
            pid,
            start_time,
            pidfd,
        } = match kind {
            Kind::Container { process, entry } => {
                if let Entry::Waiting(control) = entry {
                    unused.descriptors.push(control);
                }
                process
            }
            Kind::Gvisor(Prepared { netns, warm }) => {
                unused.descriptors.push(netns);
                match warm {
                    Some(warm) => warm.process,
                    None => {
                        let what = "a sandbox of gVisor was not started";
                        return Err(Fault::new(wire::failure::Code::GuestFailed, what));
                    }
                }
            }
        };
        let claimed = Claimed {
            pid,
            start_time,
            address: self.address(index),
            index,
            disk_bytes: size,
        };
        let sandbox = Arc::new(Sandbox {
            id: order.sandbox,
            slot: id,
            isolation,
            profile: order.profile,
            index,
            pid,
            start_time,
            pidfd,
            group,
            layers: order.layers.clone(),
            volumes: Mutex::new(volumes),
            limits: Mutex::new(order.limits),
            mark: Mutex::new(Mark::None),
            holds: Mutex::default(),
            policy: Mutex::new(order.policy.clone()),
            upper: Mutex::new(Some(mounted.mount)),
            loop_number: mounted.loop_number,
            recorded: Mutex::new(matches!(order.disk, DiskSource::Existing)),
            oom: Mutex::new(None),
            oom_told: Mutex::new(0),
        });
        lock(&self.state)
            .sandboxes
            .insert(order.sandbox, sandbox.clone());
        // The end may have come while the slot was in neither map.
        if crate::sys::poll_one(sandbox.pidfd.as_fd(), libc::POLLIN, 0).unwrap_or(false) {
            let _ = self.release(&sandbox);
            return Err(Fault::new(
                wire::failure::Code::GuestFailed,
                "the guest ended right after its start",
            ));
        }
        self.watch_memory(&sandbox);
        self.afterwards(Job {
            disk: Some(order.sandbox),
            unused,
        });
        Ok(claimed)
    }

    /// The sandbox's disk under its final name, mounted, with its record.
    fn disk_of(&self, order: &Order, slot: &mut Slot) -> Outcome<(Upper, u64)> {
        let image = self.pool.image(Family::Disk, order.sandbox);
        let record = |size| DiskRecord {
            size,
            layers: order.layers.iter().map(Id::to_string).collect(),
        };
        match order.disk {
            DiskSource::New(size) => {
                let upper = self.new_upper(slot, size)?;
                self.pool
                    .write_record(Family::Disk, order.sandbox, &record(size), false)
                    .during("record of the disk")?;
                fs::rename(self.pool.slot_image(slot.id), &image).during("name of the disk")?;
                Ok((upper, size))
            }
            DiskSource::Existing => {
                self.give_up_upper(slot)?;
                let file = self.pool.open_image(Family::Disk, order.sandbox)?;
                self.wait_unused(order.sandbox, &file)?;
                let size = file.metadata().during("disk")?.len();
                self.pool
                    .write_record(Family::Disk, order.sandbox, &record(size), true)
                    .during("record of the disk")?;
                Ok((self.view(slot, &file)?, size))
            }
            DiskSource::Snapshot(snapshot) => {
                self.give_up_upper(slot)?;
                let source = self.pool.open_image(Family::Snapshot, snapshot)?;
                let tmp = self.pool.tmp().join(format!("disk-{}.img", order.sandbox));
                durable::remove(&tmp).during("clone of the snapshot")?;
                let file = self
                    .pool
                    .clone_file(&source, &tmp)
                    .during("clone of the snapshot")?;
                let size = file.metadata().during("disk")?.len();
                self.pool
                    .write_record(Family::Disk, order.sandbox, &record(size), false)
                    .during("record of the disk")?;
                fs::rename(&tmp, &image).during("name of the disk")?;
                Ok((self.view(slot, &file)?, size))
            }
            DiskSource::Memory(memory) => {
                self.give_up_upper(slot)?;
                if memory == order.sandbox && image.exists() {
                    let left = self.pool.open_image(Family::Disk, memory)?;
                    self.wait_unused(memory, &left)?;
                }
                let source = memory::memory_dir(&self.pool, memory).join("disk.img");
                let source = File::open(source).during("saved disk")?;
                let tmp = self.pool.tmp().join(format!("disk-{}.img", order.sandbox));
                durable::remove(&tmp).during("clone of the saved disk")?;
                let file = self
                    .pool
                    .clone_file(&source, &tmp)
                    .during("clone of the saved disk")?;
                let size = file.metadata().during("disk")?.len();
                self.pool
                    .write_record(Family::Disk, order.sandbox, &record(size), true)
                    .during("record of the disk")?;
                fs::rename(&tmp, &image).during("name of the disk")?;
                Ok((self.view(slot, &file)?, size))
            }
            DiskSource::Taken(snapshot) => {
                self.give_up_upper(slot)?;
                let file = self.pool.open_image(Family::Snapshot, snapshot)?;
                let size = file.metadata().during("disk")?.len();
                self.pool
                    .write_record(Family::Disk, order.sandbox, &record(size), false)
                    .during("record of the disk")?;
                let taken = self.pool.image(Family::Snapshot, snapshot);
                fs::rename(taken, &image).during("name of the disk")?;
                durable::remove(&self.pool.record_path(Family::Snapshot, snapshot))
                    .during("record of the snapshot")?;
                Ok((self.view(slot, &file)?, size))
            }
        }
    }

    /// The slot's own upper when it has the size, else a fresh one.
    fn new_upper(&self, slot: &mut Slot, size: u64) -> Outcome<Upper> {
        if size == self.pool.default_class
            && let Some(upper) = slot.upper.take()
        {
            return Ok(upper);
        }
        self.give_up_upper(slot)?;
        let mounted = self.fresh_upper(slot.id, size)?;
        self.roots
            .upper(mounted, slot.userns.as_fd())
            .during("upper")
    }

    /// The upper of a slot that gets another one loses its name at once. It stays mounted until
    /// the claim is answered, since letting go of it takes longer than mounting the other.
    fn give_up_upper(&self, slot: &Slot) -> Outcome<()> {
        durable::remove(&self.pool.slot_image(slot.id)).during("slot disk")
    }

    fn view(&self, slot: &Slot, image: &File) -> Outcome<Upper> {
        let mounted = ext4::mount(image).during("mount of the disk")?;
        self.roots
            .upper(mounted, slot.userns.as_fd())
            .during("upper")
    }

    /// The kernel may still be writing the disk's last blocks for a sandbox that just ended.
    pub fn wait_unused(&self, sandbox: Id, image: &File) -> Outcome<()> {
        let Some(device) = loopdev::LoopDevice::find(image).during("disk")? else {
            return Ok(());
        };
        let number = device.number();
        // Our own descriptor would keep it attached.
        drop(device);
        if loopdev::wait_detached(number, image, END_LIMIT).during("disk")? {
            return Ok(());
        }
        Err(Fault::new(
            wire::failure::Code::Busy,
            format!("disk {sandbox} is still in use by an ending sandbox"),
        ))
    }

    /// Limits, link, live record, and what the slot lacks of a sandbox.
    fn run(
        &self,
        order: &Order,
        layers: &[Arc<LayerMount>],
        slot: &mut Slot,
        upper: &Upper,
        volumes: &[View],
        memory: Option<&Saved>,
    ) -> Outcome<Leftovers> {
        let isolation = slot.kind.isolation();
        slot.group
            .apply(
                Some(slot.limits.of_groups(isolation)),
                order.limits.of_groups(isolation),
            )
            .during("limits")?;
        slot.limits = order.limits;
        if let Some(policy) = &order.policy {
            self.network
                .limit(slot.index, Some(policy.clone()))
                .during("network policy")?;
        }
        // What goes on from memory is not who it was: nothing passes until it was told who it is.
        if !order.network || memory.is_some() {
            self.network
                .set_enabled(slot.index, false)
                .during("network")?;
        }
        match &slot.kind {
            Kind::Container { process, entry } => {
                // Before the guest is let in or told anything: a warden killed in between finds
                // either an ended process or the record of a running one.
                self.record(order, slot, process)?;
                match entry {
                    Entry::Waiting(control) => {
                        let place = Place {
                            layers,
                            upper,
                            slot,
                            profile: order.profile,
                            volumes,
                        };
                        self.enter(&place, control.as_fd(), &order.hostname)
                    }
                    Entry::Entered(_) => {
                        self.launcher
                            .set_hostname(process.pid, &order.hostname)
                            .during("host name")?;
                        Ok(Leftovers::default())
                    }
                }
            }
            Kind::Gvisor(Prepared {
                warm: Some(warm), ..
            }) => {
                self.record(order, slot, &warm.process)?;
                Ok(Leftovers::default())
            }
            Kind::Gvisor(Prepared { netns, warm: None }) => {
                let places = memory.map(|saved| (saved.image.as_path(), saved.guest.as_path()));
                let place = Place {
                    layers,
                    upper,
                    slot,
                    profile: order.profile,
                    volumes,
                };
                let (process, unused) = self.start_gvisor(&place, netns.as_fd(), places)?;
                self.record(order, slot, &process)?;
                if let DiskSource::Memory(id) = order.disk
                    && id == order.sandbox
                {
                    memory::mark_used(&self.pool, id).during("used memory")?;
                }
                self.watcher
                    .add_end(process.pidfd.as_fd(), slot.id)
                    .during("watching the sandbox")?;
                let layers = order.layers.clone();
                if let Kind::Gvisor(prepared) = &mut slot.kind {
                    prepared.warm = Some(Warm { layers, process });
                }
                Ok(unused)
            }
        }
    }

    /// The saved memory to go on from, checked whole before anything of it is used.
    fn memory_of(&self, order: &Order) -> Outcome<Option<Saved>> {
        let DiskSource::Memory(id) = order.disk else {
            return Ok(None);
        };
        let capabilities = |profile| self.confinements.of(profile).capabilities;
        let saved = memory::verify(&self.pool, &self.key, self.runsc()?, capabilities, id)?;
        let same = order
            .layers
            .iter()
            .map(Id::as_str)
            .eq(&saved.manifest.layers);
        if !same || order.profile != saved.manifest.profile() {
            let what = "layers or profile are not those that the memory was saved with";
            return Err(Fault::invalid("memory", what));
        }
        Ok(Some(saved))
    }

    /// Makes the overlay and lets a container's guest enter it and confine itself.
    pub fn enter(
        &self,
        place: &Place<'_>,
        control: BorrowedFd<'_>,
        hostname: &str,
    ) -> Outcome<Leftovers> {
        let slot = place.slot;
        let (overlay, unused) = self
            .roots
            .overlay(place.layers, place.upper, slot.userns.as_fd(), slot.base)
            .during("overlay")?;
        let confinement = self.confinements.of(place.profile);
        let orders = Orders {
            capabilities: confinement.capabilities,
            hostname: hostname.as_bytes(),
            filter: &confinement.filter,
            volumes: place
                .volumes
                .iter()
                .map(|view| view.path.as_bytes())
                .collect(),
        };
        let volumes: Vec<BorrowedFd<'_>> = place
            .volumes
            .iter()
            .map(|view| view.mount.as_fd())
            .collect();
        let spool = place.upper.spool.as_fd();
        slot::enter(control, overlay, spool, &volumes, &orders).map_err(|e| Fault {
            code: wire::failure::Code::GuestFailed,
            ..Fault::io("guest", e)
        })?;
        Ok(unused)
    }

    fn record(&self, order: &Order, slot: &Slot, process: &Process) -> Outcome<()> {
        let isolation = slot.kind.isolation();
        let record = LiveRecord {
            boot_id: self.live.boot_id().to_owned(),
            pid: process.pid,
            start_time: process.start_time,
            index: slot.index,
            slot: slot.id.to_string(),
            layers: order.layers.iter().map(Id::to_string).collect(),
            volumes: order
                .volumes
                .iter()
                .map(|mount| mount.volume.to_string())
                .collect(),
            cpu_millis: order.limits.cpu_millis,
            memory_bytes: order.limits.memory_bytes,
            pids: order.limits.pids,
            isolation: isolation.into(),
            extended: order.profile == Profile::Extended,
            mark: Mark::None,
            holds: Some(Holds::default()),
            policy: order.policy.clone(),
        };
        self.live
            .write(order.sandbox, &record)
            .during("live record")
    }

    /// After a failed claim nothing is left of the slot, nor of a disk that was made for it.
    fn undo(&self, order: &Order, mut slot: Slot) {
        drop(slot.upper.take());
        let complain = |result: Outcome<()>| {
            if let Err(fault) = result {
                eprintln!(
                    "warden: after a failed claim of {}: {}",
                    order.sandbox, fault.message
                );
            }
        };
        complain(self.live.remove(order.sandbox).during("live record"));
        complain(self.discard_slot(slot));
        let own = matches!(order.disk, DiskSource::Memory(id) if id == order.sandbox);
        if !own && !matches!(order.disk, DiskSource::Existing) {
            complain(self.pool.remove(Family::Disk, order.sandbox).during("disk"));
        }
    }

    pub fn watch_memory(&self, sandbox: &Sandbox) {
        let watched = sandbox.group.oom_notifier().and_then(|(fd, events)| {
            self.watcher
                .add(fd.as_fd(), events, Signal::Memory(sandbox.slot))?;
            *lock(&sandbox.oom) = Some(fd);
            Ok(())
        });
        if let Err(error) = watched {
            eprintln!("warden: memory events of {}: {error}", sandbox.id);
        }
    }

    /// Idempotent; a disk that nobody runs is as good as killed.
    pub fn kill(&self, id: Id) -> Outcome<Killed> {
        self.locks.with(id, || {
            let found = lock(&self.state).sandboxes.get(&id).cloned();
            let usage = match found {
                Some(sandbox) => {
                    let usage = self.usage_of(&sandbox);
                    self.release(&sandbox)?;
                    Some(usage)
                }
                None => None,
            };
            let disk_used = used_bytes(&self.pool.image(Family::Disk, id));
            Ok(Killed { disk_used, usage })
        })
    }
}

/// Of a sandbox or slot that was given none.
pub fn default_hostname(id: Id) -> String {
    id.as_str()[..12].to_owned()
}

/// At least one layer and not too many.
pub fn checked_layers(layers: &[String]) -> Outcome<Vec<Id>> {
    if layers.is_empty() || layers.len() > MAX_LAYERS {
        return Err(Fault::invalid(
            "layers",
            format!("layers must be 1 to {MAX_LAYERS} ids"),
        ));
    }
    layers.iter().map(|l| Id::of("layers", l)).collect()
}

fn checked_volumes(claim: &wire::Claim, profile: Profile) -> Outcome<Vec<Mount>> {
    let volumes = Mount::all(&claim.volumes)?;
    if matches!(claim.disk, Some(claim::Disk::Memory(_))) && !volumes.is_empty() {
        let what = "a sandbox that goes on from saved memory has no volumes";
        return Err(Fault::invalid("volumes", what));
    }
    // What may mount may also make a mount writable again.
    if profile == Profile::Extended && volumes.iter().any(|mount| mount.read_only) {
        let what = "a volume cannot be read-only in the extended profile";
        return Err(Fault::invalid("volumes", what));
    }
    Ok(volumes)
}

fn checked_hostname(name: &str) -> Outcome<String> {
    let well = name.len() <= 63
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        && !name.starts_with(['-', '.']);
    if well {
        Ok(name.to_owned())
    } else {
        Err(Fault::invalid(
            "hostname",
            "hostname must be 1 to 63 of [A-Za-z0-9.-]",
        ))
    }
}
