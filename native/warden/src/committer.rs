//! What a claim leaves to be done right after its answer.
//!
//! The record of a new disk becomes durable: a power cut within these milliseconds loses a sandbox
//! that has just been made, as it would have a moment earlier. The end of a sandbox syncs again.
//! Clones of mounts are let go of: each waits for a grace period of the kernel.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TrySendError};

use crate::ids::Id;
use crate::mounts::Leftovers;
use crate::pool::disks::Family;
use crate::warden::Warden;

/// Claims that may wait for this thread; further ones do their own.
pub const BACKLOG: usize = 1024;

pub struct Job {
    pub disk: Id,
    pub unused: Leftovers,
}

pub fn run(warden: &Warden, jobs: &Receiver<Job>) {
    for job in jobs {
        warden.finish(job);
    }
}

impl Warden {
    pub fn afterwards(&self, job: Job) {
        if let Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) =
            self.jobs.try_send(job)
        {
            self.finish(job);
        }
    }

    fn finish(&self, job: Job) {
        drop(job.unused);
        match self.pool.sync_record(Family::Disk, job.disk) {
            Ok(()) => {
                if let Ok(sandbox) = self.sandbox(job.disk) {
                    sandbox.recorded.store(true, Ordering::Release);
                }
            }
            Err(error) => eprintln!("warden: record of disk {}: {error}", job.disk),
        }
    }
}
