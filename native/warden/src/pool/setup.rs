//! Finding or making the pool at start. The only place besides [`super::ext4::format`] that runs
//! programs of the host.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::loopdev::LoopDevice;
use super::{Kind, c_path, durable};
use crate::config::{Config, PoolKind};
use crate::sys::{self, FsContext};

const XFS_MAGIC: i64 = 0x5846_5342;
const BTRFS_MAGIC: i64 = 0x9123_683E;
/// Root of the pool and the directory of its sparse file.
pub fn ensure(config: &Config) -> Result<(PathBuf, Option<PathBuf>), String> {
    let explain = |what: &Path, e: io::Error| format!("{}: {e}", what.display());
    fs::create_dir_all(&config.state_dir).map_err(|e| explain(&config.state_dir, e))?;
    match (config.pool.kind, &config.pool.dir) {
        (PoolKind::Dir, Some(dir)) => {
            fs::create_dir_all(dir).map_err(|e| explain(dir, e))?;
            let dir = dir.canonicalize().map_err(|e| explain(dir, e))?;
            Ok((dir, None))
        }
        _ => {
            let state = config
                .state_dir
                .canonicalize()
                .map_err(|e| explain(&config.state_dir, e))?;
            let root = state.join("pool");
            let image = state.join("pool.img");
            fs::create_dir_all(&root).map_err(|e| explain(&root, e))?;
            if !is_mount_point(&root).map_err(|e| explain(&root, e))? {
                if !image.exists() {
                    format_xfs(&image, config.pool.size_bytes)?;
                }
                mount_xfs(&image, &root).map_err(|e| explain(&image, e))?;
            }
            // A file system of mkfs has a root that everybody may enter.
            for (path, mode) in [(&root, 0o700), (&image, 0o600)] {
                fs::set_permissions(path, fs::Permissions::from_mode(mode))
                    .map_err(|e| explain(path, e))?;
            }
            Ok((root, Some(state)))
        }
    }
}

fn format_xfs(image: &Path, bytes: u64) -> Result<(), String> {
    let tmp = image.with_extension("img.new");
    let make = || -> io::Result<()> {
        let file = File::create(&tmp)?;
        file.set_len(bytes)?;
        drop(file);
        let output = Command::new("mkfs.xfs")
            // The sector size is the block size of the loop device.
            .args(["-q", "-f", "-s", "size=4096", "-m", "reflink=1", "-K"])
            .arg(&tmp)
            .stdin(Stdio::null())
            .output()?;
        if !output.status.success() {
            return Err(io::Error::other(
                String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            ));
        }
        File::open(&tmp)?.sync_all()?;
        durable::commit(&tmp, image)
    };
    make().map_err(|e| format!("mkfs.xfs of {}: {e}", image.display()))
}

fn mount_xfs(image: &Path, root: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(image)?;
    let device = match LoopDevice::find(&file)? {
        Some(device) => device,
        None => LoopDevice::attach(&file, false)?,
    };
    let context = FsContext::open(c"xfs")?;
    context.string(c"source", &device.path())?;
    context.flag(c"discard")?;
    let mount = context
        .mount(libc::MOUNT_ATTR_NOATIME | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOSUID)?;
    sys::attach(mount.as_fd(), &c_path(root))
}

/// Unmounts the loop pool, of which nothing may be in use any more but for a moment. Images stay.
/// A pool that shut down after an I/O error answers no question but can be unmounted.
pub fn close(config: &Config) -> io::Result<()> {
    if config.pool.kind != PoolKind::Loop {
        return Ok(());
    }
    let root = c_path(&config.state_dir.join("pool"));
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match sys::unmount(&root, 0) {
            // More may have been mounted there.
            Ok(()) => {}
            Err(e) => match e.raw_os_error() {
                Some(libc::EINVAL | libc::ENOENT) => return Ok(()),
                Some(libc::EBUSY) if Instant::now() < deadline => sleep(Duration::from_millis(5)),
                _ => return Err(e),
            },
        }
    }
}

pub fn is_mount_point(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let here = fs::metadata(path)?;
    let above = fs::metadata(path.join(".."))?;
    Ok(here.dev() != above.dev())
}

/// Removes everything in a directory of ours.
pub fn empty_dir(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Tries FICLONE, since the type of a file system does not say whether it was made with reflink.
pub fn detect(root: &Path) -> io::Result<Kind> {
    let (a, b) = (root.join("tmp/reflink-a"), root.join("tmp/reflink-b"));
    let from = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&a)?;
    let to = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&b)?;
    io::Write::write_all(&mut &from, &[1; 4096])?;
    let works = sys::reflink(&from, &to).is_ok();
    durable::remove(&a)?;
    durable::remove(&b)?;
    if !works {
        return Ok(Kind::Copy);
    }
    // SAFETY: zero is a valid statfs.
    let mut stat: libc::statfs = unsafe { std::mem::zeroed() };
    let path = c_path(root);
    // SAFETY: `path` and `stat` are valid.
    sys::check(unsafe { libc::statfs(path.as_ptr(), &mut stat) }.into())?;
    Ok(match stat.f_type {
        BTRFS_MAGIC => Kind::Btrfs,
        XFS_MAGIC => Kind::Xfs,
        // Another file system that shares extents (bcachefs, ocfs2): the same calls work.
        _ => Kind::Xfs,
    })
}
