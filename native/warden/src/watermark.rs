//! Watches free space. A full pool loses data that was acknowledged to a sandbox, so the fastest
//! writers are frozen before it comes to that.
//!
//! What a sandbox has written lies in memory first, and the kernel goes on writing it out after the
//! writer was frozen. So the space that counts is what is free less what is still to be written.
//! A frozen process finishes the system call that it is in: the freeze mark must leave room for
//! that.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use atoll_wire::warden::Isolation;
use atoll_wire::warden::event::{self, PoolMark, pool_mark::Level};

use crate::fault::Outcome;
use crate::ids::Id;
use crate::lock::lock;
use crate::pool::disks::Family;
use crate::pool::used_bytes;
use crate::warden::{Sandbox, Warden};

const LONGEST_PAUSE: Duration = Duration::from_millis(500);
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
/// Faster than sandboxes fill pages of memory, bytes a millisecond; the next look comes before
/// this rate has used up what is left above the freeze mark.
const FASTEST_WRITING: u64 = 4 << 20;
/// Writers frozen at a time; if space goes on shrinking the next look freezes more.
const FREEZE_AT_ONCE: usize = 4;
/// One that wrote less than this part of what the fastest wrote goes on: its stop would win nothing.
const TRICKLE: u64 = 16;

pub fn run(warden: &Arc<Warden>) {
    let mut watch = Watch {
        level: Level::Ok,
        used: HashMap::new(),
        frozen: held(warden),
    };
    loop {
        std::thread::sleep(watch.look(warden));
    }
}

/// What an earlier warden stopped counts as stopped by this one.
fn held(warden: &Warden) -> Vec<Id> {
    let state = lock(&warden.state);
    let held = state.sandboxes.values().filter(|s| lock(&s.holds).pool);
    held.map(|sandbox| sandbox.id).collect()
}

struct Watch {
    level: Level,
    /// Bytes allocated to each live sandbox's disk and volumes at the last look.
    used: HashMap<Id, u64>,
    /// What is stopped for the pool's sake, until there is room.
    frozen: Vec<Id>,
}

impl Watch {
    /// Returns when to look again.
    fn look(&mut self, warden: &Warden) -> Duration {
        // Read before the free space: what is written out in between counts twice, not never.
        let unwritten = warden.cgroups.unwritten_bytes();
        warden.pool.unwritten.store(unwritten, Ordering::Relaxed);
        let space = match warden.pool.space() {
            Ok(space) => space,
            Err(error) => {
                eprintln!("warden: free space: {error}");
                return LONGEST_PAUSE;
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
        let before = self.frozen.clone();
        self.frozen.retain(|id| warden.sandbox(*id).is_ok());
        match level {
            Level::Freezing => self.freeze(warden, &growth),
            // Thawed only well above the mark, lest it swings.
            _ if free > warden.pool.freeze_mark.saturating_mul(5) / 4 => self.thaw(warden),
            _ => {}
        }
        if level != self.level || self.frozen != before {
            self.level = level;
            warden.events.publish(event::Kind::PoolMark(PoolMark {
                level: level.into(),
                free_bytes: free,
                frozen: self.frozen.iter().map(Id::to_string).collect(),
            }));
        }
        let left = free.saturating_sub(warden.pool.freeze_mark);
        Duration::from_millis(left / FASTEST_WRITING).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
    }

    /// By how much the disks of live sandboxes grew since the last look, with the volumes they mount: who of
    /// several wrote to a volume is not known, and those with more pages to write are frozen first.
    fn growth(&mut self, warden: &Warden) -> Vec<(Id, u64)> {
        let live: Vec<Arc<Sandbox>> = lock(&warden.state).sandboxes.values().cloned().collect();
        let now: HashMap<Id, u64> = live
            .iter()
            .map(|sandbox| (sandbox.id, used(warden, sandbox)))
            .collect();
        let growth = now
            .iter()
            .map(|(id, used)| (*id, used.saturating_sub(*self.used.get(id).unwrap_or(used))))
            .collect();
        self.used = now;
        growth
    }

    /// Freezes those that wrote most: to their disks, or to memory so far.
    fn freeze(&mut self, warden: &Warden, growth: &[(Id, u64)]) {
        let mut writers: Vec<(u64, Arc<Sandbox>)> = growth
            .iter()
            .filter_map(|(id, grown)| Some((*grown, warden.sandbox(*id).ok()?)))
            // One that the engine paused is not ours to thaw.
            .filter(|(_, sandbox)| !sandbox.is_held())
            .map(|(grown, sandbox)| (grown + sandbox.group.unwritten_bytes(), sandbox))
            .filter(|(written, _)| *written > 0)
            .collect();
        writers.sort_by_key(|(written, _)| std::cmp::Reverse(*written));
        let most = writers.first().map_or(0, |(written, _)| *written);
        writers.retain(|(written, _)| written.saturating_mul(TRICKLE) >= most);
        for (_, sandbox) in writers.into_iter().take(FREEZE_AT_ONCE) {
            match exclusively(warden, &sandbox, || stop(warden, &sandbox)) {
                // The next look asks again.
                None => {}
                Some(Ok(())) => self.frozen.push(sandbox.id),
                Some(Err(fault)) => eprintln!(
                    "warden: freezing {} before the pool is full: {}",
                    sandbox.id, fault.message
                ),
            }
        }
    }

    fn thaw(&mut self, warden: &Warden) {
        for id in std::mem::take(&mut self.frozen) {
            let Ok(sandbox) = warden.sandbox(id) else {
                continue;
            };
            let go_on = || warden.let_go_for(&sandbox, |holds| holds.pool = false);
            match exclusively(warden, &sandbox, go_on) {
                None => self.frozen.push(id),
                Some(Ok(())) => {}
                Some(Err(fault)) => eprintln!("warden: thawing {id}: {}", fault.message),
            }
        }
    }
}

/// The kernel freezes whatever else goes on. A sentry that stands still for its memory to be saved must
/// neither be stopped again nor let go on before that is done: `None`, without waiting.
fn exclusively<T>(warden: &Warden, sandbox: &Sandbox, work: impl FnOnce() -> T) -> Option<T> {
    match sandbox.isolation {
        Isolation::Container => Some(work()),
        Isolation::Gvisor => warden.locks.try_with(sandbox.id, work),
    }
}

/// The record comes first: whoever finds the sandbox stopped must know by whom.
fn stop(warden: &Warden, sandbox: &Sandbox) -> Outcome<()> {
    lock(&sandbox.holds).pool = true;
    let stopped = warden
        .record_live(sandbox)
        .and_then(|()| warden.hold(sandbox));
    if stopped.is_err() {
        lock(&sandbox.holds).pool = false;
    }
    stopped
}

fn used(warden: &Warden, sandbox: &Sandbox) -> u64 {
    let volumes = lock(&sandbox.volumes);
    let volumes = volumes
        .iter()
        .map(|volume| used_bytes(&warden.pool.image(Family::Volume, volume.id)));
    used_bytes(&warden.pool.image(Family::Disk, sandbox.id)) + volumes.sum::<u64>()
}
