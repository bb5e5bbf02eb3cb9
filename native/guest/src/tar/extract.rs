//! Extract: a tar stream into a directory.
//!
//! The stream is hostile. Names lose leading slashes, `..` is refused, and every path is resolved
//! by the kernel with RESOLVE_IN_ROOT of the target directory: a link that the archive made, or
//! that somebody swaps in meanwhile, leads at most to another place inside.

use super::header::{BLOCK, Header, padding, parse};
use super::layer::Layer;
use super::stream::FrameReader;
use super::uncompressed::{Checked, uncompressed};
use crate::conn::Conn;
use crate::failure::{Failure, Outcome, Stop};
use crate::files::path::{Place, as_path};
use crate::files::walk::open_directory;
use crate::guest::Guest;
use crate::users;
use atoll_wire::guest::{ArchiveStats, Extract, error::Code, reply::Result as Answer};
use flate2::bufread::MultiGzDecoder;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, UTIME_OMIT, Uid,
};
use rustix::io::Errno;
use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};

/// Longest pax header or GNU long name, bytes.
const MAX_EXTENSION: u64 = 1 << 20;

pub fn extract(guest: &Guest, conn: &mut Conn, request: &Extract) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    let path = place.path_or_cwd(&request.path)?;
    if request.mode > 0o7777 {
        return Err(Failure::invalid("mode", "mode: permission bits only, at most 07777").into());
    }
    let owner = owner_of(&request.owner)?;
    let broken = Cell::new(false);
    let stats = place.run(|| {
        fs::create_dir_all(as_path(&path)).map_err(|e| Failure::os(&e, &path))?;
        let root = open_directory(&path).map_err(|e| Failure::os(&e, &path))?;
        let mut frames = FrameReader::new(conn, &broken);
        let result = if request.layer {
            apply(root, request, owner, &mut frames)
        } else if request.gzip {
            let reader = BufReader::with_capacity(64 << 10, MultiGzDecoder::new(&mut frames));
            Extractor::new(root, request, owner, reader).run()
        } else {
            Extractor::new(root, request, owner, &mut frames).run()
        };
        match result {
            // An error of the connection came up through the layers above.
            Err(_) if broken.get() => Err(Stop::Gone(io::ErrorKind::UnexpectedEof.into())),
            Err(failure) => Err(failure.into()),
            Ok(stats) => {
                frames.drain()?;
                Ok(stats)
            }
        }
    })?;
    conn.reply(Answer::ArchiveStats(stats))?;
    Ok(())
}

/// The ids that `user[:group]` names; a user alone means its number for the group, too.
fn owner_of(spec: &str) -> Result<Option<(Uid, Gid)>, Failure> {
    if spec.is_empty() {
        return Ok(None);
    }
    let (user, group) = spec.split_once(':').unwrap_or((spec, spec));
    let uid = users::user_id(user)?;
    let gid = match group == user {
        true => uid,
        false => users::group_id(group)?,
    };
    Ok(Some((Uid::from_raw(uid), Gid::from_raw(gid))))
}

/// Applies a layer; its digest is that of the whole stream, with what is behind its end.
fn apply(
    root: OwnedFd,
    request: &Extract,
    owner: Option<(Uid, Gid)>,
    frames: &mut FrameReader<'_>,
) -> Result<ArchiveStats, Failure> {
    let plain = uncompressed(frames).map_err(|e| malformed(&e.to_string()))?;
    let mut checked = Checked::new(plain, unlimited(request.max_bytes));
    let reader = BufReader::with_capacity(256 << 10, &mut checked);
    let result = Extractor::new(root, request, owner, reader).run();
    if checked.is_over() {
        let message = format!("max_bytes: over {} bytes", request.max_bytes);
        return Err(Failure::new(Code::TooLarge, message).with_field("max_bytes"));
    }
    let mut stats = result?;
    stats.sha256 = checked.finish().map_err(|e| malformed(&e.to_string()))?;
    Ok(stats)
}

pub(super) struct Extractor<R> {
    pub(super) root: OwnedFd,
    reader: R,
    resolve: ResolveFlags,
    pub(super) layer: Option<Layer>,
    keep_owner: bool,
    owner: Option<(Uid, Gid)>,
    mode: u32,
    max_bytes: u64,
    max_entries: u64,
    pub(super) stats: ArchiveStats,
    /// Mode and time of directories come last: both would be disturbed by what is put into them.
    pub(super) directories: Vec<Header>,
}

fn unlimited(limit: u64) -> u64 {
    if limit == 0 { u64::MAX } else { limit }
}

