//! Saved memory: `memory/<id>/` in the pool, under the id of a hibernated sandbox or of a snapshot.
//!
//! ```text
//! image/          what `runsc checkpoint` wrote
//! disk.img        a clone of the disk of the same instant
//! manifest        sealed, see [`super::seal`]
//! ```
//!
//! Memory and disk are one directory, so that one rename commits both or neither. It is written once
//! and never changed: a sandbox that goes on works on a clone of the disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use atoll_wire::warden::Memory;
use atoll_wire::warden::failure::Code;
use serde::{Deserialize, Serialize};

use super::seal::{self, DiskSeal, Key, Sum};
use super::{Runsc, spec};
use crate::fault::{During, Fault, Outcome};
use crate::ids::Id;
use crate::pool::{Pool, durable};
use crate::seccomp::Profile;

const FORMAT: u32 = 1;
/// Exists when the sandbox went on from there.
const USED: &str = "used";
/// The files of an uncompressed checkpoint.
const IMAGE: [&str; 3] = ["checkpoint.img", "pages_meta.img", "pages.img"];

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// What it is saved under: another's state in its place is foreign.
    id: String,
    /// Hash of the `runsc` that made it.
    runsc: String,
    /// Hash of the guest program inside.
    guest: String,
    /// Hash of the spec but for the ids of the sandbox.
    spec: String,
    pub extended: bool,
    /// Lowest first.
    pub layers: Vec<String>,
    image: Vec<Sum>,
    disk: DiskSeal,
}

impl Manifest {
    pub fn profile(&self) -> Profile {
        if self.extended {
            Profile::Extended
        } else {
            Profile::Standard
        }
    }
}

/// Saved memory that was found whole.
pub struct Saved {
    pub manifest: Manifest,
    pub image: PathBuf,
    pub disk: PathBuf,
    /// Directory of the guest program inside.
    pub guest: PathBuf,
}

/// Where something is being saved.
pub struct Unsealed {
    dir: PathBuf,
    target: PathBuf,
    id: Id,
}

impl Unsealed {
    pub fn begin(pool: &Pool, id: Id) -> Outcome<Unsealed> {
        let target = memory_dir(pool, id);
        if target.exists() {
            return Err(Fault::exists("memory", id));
        }
        let dir = pool.tmp().join(format!("memory-{id}"));
        remove_dir(&dir).during("memory")?;
        fs::create_dir(&dir).during("memory")?;
        Ok(Unsealed { dir, target, id })
    }

    pub fn image(&self) -> PathBuf {
        self.dir.join("image")
    }

    pub fn disk(&self) -> PathBuf {
        self.dir.join("disk.img")
    }

    /// Hashes, syncs, commits. Returns the bytes of memory.
    pub fn seal(
        &self,
        key: &Key,
        runsc: &Runsc,
        profile: Profile,
        capabilities: u64,
        layers: &[Id],
    ) -> io::Result<u64> {
        // The kernel writes the data while they are hashed.
        let hashed = std::thread::scope(|scope| -> io::Result<Manifest> {
            let synced = scope.spawn(|| seal::sync_all(&self.dir));
            let image: io::Result<Vec<Sum>> = IMAGE
                .iter()
                .map(|name| Sum::of(key, &self.image().join(name)))
                .collect();
            let image = image?;
            synced
                .join()
                .map_err(|_| io::Error::other("a syncing thread panicked"))??;
            Ok(Manifest {
                format: FORMAT,
                id: self.id.to_string(),
                runsc: runsc.version.clone(),
                guest: name_of(&runsc.guest),
                spec: spec_hash(profile, capabilities),
                extended: profile == Profile::Extended,
                layers: layers.iter().map(Id::to_string).collect(),
                image,
                // After the sync, which gives the blocks their places.
                disk: DiskSeal::of(key, &self.disk())?,
            })
        })?;
        let sealed = key.seal(&serde_json::to_string(&hashed)?);
        let manifest = self.dir.join("manifest");
        fs::write(&manifest, sealed)?;
        fs::File::open(&manifest)?.sync_all()?;
        durable::sync_dir(&self.dir)?;
        durable::commit(&self.dir, &self.target)?;
        Ok(hashed.image.iter().map(|sum| sum.size).sum())
    }
}

impl Drop for Unsealed {
    /// What was not committed.
    fn drop(&mut self) {
        if let Err(error) = remove_dir(&self.dir) {
            eprintln!("warden: {}: {error}", self.dir.display());
        }
    }
}

pub fn memory_dir(pool: &Pool, id: Id) -> PathBuf {
    pool.root.join("memory").join(id.as_str())
}

pub fn guests_dir(pool: &Pool) -> PathBuf {
    pool.root.join("guests")
}

