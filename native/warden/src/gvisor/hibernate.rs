//! Hibernate and SnapshotMemory.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Instant;

use atoll_wire::warden::failure::Code;
use atoll_wire::warden::{Isolation, MemorySaved};

use super::Runsc;
use super::memory::{self, Unsealed};
use crate::fault::{During, Fault, Outcome};
use crate::ids::Id;
use crate::live::Mark;
use crate::lock::lock;
use crate::pool::disks::Family;
use crate::pool::{durable, used_bytes};
use crate::sys;
use crate::warden::{END_LIMIT, Sandbox, Warden};

impl Warden {
    /// Stands still, memory to a file, disk cloned, both committed by one rename; then it is killed. A
    /// failure before the commit lets it go on; a warden that dies before it is followed by one that
    /// lets it go on, and after it by one that kills it.
    pub fn hibernate(&self, id: Id) -> Outcome<MemorySaved> {
        self.locks.with(id, || {
            let sandbox = self.with_sentry(id)?;
            // Of a restore that the engine has not removed yet.
            memory::remove(&self.pool, id).during("memory")?;
            let started = Instant::now();
            let unsealed = Unsealed::begin(&self.pool, id)?;
            let held = sandbox.is_held();
            self.stand_still(&sandbox)?;
            let saved = self
                .save(&sandbox, &unsealed)
                .and_then(|()| self.seal(&sandbox, &unsealed));
            let bytes = match saved {
                Ok(bytes) => bytes,
                Err(fault) => {
                    self.go_back(&sandbox, held)?;
                    return Err(fault);
                }
            };
            let usage = self.usage_of(&sandbox);
            self.release(&sandbox)?;
            Ok(MemorySaved {
                bytes,
                stopped_us: micros(started),
                disk_used: used_bytes(&self.pool.image(Family::Disk, id)),
                usage: Some(usage),
                disk_size: self.pool.record(Family::Disk, id)?.size,
            })
        })
    }

    /// The memory is committed first and the snapshot after it: a snapshot that exists has its memory,
    /// and memory without a snapshot is removed at the next start.
    pub fn snapshot_memory(&self, id: Id, snapshot: Id) -> Outcome<MemorySaved> {
        self.locks.with(id, || {
            let sandbox = self.with_sentry(id)?;
            self.pool.admit()?;
            let record = self.pool.record(Family::Disk, id)?;
            let image = self.pool.image(Family::Snapshot, snapshot);
            if image.exists() {
                return Err(Fault::exists("snapshot", snapshot));
            }
            let unsealed = Unsealed::begin(&self.pool, snapshot)?;
            let held = sandbox.is_held();
            let started = Instant::now();
            self.stand_still(&sandbox)?;
            let saved = self.save(&sandbox, &unsealed);
            let resumed = self.go_back(&sandbox, held);
            let stopped_us = micros(started);
            saved.and(resumed)?;
            let bytes = self.seal(&sandbox, &unsealed)?;
            let commit = || -> std::io::Result<()> {
                let tmp = self.pool.tmp().join(format!("snapshot-{snapshot}.img"));
                durable::remove(&tmp)?;
                let source = memory::memory_dir(&self.pool, snapshot).join("disk.img");
                let clone = self.pool.clone_file(&std::fs::File::open(source)?, &tmp)?;
                clone.sync_all()?;
                self.pool
                    .write_record(Family::Snapshot, snapshot, &record, true)?;
                durable::commit(&tmp, &image)
            };
            if let Err(error) = commit() {
                let _ = self.pool.remove(Family::Snapshot, snapshot);
                let _ = memory::remove(&self.pool, snapshot);
                return Err(Fault::io("snapshot", error));
            }
            Ok(MemorySaved {
                bytes,
                stopped_us,
                disk_used: used_bytes(&image),
                usage: None,
                disk_size: record.size,
            })
        })
    }

    pub fn delete_memory(&self, id: Id) -> Outcome<()> {
        self.locks
            .with(id, || memory::remove(&self.pool, id).during("memory"))
    }

    fn with_sentry(&self, id: Id) -> Outcome<Arc<Sandbox>> {
        let sandbox = self.sandbox(id)?;
        match sandbox.isolation {
            Isolation::Gvisor if !lock(&sandbox.volumes).is_empty() => Err(Fault::new(
                Code::Unsupported,
                "memory of a sandbox with volumes cannot be saved",
            )),
            Isolation::Gvisor => Ok(sandbox),
            Isolation::Container => Err(Fault::new(
                Code::Unsupported,
                "memory of the class container cannot be saved",
            )),
        }
    }

    /// Stops everything inside but the control of the sentry.
    pub fn pause_sentry(&self, sandbox: &Sandbox) -> Outcome<()> {
        self.pause_as(sandbox, Mark::Paused)
    }

