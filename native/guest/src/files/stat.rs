//! What is known of a file.

use super::path::Place;
use crate::conn::Conn;
use crate::failure::{Failure, Outcome};
use crate::guest::Guest;
use crate::users::Names;
use atoll_wire::guest::{self as pb, FileInfo, file_info::Type, reply::Result as Answer};
use rustix::fs::{FileType, Stat};

pub fn stat(guest: &Guest, conn: &mut Conn, request: &pb::Stat) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    let path = place.path(&request.path)?;
    let names = Names::load();
    let info = place.run(|| {
        let found = match request.follow {
            true => rustix::fs::stat(path.as_slice()),
            false => rustix::fs::lstat(path.as_slice()),
        };
        let stat = found.map_err(|e| Failure::os(&e.into(), &path))?;
        Ok(info(&path, &stat, link_target(&path, &stat), &names))
    })?;
    conn.reply(Answer::Info(info))?;
    Ok(())
}

fn kind(stat: &Stat) -> Type {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Type::File,
        FileType::Directory => Type::Directory,
        FileType::Symlink => Type::Symlink,
        FileType::Fifo => Type::Fifo,
        FileType::Socket => Type::Socket,
        FileType::CharacterDevice => Type::Char,
        FileType::BlockDevice => Type::Block,
        FileType::Unknown => Type::Other,
    }
}

/// The last component of a path.
pub fn base_name(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|b| *b != b'/').map_or(0, |i| i + 1);
    let path = path.get(..end).unwrap_or_default();
    let start = path.iter().rposition(|b| *b == b'/').map_or(0, |i| i + 1);
    path.get(start..).unwrap_or_default()
}

fn link_target(path: &[u8], stat: &Stat) -> Vec<u8> {
    if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
        return Vec::new();
    }
    // A link that vanished between the two calls has no target any more.
    rustix::fs::readlink(path, Vec::new())
        .map(|t| t.into_bytes())
        .unwrap_or_default()
}

/// Nanoseconds since 1970.
pub fn nanoseconds(seconds: i64, nanos: u64) -> i64 {
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(i64::try_from(nanos).unwrap_or(0))
}

/// The protocol's view of a file.
pub fn info(path: &[u8], stat: &Stat, link_target: Vec<u8>, names: &Names) -> FileInfo {
    FileInfo {
        path: path.to_vec(),
        name: base_name(path).to_vec(),
        r#type: kind(stat) as i32,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        owner: names.user(stat.st_uid),
        group: names.group(stat.st_gid),
        mtime_ns: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
        ctime_ns: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
        inode: stat.st_ino,
        link_target,
        nlink: stat.st_nlink,
    }
}
