//! Makes the records of new disks durable right after their claims were answered.
//!
//! A claim does not wait for the disk: a power cut within these milliseconds loses a sandbox that
//! has just been made, as it would have a moment earlier. The end of a sandbox syncs again.

use std::sync::mpsc::Receiver;

use crate::ids::Id;
use crate::pool::disks::Family;
use crate::warden::Warden;

/// Claims that may wait for this thread; further ones sync for themselves.
pub const BACKLOG: usize = 1024;

pub fn run(warden: &Warden, disks: &Receiver<Id>) {
    for disk in disks {
        if let Err(error) = warden.pool.sync_record(Family::Disk, disk) {
            eprintln!("warden: record of disk {disk}: {error}");
        }
    }
}
