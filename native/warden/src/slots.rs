//! PrepareSlot and DropSlot.

use std::os::fd::AsFd;

use atoll_wire::warden::failure::Code;
use atoll_wire::warden::{self as wire, Isolation, SlotReady};

use crate::claims::{Place, checked_layers, default_hostname};
use crate::committer::Job;
use crate::fault::{During, Fault, Outcome};
use crate::ids::Id;
use crate::lock::lock;
use crate::pool::ext4;
use crate::seccomp::Profile;
use crate::slot::{Entry, Kind, Slot, socket_dir};
use crate::warden::Warden;

impl Warden {
    pub fn prepare_slot(&self, request: &wire::PrepareSlot) -> Outcome<SlotReady> {
        let slot = Id::of("slot", &request.slot)?;
        let isolation = Isolation::try_from(request.isolation)
            .map_err(|_| Fault::invalid("isolation", "isolation is unknown"))?;
        let layers = match request.layers.as_slice() {
            [] => Vec::new(),
            layers => checked_layers(layers)?,
        };
        self.locks.with(slot, || {
            if lock(&self.state).slots.contains_key(&slot) || self.sandbox_of_slot(slot).is_some() {
                return Err(Fault::exists("slot", slot));
            }
            self.pool.admit()?;
            // Until the table of slots names them.
            let _used = self.claim_layers(&layers)?;
            let index = self.take_index()?;
            let made = match isolation {
                Isolation::Container => self
                    .make_slot(slot, index, layers.is_empty())
                    .and_then(|waiting| self.with_root(waiting, &layers)),
                Isolation::Gvisor => self.make_gvisor_slot(slot, index, &layers),
            };
            match made {
                Ok(ready) => {
                    let reply = SlotReady {
                        slot: slot.to_string(),
                        index,
                        address: self.address(index),
                    };
                    let watched = match ready.process() {
                        Some(process) => self.watcher.add_end(process.pidfd.as_fd(), slot),
                        None => Ok(()),
                    };
                    lock(&self.state).slots.insert(slot, ready);
                    watched.during("watching the slot")?;
                    Ok(reply)
                }
                Err(fault) => {
                    let group = self.cgroups.group(slot);
                    let cleared = group
                        .kill()
                        .and_then(|()| group.wait_empty(crate::warden::END_LIMIT))
                        .during("slot")
                        .and_then(|_| self.clear_slot(slot, index));
                    if let Err(after) = cleared {
                        eprintln!(
                            "warden: slot {slot} after {}: {}",
                            fault.message, after.message
                        );
                    }
                    Err(fault)
                }
            }
        })
    }

    /// `bare`: it gets its root with the claim, for which its disk is made warm.
    fn make_slot(&self, slot: Id, index: u32, bare: bool) -> Outcome<Slot> {
        let size = self.pool.default_class;
        std::thread::scope(|scope| {
            // Disk and process wait for different parts of the kernel.
            let disk = std::thread::Builder::new()
                .name("disk".to_owned())
                .spawn_scoped(scope, || self.fresh_upper(slot, size))
                .during("thread")?;
            let base = self.config.base_id(index);
            let sockets = socket_dir(&self.sockets(), slot).during("socket directory")?;
            let group = self.cgroups.create(slot).during("cgroup")?;
            let limits = self.default_limits();
            group.apply(None, limits).during("cgroup limits")?;
            let netns = self.network.create(index).during("network")?;
            let cloned = self
                .launcher
                .clone(scope, base, netns, &group, sockets)
                .during("clone")?;
            let (start_time, userns) = cloned.start(base, &group).during("slot process")?;
            let mounted = disk
                .join()
                .map_err(|_| Fault::new(Code::Io, "the thread of the disk panicked"))??;
            let upper = self.roots.upper(mounted, userns.as_fd()).during("upper")?;
            if bare {
                self.roots.warm(&upper, base).during("upper")?;
            }
            cloned.wait_ready().during("slot process")?;
            cloned
                .into_slot(
                    (slot, index, base),
                    (start_time, userns),
                    group,
                    limits,
                    upper,
                )
                .during("slot process")
        })
    }

    /// Gives a container's slot its root ahead; without layers it goes on waiting for one.
    fn with_root(&self, mut slot: Slot, layers: &[Id]) -> Outcome<Slot> {
        let (Kind::Container { entry, .. }, Some(upper)) = (&slot.kind, &slot.upper) else {
            return Ok(slot);
        };
        let Entry::Waiting(control) = entry else {
            return Ok(slot);
        };
        if layers.is_empty() {
            return Ok(slot);
        }
        let place = Place {
            layers: &self.layer_mounts(layers)?,
            upper,
            slot: &slot,
            profile: Profile::Standard,
            volumes: &[],
        };
        let unused = self.enter(&place, control.as_fd(), &default_hostname(slot.id))?;
        self.afterwards(Job { disk: None, unused });
        if let Kind::Container { entry, .. } = &mut slot.kind {
            *entry = Entry::Entered(layers.to_vec());
        }
        Ok(slot)
    }

    /// A formatted disk of `size` bytes under the slot's name, mounted.
    pub fn fresh_upper(&self, slot: Id, size: u64) -> Outcome<ext4::Mounted> {
        let empty = self.pool.empty(size).during("formatted disk")?;
        let image = self
            .pool
            .clone_file(&empty, &self.pool.slot_image(slot))
            .during("clone of a disk")?;
        ext4::mount(&image).during("mount of a disk")
    }

    pub fn drop_slot(&self, slot: Id) -> Outcome<()> {
        self.locks.with(slot, || {
            let found = lock(&self.state).slots.remove(&slot);
            match found {
                Some(slot) => self.discard_slot(slot),
                None => Ok(()),
            }
        })
    }
}
