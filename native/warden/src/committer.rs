//! What a claim leaves to be done right after its answer.
//!
//! The record of a new disk becomes durable, whether or not somebody waits for it with Settle.
//! Clones of mounts are let go of: each waits for a grace period of the kernel.

use std::io;
use std::sync::mpsc::{Receiver, TrySendError};

use crate::fault::{During, Fault, Outcome};
use crate::ids::Id;
use crate::lock::lock;
use crate::mounts::Leftovers;
use crate::pool::disks::Family;
use crate::warden::{Sandbox, Warden};

/// Claims that may wait for this thread; further ones do their own.
pub const BACKLOG: usize = 1024;

pub struct Job {
    /// Whose record becomes durable; none after a slot was given its root.
    pub disk: Option<Id>,
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
        // One that ended is durable by that.
        if let Some(disk) = job.disk
            && let Ok(sandbox) = self.sandbox(disk)
            && let Err(error) = self.settle_live(&sandbox)
        {
            eprintln!("warden: record of disk {disk}: {error}");
        }
        drop(job.unused);
    }

    /// Returns when name and record of the sandbox's disk are durable.
    pub fn settle(&self, id: Id) -> Outcome<()> {
        match self.sandbox(id) {
            Ok(sandbox) => self.settle_live(&sandbox),
            Err(_) if self.pool.image(Family::Disk, id).exists() => {
                self.pool.sync_record(Family::Disk, id)
            }
            Err(_) => return Err(Fault::not_found("disk", id)),
        }
        .during("record of the disk")
    }

    pub fn settle_live(&self, sandbox: &Sandbox) -> io::Result<()> {
        let mut recorded = lock(&sandbox.recorded);
        if !*recorded {
            self.pool.sync_record(Family::Disk, sandbox.id)?;
            *recorded = true;
        }
        Ok(())
    }
}
