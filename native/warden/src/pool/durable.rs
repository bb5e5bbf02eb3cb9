//! Files that survive a power cut whole or not at all: write to tmp/, fsync, rename, fsync of the
//! directory.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Makes the entries of a directory durable.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Moves a finished, already synced file to its name.
pub fn commit(tmp: &Path, target: &Path) -> io::Result<()> {
    fs::rename(tmp, target)?;
    match target.parent() {
        Some(dir) => sync_dir(dir),
        None => Ok(()),
    }
}

/// Replaces `target` by `content`, readers see the old or the new. Durable only with `sync`.
pub fn write(tmp_dir: &Path, target: &Path, content: &[u8], sync: bool) -> io::Result<()> {
    let name = target.file_name().unwrap_or_default();
    let tmp = tmp_dir.join(name);
    let mut file = File::create(&tmp)?;
    file.write_all(content)?;
    if sync {
        file.sync_all()?;
        return commit(&tmp, target);
    }
    fs::rename(&tmp, target)
}

/// Removes a file; that it is not there is fine.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}
