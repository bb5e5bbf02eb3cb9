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

/// Where the volume of this number lies.
pub fn volume(number: usize) -> String {
    format!("{VOLUMES}/{number}")
}

/// The same for every sandbox of a profile but for its ids, so that a restore finds what the
/// checkpoint was made with: host name and addresses come later, by the guest and the link.
/// `granted` are the capabilities of the profile.
pub fn config(base: u32, profile: Profile, granted: u64, volumes: &[View]) -> Value {
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
            "rlimits": [{ "type": "RLIMIT_NOFILE", "soft": FILES, "hard": FILES }],
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