/// The manifest alone, authenticated.
pub fn manifest(pool: &Pool, key: &Key, id: Id) -> Outcome<Manifest> {
    let path = memory_dir(pool, id).join("manifest");
    let text = match fs::read(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound && !memory_dir(pool, id).exists() => {
            return Err(Fault::not_found("memory", id));
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(corrupt(id, "it has no manifest"));
        }
        other => other.during("memory")?,
    };
    let foreign = || corrupt(id, "its manifest was altered, or is another node's");
    let text = String::from_utf8(text).map_err(|_| foreign())?;
    let body = key.open_sealed(&text).ok_or_else(foreign)?;
    let manifest: Manifest = serde_json::from_str(body)
        .map_err(|_| corrupt(id, "it was made by another version of Atoll"))?;
    if manifest.format != FORMAT {
        return Err(corrupt(id, "it was made by another version of Atoll"));
    }
    if manifest.id != id.as_str() {
        return Err(corrupt(
            id,
            "it is the state of another sandbox or snapshot",
        ));
    }
    Ok(manifest)
}

/// Checks everything before anything of it is used.
pub fn verify(
    pool: &Pool,
    key: &Key,
    runsc: &Runsc,
    capabilities: impl Fn(Profile) -> u64,
    id: Id,
) -> Outcome<Saved> {
    let manifest = manifest(pool, key, id)?;
    let dir = memory_dir(pool, id);
    let saved = Saved {
        image: dir.join("image"),
        disk: dir.join("disk.img"),
        guest: guests_dir(pool).join(&manifest.guest),
        manifest,
    };
    let manifest = &saved.manifest;
    if manifest.runsc != runsc.version {
        return Err(corrupt(id, "it was made by another version of runsc"));
    }
    let profile = manifest.profile();
    if manifest.spec != spec_hash(profile, capabilities(profile)) {
        return Err(corrupt(id, "it was made with another spec of the sandbox"));
    }
    if !saved.guest.join("atoll-guest").exists() {
        return Err(corrupt(id, "the guest program inside is not here any more"));
    }
    let differs = |what: &str| corrupt(id, format!("{what} is truncated, altered or missing"));
    let disk = DiskSeal::of(key, &saved.disk).map_err(|_| differs("its disk"))?;
    if disk != manifest.disk {
        return Err(differs("its disk"));
    }
    for (name, expected) in IMAGE.iter().zip(&manifest.image) {
        let sum = Sum::of(key, &saved.image.join(name)).map_err(|_| differs(name))?;
        if sum != *expected {
            return Err(differs(name));
        }
    }
    Ok(saved)
}

/// From now on what is on the sandbox's disk may be newer. Durable when it returns.
pub fn mark_used(pool: &Pool, id: Id) -> io::Result<()> {
    let dir = memory_dir(pool, id);
    fs::File::create(dir.join(USED))?.sync_all()?;
    durable::sync_dir(&dir)
}

/// Idempotent. What is removed is gone at once, whole.
pub fn remove(pool: &Pool, id: Id) -> io::Result<()> {
    let dir = memory_dir(pool, id);
    let ending = pool.tmp().join(format!("ending-{id}"));
    remove_dir(&ending)?;
    match fs::rename(&dir, &ending) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    }
    durable::sync_dir(&pool.root.join("memory"))?;
    remove_dir(&ending)
}

/// Ids of everything saved.
pub fn ids(pool: &Pool) -> io::Result<Vec<Id>> {
    let mut ids = Vec::new();
    for entry in fs::read_dir(pool.root.join("memory"))? {
        ids.extend(entry?.file_name().to_str().and_then(Id::parse));
    }
    ids.sort_unstable();
    Ok(ids)
}

/// For reconciliation; one whose manifest cannot be read is listed without layers.
pub fn list(pool: &Pool, key: &Key) -> io::Result<Vec<Memory>> {
    let describe = |id: Id| {
        let manifest = manifest(pool, key, id).ok();
        Memory {
            id: id.to_string(),
            bytes: manifest
                .iter()
                .flat_map(|m| &m.image)
                .map(|sum| sum.size)
                .sum(),
            layers: manifest.map(|m| m.layers).unwrap_or_default(),
            used: memory_dir(pool, id).join(USED).exists(),
        }
    };
    Ok(ids(pool)?.into_iter().map(describe).collect())
}

/// Copies of the guest program that neither `current` is nor any saved memory needs.
pub fn remove_old_guests(pool: &Pool, key: &Key, current: &Path) -> io::Result<()> {
    let mut needed: Vec<String> = ids(pool)?
        .into_iter()
        .filter_map(|id| Some(manifest(pool, key, id).ok()?.guest))
        .collect();
    needed.push(name_of(current));
    for entry in fs::read_dir(guests_dir(pool))? {
        let entry = entry?;
        if !needed.iter().any(|name| entry.file_name() == name.as_str()) {
            remove_dir(&entry.path())?;
        }
    }
    Ok(())
}

fn corrupt(id: Id, why: impl std::fmt::Display) -> Fault {
    Fault::new(
        Code::Corrupt,
        format!("the saved memory {id} is refused: {why}"),
    )
}

fn spec_hash(profile: Profile, capabilities: u64) -> String {
    let spec = spec::config(0, profile, capabilities, &[], 0).to_string();
    blake3::hash(spec.as_bytes()).to_hex()[..32].to_owned()
}

fn name_of(dir: &Path) -> String {
    dir.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn remove_dir(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
