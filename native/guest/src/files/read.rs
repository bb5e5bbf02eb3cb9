//! Reading a file: sendfile from the page cache into the socket.

use super::path::{Place, as_path};
use super::stat;
use crate::conn::Conn;
use crate::failure::{Failure, Outcome, Stop};
use crate::guest::Guest;
use crate::users::Names;
use atoll_wire::frame::{self, Kind, MAX_DATA};
use atoll_wire::guest::error::Code;
use atoll_wire::guest::{Read, reply::Result as Answer};
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};

/// (major, minor) of devices that neither block nor change anything when read:
/// null, zero, full, random, urandom.
const HARMLESS: [(u32, u32); 5] = [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9)];

pub fn read(guest: &Guest, conn: &mut Conn, request: &Read) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    let path = place.path(&request.path)?;
    place.run(|| {
        let (file, endless) = open(&path)?;
        if endless && request.length == 0 {
            return Err(Failure::invalid("length", "length: a device needs one").into());
        }
        let stat = rustix::fs::fstat(&file).map_err(|e| Failure::os(&e.into(), &path))?;
        conn.reply(Answer::Info(stat::info(
            &path,
            &stat,
            Vec::new(),
            &Names::load(),
        )))?;
        let end = match request.length {
            0 => u64::MAX,
            n => request.offset.saturating_add(n),
        };
        // Files of /proc and the like say size 0 and have content: those are read to their end.
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        if size > 0 && !endless {
            let known = end.min(size);
            send_known(conn, &file, request.offset, known, &path)?;
        } else {
            send_unknown(conn, &file, request.offset, end, endless, &path)?;
        }
        conn.end()?;
        conn.ok()?;
        Ok(())
    })
}

/// Opens what can be read without blocking. `true`: a device.
/// O_NONBLOCK keeps the open of a FIFO from waiting; what it is, is asked of the descriptor.
pub fn open(path: &[u8]) -> Result<(File, bool), Failure> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd = rustix::fs::open(as_path(path), flags, Mode::empty())
        .map_err(|e| Failure::os(&e.into(), path))?;
    let file = File::from(fd);
    let meta = file.metadata().map_err(|e| Failure::os(&e, path))?;
    let kind = meta.file_type();
    let shown = String::from_utf8_lossy(path);
    if kind.is_file() {
        super::own::refuse(&file).map_err(|e| Failure::os(&e, path))?;
        return Ok((file, false));
    }
    if kind.is_dir() {
        return Err(Failure::new(
            Code::IsDirectory,
            format!("{shown}: is a directory"),
        ));
    }
    let rdev = meta.rdev();
    if kind.is_char_device()
        && HARMLESS.contains(&(rustix::fs::major(rdev), rustix::fs::minor(rdev)))
    {
        return Ok((file, true));
    }
    Err(Failure::new(
        Code::Unsupported,
        format!("{shown}: not a regular file"),
    ))
}

/// Sends `from..to` of a file that had at least `to` bytes a moment ago.
fn send_known(conn: &mut Conn, file: &File, from: u64, to: u64, path: &[u8]) -> Outcome {
    let mut at = from;
    while at < to {
        let length = usize::try_from(to - at).unwrap_or(MAX_DATA).min(MAX_DATA);
        conn.send_raw(&frame::header(Kind::Data, length))?;
        let mut left = length;
        while left > 0 {
            match rustix::io::retry_on_intr(|| {
                rustix::fs::sendfile(&*conn, file, Some(&mut at), left)
            }) {
                Ok(0) => return Err(cut(conn, left, path)?),
                Ok(n) => left -= n,
                Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET) => {
                    return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
                }
                Err(_) => {
                    copy(conn, file, &mut at, left, path)?;
                    left = 0;
                }
            }
        }
    }
    Ok(())
}

/// The file has become shorter: the frame that was announced is filled up, the reply says why.
fn cut(conn: &mut Conn, left: usize, path: &[u8]) -> Result<Stop, Stop> {
    conn.send_raw(&vec![0; left])?;
    let shown = String::from_utf8_lossy(path);
    Ok(Failure::new(
        Code::Io,
        format!("{shown}: became shorter while it was read"),
    )
    .into())
}

/// For file systems that cannot sendfile.
fn copy(conn: &mut Conn, file: &File, at: &mut u64, mut left: usize, path: &[u8]) -> Outcome {
    let mut buffer = vec![0; left];
    while left > 0 {
        let part = buffer.get_mut(..left).unwrap_or_default();
        match file.read_at(part, *at) {
            Ok(n) if n > 0 => {
                conn.send_raw(buffer.get(..n).unwrap_or_default())?;
                *at += n as u64;
                left -= n;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => return Err(cut(conn, left, path)?),
        }
    }
    Ok(())
}

fn send_unknown(
    conn: &mut Conn,
    file: &File,
    from: u64,
    to: u64,
    device: bool,
    path: &[u8],
) -> Outcome {
    let mut buffer = vec![0; MAX_DATA];
    let mut at = from;
    while at < to {
        let want = usize::try_from(to - at).unwrap_or(MAX_DATA).min(MAX_DATA);
        let part = buffer.get_mut(..want).unwrap_or_default();
        let n = match file.read_at(part, if device { 0 } else { at }) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(Failure::os(&e, path).into()),
        };
        conn.data(buffer.get(..n).unwrap_or_default())?;
        at += n as u64;
    }
    Ok(())
}
