//! Changing the tree: directories, removal, renaming, links.

use super::copy;
use super::path::{Place, as_path, check};
use super::walk;
use super::write::make_parents;
use crate::failure::{Failure, Outcome};
use crate::guest::Guest;
use atoll_wire::guest::error::Code;
use atoll_wire::guest::{Mkdir, Remove, Rename, Symlink};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};

/// Directories inside one another that are removed at once; each holds a descriptor.
const MAX_DEPTH: usize = 8192;

pub fn mkdir(guest: &Guest, request: &Mkdir) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    let path = place.path(&request.path)?;
    if request.mode > 0o7777 {
        return Err(Failure::invalid("mode", "mode: permission bits only, at most 07777").into());
    }
    place.run(|| {
        if request.parents {
            make_parents(&path)?;
        }
        let made = fs::DirBuilder::new().mode(0o777).create(as_path(&path));
        match made {
            Ok(()) if request.mode != 0 => {
                fs::set_permissions(as_path(&path), fs::Permissions::from_mode(request.mode))
                    .map_err(|e| Failure::os(&e, &path))?;
            }
            Ok(()) => {}
            Err(e) if request.exist_ok && e.kind() == io::ErrorKind::AlreadyExists => {
                if !as_path(&path).is_dir() {
                    return Err(Failure::os(&Errno::NOTDIR.into(), &path).into());
                }
            }
            Err(e) => return Err(Failure::os(&e, &path).into()),
        }
        Ok(())
    })
}

/// Removes a file, a link, or a directory, whatever is there.
fn remove_any(path: &[u8], recursive: bool) -> io::Result<()> {
    let path = as_path(path);
    if !fs::symlink_metadata(path)?.is_dir() {
        return fs::remove_file(path);
    }
    if recursive {
        remove_tree(path.as_os_str().as_encoded_bytes())
    } else {
        fs::remove_dir(path)
    }
}

/// A directory being emptied: its descriptor, what is still in it, its name in the one above.
struct Level {
    directory: OwnedFd,
    names: Vec<Vec<u8>>,
    name: Vec<u8>,
}

impl Level {
    /// Opens a directory without following a link that was swapped in for it. O_NOFOLLOW alone is not
    /// enough: gVisor's sentry follows the last link of a path that must be a directory
    /// (`ShouldFollowSymlink` in pkg/sentry/vfs/resolving_path.go).
    fn open(above: impl AsFd, name: &[u8]) -> io::Result<Level> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let directory = walk::open_beneath(above, name, flags, Mode::empty())?;
        let names = walk::names(&directory)?;
        Ok(Level {
            directory,
            names,
            name: name.to_vec(),
        })
    }
}

