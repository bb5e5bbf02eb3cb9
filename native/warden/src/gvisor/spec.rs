//! The OCI bundle that `runsc` is given.

use serde_json::{Value, json};

use crate::config::IDS_PER_SANDBOX;
use crate::seccomp::Profile;
use crate::volumes::View;

/// Where the bundle and what it names lie in the launcher's mount namespace: below a directory that
/// every Linux has and a user without rights may enter, covered by a tmpfs.
pub const STAGE: &str = "/tmp";
pub const LOG: &str = "/tmp/log";
pub const PID: &str = "/tmp/pid";
pub const BUNDLE: &str = "/tmp/b";
pub const ROOT: &str = "/tmp/b/rootfs";
pub const SOCKETS: &str = "/tmp/d";
pub const SPOOL: &str = "/tmp/spool";
pub const GUEST: &str = "/tmp/guest";
pub const VOLUMES: &str = "/tmp/v";

/// Capabilities that a profile may hold, by number (linux/capability.h). `SYS_ADMIN` is always among
/// those of the guest itself, which takes away a mount at its start and sets the host name after a
/// restore; what it starts has it in the extended profile only.
const NAMES: [(u32, &str); 13] = [
    (0, "CAP_CHOWN"),
    (1, "CAP_DAC_OVERRIDE"),
    (3, "CAP_FOWNER"),
    (4, "CAP_FSETID"),
    (5, "CAP_KILL"),
    (6, "CAP_SETGID"),
    (7, "CAP_SETUID"),
    (8, "CAP_SETPCAP"),
    (10, "CAP_NET_BIND_SERVICE"),
    (18, "CAP_SYS_CHROOT"),
    (21, "CAP_SYS_ADMIN"),
    (29, "CAP_AUDIT_WRITE"),
    (31, "CAP_SETFCAP"),
];
const SYS_ADMIN: u64 = 1 << 21;
/// Open files of a process inside; the sentry's own are bounded by what the warden has.
const FILES: u32 = 65536;

/// Most processes and threads inside together, whatever is configured. One process of the platform
/// systrap has 4,095 threads at most (`maxGuestContexts` in pkg/sentry/platform/systrap), and is killed
/// for one more; some are the guest's.
const MOST_TASKS: u32 = 4000;

/// Threads and processes of the sentry and the gofer themselves.
const OWN_TASKS: u32 = 512;

/// Processes and threads that a sandbox may have inside; `pids` as in `Limits`.
fn tasks(pids: u32) -> u32 {
    match pids {
        0 => MOST_TASKS,
        most => most.min(MOST_TASKS),
    }
}

/// Tasks of the host that this takes at most, so that the limit inside, which refuses a fork, is met
/// before that of the group, which ends the sentry: each process inside is a process, one thread that makes
/// its system calls, and up to one thread a processor (pkg/sentry/platform/systrap/subprocess.go).
pub fn host_tasks(pids: u32) -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let each = u32::try_from(processors)
        .unwrap_or(u32::MAX)
        .saturating_add(2);
    tasks(pids).saturating_mul(each).saturating_add(OWN_TASKS)
}

/// Where the volume of this number lies.
pub fn volume(number: usize) -> String {
    format!("{VOLUMES}/{number}")
}

/// The same for every sandbox of a profile but for its ids and its number of processes (`pids` as in
/// `Limits`), so that a restore finds what the checkpoint was made with: host name and addresses come
/// later, by the guest and the link. `granted` are the capabilities of the profile.
pub fn config(base: u32, profile: Profile, granted: u64, volumes: &[View], pids: u32) -> Value {
    let capabilities: Vec<&str> = NAMES
        .iter()
        .filter(|(number, _)| (granted | SYS_ADMIN) & (1 << number) != 0)
        .map(|(_, name)| *name)
        .collect();
    let mut args = vec![
        "/run/.atoll/bin/atoll-guest",
        "--socket",
        "/run/.atoll/d/e",
        "--spool-dir",
        "/run/.atoll/spool",
        "--sentry",
    ];
    args.push(match profile {
        Profile::Standard => "standard",
        Profile::Extended => "extended",
    });
    let bind = |destination: &str, source: &str, options: &[&str]| json!({ "destination": destination, "type": "bind", "source": source, "options": options });
    let map = json!([{ "containerID": 0, "hostID": base, "size": IDS_PER_SANDBOX }]);
    let mut mounts = vec![
        // Only root of the sandbox gets past this directory, so that only its PID 1 dials.
        json!({
            "destination": "/run/.atoll", "type": "tmpfs", "source": "tmpfs",
            "options": ["mode=0700", "size=64k", "nosuid", "nodev"]
        }),
        bind("/run/.atoll/bin", GUEST, &["bind", "ro"]),
        bind("/run/.atoll/d", SOCKETS, &["bind", "ro"]),
        bind(
            "/run/.atoll/spool",
            SPOOL,
            &["bind", "nosuid", "nodev", "noexec"],
        ),
    ];
    mounts.extend(volumes.iter().enumerate().map(|(number, view)| {
        let access = if view.read_only { "ro" } else { "rw" };
        bind(
            &view.path,
            &volume(number),
            &["bind", access, "nosuid", "nodev"],
        )
    }));
    json!({
        "ociVersion": "1.1.0",
        "process": {
            "user": { "uid": 0, "gid": 0 },
            "args": args,
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"],
            "cwd": "/",
            "capabilities": {
                "bounding": capabilities, "effective": capabilities, "permitted": capabilities
            },
            "rlimits": [
                { "type": "RLIMIT_NOFILE", "soft": FILES, "hard": FILES },
                // The sentry heeds it for root, too, but for PID 1, which holds SYS_ADMIN.
                { "type": "RLIMIT_NPROC", "soft": tasks(pids), "hard": tasks(pids) }
            ],
            "oomScoreAdj": 500
        },
        "root": { "path": "rootfs" },
        "hostname": "localhost",
        "mounts": mounts,
        "linux": {
            "namespaces": [
                { "type": "pid" }, { "type": "ipc" }, { "type": "uts" }, { "type": "mount" },
                { "type": "user" },
                // The launcher is in the slot's namespace already.
                { "type": "network", "path": "/proc/self/ns/net" }
            ],
            "uidMappings": map,
            "gidMappings": map
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{MOST_TASKS, host_tasks, tasks};

    /// A fork bomb once met the group's limit, which the sentry does not survive.
    #[test]
    fn the_limit_inside_is_met_before_that_of_the_group() {
        for pids in [0, 1, 100, 4096, u32::MAX] {
            assert!((1..=MOST_TASKS).contains(&tasks(pids)));
            assert!(host_tasks(pids) / 3 >= tasks(pids), "{pids}");
        }
    }
}
