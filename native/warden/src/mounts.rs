//! The root of a sandbox: an overlay over idmapped clones of the layers and of its own upper.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use crate::pool::ext4::{SPOOL, UPPER, WORK};
use crate::pool::layers::{LayerMount, Root};
use crate::sys::{self, FsContext};

/// An upper as the sandbox's user namespace sees it: id 0 on the disk is the sandbox's root.
pub struct UpperView(OwnedFd);

impl UpperView {
    pub fn into_fd(self) -> OwnedFd {
        self.0
    }

    pub fn new(upper: BorrowedFd<'_>, userns: BorrowedFd<'_>) -> io::Result<UpperView> {
        let view = sys::clone_tree(upper, c"")?;
        sys::set_attributes(view.as_fd(), 0, Some(userns))?;
        Ok(UpperView(view))
    }

    /// The spool directory for the guest. It is the root of a mount of its own, so that `..` leads
    /// nowhere.
    pub fn spool(&self) -> io::Result<OwnedFd> {
        let mount = sys::clone_tree(self.0.as_fd(), SPOOL)?;
        sys::set_attributes(
            mount.as_fd(),
            libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC,
            None,
        )?;
        sys::open_at(mount.as_fd(), c".", libc::O_RDONLY | libc::O_DIRECTORY)
    }
}

/// A detached overlay, and descriptors it no longer needs: closing one unmounts a clone, which waits
/// for a grace period of the kernel, so the caller does it off the path. `layers` lowest first;
/// `base` is the host id of the sandbox's root: an overlay made by an id that the idmapped work
/// directory does not know comes up read-only.
pub fn overlay(
    layers: &[Arc<LayerMount>],
    view: &UpperView,
    userns: BorrowedFd<'_>,
    base: u32,
) -> io::Result<(OwnedFd, Vec<OwnedFd>)> {
    let mut lowers = Vec::with_capacity(layers.len());
    // The kernel takes the topmost first.
    for layer in layers.iter().rev() {
        let root = match layer.root {
            Root::Whole => c"",
            Root::Upper => UPPER,
        };
        let clone = sys::clone_tree(layer.mount.as_fd(), root)?;
        sys::set_attributes(clone.as_fd(), 0, Some(userns))?;
        lowers.push(clone);
    }
    Ok((mount(&lowers, view, base)?, lowers))
}

/// Makes an overlay of nothing over the upper once and drops it, so that the disk's first blocks
/// are read and its journal is started before a claim waits for them.
pub fn warm(view: &UpperView, base: u32) -> io::Result<()> {
    let nothing = sys::clone_tree(view.0.as_fd(), SPOOL)?;
    mount(&[nothing], view, base).map(drop)
}

/// redirect_dir lets directories of the layers be renamed; the other two are off at every mount of
/// a disk, since they must not change between mounts.
fn mount(lowers: &[OwnedFd], view: &UpperView, base: u32) -> io::Result<OwnedFd> {
    let directory = libc::O_PATH | libc::O_DIRECTORY;
    let upper = sys::open_at(view.0.as_fd(), UPPER, directory)?;
    let work = sys::open_at(view.0.as_fd(), WORK, directory)?;
    sys::with_fs_ids(base, || {
        let context = FsContext::open(c"overlay")?;
        context.string(c"source", c"root")?;
        for lower in lowers {
            context.fd(c"lowerdir+", lower.as_fd())?;
        }
        context.fd(c"upperdir", upper.as_fd())?;
        context.fd(c"workdir", work.as_fd())?;
        context.string(c"redirect_dir", c"on")?;
        context.string(c"metacopy", c"off")?;
        context.string(c"index", c"off")?;
        context.mount(libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOATIME)
    })
}
