//! The root of a sandbox: an overlay over idmapped clones of the layers and of its own upper.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use crate::pool::ext4::{Mounted, SPOOL, UPPER, WORK};
use crate::pool::layers::{LayerMount, Root};
use crate::staging::{Attached, Staging};
use crate::sys::{self, FsContext};

/// How this kernel is told what an overlay lies over.
pub enum Roots {
    /// Descriptors of detached mounts, since Linux 6.15.
    Descriptors,
    /// Paths of mounts that are attached in a namespace of their own.
    Paths(Staging),
}

/// A mount that can be cloned: detached, or attached where the kernel wants it.
pub struct Held {
    mount: OwnedFd,
    attached: Option<Attached>,
}

/// A mounted upper as the sandbox's user namespace sees it (id 0 on the disk is the sandbox's
/// root), with the guest's spool directory.
pub struct Upper {
    pub mounted: Mounted,
    pub spool: OwnedFd,
    view: Held,
}

/// What a claim has no more use for. Dropping it unmounts clones, each of which waits for a grace
/// period of the kernel, so the caller does it off the path.
#[derive(Default)]
pub struct Leftovers {
    pub descriptors: Vec<OwnedFd>,
    pub attached: Vec<Attached>,
}

impl Leftovers {
    fn push(&mut self, held: Held) {
        self.descriptors.push(held.mount);
        self.attached.extend(held.attached);
    }
}

impl Held {
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.mount.as_fd()
    }
}

impl Upper {
    /// The mount of the disk, and the rest for later.
    pub fn part(self, leftovers: &mut Leftovers) -> Mounted {
        leftovers.push(self.view);
        leftovers.descriptors.push(self.spool);
        self.mounted
    }
}

impl Roots {
    /// By descriptors when the kernel can; `by_path` forces the other way.
    pub fn open(by_path: bool) -> io::Result<Roots> {
        if by_path || takes_descriptors().is_err() {
            return Ok(Roots::Paths(Staging::open()?));
        }
        Ok(Roots::Descriptors)
    }

    pub fn hold(&self, mount: OwnedFd) -> io::Result<Held> {
        let attached = match self {
            Roots::Descriptors => None,
            Roots::Paths(staging) => Some(staging.run(|| staging.attach(&[mount.as_fd()]))?),
        };
        Ok(Held { mount, attached })
    }

    pub fn upper(&self, mounted: Mounted, userns: BorrowedFd<'_>) -> io::Result<Upper> {
        let views = || -> io::Result<(OwnedFd, OwnedFd)> {
            let view = clone(mounted.mount.as_fd(), c"", 0, userns)?;
            // The root of a mount of its own, so that `..` leads nowhere.
            let hardened =
                libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC;
            let spool = clone(mounted.mount.as_fd(), SPOOL, hardened, userns)?;
            let spool = sys::open_at(spool.as_fd(), c".", libc::O_RDONLY | libc::O_DIRECTORY)?;
            Ok((view, spool))
        };
        let (view, spool) = match self {
            Roots::Descriptors => {
                let (mount, spool) = views()?;
                let attached = None;
                (Held { mount, attached }, spool)
            }
            Roots::Paths(staging) => staging.run(|| {
                let source = staging.attach(&[mounted.mount.as_fd()])?;
                let (mount, spool) = views()?;
                drop(source);
                let attached = Some(staging.attach(&[mount.as_fd()])?);
                Ok((Held { mount, attached }, spool))
            })?,
        };
        Ok(Upper {
            mounted,
            spool,
            view,
        })
    }

    /// A detached mount of the directory `source` of a mount that is held.
    pub fn view(
        &self,
        source: BorrowedFd<'_>,
        attributes: u64,
        userns: BorrowedFd<'_>,
    ) -> io::Result<OwnedFd> {
        match self {
            Roots::Descriptors => clone(source, c"", attributes, userns),
            Roots::Paths(staging) => staging.run(|| clone(source, c"", attributes, userns)),
        }
    }

    /// A detached mount of the spool, for a sandbox that takes no descriptor.
    pub fn spool(&self, upper: &Upper, userns: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        let mount = upper.mounted.mount.as_fd();
        let hardened = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC;
        match self {
            Roots::Descriptors => clone(mount, SPOOL, hardened, userns),
            Roots::Paths(staging) => staging.run(|| {
                let source = staging.attach(&[mount])?;
                let spool = clone(mount, SPOOL, hardened, userns);
                drop(source);
                spool
            }),
        }
    }

    /// A detached overlay. `layers` lowest first, none = an empty root; `base` is the host id of the sandbox's root: an
    /// overlay made by an id that the idmapped work directory does not know comes up read-only.
    pub fn overlay(
        &self,
        layers: &[Arc<LayerMount>],
        upper: &Upper,
        userns: BorrowedFd<'_>,
        base: u32,
    ) -> io::Result<(OwnedFd, Leftovers)> {
        let clones = || -> io::Result<Vec<OwnedFd>> {
            if layers.is_empty() {
                // An overlay needs something below; who owns that shows nowhere, since the upper's
                // own root lies over it.
                let nothing = FsContext::open(c"tmpfs")?.mount(libc::MOUNT_ATTR_RDONLY)?;
                return Ok(vec![nothing]);
            }
            // The kernel takes the topmost first.
            let topmost_first = layers.iter().rev();
            topmost_first
                .map(|layer| {
                    let root = match layer.root {
                        Root::Whole => c"",
                        Root::Upper => UPPER,
                    };
                    clone(layer.held.mount.as_fd(), root, 0, userns)
                })
                .collect()
        };
        self.mount(clones, &upper.view, base)
    }

