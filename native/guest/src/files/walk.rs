//! Walking a tree below an opened directory.
//!
//! Everything below the top is opened relative to it with RESOLVE_BENEATH and
//! RESOLVE_NO_SYMLINKS, so that a link swapped in meanwhile leads nowhere.

use super::path::join;
use crate::failure::{Failure, Outcome};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;
use std::io;

/// Names in one directory that are looked at.
const MAX_NAMES: usize = 1_000_000;

pub struct Tree {
    pub root: OwnedFd,
    /// Absolute path of the top, for messages and replies.
    pub path: Vec<u8>,
    /// Whether a directory that cannot be read is passed over (a search) or an error (a copy).
    lenient: bool,
}

/// One name found.
pub struct Entry<'a> {
    pub directory: &'a OwnedFd,
    pub name: &'a [u8],
    /// Relative to the top.
    pub relative: &'a [u8],
    pub stat: Stat,
    /// 1 for the names in the top itself.
    pub depth: u32,
}

impl Entry<'_> {
    pub fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }

    pub fn link_target(&self) -> Vec<u8> {
        // A link that vanished meanwhile has no target any more.
        rustix::fs::readlinkat(self.directory, self.name, Vec::new())
            .map(|t| t.into_bytes())
            .unwrap_or_default()
    }

    /// Opens a regular file for reading without following a link or blocking.
    pub fn open(&self) -> io::Result<std::fs::File> {
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = std::fs::File::from(rustix::fs::openat(
            self.directory,
            self.name,
            flags,
            Mode::empty(),
        )?);
        if !file.metadata()?.is_file() {
            return Err(Errno::INVAL.into());
        }
        super::own::refuse(&file)?;
        Ok(file)
    }
}

/// What a visitor wants next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Go {
    /// Into the directory, if it is one.
    On,
    /// Past the directory.
    Past,
    Stop,
}

/// Opens something below a directory; no symbolic link is followed on the way.
pub fn open_beneath(
    root: impl AsFd,
    relative: &[u8],
    flags: OFlags,
    mode: Mode,
) -> io::Result<OwnedFd> {
    let relative = if relative.is_empty() { b"." } else { relative };
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    loop {
        match rustix::fs::openat2(&root, relative, flags, mode, resolve) {
            // A rename elsewhere raced with the check of "..": ask again (openat2(2)).
            Err(Errno::AGAIN | Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}

pub fn open_directory(path: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

impl Tree {
    pub fn open(path: &[u8]) -> Result<Tree, Failure> {
        let root = open_directory(path).map_err(|e| Failure::os(&e, path))?;
        Ok(Tree {
            root,
            path: path.to_vec(),
            lenient: false,
        })
    }

    pub fn lenient(mut self) -> Tree {
        self.lenient = true;
        self
    }

    pub fn absolute(&self, relative: &[u8]) -> Vec<u8> {
        join(&self.path, relative)
    }

    /// Visits everything below the top, parents before children, names in byte order. What
    /// vanishes meanwhile is passed over.
    pub fn walk(&self, mut visit: impl FnMut(&Entry<'_>) -> Outcome<Go>) -> Outcome {
        let mut pending = vec![(Vec::new(), 1u32)];
        while let Some((relative, depth)) = pending.pop() {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            let opened = open_beneath(&self.root, &relative, flags, Mode::empty())
                .and_then(|fd| names(&fd).map(|names| (fd, names)));
            let (directory, names) = match opened {
                Ok(opened) => opened,
                Err(e) if depth > 1 && (self.lenient || e.kind() == io::ErrorKind::NotFound) => {
                    continue;
                }
                Err(e) => return Err(Failure::os(&e, self.absolute(&relative)).into()),
            };
            let mut below = Vec::new();
            for name in &names {
                let Ok(stat) =
                    rustix::fs::statat(&directory, name.as_slice(), AtFlags::SYMLINK_NOFOLLOW)
                else {
                    continue;
                };
                let relative = if relative.is_empty() {
                    name.clone()
                } else {
                    join(&relative, name)
                };
                let entry = Entry {
                    directory: &directory,
                    name,
                    relative: &relative,
                    stat,
                    depth,
                };
                let is_directory = entry.kind() == FileType::Directory;
                match visit(&entry)? {
                    Go::On if is_directory => below.push((relative, depth + 1)),
                    Go::On | Go::Past => {}
                    Go::Stop => return Ok(()),
                }
            }
            below.reverse();
            pending.append(&mut below);
        }
        Ok(())
    }
}

/// The names in a directory, sorted.
pub fn names(directory: &OwnedFd) -> io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(name.to_vec());
        }
        if names.len() >= MAX_NAMES {
            return Err(Errno::TOOBIG.into());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Kernel file systems, whose content is not anybody's files: not entered by searches from above.
pub fn is_kernel_directory(path: &[u8]) -> bool {
    matches!(path, b"/proc" | b"/sys" | b"/dev")
}
