//! Volumes: file systems with a life of their own, mounted once on the node and shown to any number of
//! sandboxes, each with its own mapping of owners.

use std::collections::HashMap;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, Weak};

use atoll_entry::{MAX_VOLUME_PATH, MAX_VOLUMES};
use atoll_wire::warden::failure::Code;
use atoll_wire::warden::{self as wire, VolumeMade};

use crate::fault::{During, Fault, Outcome};
use crate::ids::Id;
use crate::lock::lock;
use crate::mounts::Held;
use crate::pool::disks::{DiskRecord, Family};
use crate::pool::{Pool, durable, ext4};
use crate::sys;
use crate::warden::Warden;

/// Any user of a sandbox may write to a volume, as to a disk of its own.
const MODE: u32 = 0o777;

/// Those that live sandboxes use.
#[derive(Default)]
pub struct Volumes(Mutex<HashMap<Id, Weak<VolumeMount>>>);

/// The node's mount of a volume. The kernel unmounts it when this and the sandboxes' own mounts are gone.
pub struct VolumeMount {
    pub id: Id,
    held: Held,
}

/// A checked [`wire::Mount`].
pub struct Mount {
    pub volume: Id,
    pub path: String,
    pub read_only: bool,
    subpath: Vec<CString>,
}

/// A volume as one sandbox sees it.
pub struct View {
    pub path: String,
    pub read_only: bool,
    /// Detached.
    pub mount: OwnedFd,
}

impl Volumes {
    pub fn is_used(&self, id: Id) -> bool {
        self.in_use(id).is_some()
    }

    fn in_use(&self, id: Id) -> Option<Arc<VolumeMount>> {
        lock(&self.0).get(&id).and_then(Weak::upgrade)
    }

    fn keep(&self, mount: &Arc<VolumeMount>) {
        let mut all = lock(&self.0);
        all.retain(|_, mount| mount.strong_count() > 0);
        all.insert(mount.id, Arc::downgrade(mount));
    }
}

impl VolumeMount {
    pub fn sync(&self) -> io::Result<()> {
        sys::sync_fs(self.held.as_fd())
    }
}

impl Mount {
    pub fn all(asked: &[wire::Mount]) -> Outcome<Vec<Mount>> {
        if asked.len() > MAX_VOLUMES {
            let what = format!("a sandbox mounts at most {MAX_VOLUMES} volumes");
            return Err(Fault::invalid("volumes", what));
        }
        let mounts: Vec<Mount> = asked.iter().map(Mount::of).collect::<Outcome<_>>()?;
        for (number, mount) in mounts.iter().enumerate() {
            if mounts[..number]
                .iter()
                .any(|other| other.path == mount.path)
            {
                let what = format!("two volumes at {}", mount.path);
                return Err(Fault::invalid("path", what));
            }
        }
        Ok(mounts)
    }

    fn of(asked: &wire::Mount) -> Outcome<Mount> {
        let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
        let below_root = asked
            .path
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(plain));
        let first = asked.path.split('/').nth(1).unwrap_or_default();
        let own = ["proc", "sys", "dev"].contains(&first) || asked.path.starts_with("/run/.atoll");
        if !below_root || own || asked.path.len() > MAX_VOLUME_PATH {
            let what = format!(
                "path must be absolute and plain, at most {MAX_VOLUME_PATH} bytes, not in /proc, /sys, /dev"
            );
            return Err(Fault::invalid("path", what));
        }
        let subpath = match asked.subpath.as_str() {
            "" => Vec::new(),
            path if path.len() <= MAX_VOLUME_PATH && path.split('/').all(plain) => path
                .split('/')
                .filter_map(|part| CString::new(part).ok())
                .collect(),
            _ => {
                return Err(Fault::invalid(
                    "subpath",
                    "subpath must be relative and plain",
                ));
            }
        };
        Ok(Mount {
            volume: Id::of("volume", &asked.volume)?,
            path: asked.path.clone(),
            read_only: asked.read_only,
            subpath,
        })
    }
}