fn malformed(what: &str) -> Failure {
    Failure::new(
        Code::Invalid,
        format!("the tar stream is malformed: {what}"),
    )
}

/// A name without leading slashes and `.` components; `..` and NUL are refused.
fn clean(name: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut clean: Vec<u8> = Vec::new();
    for part in name
        .split(|b| *b == b'/')
        .filter(|p| !p.is_empty() && *p != b".")
    {
        if part == b".." || part.contains(&0) {
            let shown = String::from_utf8_lossy(name);
            return Err(Failure::new(
                Code::Invalid,
                format!("{shown}: a name in the tar stream holds .."),
            ));
        }
        if !clean.is_empty() {
            clean.push(b'/');
        }
        clean.extend_from_slice(part);
    }
    Ok(clean)
}

pub(super) fn split(name: &[u8]) -> (&[u8], &[u8]) {
    match name.iter().rposition(|b| *b == b'/') {
        Some(i) => (
            name.get(..i).unwrap_or_default(),
            name.get(i + 1..).unwrap_or_default(),
        ),
        None => (b"", name),
    }
}

impl<R: BufRead> Extractor<R> {
    fn new(root: OwnedFd, request: &Extract, owner: Option<(Uid, Gid)>, reader: R) -> Extractor<R> {
        let mut resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        if request.layer {
            resolve |= ResolveFlags::NO_XDEV;
        }
        Extractor {
            root,
            reader,
            resolve,
            layer: request.layer.then(Layer::default),
            keep_owner: request.keep_owner || request.layer,
            owner,
            mode: request.mode,
            max_bytes: unlimited(request.max_bytes),
            max_entries: unlimited(request.max_entries),
            stats: ArchiveStats::default(),
            directories: Vec::new(),
        }
    }

    fn run(mut self) -> Result<ArchiveStats, Failure> {
        let mut global = Vec::new();
        let mut local = Vec::new();
        let mut long_name = None;
        let mut long_link = None;
        while let Some(mut header) = self.next_header()? {
            match header.kind {
                b'g' => global = self.extension(header.size)?,
                b'x' => local = self.extension(header.size)?,
                b'L' => long_name = Some(self.long(header.size)?),
                b'K' => long_link = Some(self.long(header.size)?),
                _ => {
                    header.name = long_name.take().unwrap_or(header.name);
                    header.link = long_link.take().unwrap_or(header.link);
                    header
                        .apply(&global)
                        .ok_or_else(|| malformed("pax records"))?;
                    // Attributes are of one file each; of all they would be held as often.
                    header.xattrs.clear();
                    header
                        .apply(&local)
                        .ok_or_else(|| malformed("pax records"))?;
                    local = Vec::new();
                    self.entry(header)?;
                }
            }
        }
        self.finish_directories()?;
        Ok(self.stats)
    }

    fn read_block(&mut self) -> Result<Option<[u8; BLOCK]>, Failure> {
        let mut block = [0; BLOCK];
        let mut have = 0;
        while have < BLOCK {
            match self.reader.read(block.get_mut(have..).unwrap_or_default()) {
                Ok(0) if have == 0 => return Ok(None),
                Ok(0) => return Err(malformed("it ends inside a block")),
                Ok(n) => have += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(malformed(&e.to_string())),
            }
        }
        Ok(Some(block))
    }

