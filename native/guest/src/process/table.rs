//! The table of processes and the attribution of exits.

use super::{Process, lock};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Processes that may run at once.
pub const MAX_RUNNING: usize = 4096;
/// Memory that the output of ended processes may hold, bytes; what is older moves to files.
const ENDED_MEMORY: u64 = 128 << 10;
/// Disk that the output of ended processes may hold, bytes; what is older is forgotten.
const ENDED_DISK: u64 = 256 << 20;

/// A spawn between clone and registration. The child stores its own pid first of all, so an exit
/// that the reaper sees before the spawner returned can still be attributed.
#[derive(Default)]
pub struct InFlight {
    pub pid: AtomicI32,
    ended: Mutex<Option<(i32, u64)>>,
}

/// Whose exit the reaper holds in hands.
pub enum Owner {
    Process(Arc<Process>),
    Spawning(Arc<InFlight>),
    /// An adopted orphan, or a child that could not execute.
    Nobody,
}

#[derive(Default)]
struct Inner {
    by_id: HashMap<String, Arc<Process>>,
    by_pid: HashMap<i32, Arc<Process>>,
    by_serial: HashMap<u64, Arc<Process>>,
    in_flight: Vec<Arc<InFlight>>,
    spawning: HashSet<String>,
    ended: VecDeque<Arc<Process>>,
}

#[derive(Default)]
pub struct Table {
    inner: Mutex<Inner>,
    spawned: Condvar,
    serial: AtomicU64,
}

/// What reserving an id found.
pub enum Reserved {
    Existing(Arc<Process>),
    Free,
    Full,
}

impl Table {
    /// Reserves an id for a spawn; waits while another spawn of the same id is under way.
    pub fn reserve(&self, id: &str) -> Reserved {
        let mut inner = lock(&self.inner);
        loop {
            if let Some(process) = inner.by_id.get(id) {
                return Reserved::Existing(Arc::clone(process));
            }
            if !inner.spawning.contains(id) {
                break;
            }
            inner = self
                .spawned
                .wait(inner)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if inner.by_pid.len() + inner.spawning.len() >= MAX_RUNNING {
            return Reserved::Full;
        }
        inner.spawning.insert(id.to_owned());
        Reserved::Free
    }

    /// Ends a reservation without a process.
    pub fn cancel(&self, id: &str) {
        lock(&self.inner).spawning.remove(id);
        self.spawned.notify_all();
    }

    pub fn next_serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub fn launch(&self) -> Arc<InFlight> {
        let flight = Arc::new(InFlight::default());
        lock(&self.inner).in_flight.push(Arc::clone(&flight));
        flight
    }

    /// The clone failed: the child's exit is nobody's.
    pub fn abort(&self, flight: &Arc<InFlight>) {
        lock(&self.inner)
            .in_flight
            .retain(|f| !Arc::ptr_eq(f, flight));
    }

    /// Registers a started process. Returns (status, cpu µs) when it was reaped already.
    pub fn register(&self, process: &Arc<Process>, flight: &Arc<InFlight>) -> Option<(i32, u64)> {
        let mut inner = lock(&self.inner);
        inner.in_flight.retain(|f| !Arc::ptr_eq(f, flight));
        inner.spawning.remove(&process.id);
        inner.by_id.insert(process.id.clone(), Arc::clone(process));
        inner.by_serial.insert(process.serial, Arc::clone(process));
        let ended = *lock(&flight.ended);
        if ended.is_none() {
            inner.by_pid.insert(process.pid, Arc::clone(process));
        }
        self.spawned.notify_all();
        ended
    }

    /// Runs the reaper's `reap` for a zombie of this pid, attributed: no registration can slip in
    /// between. For a spawn under way the status is kept for its registration.
    pub fn reap(&self, pid: i32, reap: impl FnOnce(&Owner) -> Option<(i32, u64)>) {
        let mut inner = lock(&self.inner);
        let owner = if let Some(process) = inner.by_pid.remove(&pid) {
            Owner::Process(process)
        } else {
            inner
                .in_flight
                .iter()
                .find(|f| f.pid.load(Ordering::Acquire) == pid)
                .map_or(Owner::Nobody, |f| Owner::Spawning(Arc::clone(f)))
        };
        if let Owner::Process(_) = owner {
            // The process' own lock protects what follows; the table is free for others.
            drop(inner);
            reap(&owner);
            return;
        }
        let ended = reap(&owner);
        if let Owner::Spawning(flight) = owner {
            *lock(&flight.ended) = ended;
        }
    }

    pub fn get(&self, id: &str) -> Option<Arc<Process>> {
        lock(&self.inner).by_id.get(id).cloned()
    }

    pub fn by_serial(&self, serial: u64) -> Option<Arc<Process>> {
        lock(&self.inner).by_serial.get(&serial).cloned()
    }

    pub fn all(&self) -> Vec<Arc<Process>> {
        let mut all: Vec<_> = lock(&self.inner).by_id.values().cloned().collect();
        all.sort_by_key(|p| p.serial);
        all
    }

    pub fn running(&self) -> usize {
        lock(&self.inner).by_pid.len()
    }

    /// Nothing of this process is watched any more.
    pub fn unwatch(&self, serial: u64) {
        lock(&self.inner).by_serial.remove(&serial);
    }

    /// Removes an ended process. `false` when it still runs.
    pub fn forget(&self, process: &Arc<Process>) -> bool {
        if process.state().exit.is_none() {
            return false;
        }
        let mut inner = lock(&self.inner);
        inner.by_id.remove(&process.id);
        inner.ended.retain(|p| !Arc::ptr_eq(p, process));
        true
    }

    /// Files an ended process among the kept ones and makes room for it: at most `keep` of them,
    /// bounded in memory and disk.
    pub fn retire(
        &self,
        process: &Arc<Process>,
        keep: usize,
        directory: std::os::fd::BorrowedFd<'_>,
    ) {
        let kept: Vec<_> = {
            let mut inner = lock(&self.inner);
            inner.ended.push_back(Arc::clone(process));
            while inner.ended.len() > keep.max(1) {
                if let Some(old) = inner.ended.pop_front() {
                    inner.by_id.remove(&old.id);
                }
            }
            inner.ended.iter().rev().cloned().collect()
        };
        let (mut memory, mut disk) = (0, 0);
        let mut forgotten = Vec::new();
        for process in kept {
            let mut state = process.state();
            let (m, d) = state.spool.held();
            memory += m;
            disk += d;
            if m > 0 && memory > ENDED_MEMORY {
                memory -= m;
                state.spool.move_to_file(directory);
                state.spool.shrink();
                disk += state.spool.held().1;
            }
            drop(state);
            if disk > ENDED_DISK {
                forgotten.push(process);
            }
        }
        for process in forgotten {
            self.forget(&process);
        }
    }
}