    /// The mark is written first: what it is stopped for decides what a successor does with it.
    fn pause_as(&self, sandbox: &Sandbox, mark: Mark) -> Outcome<()> {
        self.mark(sandbox, mark)?;
        let paused = self.runsc_io().and_then(|runsc| runsc.pause(sandbox.slot));
        if let Err(error) = paused {
            // Most likely it never paused, and then there is nothing to resume.
            let _ = self.runsc_io().and_then(|runsc| runsc.resume(sandbox.slot));
            self.mark(sandbox, Mark::None)?;
            return Err(Fault::io("pause", error));
        }
        Ok(())
    }

    /// As [`Warden::pause_sentry`], for its memory to be saved.
    fn stand_still(&self, sandbox: &Sandbox) -> Outcome<()> {
        if sandbox.is_held() {
            return self.mark(sandbox, Mark::Saving);
        }
        self.pause_as(sandbox, Mark::Saving)
    }

    /// After it stood still: on with it, or back to being held, without having gone on in between.
    fn go_back(&self, sandbox: &Sandbox, was_held: bool) -> Outcome<()> {
        if was_held {
            self.mark(sandbox, Mark::Paused)
        } else {
            self.go_on(sandbox)
        }
    }

    fn save(&self, sandbox: &Sandbox, unsealed: &Unsealed) -> Outcome<()> {
        self.pool.admit()?;
        self.runsc()?
            .checkpoint(sandbox.slot, &unsealed.image())
            .during("checkpoint")?;
        if let Some(upper) = lock(&sandbox.upper).as_ref() {
            sys::sync_fs(upper.as_fd()).during("sync of the disk")?;
        }
        let disk = self.pool.open_image(Family::Disk, sandbox.id)?;
        self.pool
            .clone_file(&disk, &unsealed.disk())
            .map(drop)
            .during("clone of the disk")
    }

    fn seal(&self, sandbox: &Sandbox, unsealed: &Unsealed) -> Outcome<u64> {
        let capabilities = self.confinements.of(sandbox.profile).capabilities;
        unsealed
            .seal(
                &self.key,
                self.runsc()?,
                sandbox.profile,
                capabilities,
                &sandbox.layers,
            )
            .during("memory")
    }

    /// Lets a sandbox that stood still go on. One that cannot is killed: it would answer nobody.
    pub fn go_on(&self, sandbox: &Sandbox) -> Outcome<()> {
        let resumed = self.runsc_io().and_then(|runsc| {
            runsc.resume(sandbox.slot).or_else(|error| {
                // The mark is written before the pause and taken away after the resume: a warden that
                // died in between leaves one that runs.
                match runsc.runs(sandbox.slot)? {
                    true => Ok(()),
                    false => Err(error),
                }
            })
        });
        match resumed {
            Ok(()) => self.mark(sandbox, Mark::None),
            Err(error) => {
                sandbox.group.kill().during("kill")?;
                sandbox.group.wait_empty(END_LIMIT).during("kill")?;
                Err(Fault::io(
                    "the sandbox could not go on and was killed",
                    error,
                ))
            }
        }
    }

    fn runsc_io(&self) -> std::io::Result<&Runsc> {
        self.gvisor.usable().map_err(std::io::Error::other)
    }

    /// In the live record, for a successor of this warden.
    pub fn mark(&self, sandbox: &Sandbox, mark: Mark) -> Outcome<()> {
        *lock(&sandbox.mark) = mark;
        self.record_live(sandbox)
    }

    /// What a dead warden was doing to the memory of a sandbox that was adopted.
    pub fn finish_saving(&self, sandbox: &Sandbox) -> Outcome<()> {
        if sandbox.isolation != Isolation::Gvisor {
            return Ok(());
        }
        let mark = *lock(&sandbox.mark);
        let holds = *lock(&sandbox.holds);
        let saved = memory::memory_dir(&self.pool, sandbox.id).exists();
        match mark {
            Mark::Saving if saved => self.release(sandbox),
            Mark::Saving if holds.engine || holds.pool => self.mark(sandbox, Mark::Paused),
            Mark::Saving => self.go_on(sandbox),
            // The other warden may have died before it did what it noted; a sentry that has paused
            // refuses to do so again.
            Mark::Paused => {
                let _ = self.runsc_io().and_then(|runsc| runsc.pause(sandbox.slot));
                Ok(())
            }
            // It went on from there; the engine removes it when it knows.
            Mark::None => Ok(()),
        }
    }

    /// Memory that belongs to nothing: of a snapshot that was not finished.
    pub fn remove_lost_memory(&self) -> Outcome<()> {
        for id in memory::ids(&self.pool).during("memory")? {
            let owned = [Family::Disk, Family::Snapshot]
                .into_iter()
                .any(|family| self.pool.image(family, id).exists());
            if !owned {
                memory::remove(&self.pool, id).during("memory")?;
            }
        }
        let in_use = lock(&self.state)
            .sandboxes
            .values()
            .any(|sandbox| sandbox.isolation == Isolation::Gvisor);
        if let Ok(runsc) = self.runsc_io()
            && !in_use
        {
            memory::remove_old_guests(&self.pool, &self.key, &runsc.guest)
                .during("guest programs")?;
        }
        Ok(())
    }
}

fn micros(since: Instant) -> u64 {
    since.elapsed().as_micros().try_into().unwrap_or(u64::MAX)
}
