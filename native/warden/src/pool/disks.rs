//! Disks of sandboxes and snapshots: an ext4 image and a record that says what lies below it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;

use atoll_wire::warden::Disk;
use serde::{Deserialize, Serialize};

use super::{Kind, Pool, durable, used_bytes};
use crate::fault::{During, Fault, Outcome};
use crate::ids::Id;

/// What lies beside an image.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DiskRecord {
    /// Size of the image and so the quota, bytes.
    pub size: u64,
    /// Ids of the layers below, lowest first.
    pub layers: Vec<String>,
}

/// Which of both an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Disk,
    Snapshot,
    Volume,
}

impl Family {
    fn dir(self) -> &'static str {
        match self {
            Family::Disk => "disks",
            Family::Snapshot => "snapshots",
            Family::Volume => "volumes",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Family::Disk => "disk",
            Family::Snapshot => "snapshot",
            Family::Volume => "volume",
        }
    }
}

impl Pool {
    pub fn image(&self, family: Family, id: Id) -> PathBuf {
        self.root.join(family.dir()).join(format!("{id}.img"))
    }

    pub fn record_path(&self, family: Family, id: Id) -> PathBuf {
        self.root.join(family.dir()).join(format!("{id}.json"))
    }

    /// Opens the image for reading and writing.
    pub fn open_image(&self, family: Family, id: Id) -> Outcome<File> {
        match OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.image(family, id))
        {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                Err(Fault::not_found(family.noun(), id))
            }
            other => other.during(family.noun()),
        }
    }

    pub fn record(&self, family: Family, id: Id) -> Outcome<DiskRecord> {
        match fs::read(self.record_path(family, id)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                Err(Fault::not_found(family.noun(), id))
            }
            Err(e) => Err(Fault::io(family.noun(), e)),
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|e| Fault::io(format!("record of {} {id}", family.noun()), e.into())),
        }
    }

    pub fn write_record(
        &self,
        family: Family,
        id: Id,
        record: &DiskRecord,
        sync: bool,
    ) -> io::Result<()> {
        let bytes = serde_json::to_vec(record)?;
        durable::write(&self.tmp(), &self.record_path(family, id), &bytes, sync)
    }

    /// Removes image and record; both may be gone already. The record goes last, so that a crash
    /// in between leaves something a second call still finds.
    pub fn remove(&self, family: Family, id: Id) -> io::Result<()> {
        durable::remove(&self.image(family, id))?;
        durable::remove(&self.record_path(family, id))?;
        durable::sync_dir(&self.root.join(family.dir()))
    }

    /// Ids of all images of a family.
    pub fn ids(&self, family: Family) -> io::Result<Vec<Id>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(self.root.join(family.dir()))? {
            let name = entry?.file_name();
            let id = name
                .to_str()
                .and_then(|n| n.strip_suffix(".img"))
                .and_then(Id::parse);
            ids.extend(id);
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// A disk whose record a power cut took is still a disk; only its layers are unknown.
    fn describe(&self, family: Family, id: Id) -> Option<Disk> {
        let image = self.image(family, id);
        let (size, layers) = match self.record(family, id) {
            Ok(record) => (record.size, record.layers),
            Err(_) => (fs::metadata(&image).ok()?.len(), Vec::new()),
        };
        Some(Disk {
            id: id.to_string(),
            size,
            used: used_bytes(&image),
            layers,
        })
    }

    /// Makes image, record and name of a disk durable, which a claim does not wait for.
    pub fn sync_record(&self, family: Family, id: Id) -> io::Result<()> {
        let record = match File::open(self.record_path(family, id)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        if self.kind != Kind::Xfs {
            // The log of XFS is written in order: with the record's change go those before it, the
            // clone of the image among them. Others promise nothing of a second file.
            File::open(self.image(family, id))?.sync_all()?;
        }
        record.sync_all()?;
        durable::sync_dir(&self.root.join(family.dir()))
    }

    pub fn list(&self, family: Family) -> io::Result<Vec<Disk>> {
        Ok(self
            .ids(family)?
            .into_iter()
            .filter_map(|id| self.describe(family, id))
            .collect())
    }

    /// Bytes allocated by all images of a family; shared extents count once for each image.
    pub fn used(&self, family: Family) -> io::Result<u64> {
        Ok(self
            .ids(family)?
            .into_iter()
            .map(|id| used_bytes(&self.image(family, id)))
            .sum())
    }
}
