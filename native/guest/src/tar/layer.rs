//! What a layer of an OCI image is beyond a tar stream.
//!
//! Whiteouts are those of the image specification (image-spec, layer.md): `.wh.NAME` deletes what the
//! layers below have under NAME, `.wh..wh..opq` all that they have in its directory; what the layer
//! itself brings stays, wherever in the stream it stands. Names are kept as the kernel resolved them,
//! so that a link that the layers made hides nothing.

use super::extract::{Extractor, split};
use super::header::Header;
use crate::failure::Failure;
use crate::files::path::join;
use crate::files::walk;
use atoll_wire::guest::error::Code;
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, XattrFlags};
use rustix::io::Errno;
use std::collections::HashSet;
use std::io::{self, BufRead};

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// Names of this prefix are of aufs and mean nothing elsewhere.
const AUFS: &[u8] = b".wh..wh.";
/// Directories inside one another that are emptied at once; each holds a descriptor.
const MAX_DEPTH: usize = 8192;

/// What one layer has written so far.
#[derive(Default)]
pub struct Layer {
    written: HashSet<Vec<u8>>,
}

/// A directory being emptied.
struct Level {
    directory: OwnedFd,
    names: Vec<Vec<u8>>,
    path: Vec<u8>,
}

impl Level {
    /// `None` when it is no directory, or another mount.
    fn open(above: impl AsFd, name: &[u8], path: Vec<u8>) -> io::Result<Option<Level>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        match rustix::fs::openat2(above, name, flags, Mode::empty(), resolve) {
            Ok(directory) => {
                let names = walk::names(&directory)?;
                Ok(Some(Level {
                    directory,
                    names,
                    path,
                }))
            }
            Err(Errno::XDEV) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

/// Where an opened directory is.
fn place_of(directory: &OwnedFd) -> io::Result<Vec<u8>> {
    let link = format!("/proc/self/fd/{}", directory.as_raw_fd());
    Ok(rustix::fs::readlink(link, Vec::new())?.into_bytes())
}

fn kind_of(parent: &OwnedFd, name: &[u8]) -> Result<Option<FileType>, Errno> {
    match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Empties a directory of what is not in `keep`, and removes it when nothing is left and it is not
/// in there itself.
fn clear(parent: &OwnedFd, name: &[u8], path: Vec<u8>, keep: &HashSet<Vec<u8>>) -> io::Result<()> {
    let Some(top) = Level::open(parent, name, path)? else {
        return Ok(());
    };
    let mut levels = vec![top];
    while let Some(level) = levels.last_mut() {
        let Some(name) = level.names.pop() else {
            let Some(done) = levels.pop() else { break };
            let above = levels.last().map_or(parent, |l| &l.directory);
            let (_, last) = split(&done.path);
            if keep.contains(&done.path) {
                continue;
            }
            match rustix::fs::unlinkat(above, last, AtFlags::REMOVEDIR) {
                // It holds something that is kept, or a mount.
                Ok(()) | Err(Errno::NOTEMPTY | Errno::EXIST | Errno::BUSY | Errno::NOENT) => {}
                Err(e) => return Err(e.into()),
            }
            continue;
        };
        let path = join(&level.path, &name);
        match kind_of(&level.directory, &name)? {
            None => {}
            Some(FileType::Directory) => {
                if let Some(below) = Level::open(&level.directory, &name, path)? {
                    if levels.len() >= MAX_DEPTH {
                        return Err(Errno::TOOBIG.into());
                    }
                    levels.push(below);
                }
            }
            Some(_) if keep.contains(&path) => {}
            Some(_) => rustix::fs::unlinkat(&level.directory, name.as_slice(), AtFlags::empty())?,
        }
    }
    Ok(())
}

impl<R: BufRead> Extractor<R> {
    /// Carries a whiteout out, or clears the place of an entry and notes its name. `false` when
    /// nothing is to be made: a whiteout, or an entry below another mount.
    pub(super) fn make_way(&mut self, header: &Header) -> Result<bool, Failure> {
        let failed = |e: io::Error| Failure::os(&e, &header.name);
        let (directory, name) = split(&header.name);
        if name.starts_with(WHITEOUT) {
            return self
                .whiteout(directory, name)
                .map_err(failed)
                .map(|()| false);
        }
        if name.is_empty() {
            return Ok(true);
        }
        let parent = match self.parent(directory) {
            Ok(parent) => parent,
            Err(Errno::XDEV) => return Ok(self.pass_over()),
            Err(e) => return Err(failed(e.into())),
        };
        let flags = OFlags::PATH | OFlags::NOFOLLOW;
        if let Err(Errno::XDEV) = self.resolve(&header.name, flags, Mode::empty()) {
            return Ok(self.pass_over());
        }
        let path = join(&place_of(&parent).map_err(failed)?, name);
        match kind_of(&parent, name).map_err(|e| failed(e.into()))? {
            Some(FileType::Directory) if header.kind != b'5' => {
                clear(&parent, name, path.clone(), &HashSet::new()).map_err(failed)?;
                if kind_of(&parent, name)
                    .map_err(|e| failed(e.into()))?
                    .is_some()
                {
                    return Ok(self.pass_over());
                }
            }
            Some(kind) if kind != FileType::Directory && header.kind == b'5' => {
                // A link to a directory is not that directory.
                rustix::fs::unlinkat(&parent, name, AtFlags::empty())
                    .map_err(|e| failed(e.into()))?;
            }
            _ => {}
        }
        if let Some(layer) = &mut self.layer {
            layer.written.insert(path);
        }
        Ok(true)
    }

    fn pass_over(&mut self) -> bool {
        self.stats.skipped += 1;
        false
    }

    fn whiteout(&mut self, directory: &[u8], name: &[u8]) -> io::Result<()> {
        let opaque = name == OPAQUE;
        if name.starts_with(AUFS) && !opaque {
            return Ok(());
        }
        let hidden = match name.strip_prefix(WHITEOUT) {
            None | Some(b"" | b"." | b"..") => return Err(Errno::INVAL.into()),
            Some(hidden) => hidden,
        };
        let Some(layer) = &self.layer else {
            return Ok(());
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let parent = match self.resolve(directory, flags, Mode::empty()) {
            Ok(parent) => parent,
            // Nothing is there to be hidden.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::XDEV | Errno::LOOP) => return Ok(()),
            Err(e) => return Err(e.into()),
        };
        let path = place_of(&parent)?;
        if !opaque {
            return hide(&parent, hidden, &path, &layer.written);
        }
        for below in walk::names(&parent)? {
            hide(&parent, &below, &path, &layer.written)?;
        }
        Ok(())
    }
}

fn hide(
    parent: &OwnedFd,
    name: &[u8],
    directory: &[u8],
    written: &HashSet<Vec<u8>>,
) -> io::Result<()> {
    let path = join(directory, name);
    match kind_of(parent, name)? {
        Some(FileType::Directory) => clear(parent, name, path, written),
        Some(_) if !written.contains(&path) => {
            match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
                // A mount.
                Ok(()) | Err(Errno::BUSY) => Ok(()),
                Err(e) => Err(e.into()),
            }
        }
        _ => Ok(()),
    }
}

/// Sets the extended attributes of a file or directory: file capabilities, or it fails; others that
/// mean something inside, where the file system takes them.
pub fn set_attributes(fd: impl AsFd, header: &Header) -> Result<(), Failure> {
    for (name, value) in &header.xattrs {
        let shown = String::from_utf8_lossy(&header.name);
        let capability = name == b"security.capability";
        let known =
            capability || name.starts_with(b"user.") || name.starts_with(b"system.posix_acl_");
        if !known {
            continue;
        }
        if name.contains(&0) {
            let message = format!("{shown}: the name of an extended attribute holds NUL");
            return Err(Failure::new(Code::Invalid, message));
        }
        match rustix::fs::fsetxattr(&fd, name.as_slice(), value, XattrFlags::empty()) {
            Ok(()) => {}
            Err(Errno::NOTSUP | Errno::PERM | Errno::INVAL) if !capability => {}
            Err(e) => {
                let name = String::from_utf8_lossy(name);
                return Err(Failure::os(&e.into(), format!("{shown}: {name}")));
            }
        }
    }
    Ok(())
}
