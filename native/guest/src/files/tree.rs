//! Changing the tree: directories, removal, renaming, links.

use super::copy;
use super::path::{Place, as_path, check};
use super::write::make_parents;
use crate::failure::{Failure, Outcome};
use crate::guest::Guest;
use atoll_wire::guest::error::Code;
use atoll_wire::guest::{Mkdir, Remove, Rename, Symlink};
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

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
    // The library's recursion holds directory descriptors: a link swapped in is not followed.
    if recursive { fs::remove_dir_all(path) } else { fs::remove_dir(path) }
}

pub fn remove(guest: &Guest, request: &Remove) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    let path = place.path(&request.path)?;
    if path.iter().all(|b| *b == b'/') {
        return Err(Failure::invalid("path", "path: / cannot be removed").into());
    }
    place.run(|| match remove_any(&path, request.recursive) {
        Err(e) if request.missing_ok && e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Failure::os(&e, &path).into()),
        Ok(()) => Ok(()),
    })
}

pub fn rename(guest: &Guest, request: &Rename) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    let source = place.path(&request.source).map_err(|f| f.with_field("source"))?;
    let destination = place.path(&request.destination).map_err(|f| f.with_field("destination"))?;
    let flags = if request.no_replace { RenameFlags::NOREPLACE } else { RenameFlags::empty() };
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
        return Err(Failure::new(Code::Invalid, "target: empty").with_field("target").into());
    }
    place.run(|| {
        std::os::unix::fs::symlink(as_path(&request.target), as_path(&path))
            .map_err(|e| Failure::os(&e, &path).into())
    })
}
