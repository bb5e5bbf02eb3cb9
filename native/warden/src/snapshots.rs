//! Snapshot, layers from disks, deletion and growth of disks.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::time::Instant;

use atoll_wire::warden::failure::Code;
use atoll_wire::warden::{self as wire, LayerMade, SnapshotMade, make_layer};

use crate::fault::{During, Fault, Outcome};
use crate::gvisor::memory;
use crate::ids::Id;
use crate::lock::lock;
use crate::pool::disks::Family;
use crate::pool::{Pool, durable, ext4, used_bytes};
use crate::sys;
use crate::warden::Warden;

/// What is promised of a snapshot that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It survives a power cut.
    Durable,
    /// Nothing: it lives until the children of a fork have their disks, which are made durable by
    /// themselves.
    ForOneFork,
}

impl Warden {
    /// Crash-consistent, like a power cut: what was dirty is written first, without stopping
    /// anybody; then the clone, which holds writers back for as long as it takes. For a fork the
    /// journal is emptied in between: the child is mounted at once, and to replay a journal block
    /// by block takes longer than all the rest.
    pub fn snapshot(&self, sandbox: Id, snapshot: Id, kept: Kept) -> Outcome<SnapshotMade> {
        self.locks.with(sandbox, || {
            self.pool.admit()?;
            let record = self.pool.record(Family::Disk, sandbox)?;
            if self.pool.image(Family::Snapshot, snapshot).exists() {
                return Err(Fault::exists("snapshot", snapshot));
            }
            let image = self.pool.open_image(Family::Disk, sandbox)?;
            let started = Instant::now();
            let live = lock(&self.state).sandboxes.get(&sandbox).cloned();
            let upper = live.as_ref().map(|live| lock(&live.upper));
            let upper = upper.as_deref().and_then(Option::as_ref);
            if let Some(upper) = upper {
                sys::sync_fs(upper.as_fd()).during("sync of the disk")?;
            }
            let synced_us = micros(started);
            let tmp = self.pool.tmp().join(format!("snapshot-{snapshot}.img"));
            durable::remove(&tmp).during("snapshot")?;
            let holding = Instant::now();
            if kept == Kept::ForOneFork
                && let Some(upper) = upper
                && let Err(error) = ext4::checkpoint(upper.as_fd())
            {
                // The clone is as good, only slower to mount.
                eprintln!("warden: checkpoint of disk {sandbox}: {error}");
            }
            let clone = self.pool.clone_file(&image, &tmp).during("snapshot")?;
            let blocked_us = micros(holding);
            let commit = || -> io::Result<()> {
                let write_record = |sync| {
                    self.pool
                        .write_record(Family::Snapshot, snapshot, &record, sync)
                };
                let target = self.pool.image(Family::Snapshot, snapshot);
                match kept {
                    Kept::Durable => {
                        clone.sync_all()?;
                        write_record(true)?;
                        durable::commit(&tmp, &target)
                    }
                    Kept::ForOneFork => {
                        write_record(false)?;
                        fs::rename(&tmp, &target)
                    }
                }
            };
            if let Err(error) = commit() {
                let _ = durable::remove(&tmp);
                let _ = self.pool.remove(Family::Snapshot, snapshot);
                return Err(Fault::io("snapshot", error));
            }
            Ok(SnapshotMade {
                size: record.size,
                used: used_bytes(&self.pool.image(Family::Snapshot, snapshot)),
                extents: sys::extents(&clone).unwrap_or(0),
                blocked_us,
                synced_us,
            })
        })
    }

    pub fn delete_snapshot(&self, snapshot: Id) -> Outcome<()> {
        self.locks.with(snapshot, || {
            self.pool
                .remove(Family::Snapshot, snapshot)
                .during("snapshot")?;
            memory::remove(&self.pool, snapshot).during("memory")
        })
    }

    pub fn delete_disk(&self, sandbox: Id) -> Outcome<()> {
        self.locks.with(sandbox, || {
            self.refuse_live(sandbox)?;
            memory::remove(&self.pool, sandbox).during("memory")?;
            self.pool.remove(Family::Disk, sandbox).during("disk")
        })
    }

    pub fn refuse_live(&self, sandbox: Id) -> Outcome<()> {
        if lock(&self.state).sandboxes.contains_key(&sandbox) {
            return Err(Fault::new(
                Code::WrongState,
                format!("sandbox {sandbox} is live"),
            ));
        }
        Ok(())
    }

    pub fn make_layer(&self, request: &wire::MakeLayer) -> Outcome<LayerMade> {
        let layer = Id::of("layer", &request.layer)?;
        let (family, source) = match &request.source {
            Some(make_layer::Source::Snapshot(id)) => (Family::Snapshot, Id::of("snapshot", id)?),
            Some(make_layer::Source::Sandbox(id)) => (Family::Disk, Id::of("sandbox", id)?),
            None => {
                return Err(Fault::invalid(
                    "source",
                    "source must be snapshot or sandbox",
                ));
            }
        };
        self.locks.with(source, || {
            if self.pool.layer_record(layer).is_ok() {
                return Err(Fault::exists("layer", layer));
            }
            if family == Family::Disk {
                self.refuse_live(source)?;
            }
            self.pool.admit()?;
            let image: File = self.pool.open_image(family, source)?;
            if family == Family::Disk {
                self.wait_unused(source, &image)?;
            }
            self.pool.make_layer(layer, &image).during("layer")?;
            Ok(LayerMade {
                bytes: self.pool.layer_bytes(layer),
            })
        })
    }

    /// Grows the disk of a live or stopped sandbox.
    pub fn resize_disk(&self, sandbox: Id, bytes: u64) -> Outcome<()> {
        let size = Pool::disk_size("bytes", bytes)?;
        self.locks.with(sandbox, || {
            let mut record = self.pool.record(Family::Disk, sandbox)?;
            if size < record.size {
                return Err(Fault::invalid(
                    "bytes",
                    format!(
                        "the disk has {} bytes already, it cannot shrink",
                        record.size
                    ),
                ));
            }
            if size == record.size {
                return Ok(());
            }
            self.pool.admit()?;
            let image = self.pool.open_image(Family::Disk, sandbox)?;
            if lock(&self.state).sandboxes.contains_key(&sandbox) {
                // A second mount of the superblock in use.
                let mounted = ext4::mount_again(&image).during("mount of the disk")?;
                ext4::grow(&image, &mounted, size).map_err(|e| match e.kind() {
                    std::io::ErrorKind::PermissionDenied => Fault::new(
                        Code::Unsupported,
                        "the warden lacks CAP_SYS_RESOURCE, stop the sandbox to grow its disk",
                    ),
                    _ => Fault::io("growing the disk", e),
                })?;
            } else {
                self.wait_unused(sandbox, &image)?;
                let path = self.pool.image(Family::Disk, sandbox);
                ext4::grow_offline(&path, &image, size).during("growing the disk")?;
            }
            record.size = size;
            self.pool
                .write_record(Family::Disk, sandbox, &record, true)
                .during("record")?;
            image.sync_all().during("disk")
        })
    }
}

fn micros(since: Instant) -> u64 {
    since.elapsed().as_micros().try_into().unwrap_or(u64::MAX)
}
