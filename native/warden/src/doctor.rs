//! What this machine can do of what the warden relies on.

use std::fs;
use std::io;
use std::path::Path;

use atoll_wire::warden::DoctorReport;
use atoll_wire::warden::doctor_report::Check;

use crate::mounts::{self, Roots};
use crate::net::Network;
use crate::sys::{self, FsContext};
use crate::warden::Warden;

const GIB: u64 = 1 << 30;

/// Everything, with the network's checks, which run `nft`, and this instance's.
pub fn report(warden: &Warden) -> DoctorReport {
    let mut checks = machine();
    checks.extend(
        Network::doctor()
            .into_iter()
            .map(|(name, ok, detail)| Check {
                name,
                ok,
                detail,
                required: true,
            }),
    );
    let kind = warden.pool.kind;
    checks.push(check(
        "reflink pool",
        kind != crate::pool::Kind::Copy,
        match kind {
            crate::pool::Kind::Copy => {
                "clones are copies: snapshots and forks take long".to_owned()
            }
            kind => format!("{} shares extents", kind.name()),
        },
        false,
    ));
    checks.push(match warden.pool.space() {
        Ok(space) => check(
            "free space",
            space.writable() > warden.pool.admission_mark,
            format!(
                "{} bytes, creates are taken from {} on",
                space.writable(),
                warden.pool.admission_mark
            ),
            true,
        ),
        Err(e) => check("free space", false, e.to_string(), true),
    });
    checks.push(check(
        "roots of sandboxes",
        true,
        match warden.roots {
            Roots::Descriptors => "over descriptors",
            Roots::Paths(_) => "over paths",
        }
        .to_owned(),
        true,
    ));
    checks.push(crate::gvisor::check(warden));
    checks.push(check(
        "cgroups",
        true,
        warden.cgroups.mode.name().to_owned(),
        true,
    ));
    DoctorReport { checks }
}

/// Of the machine alone; runs no program and leaves nothing behind.
pub fn machine() -> Vec<Check> {
    let mut checks = vec![
        kernel(),
        of(
            "mount calls",
            true,
            "fsopen, fsmount",
            FsContext::open(c"tmpfs").map(drop),
        ),
        overlay(),
        file_system("ext4", true),
        file_system("erofs", false),
        file_system("xfs", false),
        of(
            "loop devices",
            true,
            "/dev/loop-control",
            exists("/dev/loop-control"),
        ),
        of(
            "pidfd",
            true,
            "pidfd_open",
            sys::pidfd_open(std::process::id() as i32).map(drop),
        ),
        of("seccomp filters", true, "errno action", seccomp_errno()),
        limit("user namespaces", "/proc/sys/user/max_user_namespaces"),
        limit("mount namespaces", "/proc/sys/user/max_mnt_namespaces"),
        limit("pid namespaces", "/proc/sys/user/max_pid_namespaces"),
    ];
    for (program, required) in [
        ("mkfs.ext4", true),
        ("nft", true),
        ("mkfs.xfs", false),
        ("resize2fs", false),
    ] {
        checks.push(of(program, required, "found", on_path(program)));
    }
    let capabilities = sys::permitted_capabilities().unwrap_or(0);
    let has = |bit: u32| capabilities & (1 << bit) != 0;
    checks.push(check(
        "CAP_SYS_ADMIN",
        has(21),
        if has(21) {
            "held"
        } else {
            "missing: run as root outside of a container"
        }
        .to_owned(),
        true,
    ));
    checks.push(check(
        "growing disks of running sandboxes",
        has(24),
        if has(24) {
            "CAP_SYS_RESOURCE is held"
        } else {
            "CAP_SYS_RESOURCE is missing"
        }
        .to_owned(),
        false,
    ));
    checks.push(match sys::space(c"/var") {
        Ok((_, free)) => check(
            "free disk",
            free > 2 * GIB,
            format!("{} MiB below /var", free >> 20),
            false,
        ),
        Err(e) => check("free disk", false, e.to_string(), false),
    });
    checks
}

fn check(name: &str, ok: bool, detail: String, required: bool) -> Check {
    Check {
        name: name.to_owned(),
        ok,
        detail,
        required,
    }
}

fn of(name: &str, required: bool, good: &str, result: io::Result<()>) -> Check {
    match result {
        Ok(()) => check(name, true, good.to_owned(), required),
        Err(e) => check(name, false, format!("{good}: {e}"), required),
    }
}

fn file_system(name: &str, required: bool) -> Check {
    let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    let known = known.split_whitespace().any(|word| word == name);
    let detail = if known {
        "the kernel has it"
    } else {
        "not in /proc/filesystems"
    };
    check(name, known, detail.to_owned(), required)
}

fn exists(path: &str) -> io::Result<()> {
    fs::metadata(path).map(drop)
}

/// Which of both ways the kernel offers.
fn overlay() -> Check {
    let name = "overlay";
    let Err(why) = mounts::takes_descriptors() else {
        let detail = "over descriptors of detached mounts (since Linux 6.15)";
        return check(name, true, detail.to_owned(), true);
    };
    of(
        name,
        true,
        &format!("over paths in a namespace of its own, as over descriptors: {why}"),
        mounts::takes_paths(),
    )
}

/// Oldest kernel of which all calls are known to do what is asked of them.
const OLDEST: (u32, u32) = (5, 19);

/// Overlays over idmapped layers are what is newest of what cannot be tried without a sandbox.
fn kernel() -> Check {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let (major, minor) = OLDEST;
    check(
        "kernel",
        version(&release) >= Some(OLDEST),
        format!("{}, at least {major}.{minor}", release.trim()),
        true,
    )
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn seccomp_errno() -> io::Result<()> {
    let actions = fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail")?;
    if actions.split_whitespace().any(|a| a == "errno") {
        Ok(())
    } else {
        Err(io::Error::other("not available"))
    }
}

/// A limit of zero is how distributions switch a kind of namespace off.
fn limit(name: &str, path: &str) -> Check {
    match fs::read_to_string(path) {
        Ok(text) => {
            let most: u64 = text.trim().parse().unwrap_or(0);
            check(name, most > 0, format!("at most {most}"), true)
        }
        Err(e) => check(name, false, format!("{path}: {e}"), true),
    }
}

fn on_path(program: &str) -> io::Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain([
            Path::new("/usr/sbin").to_owned(),
            Path::new("/sbin").to_owned(),
        ])
        .any(|dir| dir.join(program).is_file());
    if found {
        Ok(())
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_of_kernels_are_read_from_their_releases() {
        assert_eq!(version("6.1.0-37-amd64\n"), Some((6, 1)));
        assert_eq!(version("5.19.0"), Some((5, 19)));
        assert_eq!(version("6.12"), Some((6, 12)));
        assert!(version("5.4.1") < Some((5, 19)));
        assert_eq!(version(""), None);
    }
}
