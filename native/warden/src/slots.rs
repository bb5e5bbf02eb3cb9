//! PrepareSlot and DropSlot.

use std::os::fd::AsFd;

use atoll_wire::warden::SlotReady;
use atoll_wire::warden::failure::Code;

use crate::fault::{During, Fault, Outcome};
use crate::ids::Id;
use crate::lock::lock;
use crate::pool::ext4;
use crate::slot::{Slot, socket_dir};
use crate::warden::Warden;

impl Warden {
    pub fn prepare_slot(&self, slot: Id) -> Outcome<SlotReady> {
        self.locks.with(slot, || {
            if lock(&self.state).slots.contains_key(&slot) || self.sandbox_of_slot(slot).is_some() {
                return Err(Fault::exists("slot", slot));
            }
            self.pool.admit()?;
            let index = self.take_index()?;
            let made = self.make_slot(slot, index);
            match made {
                Ok(ready) => {
                    let reply = SlotReady {
                        slot: slot.to_string(),
                        index,
                        address: self.address(index),
                    };
                    let watched = self.watcher.add_end(ready.pidfd.as_fd(), slot);
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

    fn make_slot(&self, slot: Id, index: u32) -> Outcome<Slot> {
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
                .clone(base, netns.as_fd(), &group, sockets.as_fd())
                .during("clone")?;
            drop((netns, sockets));
            let (start_time, userns) = cloned.start(base, &group).during("slot process")?;
            let mounted = disk
                .join()
                .map_err(|_| Fault::new(Code::Io, "the thread of the disk panicked"))??;
            let upper = self.roots.upper(mounted, userns.as_fd()).during("upper")?;
            self.roots.warm(&upper, base).during("upper")?;
            cloned.wait_ready().during("slot process")?;
            Ok(cloned.into_slot(
                (slot, index, base),
                (start_time, userns),
                group,
                limits,
                upper,
            ))
        })
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