    /// Makes an overlay of nothing over the upper once and drops it, so that the disk's first
    /// blocks are read and its journal is started before a claim waits for them.
    pub fn warm(&self, upper: &Upper, base: u32) -> io::Result<()> {
        let nothing = || Ok(vec![sys::clone_tree(upper.view.mount.as_fd(), SPOOL)?]);
        self.mount(nothing, &upper.view, base).map(drop)
    }

    fn mount(
        &self,
        lowers: impl FnOnce() -> io::Result<Vec<OwnedFd>> + Send,
        view: &Held,
        base: u32,
    ) -> io::Result<(OwnedFd, Leftovers)> {
        match (self, &view.attached) {
            (Roots::Paths(staging), Some(upper)) => staging.run(|| {
                let descriptors = lowers()?;
                let below: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
                let attached = staging.attach(&below)?;
                let overlay = over_paths(&attached, below.len(), upper, base)?;
                let attached = vec![attached];
                Ok((
                    overlay,
                    Leftovers {
                        descriptors,
                        attached,
                    },
                ))
            }),
            _ => {
                let descriptors = lowers()?;
                let overlay = over_descriptors(&descriptors, view.mount.as_fd(), base)?;
                let attached = Vec::new();
                Ok((
                    overlay,
                    Leftovers {
                        descriptors,
                        attached,
                    },
                ))
            }
        }
    }
}

/// A detached idmapped clone of the mount at `path` below `mount`.
fn clone(
    mount: BorrowedFd<'_>,
    path: &std::ffi::CStr,
    attributes: u64,
    userns: BorrowedFd<'_>,
) -> io::Result<OwnedFd> {
    let clone = sys::clone_tree(mount, path)?;
    sys::set_attributes(clone.as_fd(), attributes, Some(userns))?;
    Ok(clone)
}

fn over_descriptors(lowers: &[OwnedFd], view: BorrowedFd<'_>, base: u32) -> io::Result<OwnedFd> {
    let directory = libc::O_PATH | libc::O_DIRECTORY;
    let upper = sys::open_at(view, UPPER, directory)?;
    let work = sys::open_at(view, WORK, directory)?;
    sys::with_fs_ids(base, || {
        let context = FsContext::open(c"overlay")?;
        for lower in lowers {
            context.fd(c"lowerdir+", lower.as_fd())?;
        }
        context.fd(c"upperdir", upper.as_fd())?;
        context.fd(c"workdir", work.as_fd())?;
        finish(context)
    })
}

/// On a thread of the staging namespace. Paths are short, since fsconfig takes 255 bytes: relative
/// to the directory of the lower ones.
fn over_paths(lowers: &Attached, count: usize, upper: &Attached, base: u32) -> io::Result<OwnedFd> {
    let directory = CString::new(lowers.directory())?;
    // SAFETY: a valid C string; the working directory is this thread's own.
    sys::check(unsafe { libc::chdir(directory.as_ptr()) }.into())?;
    let names: Vec<String> = (0..count).map(|n| n.to_string()).collect();
    let below = CString::new(names.join(":"))?;
    let inside = |name: &std::ffi::CStr| {
        CString::new(format!("{}/{}", upper.path(0), name.to_string_lossy()))
    };
    let (upper, work) = (inside(UPPER)?, inside(WORK)?);
    sys::with_fs_ids(base, || {
        let context = FsContext::open(c"overlay")?;
        context.string(c"lowerdir", &below)?;
        context.string(c"upperdir", &upper)?;
        context.string(c"workdir", &work)?;
        finish(context)
    })
}

/// redirect_dir lets directories of the layers be renamed; the other two are off at every mount of
/// a disk, since they must not change between mounts.
fn finish(context: FsContext) -> io::Result<OwnedFd> {
    context.string(c"source", c"root")?;
    context.string(c"redirect_dir", c"on")?;
    context.string(c"metacopy", c"off")?;
    context.string(c"index", c"off")?;
    context.mount(libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOATIME)
}

/// Makes what a claim makes, from empty file systems in memory: clones of detached mounts and an
/// overlay over them.
pub fn takes_descriptors() -> io::Result<()> {
    let context = FsContext::open(c"overlay")?;
    // Two file systems: one that appears twice in an overlay is refused by every kernel.
    let layer = || FsContext::open(c"tmpfs")?.mount(libc::MOUNT_ATTR_RDONLY);
    let under = layer()?;
    // A clone of a detached mount is what a claim uses; it lives as long as its descriptor.
    let layers = [sys::clone_tree(under.as_fd(), c"")?, layer()?];
    for layer in &layers {
        context.fd(c"lowerdir+", layer.as_fd())?;
    }
    context.mount(libc::MOUNT_ATTR_RDONLY).map(drop)
}

/// The same by paths.
pub fn takes_paths() -> io::Result<()> {
    let staging = Staging::open()?;
    staging.run(|| {
        let layer = || FsContext::open(c"tmpfs")?.mount(libc::MOUNT_ATTR_RDONLY);
        let layers = [layer()?, layer()?];
        let attached = staging.attach(&layers.each_ref().map(AsFd::as_fd))?;
        let context = FsContext::open(c"overlay")?;
        let both = CString::new(format!("{}:{}", attached.path(0), attached.path(1)))?;
        context.string(c"lowerdir", &both)?;
        context.mount(libc::MOUNT_ATTR_RDONLY).map(drop)
    })
}
