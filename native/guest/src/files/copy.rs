//! Copying files and trees.

use super::path::{Place, as_path, join};
use super::walk::{Go, Tree, open_beneath, open_directory};
use crate::failure::{Failure, Outcome};
use crate::guest::Guest;
use atoll_wire::guest::Copy;
use atoll_wire::guest::error::Code;
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, FileType, Mode, OFlags};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

pub fn copy(guest: &Guest, request: &Copy) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    let source = place
        .path(&request.source)
        .map_err(|f| f.with_field("source"))?;
    let destination = place
        .path(&request.destination)
        .map_err(|f| f.with_field("destination"))?;
    place.run(|| {
        let meta = fs::symlink_metadata(as_path(&source)).map_err(|e| Failure::os(&e, &source))?;
        if meta.is_dir() && !request.recursive {
            let shown = String::from_utf8_lossy(&source);
            return Err(Failure::new(Code::IsDirectory, format!("{shown}: is a directory")).into());
        }
        copy_tree(&source, &destination, request.no_replace)
    })
}

/// Copies a file, a link, or a whole directory (into an existing one: merged). Modes are kept,
/// links stay links, the owner is who copies.
pub fn copy_tree(source: &[u8], destination: &[u8], no_replace: bool) -> Outcome {
    let meta = fs::symlink_metadata(as_path(source)).map_err(|e| Failure::os(&e, source))?;
    if no_replace && fs::symlink_metadata(as_path(destination)).is_ok() {
        let shown = String::from_utf8_lossy(destination);
        return Err(Failure::new(Code::Exists, format!("{shown}: exists")).into());
    }
    if meta.is_symlink() {
        let failed = |e: io::Error| Failure::os(&e, destination);
        let target = fs::read_link(as_path(source)).map_err(|e| Failure::os(&e, source))?;
        return Ok(std::os::unix::fs::symlink(target, as_path(destination)).map_err(failed)?);
    }
    if !meta.is_dir() {
        let (mut from, _) = super::read::open(source)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let to = rustix::fs::openat(CWD, as_path(destination), flags, Mode::from_raw_mode(0o600))
            .map_err(|e| Failure::os(&e.into(), destination))?;
        return Ok(copy_content(&mut from, to).map_err(|e| Failure::os(&e, destination))?);
    }
    refuse_into_itself(source, destination)?;
    make_directory(destination)?;
    let tree = Tree::open(source)?;
    let target = open_directory(destination).map_err(|e| Failure::os(&e, destination))?;
    // Modes of directories come last: one may forbid what is still to be made in it.
    let mut modes = vec![(Vec::new(), meta.mode())];
    tree.walk(|entry| {
        let failed = |e: io::Error| Failure::os(&e, join(destination, entry.relative));
        match entry.kind() {
            FileType::Directory => match mkdir_beneath(&target, entry.relative) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(failed(e).into()),
                _ => modes.push((entry.relative.to_vec(), entry.stat.st_mode)),
            },
            FileType::Symlink => {
                symlink_beneath(&target, &entry.link_target(), entry.relative).map_err(failed)?;
            }
            FileType::RegularFile => {
                let mut from = entry
                    .open()
                    .map_err(|e| Failure::os(&e, tree.absolute(entry.relative)))?;
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NONBLOCK;
                open_beneath(&target, entry.relative, flags, Mode::from_raw_mode(0o600))
                    .and_then(|to| copy_content(&mut from, to))
                    .map_err(failed)?;
            }
            _ => {
                let shown = String::from_utf8_lossy(entry.relative).into_owned();
                let message = format!("{shown}: neither file, directory nor link");
                return Err(Failure::new(Code::Unsupported, message).into());
            }
        }
        Ok(Go::On)
    })?;
    for (relative, mode) in modes.iter().rev() {
        open_beneath(
            &target,
            relative,
            OFlags::RDONLY | OFlags::DIRECTORY,
            Mode::empty(),
        )
        .and_then(|fd| Ok(rustix::fs::fchmod(fd, Mode::from_raw_mode(mode & 0o7777))?))
        .map_err(|e| Failure::os(&e, join(destination, relative)))?;
    }
    Ok(())
}

fn make_directory(path: &[u8]) -> Result<(), Failure> {
    match fs::create_dir(as_path(path)) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && as_path(path).is_dir() => Ok(()),
        other => other.map_err(|e| Failure::os(&e, path)),
    }
}

/// A tree copied below itself would never end.
fn refuse_into_itself(source: &[u8], destination: &[u8]) -> Result<(), Failure> {
    let source = fs::canonicalize(as_path(source)).map_err(|e| Failure::os(&e, source))?;
    let mut above = Some(as_path(destination));
    while let Some(path) = above {
        if let Ok(real) = fs::canonicalize(path) {
            return match real.starts_with(&source) {
                true => Err(Failure::invalid(
                    "destination",
                    "destination: lies below the source",
                )),
                false => Ok(()),
            };
        }
        above = path.parent();
    }
    Ok(())
}

/// Copies by copy_file_range where the file system can (std does), and the mode.
fn copy_content(from: &mut File, to: OwnedFd) -> io::Result<()> {
    let mut to = File::from(to);
    if !to.metadata()?.is_file() {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    io::copy(from, &mut to)?;
    to.set_permissions(fs::Permissions::from_mode(from.metadata()?.mode() & 0o7777))
}

/// The opened parent of something below a directory, and its last name.
pub fn parent_beneath<'a>(root: &OwnedFd, relative: &'a [u8]) -> io::Result<(OwnedFd, &'a [u8])> {
    let (parent, name) = match relative.iter().rposition(|b| *b == b'/') {
        Some(i) => (
            relative.get(..i).unwrap_or_default(),
            relative.get(i + 1..).unwrap_or_default(),
        ),
        None => (b"".as_slice(), relative),
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    Ok((open_beneath(root, parent, flags, Mode::empty())?, name))
}

pub fn mkdir_beneath(root: &OwnedFd, relative: &[u8]) -> io::Result<()> {
    let (parent, name) = parent_beneath(root, relative)?;
    Ok(rustix::fs::mkdirat(
        parent,
        name,
        Mode::from_raw_mode(0o700),
    )?)
}

pub fn symlink_beneath(root: &OwnedFd, target: &[u8], relative: &[u8]) -> io::Result<()> {
    let (parent, name) = parent_beneath(root, relative)?;
    Ok(rustix::fs::symlinkat(target, parent, name)?)
}