    /// `None` at the end: a block of zeros, or nothing more.
    fn next_header(&mut self) -> Result<Option<Header>, Failure> {
        match self.read_block()? {
            None => Ok(None),
            Some(block) if block.iter().all(|b| *b == 0) => Ok(None),
            Some(block) => parse(&block)
                .map(Some)
                .ok_or_else(|| malformed("not a header")),
        }
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, Failure> {
        if size > MAX_EXTENSION {
            return Err(malformed("an extended header is too large"));
        }
        let mut bytes = Vec::new();
        self.content(size, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(bytes)
    }

    fn long(&mut self, size: u64) -> Result<Vec<u8>, Failure> {
        let mut bytes = self.extension(size)?;
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        Ok(bytes)
    }

    /// Passes the entry's content on and its padding over.
    fn content(
        &mut self,
        size: u64,
        mut sink: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut left = size;
        let mut pad = padding(size) as u64;
        while left + pad > 0 {
            let buffer = match self.reader.fill_buf() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                other => other.map_err(|e| malformed(&e.to_string()))?,
            };
            if buffer.is_empty() {
                return Err(malformed("it ends inside a file"));
            }
            let wanted = if left > 0 { left } else { pad };
            let n = usize::try_from(wanted)
                .unwrap_or(usize::MAX)
                .min(buffer.len());
            if left > 0 {
                sink(buffer.get(..n).unwrap_or_default())?;
                left -= n as u64;
            } else {
                pad -= n as u64;
            }
            self.reader.consume(n);
        }
        Ok(())
    }

    fn count(&mut self, header: &Header) -> Result<(), Failure> {
        self.stats.entries += 1;
        if self.stats.entries > self.max_entries {
            let message = format!("max_entries: over {} entries", self.max_entries);
            return Err(Failure::new(Code::TooLarge, message).with_field("max_entries"));
        }
        let size = if is_file(header.kind) { header.size } else { 0 };
        self.stats.bytes = self.stats.bytes.saturating_add(size);
        if self.stats.bytes > self.max_bytes {
            let message = format!("max_bytes: over {} bytes", self.max_bytes);
            return Err(Failure::new(Code::TooLarge, message).with_field("max_bytes"));
        }
        Ok(())
    }

    fn entry(&mut self, mut header: Header) -> Result<(), Failure> {
        self.count(&header)?;
        // Archives older than POSIX mark directories by a slash only.
        if is_file(header.kind) && header.name.ends_with(b"/") {
            header.kind = b'5';
        }
        header.name = clean(&header.name)?;
        if self.layer.is_some() && !self.make_way(&header)? {
            return self.content(body(&header), |_| Ok(()));
        }
        if header.name.is_empty() {
            if self.layer.is_some() && header.kind == b'5' {
                self.directories.push(header);
                return Ok(());
            }
            return self.content(header.size, |_| Ok(()));
        }
        match header.kind {
            kind if is_file(kind) => return self.file(&header),
            b'5' => {
                self.directory(&header)?;
                self.directories.push(header.clone());
            }
            b'2' => self.replace(&header, |parent, name| {
                rustix::fs::symlinkat(header.link.as_slice(), parent, name)
            })?,
            b'1' => self.hard_link(&header)?,
            b'6' => self.replace(&header, |parent, name| {
                rustix::fs::mknodat(
                    parent,
                    name,
                    FileType::Fifo,
                    Mode::from_raw_mode(header.mode),
                    0,
                )
            })?,
            // Devices cannot be made in a user namespace.
            b'3' | b'4' => self.stats.skipped += 1,
            other => {
                let kind = char::from(other);
                let shown = String::from_utf8_lossy(&header.name);
                let message = format!("{shown}: entries of type {kind:?} are not supported");
                return Err(Failure::new(Code::Unsupported, message));
            }
        }
        if matches!(header.kind, b'2' | b'6') {
            self.attributes_of_special(&header)?;
        }
        self.content(body(&header), |_| Ok(()))
    }

    pub(super) fn resolve(
        &self,
        relative: &[u8],
        flags: OFlags,
        mode: Mode,
    ) -> Result<OwnedFd, Errno> {
        let relative = if relative.is_empty() { b"." } else { relative };
        let flags = flags | OFlags::CLOEXEC;
        loop {
            match rustix::fs::openat2(&self.root, relative, flags, mode, self.resolve) {
                // A rename elsewhere raced with the resolution: ask again (openat2(2)).
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return other,
            }
        }
    }

    /// The opened directory of a name, made where it is missing.
    pub(super) fn parent(&self, directory: &[u8]) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        match self.resolve(directory, flags, Mode::empty()) {
            Err(Errno::NOENT) if !directory.is_empty() => {
                let (above, name) = split(directory);
                let above = self.parent(above)?;
                match rustix::fs::mkdirat(&above, name, Mode::from_raw_mode(0o755)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(e) => return Err(e),
                }
                self.resolve(directory, flags, Mode::empty())
            }
            other => other,
        }
    }

    /// Makes something under its name, taking away what is not a directory.
    fn replace<T>(
        &self,
        header: &Header,
        mut make: impl FnMut(&OwnedFd, &[u8]) -> Result<T, Errno>,
    ) -> Result<T, Failure> {
        let (directory, name) = split(&header.name);
        let failed = |e: Errno| Failure::os(&e.into(), &header.name);
        let parent = self.parent(directory).map_err(failed)?;
        match make(&parent, name) {
            Err(Errno::EXIST) => {
                rustix::fs::unlinkat(&parent, name, AtFlags::empty()).map_err(failed)?;
                make(&parent, name).map_err(failed)
            }
            other => other.map_err(failed),
        }
    }

