//! Archive: files as a tar stream.

use super::header::{BLOCK, Header, padding};
use super::stream::FrameWriter;
use crate::conn::Conn;
use crate::failure::{Failure, Outcome, Stop};
use crate::files::glob::Pattern;
use crate::files::path::{Place, join};
use crate::files::stat::base_name;
use crate::files::walk::{Go, Tree};
use crate::guest::Guest;
use crate::users::Names;
use atoll_wire::guest::{Archive, ArchiveStats, error::Code, reply::Result as Answer};
use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::fs::{FileType, Stat};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};

/// Paths of one request.
const MAX_PATHS: usize = 10_000;
/// Files with several names that are remembered; later ones are archived as files of their own.
const MAX_LINKS: usize = 1 << 20;

pub fn archive(guest: &Guest, conn: &mut Conn, request: &Archive) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    if request.paths.is_empty() || request.paths.len() > MAX_PATHS {
        return Err(Failure::invalid("paths", format!("paths: 1 to {MAX_PATHS}")).into());
    }
    let paths: Vec<_> = request
        .paths
        .iter()
        .map(|p| place.path(p))
        .collect::<Result<_, _>>()?;
    let base = match request.base.is_empty() {
        true => None,
        false => Some(place.path(&request.base)?),
    };
    let exclude: Vec<_> = request
        .exclude
        .iter()
        .map(|p| Pattern::parse(p))
        .collect::<Result<_, _>>()?;
    let stats = place.run(|| {
        for path in &paths {
            rustix::fs::lstat(path.as_slice()).map_err(|e| Failure::os(&e.into(), path))?;
        }
        let frames = FrameWriter::new(conn);
        let job = Job {
            base,
            exclude,
            follow: request.follow,
        };
        if request.gzip {
            let encoder = GzEncoder::new(frames, Compression::fast());
            let (encoder, stats) = job.run(encoder, &paths)?;
            let mut frames = encoder.finish().map_err(Stop::Gone)?;
            frames.flush()?;
            Ok(stats)
        } else {
            let (mut frames, stats) = job.run(frames, &paths)?;
            frames.flush()?;
            Ok(stats)
        }
    })?;
    conn.end()?;
    conn.reply(Answer::ArchiveStats(stats))?;
    Ok(())
}

struct Job {
    base: Option<Vec<u8>>,
    exclude: Vec<Pattern>,
    follow: bool,
}

impl Job {
    fn run<W: Write>(self, out: W, paths: &[Vec<u8>]) -> Outcome<(W, ArchiveStats)> {
        let mut writer = Writer {
            job: self,
            out,
            names: Names::load(),
            links: HashMap::new(),
            stats: ArchiveStats::default(),
            buffer: Vec::new(),
        };
        for path in paths {
            writer.add_path(path)?;
        }
        writer.write(&[0; 2 * BLOCK])?;
        Ok((writer.out, writer.stats))
    }

    /// The name of a path in the archive: relative to the base where it lies below it, else its
    /// last component.
    fn name_of(&self, path: &[u8]) -> Vec<u8> {
        let Some(base) = &self.base else {
            return base_name(path).to_vec();
        };
        let base = base.strip_suffix(b"/").unwrap_or(base);
        match path.strip_prefix(base) {
            Some(rest) if rest.is_empty() || rest.starts_with(b"/") => {
                let start = rest.iter().position(|b| *b != b'/').unwrap_or(rest.len());
                rest.get(start..).unwrap_or_default().to_vec()
            }
            _ => base_name(path).to_vec(),
        }
    }

    fn excluded(&self, name: &[u8]) -> bool {
        self.exclude
            .iter()
            .any(|p| p.matches(name) || p.matches(base_name(name)))
    }
}

struct Writer<W> {
    job: Job,
    out: W,
    names: Names,
    links: HashMap<(u64, u64), Vec<u8>>,
    stats: ArchiveStats,
    buffer: Vec<u8>,
}

