//! Slots of the class: network, groups, disk, and with layers the running sandbox.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::Arc;

use atoll_wire::warden::Isolation;
use atoll_wire::warden::failure::Code;

use super::{Gvisor, Launch, Prepared, Runsc, Warm, user_namespace};
use crate::claims::Place;
use crate::fault::{During, Fault, Outcome};
use crate::ids::Id;
use crate::mounts::Leftovers;
use crate::pool::layers::LayerMount;
use crate::seccomp::Profile;
use crate::slot::{Kind, Process, Slot, socket_dir};
use crate::warden::Warden;

impl Warden {
    /// A class that was asked for is never replaced by another.
    pub fn runsc(&self) -> Outcome<&Runsc> {
        match &self.gvisor {
            Gvisor::Usable(runsc) => Ok(runsc),
            Gvisor::Absent(why) => Err(Fault::new(
                Code::Unsupported,
                format!("gVisor cannot be used here: {why}"),
            )),
        }
    }

    pub fn make_gvisor_slot(&self, id: Id, index: u32, layers: &[Id]) -> Outcome<Slot> {
        self.runsc()?;
        let base = self.config.base_id(index);
        let mounted = self.fresh_upper(id, self.pool.default_class)?;
        let group = self.cgroups.create(id).during("cgroup")?;
        let limits = self.default_limits();
        group
            .apply(None, limits.of_groups(Isolation::Gvisor))
            .during("cgroup limits")?;
        let netns = self.network.create(index).during("network")?;
        let userns = user_namespace(base).during("user namespace")?;
        let upper = self.roots.upper(mounted, userns.as_fd()).during("upper")?;
        let mut slot = Slot {
            id,
            index,
            base,
            kind: Kind::Gvisor(Prepared { netns, warm: None }),
            userns,
            group,
            limits,
            upper: Some(upper),
        };
        if layers.is_empty() {
            if let Some(upper) = &slot.upper {
                self.roots.warm(upper, base).during("upper")?;
            }
        } else {
            self.warm(&mut slot, layers)?;
        }
        Ok(slot)
    }

    /// Starts the sandbox before it is claimed.
    fn warm(&self, slot: &mut Slot, layers: &[Id]) -> Outcome<()> {
        let _used = self.claim_layers(layers)?;
        let mounts: Outcome<Vec<Arc<LayerMount>>> = layers
            .iter()
            .map(|id| self.layers.get(&self.pool, &self.roots, *id))
            .collect();
        let (Some(upper), Kind::Gvisor(prepared)) = (&slot.upper, &slot.kind) else {
            return Err(Fault::new(Code::WrongState, "the slot has no disk"));
        };
        let netns = prepared.netns.as_fd();
        let place = Place {
            layers: &mounts?,
            upper,
            slot,
            profile: Profile::Standard,
            volumes: &[],
        };
        let (process, leftovers) = self.start_gvisor(&place, netns, None)?;
        drop(leftovers);
        if let Kind::Gvisor(prepared) = &mut slot.kind {
            let layers = layers.to_vec();
            prepared.warm = Some(Warm { layers, process });
        }
        Ok(())
    }

    /// Root, spool and socket directory as mounts, then `runsc`. `memory`: see [`Launch`].
    pub fn start_gvisor(
        &self,
        place: &Place<'_>,
        netns: BorrowedFd<'_>,
        memory: Option<(&Path, &Path)>,
    ) -> Outcome<(Process, Leftovers)> {
        let &Place {
            layers,
            upper,
            slot,
            profile,
            volumes,
        } = place;
        let userns = slot.userns.as_fd();
        let (root, leftovers) = self
            .roots
            .overlay(layers, upper, userns, slot.base)
            .during("overlay")?;
        let spool = self.roots.spool(upper, userns).during("spool")?;
        let sockets = socket_dir(&self.sockets(), slot.id).during("socket directory")?;
        let launch = Launch {
            slot: slot.id,
            base: slot.base,
            group: &slot.group,
            netns,
            root,
            spool,
            sockets,
            profile,
            capabilities: self.confinements.of(profile).capabilities,
            volumes,
            pids: slot.limits.pids,
            memory,
        };
        let process = self.runsc()?.start(launch).map_err(|e| Fault {
            code: Code::GuestFailed,
            ..Fault::io("gvisor", e)
        })?;
        Ok((process, leftovers))
    }

    /// What `runsc` remembers of a slot that ended.
    pub fn forget_gvisor(&self, slot: Id) {
        if let Gvisor::Usable(runsc) = &self.gvisor
            && let Err(error) = runsc.forget(slot)
        {
            eprintln!("warden: records of runsc of slot {slot}: {error}");
        }
    }

    /// What `runsc` remembers of slots that nobody has.
    pub fn forget_dead(&self, kept: &[Id]) -> Outcome<()> {
        let Gvisor::Usable(runsc) = &self.gvisor else {
            return Ok(());
        };
        for slot in runsc.remembered().during("records of runsc")? {
            if !kept.contains(&slot) {
                runsc.forget(slot).during("records of runsc")?;
            }
        }
        Ok(())
    }
}
