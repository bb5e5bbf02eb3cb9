//! The thread that hears of ended processes and of memory limits met.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use atoll_wire::warden::event;

use crate::ids::Id;
use crate::lock::lock;
use crate::warden::Warden;
use crate::watcher::Signal;

/// A v1 group tells of the met limit before anything is killed for it, and the count moves a moment
/// later, or never when memory was found after all.
const COUNT_LIMIT: Duration = Duration::from_secs(2);
const COUNT_STEP_MS: i32 = 10;

pub fn run(warden: &Arc<Warden>) {
    let mut pressed: HashMap<Id, Instant> = HashMap::new();
    loop {
        let timeout = if pressed.is_empty() {
            -1
        } else {
            COUNT_STEP_MS
        };
        let signals = match warden.watcher.wait(timeout) {
            Ok(signals) => signals,
            Err(error) => {
                eprintln!("warden: epoll: {error}");
                std::process::abort();
            }
        };
        let now = Instant::now();
        for signal in signals {
            match signal {
                Signal::Ended(slot) => ended(warden, slot),
                Signal::Memory(slot) => {
                    pressed.insert(slot, now + COUNT_LIMIT);
                }
            }
        }
        pressed.retain(|slot, until| !tell_kills(warden, *slot) && now < *until);
    }
}

/// Releasing waits for the kernel, so it has a thread of its own.
fn ended(warden: &Arc<Warden>, slot: Id) {
    let warden = warden.clone();
    let spawned = std::thread::Builder::new()
        .name("release".to_owned())
        .spawn(move || {
            let outcome = match warden.sandbox_of_slot(slot) {
                Some(sandbox) => warden.locks.with(sandbox.id, || {
                    // A Kill may have released it while this waited.
                    if warden.sandbox_of_slot(slot).is_some() {
                        warden.release(&sandbox)
                    } else {
                        Ok(())
                    }
                }),
                None => warden.locks.with(slot, || {
                    let lost = lock(&warden.state).slots.remove(&slot);
                    match lost {
                        Some(lost) => {
                            let slot = slot.to_string();
                            warden
                                .events
                                .publish(event::Kind::SlotLost(event::SlotLost { slot }));
                            warden.discard_slot(lost)
                        }
                        // Was claimed (the claim looked for itself) or dropped.
                        None => Ok(()),
                    }
                }),
            };
            if let Err(fault) = outcome {
                eprintln!("warden: end of slot {slot}: {}", fault.message);
            }
        });
    if let Err(error) = spawned {
        eprintln!("warden: end of slot {slot}: {error}");
    }
}

/// Publishes when the group's count of kills has moved; `true` when there is no more to wait for.
fn tell_kills(warden: &Warden, slot: Id) -> bool {
    let Some(sandbox) = warden.sandbox_of_slot(slot) else {
        return true;
    };
    let kills = sandbox.group.oom_kills();
    let mut told = lock(&sandbox.oom_told);
    if kills <= *told {
        return false;
    }
    *told = kills;
    let id = sandbox.id.to_string();
    warden.events.publish(event::Kind::Oom(event::Oom { id }));
    true
}
