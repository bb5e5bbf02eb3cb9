//! Formatted empty uppers, one for each class of sizes, so that creating a sandbox runs no program.
//! The default one is made at start, the others by a thread of their own afterwards; all are kept
//! over restarts.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use super::{durable, ext4};
use crate::lock::lock;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// Sizes that new disks have, bytes, ascending.
const CLASSES: [u64; 21] = [
    256 * MIB,
    512 * MIB,
    GIB,
    2 * GIB,
    3 * GIB,
    4 * GIB,
    5 * GIB,
    6 * GIB,
    8 * GIB,
    10 * GIB,
    12 * GIB,
    16 * GIB,
    20 * GIB,
    32 * GIB,
    50 * GIB,
    64 * GIB,
    100 * GIB,
    128 * GIB,
    256 * GIB,
    512 * GIB,
    1024 * GIB,
];

/// Smallest class that holds `bytes`, of which the largest is the bound.
pub fn class_of(bytes: u64) -> Option<u64> {
    CLASSES.into_iter().find(|class| *class >= bytes)
}

pub struct Empties {
    dir: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    images: BTreeMap<u64, Arc<File>>,
    /// Classes to be made, the next one first.
    wanted: VecDeque<u64>,
    /// Why a class could not be made, until somebody was told.
    failed: BTreeMap<u64, String>,
}

impl Empties {
    /// `default_class` is there when this returns, the others when [`Empties::run`] made them.
    pub fn open(root: &Path, default_class: u64) -> Result<Empties, String> {
        let dir = root.join("empty");
        let explain = |e: io::Error| format!("formatted disks: {e}");
        let mut state = State::default();
        for entry in fs::read_dir(&dir).map_err(explain)? {
            let path = entry.map_err(explain)?.path();
            let name = path.file_name().and_then(|n| n.to_str());
            let class = name
                .and_then(|n| n.strip_suffix(".img"))
                .and_then(|n| n.parse().ok())
                .filter(|class| CLASSES.contains(class));
            match class {
                Some(class) => {
                    let image = File::open(&path).map_err(explain)?;
                    state.images.insert(class, Arc::new(image));
                }
                // Half-made by a dead warden, or a class that an older one had.
                None => durable::remove(&path).map_err(explain)?,
            }
        }
        if let Entry::Vacant(missing) = state.images.entry(default_class) {
            let made = make(&dir, default_class)
                .map_err(|e| format!("formatting {default_class} bytes: {e}"))?;
            missing.insert(Arc::new(made));
        }
        state.wanted = CLASSES
            .into_iter()
            .filter(|class| !state.images.contains_key(class))
            .collect();
        Ok(Empties {
            dir,
            state: Mutex::new(state),
            changed: Condvar::new(),
        })
    }

    /// Formats what is wanted, for ever.
    pub fn run(&self) {
        let mut state = lock(&self.state);
        loop {
            let Some(class) = state.wanted.pop_front() else {
                state = self.wait(state);
                continue;
            };
            drop(state);
            let made = make(&self.dir, class);
            state = lock(&self.state);
            match made {
                Ok(image) => {
                    state.images.insert(class, Arc::new(image));
                }
                Err(error) => {
                    eprintln!("warden: formatting {class} bytes: {error}");
                    state.failed.insert(class, error.to_string());
                }
            }
            self.changed.notify_all();
        }
    }

    /// The image of a class; waits until it is formatted, as the next one, when it is not yet. What
    /// failed is tried again for the next one who asks.
    pub fn get(&self, class: u64) -> io::Result<Arc<File>> {
        let mut state = lock(&self.state);
        if let Some(image) = state.images.get(&class) {
            return Ok(image.clone());
        }
        if state.failed.remove(&class).is_some() || state.wanted.contains(&class) {
            state.wanted.retain(|other| *other != class);
            state.wanted.push_front(class);
            self.changed.notify_all();
        }
        loop {
            state = self.wait(state);
            if let Some(image) = state.images.get(&class) {
                return Ok(image.clone());
            }
            if let Some(why) = state.failed.get(&class) {
                return Err(io::Error::other(why.clone()));
            }
        }
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed
            .wait(state)
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Formats a file and keeps a copy of its data: the copy leaves out what mkfs allocated and did not
/// write, most of the journal. Without reflink each clone would carry it, with it each would count
/// it as used.
fn make(dir: &Path, class: u64) -> io::Result<File> {
    let formatted = dir.join(format!("{class}.new"));
    ext4::format(&formatted, class)?;
    let copy = dir.join(format!("{class}.copy"));
    {
        let to = File::create(&copy)?;
        super::copy_sparse(&File::open(&formatted)?, &to)?;
        to.sync_all()?;
    }
    durable::remove(&formatted)?;
    let image = dir.join(format!("{class}.img"));
    durable::commit(&copy, &image)?;
    File::open(image)
}

#[cfg(test)]
mod tests {
    use super::{CLASSES, GIB, MIB, class_of};
    use crate::config::{Config, MAX_DISK, MIN_DISK};

    #[test]
    fn every_size_in_bounds_has_the_next_class() {
        assert!(CLASSES.is_sorted());
        assert_eq!(class_of(MIN_DISK), Some(MIN_DISK));
        assert_eq!(class_of(256 * MIB + 1), Some(512 * MIB));
        assert_eq!(class_of(7 * GIB), Some(8 * GIB));
        assert_eq!(class_of(MAX_DISK), Some(MAX_DISK));
        assert_eq!(class_of(MAX_DISK + 1), None);
        let default = Config::default().default_disk_bytes;
        assert_eq!(class_of(default), Some(default));
    }
}
