//! Watches free space. A full pool loses data that was acknowledged to a sandbox, so the fastest
//! writers are frozen before it comes to that.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use atoll_wire::warden::event::{self, PoolMark, pool_mark::Level};

use crate::ids::Id;
use crate::lock::lock;
use crate::pool::disks::Family;
use crate::pool::used_bytes;
use crate::warden::Warden;

const CALM: Duration = Duration::from_millis(500);
const NEAR: Duration = Duration::from_millis(50);
/// Writers frozen at a time; if space goes on shrinking the next look freezes more.
const FREEZE_AT_ONCE: usize = 4;

pub fn run(warden: &Arc<Warden>) {
    let mut watch = Watch {
        level: Level::Ok,
        used: HashMap::new(),
        frozen: Vec::new(),
    };
    loop {
        let near = watch.look(warden);
        std::thread::sleep(if near { NEAR } else { CALM });
    }
}

struct Watch {
    level: Level,
    /// Bytes of each live disk at the last look.
    used: HashMap<Id, u64>,
    /// What this watch froze and will thaw.
    frozen: Vec<Id>,
}

impl Watch {
    /// Returns whether the marks are near.
    fn look(&mut self, warden: &Warden) -> bool {
        let space = match warden.pool.space() {
            Ok(space) => space,
            Err(error) => {
                eprintln!("warden: free space: {error}");
                return false;
            }
        };
        let free = space.writable();
        let level = if free < warden.pool.freeze_mark {
            Level::Freezing
        } else if free < warden.pool.admission_mark {
            Level::Refusing
        } else {
            Level::Ok
        };
        let near = free < warden.pool.admission_mark.saturating_mul(2);
        let growth = if near {
            self.growth(warden)
        } else {
            Vec::new()
        };
        let before = self.frozen.len();
        match level {
            Level::Freezing => self.freeze(warden, &growth),
            // Thawed only well above the mark, lest it swings.
            _ if free > warden.pool.freeze_mark.saturating_mul(5) / 4 => self.thaw(warden),
            _ => {}
        }
        if level != self.level || self.frozen.len() != before {
            self.level = level;
            warden.events.publish(event::Kind::PoolMark(PoolMark {
                level: level.into(),
                free_bytes: free,
                frozen: self.frozen.iter().map(Id::to_string).collect(),
            }));
        }
        near
    }

    /// Live sandboxes by growth since the last look, fastest first.
    fn growth(&mut self, warden: &Warden) -> Vec<(Id, u64)> {
        let ids: Vec<Id> = lock(&warden.state).sandboxes.keys().copied().collect();
        let now: HashMap<Id, u64> = ids
            .into_iter()
            .map(|id| (id, used_bytes(&warden.pool.image(Family::Disk, id))))
            .collect();
        let mut growth: Vec<(Id, u64)> = now
            .iter()
            .map(|(id, used)| (*id, used.saturating_sub(*self.used.get(id).unwrap_or(used))))
            .collect();
        growth.sort_by_key(|(_, grown)| std::cmp::Reverse(*grown));
        self.used = now;
        growth
    }

    fn freeze(&mut self, warden: &Warden, growth: &[(Id, u64)]) {
        let writers = growth.iter().filter(|(_, grown)| *grown > 0);
        for (id, _) in writers.take(FREEZE_AT_ONCE) {
            let Ok(sandbox) = warden.sandbox(*id) else {
                continue;
            };
            // One that the engine paused is not ours to thaw.
            if sandbox.group.is_frozen() {
                continue;
            }
            match sandbox.group.freeze(true) {
                Ok(()) => self.frozen.push(*id),
                Err(error) => eprintln!("warden: freezing {id} before the pool is full: {error}"),
            }
        }
    }

    fn thaw(&mut self, warden: &Warden) {
        for id in self.frozen.drain(..) {
            let Ok(sandbox) = warden.sandbox(id) else {
                continue;
            };
            if let Err(error) = sandbox.group.freeze(false) {
                eprintln!("warden: thawing {id}: {error}");
            }
        }
    }
}
