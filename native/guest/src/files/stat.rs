//! What is known of a file.

use super::path::{Place, as_path};
use crate::conn::Conn;
use crate::failure::{Failure, Outcome};
use crate::guest::Guest;
use crate::users::Names;
use atoll_wire::guest::{FileInfo, Stat, file_info::Type, reply::Result as Answer};
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

pub fn stat(guest: &Guest, conn: &mut Conn, request: &Stat) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    let path = place.path(&request.path)?;
    let names = Names::load();
    let info = place.run(|| {
        let found = match request.follow {
            true => fs::metadata(as_path(&path)),
            false => fs::symlink_metadata(as_path(&path)),
        };
        let meta = found.map_err(|e| Failure::os(&e, &path))?;
        Ok(info(&path, &meta, &names))
    })?;
    conn.reply(Answer::Info(info))?;
    Ok(())
}

fn kind(meta: &Metadata) -> Type {
    let t = meta.file_type();
    if t.is_file() {
        Type::File
    } else if t.is_dir() {
        Type::Directory
    } else if t.is_symlink() {
        Type::Symlink
    } else if t.is_fifo() {
        Type::Fifo
    } else if t.is_socket() {
        Type::Socket
    } else if t.is_char_device() {
        Type::Char
    } else if t.is_block_device() {
        Type::Block
    } else {
        Type::Other
    }
}

/// The last component of a path.
pub fn base_name(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|b| *b != b'/').map_or(0, |i| i + 1);
    let path = path.get(..end).unwrap_or_default();
    let start = path.iter().rposition(|b| *b == b'/').map_or(0, |i| i + 1);
    path.get(start..).unwrap_or_default()
}

fn nanoseconds(seconds: i64, nanos: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// The protocol's view of a file. The link target is read with the caller's credentials.
pub fn info(path: &[u8], meta: &Metadata, names: &Names) -> FileInfo {
    let link_target = match meta.file_type().is_symlink() {
        true => fs::read_link(as_path(path)).map(|t| t.into_os_string().into_vec()),
        false => Ok(Vec::new()),
    };
    FileInfo {
        path: path.to_vec(),
        name: base_name(path).to_vec(),
        r#type: kind(meta) as i32,
        size: meta.size(),
        mode: meta.mode() & 0o7777,
        uid: meta.uid(),
        gid: meta.gid(),
        owner: names.user(meta.uid()),
        group: names.group(meta.gid()),
        mtime_ns: nanoseconds(meta.mtime(), meta.mtime_nsec()),
        ctime_ns: nanoseconds(meta.ctime(), meta.ctime_nsec()),
        inode: meta.ino(),
        // A link that vanished between the two calls has no target any more.
        link_target: link_target.unwrap_or_default(),
        nlink: meta.nlink(),
    }
}