impl<W: Write> Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> Outcome {
        self.out.write_all(bytes).map_err(Stop::Gone)
    }

    fn add_path(&mut self, path: &[u8]) -> Outcome {
        let name = self.job.name_of(path);
        let failed = |e: rustix::io::Errno| Failure::os(&e.into(), path);
        let stat = match self.job.follow {
            true => rustix::fs::stat(path),
            false => rustix::fs::lstat(path),
        }
        .map_err(failed)?;
        if !name.is_empty() {
            if self.job.excluded(&name) {
                return Ok(());
            }
            let open = || crate::files::read::open(path).map(|(file, _)| file);
            let link = || {
                rustix::fs::readlink(path, Vec::new())
                    .map(|t| t.into_bytes())
                    .unwrap_or_default()
            };
            self.add(&name, &stat, link, open)?;
        }
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return Ok(());
        }
        let tree = Tree::open(path)?;
        tree.walk(|entry| {
            let full = if name.is_empty() {
                entry.relative.to_vec()
            } else {
                join(&name, entry.relative)
            };
            if self.job.excluded(&full) {
                return Ok(Go::Past);
            }
            let absolute = tree.absolute(entry.relative);
            let mut stat = entry.stat;
            let mut followed = false;
            // Only links to files are followed: one to a directory could lead in circles.
            if self.job.follow
                && entry.kind() == FileType::Symlink
                && let Ok(target) = rustix::fs::stat(absolute.as_slice())
                && FileType::from_raw_mode(target.st_mode) == FileType::RegularFile
            {
                stat = target;
                followed = true;
            }
            let open = || match followed {
                true => crate::files::read::open(&absolute).map(|(file, _)| file),
                false => entry.open().map_err(|e| Failure::os(&e, &absolute)),
            };
            self.add(&full, &stat, || entry.link_target(), open)?;
            Ok(Go::On)
        })
    }

    fn add(
        &mut self,
        name: &[u8],
        stat: &Stat,
        link: impl FnOnce() -> Vec<u8>,
        open: impl FnOnce() -> Result<File, Failure>,
    ) -> Outcome {
        let mut header = Header {
            name: name.to_vec(),
            mode: stat.st_mode & 0o7777,
            uid: u64::from(stat.st_uid),
            gid: u64::from(stat.st_gid),
            mtime: stat.st_mtime,
            user: self.names.user(stat.st_uid),
            group: self.names.group(stat.st_gid),
            ..Header::default()
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {
                let inode = (stat.st_dev, stat.st_ino);
                if let Some(first) = self.links.get(&inode).filter(|_| stat.st_nlink > 1) {
                    header.kind = b'1';
                    header.link = first.clone();
                } else {
                    if stat.st_nlink > 1 && self.links.len() < MAX_LINKS {
                        self.links.insert(inode, name.to_vec());
                    }
                    header.kind = b'0';
                    header.size = u64::try_from(stat.st_size).unwrap_or(0);
                    let file = open()?;
                    self.stats.entries += 1;
                    return self.content(&header, file);
                }
            }
            FileType::Directory => {
                header.kind = b'5';
                header.name.push(b'/');
            }
            FileType::Symlink => {
                header.kind = b'2';
                header.link = link();
            }
            FileType::Fifo => header.kind = b'6',
            // Sockets and devices mean nothing elsewhere.
            _ => return Ok(()),
        }
        self.stats.entries += 1;
        self.write(&header.encode())
    }

    /// Header and exactly the announced number of bytes: a file that shrinks is an error.
    fn content(&mut self, header: &Header, mut file: File) -> Outcome {
        self.write(&header.encode())?;
        let mut left = header.size;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(256 << 10, 0);
        while left > 0 {
            let want = usize::try_from(left)
                .unwrap_or(buffer.len())
                .min(buffer.len());
            let n = match file.read(buffer.get_mut(..want).unwrap_or_default()) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(Failure::os(&e, &header.name).into()),
                Ok(0) => {
                    let shown = String::from_utf8_lossy(&header.name);
                    let message = format!("{shown}: became shorter while it was archived");
                    return Err(Failure::new(Code::Io, message).into());
                }
                Ok(n) => n,
            };
            self.write(buffer.get(..n).unwrap_or_default())?;
            left -= n as u64;
        }
        self.buffer = buffer;
        self.stats.bytes += header.size;
        self.write(&[0; BLOCK][..padding(header.size)])?;
        Ok(())
    }
}
