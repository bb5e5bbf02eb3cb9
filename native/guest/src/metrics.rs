//! Numbers about the sandbox as seen from inside.

use crate::conn::Conn;
use crate::failure::{Failure, Outcome};
use crate::guest::Guest;
use atoll_wire::guest::{MetricsReport, reply::Result as Answer};
use std::sync::atomic::{AtomicU64, Ordering};

pub fn metrics(guest: &Guest, conn: &mut Conn) -> Outcome {
    let disk = rustix::fs::statvfs(c"/").map_err(|e| Failure::os(&e.into(), "/"))?;
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let report = MetricsReport {
        uptime_ms: u64::try_from(guest.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        processes: guest.processes.running() as u32,
        disk_total: disk.f_blocks.saturating_mul(disk.f_frsize),
        disk_used: disk
            .f_blocks
            .saturating_sub(disk.f_bfree)
            .saturating_mul(disk.f_frsize),
        inodes_total: disk.f_files,
        inodes_used: disk.f_files.saturating_sub(disk.f_ffree),
        connections: guest.link.open_connections(),
        load1: load
            .split(' ')
            .next()
            .and_then(|l| l.parse().ok())
            .unwrap_or(0.0),
    };
    conn.reply(Answer::Metrics(report))?;
    Ok(())
}

/// Whether the sandbox's cgroup, when it can be seen from inside, counts more out-of-memory kills
/// than at the last call.
pub fn oom_kill_seen() -> bool {
    static SEEN: AtomicU64 = AtomicU64::new(0);
    let events = std::fs::read_to_string("/sys/fs/cgroup/memory.events").unwrap_or_default();
    let kills = events
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "))
        .and_then(|count| count.trim().parse().ok())
        .unwrap_or(0);
    kills > SEEN.fetch_max(kills, Ordering::Relaxed)
}
