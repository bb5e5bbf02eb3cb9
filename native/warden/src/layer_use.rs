//! Who uses a layer: a layer is deleted only while no sandbox, no disk and no claim under way does,
//! and no claim begins with a layer that is being deleted.

use atoll_wire::warden::failure::Code;

use crate::fault::{During, Fault, Outcome};
use crate::ids::Id;
use crate::lock::lock;
use crate::pool::disks::Family;
use crate::slot::Slot;
use crate::warden::Warden;

/// Layers that a claim uses until its disk's record names them.
pub struct Claimed<'a> {
    warden: &'a Warden,
    layers: &'a [Id],
}

impl Drop for Claimed<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.warden.state);
        for layer in self.layers {
            if let Some(users) = state.layers_claimed.get_mut(layer) {
                *users -= 1;
                if *users == 0 {
                    state.layers_claimed.remove(layer);
                }
            }
        }
    }
}

impl Warden {
    pub fn claim_layers<'a>(&'a self, layers: &'a [Id]) -> Outcome<Claimed<'a>> {
        let mut state = lock(&self.state);
        if let Some(ending) = layers.iter().find(|id| state.layers_ending.contains(id)) {
            return Err(Fault::new(
                Code::Busy,
                format!("layer {ending} is being deleted"),
            ));
        }
        for layer in layers {
            *state.layers_claimed.entry(*layer).or_default() += 1;
        }
        Ok(Claimed {
            warden: self,
            layers,
        })
    }

    /// Idempotent.
    pub fn delete_layer(&self, layer: Id) -> Outcome<()> {
        self.locks.with(layer, || {
            let busy = |by: String| Fault::new(Code::Busy, format!("layer {layer} is below {by}"));
            {
                let mut state = lock(&self.state);
                if let Some(user) = state.sandboxes.values().find(|s| s.layers.contains(&layer)) {
                    return Err(busy(format!("live sandbox {}", user.id)));
                }
                let over = |s: &&Slot| s.layers_ahead().is_some_and(|l| l.contains(&layer));
                if let Some(slot) = state.slots.values().find(over) {
                    return Err(busy(format!("slot {}", slot.id)));
                }
                if state.layers_claimed.contains_key(&layer) {
                    return Err(busy("a sandbox that is being made".to_owned()));
                }
                state.layers_ending.insert(layer);
            }
            let ended = self.end_layer(layer, busy);
            lock(&self.state).layers_ending.remove(&layer);
            ended
        })
    }

    fn end_layer(&self, layer: Id, busy: impl Fn(String) -> Fault) -> Outcome<()> {
        let name = layer.to_string();
        for family in [Family::Disk, Family::Snapshot] {
            let disks = self.pool.list(family).during("disks")?;
            if let Some(user) = disks.iter().find(|d| d.layers.contains(&name)) {
                return Err(busy(format!("disk or snapshot {}", user.id)));
            }
        }
        self.layers.forget(layer);
        self.pool.remove_layer(layer).during("layer")
    }
}