    fn file(&mut self, header: &Header) -> Result<(), Failure> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = self.replace(header, |parent, name| {
            rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(0o600))
        })?;
        let mut file = File::from(fd);
        self.content(header.size, |piece| {
            file.write_all(piece)
                .map_err(|e| Failure::os(&e, &header.name))
        })?;
        self.attributes(header, &file)
    }

    fn directory(&self, header: &Header) -> Result<(), Failure> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        // An existing directory, also behind a link inside, is kept.
        if self.resolve(&header.name, flags, Mode::empty()).is_ok() {
            return Ok(());
        }
        self.replace(header, |parent, name| {
            rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o700))
        })
    }

    fn hard_link(&self, header: &Header) -> Result<(), Failure> {
        let target = clean(&header.link)?;
        let (directory, first) = split(&target);
        let from = self
            .resolve(directory, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())
            .map_err(|e| Failure::os(&e.into(), &target))?;
        self.replace(header, |parent, name| {
            rustix::fs::linkat(&from, first, parent, name, AtFlags::empty())
        })
    }

    fn mode(&self, header: &Header) -> Mode {
        if self.mode != 0 {
            return Mode::from_raw_mode(self.mode);
        }
        // Set-id bits belong to the archived owner.
        Mode::from_raw_mode(header.mode & if self.keep_owner { 0o7777 } else { 0o777 })
    }

    fn owner(&self, header: &Header) -> Option<(Uid, Gid)> {
        let id = |value: u64| u32::try_from(value).ok().filter(|v| *v != u32::MAX);
        if self.owner.is_some() || !self.keep_owner {
            return self.owner;
        }
        Some((
            Uid::from_raw(id(header.uid)?),
            Gid::from_raw(id(header.gid)?),
        ))
    }

    fn times(header: &Header) -> Timestamps {
        Timestamps {
            last_access: Timespec {
                tv_sec: 0,
                tv_nsec: UTIME_OMIT,
            },
            last_modification: Timespec {
                tv_sec: header.mtime,
                tv_nsec: 0,
            },
        }
    }

    fn attributes(&self, header: &Header, fd: impl AsFd) -> Result<(), Failure> {
        let failed = |e: Errno| Failure::os(&e.into(), &header.name);
        if let Some((uid, gid)) = self.owner(header) {
            rustix::fs::fchown(&fd, Some(uid), Some(gid)).map_err(failed)?;
        }
        rustix::fs::fchmod(&fd, self.mode(header)).map_err(failed)?;
        if self.layer.is_some() {
            // A change of the owner would have taken file capabilities away.
            super::layer::set_attributes(&fd, header)?;
        }
        rustix::fs::futimens(&fd, &Self::times(header)).map_err(failed)
    }

    /// Owner and time of links and FIFOs, which are not opened.
    fn attributes_of_special(&self, header: &Header) -> Result<(), Failure> {
        let failed = |e: Errno| Failure::os(&e.into(), &header.name);
        let (directory, name) = split(&header.name);
        let parent = self.parent(directory).map_err(failed)?;
        if let Some((uid, gid)) = self.owner(header) {
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::chownat(&parent, name, Some(uid), Some(gid), flags).map_err(failed)?;
        }
        rustix::fs::utimensat(
            &parent,
            name,
            &Self::times(header),
            AtFlags::SYMLINK_NOFOLLOW,
        )
        .map_err(failed)
    }

    fn finish_directories(&self) -> Result<(), Failure> {
        for header in self.directories.iter().rev() {
            let mut flags = OFlags::RDONLY | OFlags::DIRECTORY;
            if self.layer.is_some() {
                flags |= OFlags::NOFOLLOW;
            }
            match self.resolve(&header.name, flags, Mode::empty()) {
                Ok(fd) => self.attributes(header, fd)?,
                // A later entry of the archive has put something else there.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                Err(e) => return Err(Failure::os(&e.into(), &header.name)),
            }
        }
        Ok(())
    }
}

/// Bytes that follow a header; the size of a directory is only told.
fn body(header: &Header) -> u64 {
    if header.kind == b'5' { 0 } else { header.size }
}

/// File, old-style file, contiguous file.
fn is_file(kind: u8) -> bool {
    matches!(kind, b'0' | 0 | b'7')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_point_outside() {
        assert_eq!(clean(b"/etc//passwd").unwrap(), b"etc/passwd");
        assert_eq!(clean(b"./a/./b/").unwrap(), b"a/b");
        assert_eq!(clean(b"./").unwrap(), b"");
        for bad in [&b"../x"[..], b"a/../../x", b"..", b"a\0b"] {
            assert!(clean(bad).is_err());
        }
    }
}
