//! Formatted empty uppers by size. The common sizes are made at start, so that creating a sandbox
//! runs no program; an unusual size is formatted at its first use and kept.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::{durable, ext4};
use crate::config::DISK_STEP;
use crate::lock::lock;

const GIB: u64 = 1 << 30;
const COMMON: [u64; 9] = [
    GIB,
    2 * GIB,
    3 * GIB,
    5 * GIB,
    8 * GIB,
    10 * GIB,
    20 * GIB,
    50 * GIB,
    100 * GIB,
];
/// Sizes kept; beyond, an unusual one is dropped for the next.
const KEPT: usize = 64;

pub struct Empties {
    default_size: u64,
    images: Mutex<BTreeMap<u64, Arc<File>>>,
}

impl Empties {
    pub fn open(root: &Path, default_bytes: u64) -> Result<Empties, String> {
        let default_size = default_bytes.next_multiple_of(DISK_STEP);
        let empties = Empties {
            default_size,
            images: Mutex::default(),
        };
        let explain = |e: io::Error| format!("formatted disks: {e}");
        for entry in fs::read_dir(root.join("empty")).map_err(explain)? {
            let path = entry.map_err(explain)?.path();
            let size = path
                .file_stem()
                .and_then(|n| n.to_str())
                .and_then(|n| n.parse().ok());
            if let Some(size) = size {
                let file = File::open(&path).map_err(explain)?;
                lock(&empties.images).insert(size, Arc::new(file));
            }
        }
        for size in COMMON.into_iter().chain([default_size]) {
            empties
                .get(root, size)
                .map_err(|e| format!("formatting {size} bytes: {e}"))?;
        }
        Ok(empties)
    }

    pub fn get(&self, root: &Path, size: u64) -> io::Result<Arc<File>> {
        // Held while formatting: others of an unusual size wait, those of a common one too, for
        // the tens of milliseconds that mkfs takes.
        let mut images = lock(&self.images);
        if let Some(image) = images.get(&size) {
            return Ok(image.clone());
        }
        if images.len() >= KEPT {
            let unusual = images
                .keys()
                .copied()
                .find(|s| !COMMON.contains(s) && *s != self.default_size);
            if let Some(unusual) = unusual {
                images.remove(&unusual);
                durable::remove(&path(root, unusual))?;
            }
        }
        let tmp = root.join(format!("tmp/empty-{size}.img"));
        ext4::format(&tmp, size)?;
        File::open(&tmp)?.sync_all()?;
        durable::commit(&tmp, &path(root, size))?;
        let image = Arc::new(File::open(path(root, size))?);
        images.insert(size, image.clone());
        Ok(image)
    }
}

fn path(root: &Path, size: u64) -> std::path::PathBuf {
    root.join(format!("empty/{size}.img"))
}
