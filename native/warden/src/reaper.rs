//! The thread that hears of ended processes and of memory limits met.

use std::sync::Arc;

use atoll_wire::warden::event;

use crate::ids::Id;
use crate::lock::lock;
use crate::warden::Warden;
use crate::watcher::Signal;

pub fn run(warden: &Arc<Warden>) {
    loop {
        let signals = match warden.watcher.wait() {
            Ok(signals) => signals,
            Err(error) => {
                eprintln!("warden: epoll: {error}");
                std::process::abort();
            }
        };
        for signal in signals {
            match signal {
                Signal::Ended(slot) => ended(warden, slot),
                Signal::Memory(slot) => out_of_memory(warden, slot),
            }
        }
    }
}

/// Releasing waits for the kernel, so it has a thread of its own.
fn ended(warden: &Arc<Warden>, slot: Id) {
    let warden = warden.clone();
    let spawned = std::thread::Builder::new().name("release".to_owned()).spawn(move || {
        let outcome = match warden.sandbox_of_slot(slot) {
            Some(sandbox) => warden.locks.with(sandbox.id, || {
                // A Kill may have released it while this waited.
                if warden.sandbox_of_slot(slot).is_some() { warden.release(&sandbox) } else { Ok(()) }
            }),
            None => {
                let lost = lock(&warden.state).slots.remove(&slot);
                match lost {
                    Some(lost) => {
                        let slot = slot.to_string();
                        warden.events.publish(event::Kind::SlotLost(event::SlotLost { slot }));
                        warden.discard_slot(lost)
                    }
                    // Being claimed (the claim looks for itself) or dropped.
                    None => Ok(()),
                }
            }
        };
        if let Err(fault) = outcome {
            eprintln!("warden: end of slot {slot}: {}", fault.message);
        }
    });
    if let Err(error) = spawned {
        eprintln!("warden: end of slot {slot}: {error}");
    }
}

/// A limit met is no kill yet: only when the counter of kills has moved, it is told.
fn out_of_memory(warden: &Warden, slot: Id) {
    let Some(sandbox) = warden.sandbox_of_slot(slot) else { return };
    let kills = sandbox.group.oom_kills();
    let mut told = lock(&sandbox.oom_told);
    if kills > *told {
        *told = kills;
        let id = sandbox.id.to_string();
        warden.events.publish(event::Kind::Oom(event::Oom { id }));
    }
}