impl Warden {
    pub fn create_volume(&self, volume: Id, bytes: u64) -> Outcome<VolumeMade> {
        let size = Pool::disk_class("bytes", bytes)?;
        self.locks.with(volume, || {
            if self.pool.image(Family::Volume, volume).exists() {
                return Err(Fault::exists("volume", volume));
            }
            self.pool.admit()?;
            let empty = self.pool.empty(size).during("formatted disk")?;
            let tmp = self.pool.tmp().join(format!("volume-{volume}.img"));
            let record = DiskRecord {
                size,
                layers: Vec::new(),
            };
            let make = || -> io::Result<()> {
                durable::remove(&tmp)?;
                let image = self.pool.clone_file(&empty, &tmp)?;
                let mounted = ext4::mount(&image)?;
                sys::change_mode(mounted.mount.as_fd(), ext4::VOLUME, MODE)?;
                ext4::unmount(mounted, &image)?;
                image.sync_all()?;
                self.pool
                    .write_record(Family::Volume, volume, &record, true)?;
                durable::commit(&tmp, &self.pool.image(Family::Volume, volume))
            };
            make().map_err(|error| {
                let _ = durable::remove(&tmp);
                let _ = self.pool.remove(Family::Volume, volume);
                Fault::io("volume", error)
            })?;
            Ok(VolumeMade { size })
        })
    }

    pub fn delete_volume(&self, volume: Id) -> Outcome<()> {
        self.locks.with(volume, || {
            if self.volumes.in_use(volume).is_some() {
                let what = format!("volume {volume} is mounted in a live sandbox");
                return Err(Fault::new(Code::WrongState, what));
            }
            match self.pool.open_image(Family::Volume, volume) {
                // A sandbox that is just ending still has it.
                Ok(image) => self.wait_unused(volume, &image)?,
                Err(fault) if fault.code == Code::NotFound => {}
                Err(fault) => return Err(fault),
            }
            self.pool.remove(Family::Volume, volume).during("volume")
        })
    }

    /// The mount of a volume, made for its first user.
    pub fn volume(&self, volume: Id) -> Outcome<Arc<VolumeMount>> {
        self.locks.with(volume, || {
            if let Some(mount) = self.volumes.in_use(volume) {
                return Ok(mount);
            }
            let image = self.pool.open_image(Family::Volume, volume)?;
            // Its last user may be ending, or be one that an earlier warden made.
            let mounted = ext4::mount_again(&image).during("mount of a volume")?;
            let held = self.roots.hold(mounted.mount).during("mount of a volume")?;
            let mount = Arc::new(VolumeMount { id: volume, held });
            self.volumes.keep(&mount);
            Ok(mount)
        })
    }

    /// What a claim mounts, with what keeps it mounted.
    pub fn volume_views(
        &self,
        mounts: &[Mount],
        userns: BorrowedFd<'_>,
    ) -> Outcome<(Vec<View>, Vec<Arc<VolumeMount>>)> {
        let mut views = Vec::new();
        let mut used = Vec::new();
        for mount in mounts {
            let volume = self.volume(mount.volume)?;
            let step = || format!("volume {}", mount.volume);
            let directory = directory(volume.held.as_fd(), &mount.subpath).during(step())?;
            let read_only = if mount.read_only {
                libc::MOUNT_ATTR_RDONLY
            } else {
                0
            };
            let attributes = read_only | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
            views.push(View {
                path: mount.path.clone(),
                read_only: mount.read_only,
                mount: self
                    .roots
                    .view(directory.as_fd(), attributes, userns)
                    .during(step())?,
            });
            used.push(volume);
        }
        Ok((views, used))
    }

    pub fn sync_volumes(&self, used: &[Arc<VolumeMount>]) -> Outcome<()> {
        used.iter()
            .try_for_each(|volume| volume.sync().during("sync of a volume"))
    }
}

/// The directory of a volume that a sandbox sees. What is in a volume was made by sandboxes: no step
/// follows a link or leaves the file system.
fn directory(mount: BorrowedFd<'_>, subpath: &[CString]) -> io::Result<OwnedFd> {
    let mut at = sys::open_plain(mount, ext4::VOLUME)?;
    for part in subpath {
        match sys::make_directory(at.as_fd(), part, MODE) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            other => other?,
        }
        at = sys::open_plain(at.as_fd(), part)?;
    }
    Ok(at)
}
