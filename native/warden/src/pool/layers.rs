//! Shared read-only layers: each image is mounted once and cached for all sandboxes.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::loopdev::LoopDevice;
use super::{Pool, durable, ext4, used_bytes};
use crate::fault::{During, Fault, Outcome};
use crate::ids::Id;
use crate::lock::lock;
use crate::mounts::{Held, Roots};
use crate::sys::{self, FsContext};

/// What lies beside a layer's image.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LayerRecord {
    pub format: Format,
    /// The layer is the whole image, or the `upper` directory of what was a sandbox's disk.
    pub root: Root,
    pub name: String,
    pub config: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Erofs,
    Ext4,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Root {
    Whole,
    Upper,
}

/// A layer ready to be cloned into overlays.
pub struct LayerMount {
    pub held: Held,
    pub root: Root,
}

/// An entry of `templates_dir`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    id: String,
    #[serde(default)]
    name: String,
    /// Image file, relative to the directory of the entry.
    file: String,
    #[serde(default)]
    config: Value,
}

#[derive(Default)]
pub struct Layers {
    mounted: Mutex<HashMap<Id, Arc<LayerMount>>>,
}

impl Layers {
    /// The mount of a layer, made at its first use.
    pub fn get(&self, pool: &Pool, roots: &Roots, id: Id) -> Outcome<Arc<LayerMount>> {
        if let Some(mount) = lock(&self.mounted).get(&id) {
            return Ok(mount.clone());
        }
        let record = pool.layer_record(id)?;
        let made =
            Arc::new(open(&pool.layer_image(id), &record, roots).during(format!("layer {id}"))?);
        // Two first uses at a time make two mounts of one superblock; the second one is dropped.
        Ok(lock(&self.mounted).entry(id).or_insert(made).clone())
    }

    pub fn forget(&self, id: Id) {
        let mount = lock(&self.mounted).remove(&id);
        drop(mount);
    }
}

fn open(image: &Path, record: &LayerRecord, roots: &Roots) -> io::Result<LayerMount> {
    let file = File::open(image)?;
    let device = match LoopDevice::find(&file)? {
        Some(device) => device,
        None => LoopDevice::attach(&file, true)?,
    };
    let context = match record.format {
        Format::Erofs => FsContext::open(c"erofs")?,
        Format::Ext4 => {
            // The journal was replayed when the layer was made; noload keeps a read-only device
            // from being asked to replay it again.
            let context = FsContext::open(c"ext4")?;
            context.flag(c"noload")?;
            context
        }
    };
    context.string(c"source", &device.path())?;
    context.flag(c"ro")?;
    let mount = context
        .mount(libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOATIME | libc::MOUNT_ATTR_NODEV)?;
    Ok(LayerMount {
        held: roots.hold(mount)?,
        root: record.root,
    })
}

impl Pool {
    pub fn layer_image(&self, id: Id) -> PathBuf {
        self.root.join(format!("layers/{id}.img"))
    }

    fn layer_record_path(&self, id: Id) -> PathBuf {
        self.root.join(format!("layers/{id}.json"))
    }

    pub fn layer_record(&self, id: Id) -> Outcome<LayerRecord> {
        match fs::read(self.layer_record_path(id)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(Fault::not_found("layer", id)),
            Err(e) => Err(Fault::io("layer", e)),
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|e| Fault::io(format!("record of layer {id}"), e.into())),
        }
    }

    /// Layers with a record; an image without one was never finished.
    pub fn layers(&self) -> io::Result<Vec<Id>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(self.root.join("layers"))? {
            let name = entry?.file_name();
            let id = name
                .to_str()
                .and_then(|n| n.strip_suffix(".json"))
                .and_then(Id::parse);
            ids.extend(id);
        }
        ids.sort_unstable();
        Ok(ids)
    }

    pub fn layer_bytes(&self, id: Id) -> u64 {
        used_bytes(&self.layer_image(id))
    }

    /// Gives a finished, synced image in tmp/ its name, then its record: the record makes it a
    /// layer.
    pub fn commit_layer(&self, id: Id, tmp: &Path, record: &LayerRecord) -> io::Result<()> {
        durable::commit(tmp, &self.layer_image(id))?;
        let bytes = serde_json::to_vec(record)?;
        durable::write(&self.tmp(), &self.layer_record_path(id), &bytes, true)
    }

    pub fn remove_layer(&self, id: Id) -> io::Result<()> {
        durable::remove(&self.layer_record_path(id))?;
        durable::remove(&self.layer_image(id))?;
        durable::sync_dir(&self.root.join("layers"))
    }

    /// A clone of a sandbox's disk as a layer. The clone's journal is dirty when the source was
    /// running: one private read-write mount replays it and unmounts cleanly.
    pub fn make_layer(&self, id: Id, source: &File) -> io::Result<()> {
        let tmp = self.tmp().join(format!("layer-{id}.img"));
        durable::remove(&tmp)?;
        let make = || -> io::Result<()> {
            let image = self.clone_file(source, &tmp)?;
            ext4::unmount(ext4::mount(&image)?, &image)?;
            image.sync_all()?;
            let record = LayerRecord {
                format: Format::Ext4,
                root: Root::Upper,
                name: String::new(),
                config: Value::Null,
            };
            self.commit_layer(id, &tmp, &record)
        };
        let result = make();
        if result.is_err() {
            durable::remove(&tmp)?;
        }
        result
    }

    /// Imports what `dir` describes and the pool does not have. One bad entry is reported and does
    /// not hinder the others.
    pub fn import_templates(&self, dir: &Path) -> Vec<String> {
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(e) => return vec![format!("{}: {e}", dir.display())],
        };
        let mut errors = Vec::new();
        for entry in entries.flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|e| e == "json")
                && let Err(error) = self.import(dir, &path)
            {
                errors.push(format!("{}: {error}", path.display()));
            }
        }
        errors
    }

    fn import(&self, dir: &Path, entry: &Path) -> io::Result<()> {
        let template: Template = serde_json::from_slice(&fs::read(entry)?)?;
        let id = Id::parse(&template.id)
            .ok_or_else(|| io::Error::other(format!("id {:?} is not an id", template.id)))?;
        if self.layer_record_path(id).exists() {
            return Ok(());
        }
        let source = File::open(dir.join(&template.file))?;
        let format = probe(&source)?;
        let tmp = self.tmp().join(format!("template-{id}.img"));
        durable::remove(&tmp)?;
        let mut copy = File::create(&tmp)?;
        // The template may lie on the pool's own file system; elsewhere FICLONE gives EXDEV.
        if sys::reflink(&source, &copy).is_err() {
            io::copy(&mut &source, &mut copy)?;
        }
        copy.sync_all()?;
        let record = LayerRecord {
            format,
            root: Root::Whole,
            name: template.name,
            config: template.config,
        };
        self.commit_layer(id, &tmp, &record)
    }
}

/// Tells the format by the magic of the superblock.
fn probe(mut image: &File) -> io::Result<Format> {
    let mut block = [0u8; 2048];
    image.read_exact(&mut block)?;
    image.seek(SeekFrom::Start(0))?;
    if block[1024..1028] == 0xE0F5_E1E2u32.to_le_bytes() {
        Ok(Format::Erofs)
    } else if block[1080..1082] == 0xEF53u16.to_le_bytes() {
        Ok(Format::Ext4)
    } else {
        Err(io::Error::other("the image is neither erofs nor ext4"))
    }
}