/// Removes a directory with all in it; no link is followed but on the way to its parent. Not recursive:
/// the depth is somebody else's choice, and a connection's stack is small.
pub fn remove_tree(path: &[u8]) -> io::Result<()> {
    let (parent, name) = split(path);
    if matches!(name, b"" | b"." | b"..") {
        return Err(Errno::INVAL.into());
    }
    let parent = walk::open_directory(if parent.is_empty() { b"." } else { parent })?;
    let mut levels = vec![Level::open(&parent, name)?];
    loop {
        let depth = levels.len();
        let Some(level) = levels.last_mut() else {
            return Ok(());
        };
        let Some(name) = level.names.pop() else {
            let Some(done) = levels.pop() else { break };
            let above = levels.last().map_or(&parent, |l| &l.directory);
            rustix::fs::unlinkat(above, done.name.as_slice(), AtFlags::REMOVEDIR)?;
            continue;
        };
        match rustix::fs::unlinkat(&level.directory, name.as_slice(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::ISDIR) if depth >= MAX_DEPTH => return Err(Errno::TOOBIG.into()),
            Err(Errno::ISDIR) => {
                let below = Level::open(&level.directory, &name)?;
                levels.push(below);
            }
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

/// The directory that a path is in ("" for one name), and its last name, without slashes after it.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let end = path.iter().rposition(|b| *b != b'/').map_or(0, |i| i + 1);
    let (path, _) = path.split_at(end);
    let start = path.iter().rposition(|b| *b == b'/').map_or(0, |i| i + 1);
    path.split_at(start)
}

/// A slip must not empty the sandbox: neither `/` by whatever name, nor a path that ends in `.` or
/// `..`, which rm(1) refuses too.
fn refuse_root(path: &[u8]) -> Result<(), Failure> {
    let last = path.split(|b| *b == b'/').rfind(|part| !part.is_empty());
    let is_root = || {
        let (Ok(root), Ok(named)) = (fs::metadata("/"), fs::symlink_metadata(as_path(path))) else {
            return false;
        };
        (named.dev(), named.ino()) == (root.dev(), root.ino())
    };
    match last {
        None => Err(Failure::invalid("path", "path: / cannot be removed")),
        Some(b"." | b"..") => Err(Failure::invalid(
            "path",
            "path: what ends in . or .. cannot be removed",
        )),
        Some(_) if is_root() => Err(Failure::invalid("path", "path: / cannot be removed")),
        Some(_) => Ok(()),
    }
}

pub fn remove(guest: &Guest, request: &Remove) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    let path = place.path(&request.path)?;
    place.run(|| {
        refuse_root(&path)?;
        match remove_any(&path, request.recursive) {
            Err(e) if request.missing_ok && e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(Failure::os(&e, &path).into()),
            Ok(()) => Ok(()),
        }
    })
}

pub fn rename(guest: &Guest, request: &Rename) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    let source = place
        .path(&request.source)
        .map_err(|f| f.with_field("source"))?;
    let destination = place
        .path(&request.destination)
        .map_err(|f| f.with_field("destination"))?;
    let flags = if request.no_replace {
        RenameFlags::NOREPLACE
    } else {
        RenameFlags::empty()
    };
    place.run(|| {
        if request.parents {
            make_parents(&destination)?;
        }
        match rustix::fs::renameat_with(CWD, as_path(&source), CWD, as_path(&destination), flags) {
            Ok(()) => Ok(()),
            Err(Errno::XDEV) => {
                copy::copy_tree(&source, &destination, request.no_replace)?;
                remove_any(&source, true).map_err(|e| Failure::os(&e, &source).into())
            }
            Err(e) => {
                let both = [&source[..], b" -> ", &destination].concat();
                Err(Failure::os(&e.into(), both).into())
            }
        }
    })
}

pub fn symlink(guest: &Guest, request: &Symlink) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    let path = place.path(&request.path)?;
    check("target", &request.target)?;
    if request.target.is_empty() {
        return Err(Failure::new(Code::Invalid, "target: empty")
            .with_field("target")
            .into());
    }
    place.run(|| {
        std::os::unix::fs::symlink(as_path(&request.target), as_path(&path))
            .map_err(|e| Failure::os(&e, &path).into())
    })
}

#[cfg(test)]
mod tests {
    use super::{remove_tree, split};

    #[test]
    fn a_path_is_split_before_its_last_name() {
        for (path, parent, name) in [
            ("/a/b", "/a/", "b"),
            ("/a/b//", "/a/", "b"),
            ("/a", "/", "a"),
            ("a", "", "a"),
            ("/", "", ""),
            ("", "", ""),
        ] {
            let expected = (parent.as_bytes(), name.as_bytes());
            assert_eq!(split(path.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn what_is_no_name_is_not_removed() {
        for path in ["", "/", ".", "..", "/tmp/.", "/tmp/.."] {
            let error = remove_tree(path.as_bytes()).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EINVAL), "{path}");
        }
    }

    /// A link in the place of a directory leads nowhere, with a slash after it neither.
    #[test]
    fn a_link_is_not_entered() {
        let dir = std::env::temp_dir().join(format!("atoll-remove-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("kept")).unwrap();
        std::fs::write(dir.join("kept/file"), "kept").unwrap();
        std::os::unix::fs::symlink("kept", dir.join("link")).unwrap();
        for name in ["link", "link/"] {
            let path = dir.join(name);
            assert!(remove_tree(path.as_os_str().as_encoded_bytes()).is_err());
            assert!(dir.join("kept/file").exists(), "{name}");
        }
        remove_tree(dir.as_os_str().as_encoded_bytes()).unwrap();
        assert!(!dir.exists());
    }
}
