//! Mode and owner of files, also of whole trees. Links are never followed below the named path.

use super::path::Place;
use super::walk::{Go, Tree};
use crate::failure::{Failure, Outcome};
use crate::guest::Guest;
use crate::users;
use atoll_wire::guest::{Chmod, Chown};
use rustix::fd::{AsFd, AsRawFd};
use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid};
use std::io;

pub fn chmod(guest: &Guest, request: &Chmod) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    let path = place.path(&request.path)?;
    if request.mode > 0o7777 {
        return Err(Failure::invalid("mode", "mode: permission bits only, at most 07777").into());
    }
    let mode = Mode::from_raw_mode(request.mode);
    place.run(|| {
        // Below first: the new mode may close the directories.
        if request.recursive {
            let mut directories = Vec::new();
            each_below(&path, |tree, entry| {
                match entry.kind() {
                    FileType::Symlink => {}
                    FileType::Directory => directories.push(entry.relative.to_vec()),
                    _ => change_mode(entry.directory, entry.name, mode)
                        .map_err(|e| Failure::os(&e, tree.absolute(entry.relative)))?,
                }
                Ok(())
            })?;
            let tree = Tree::open(&path)?;
            for relative in directories.iter().rev() {
                let flags = OFlags::PATH | OFlags::DIRECTORY;
                super::walk::open_beneath(&tree.root, relative, flags, Mode::empty())
                    .and_then(|fd| change_mode_of(&fd, mode))
                    .map_err(|e| Failure::os(&e, tree.absolute(relative)))?;
            }
        }
        rustix::fs::chmod(path.as_slice(), mode).map_err(|e| Failure::os(&e.into(), &path).into())
    })
}

fn change_mode(directory: impl AsFd, name: &[u8], mode: Mode) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(directory, name, flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&fd)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Symlink => Ok(()),
        _ => change_mode_of(&fd, mode),
    }
}

/// fchmod refuses O_PATH descriptors; their name in /proc does not.
fn change_mode_of(fd: &impl AsRawFd, mode: Mode) -> io::Result<()> {
    Ok(rustix::fs::chmod(
        format!("/proc/self/fd/{}", fd.as_raw_fd()),
        mode,
    )?)
}

pub fn chown(guest: &Guest, request: &Chown) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    let path = place.path(&request.path)?;
    let owner = match request.owner.as_str() {
        "" => None,
        name => Some(Uid::from_raw(
            users::user_id(name).map_err(|f| f.with_field("owner"))?,
        )),
    };
    let group = match request.group.as_str() {
        "" => None,
        name => Some(Gid::from_raw(
            users::group_id(name).map_err(|f| f.with_field("group"))?,
        )),
    };
    place.run(|| {
        rustix::fs::chownat(CWD, path.as_slice(), owner, group, AtFlags::empty())
            .map_err(|e| Failure::os(&e.into(), &path))?;
        if !request.recursive {
            return Ok(());
        }
        each_below(&path, |tree, entry| {
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::chownat(entry.directory, entry.name, owner, group, flags)
                .map_err(|e| Failure::os(&e.into(), tree.absolute(entry.relative)).into())
        })
    })
}

/// Visits all below a path, nothing when it is no directory.
fn each_below(
    path: &[u8],
    mut visit: impl FnMut(&Tree, &super::walk::Entry<'_>) -> Outcome,
) -> Outcome {
    let stat = rustix::fs::stat(path).map_err(|e| Failure::os(&e.into(), path))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Ok(());
    }
    let tree = Tree::open(path)?;
    tree.walk(|entry| visit(&tree, entry).map(|()| Go::On))
}
