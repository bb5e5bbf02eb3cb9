//! Listing directories.

use super::path::Place;
use super::stat;
use super::walk::{Entry, Go, Tree};
use crate::conn::Conn;
use crate::failure::Outcome;
use crate::guest::Guest;
use crate::users::Names;
use atoll_wire::guest::{FileBatch, FileInfo, ListDir, reply::Result as Answer};
use rustix::fs::FileType;

/// Files sent in one reply.
const BATCH: usize = 128;

/// Collects files and sends them in batches.
pub struct Sender<'a> {
    conn: &'a mut Conn,
    names: Names,
    batch: Vec<FileInfo>,
    left: u64,
}

impl<'a> Sender<'a> {
    /// `limit` 0 = no limit.
    pub fn new(conn: &'a mut Conn, limit: u64) -> Sender<'a> {
        let left = if limit == 0 { u64::MAX } else { limit };
        Sender {
            conn,
            names: Names::load(),
            batch: Vec::new(),
            left,
        }
    }

    /// `false` when the limit is reached.
    pub fn add(&mut self, tree: &Tree, entry: &Entry<'_>) -> Outcome<bool> {
        let target = match entry.kind() {
            FileType::Symlink => entry.link_target(),
            _ => Vec::new(),
        };
        let path = tree.absolute(entry.relative);
        self.batch
            .push(stat::info(&path, &entry.stat, target, &self.names));
        self.left -= 1;
        if self.batch.len() >= BATCH {
            self.flush()?;
        }
        Ok(self.left > 0)
    }

    fn flush(&mut self) -> Outcome {
        let files = std::mem::take(&mut self.batch);
        if !files.is_empty() {
            self.conn.reply(Answer::Files(FileBatch { files }))?;
        }
        Ok(())
    }

    pub fn finish(mut self) -> Outcome {
        self.flush()?;
        self.conn.ok()?;
        Ok(())
    }
}

pub fn list_dir(guest: &Guest, conn: &mut Conn, request: &ListDir) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    let path = place.path_or_cwd(&request.path)?;
    let depth = request.depth.max(1);
    place.run(|| {
        let tree = Tree::open(&path)?.lenient();
        let mut sender = Sender::new(conn, request.limit);
        tree.walk(|entry| {
            Ok(match sender.add(&tree, entry)? {
                false => Go::Stop,
                true if entry.depth < depth => Go::On,
                true => Go::Past,
            })
        })?;
        sender.finish()
    })
}
