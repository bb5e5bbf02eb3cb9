//! Starting a sandbox of the class: mounts in a namespace of their own, the bundle, `runsc`.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::runsc::{self, Runsc};
use super::spec::{self, BUNDLE, GUEST, LOG, PID, ROOT, SOCKETS, SPOOL, STAGE, VOLUMES};
use crate::cgroup::Group;
use crate::ids::Id;
use crate::pool::c_path;
use crate::seccomp::Profile;
use crate::slot::{Process, start_time};
use crate::sys::{self, FsContext, check};
use crate::volumes::View;

/// A start that takes longer is stuck. A restore reads the memory of the sandbox.
const LIMIT: Duration = Duration::from_secs(60);

/// What a slot of the class has besides disk and groups.
pub struct Prepared {
    pub netns: OwnedFd,
    /// The sandbox that runs already on the slot's disk.
    pub warm: Option<Warm>,
}

/// A sandbox that waits for its claim.
pub struct Warm {
    /// Below its disk, lowest first.
    pub layers: Vec<Id>,
    pub process: Process,
}

/// What a sandbox is started from.
pub struct Launch<'a> {
    pub slot: Id,
    /// First host id of the sandbox.
    pub base: u32,
    pub group: &'a Group,
    pub netns: BorrowedFd<'a>,
    /// Detached mounts: the root, the guest's spool, the directory with the engine's socket.
    pub root: OwnedFd,
    pub spool: OwnedFd,
    pub sockets: OwnedFd,
    pub profile: Profile,
    /// Capabilities of the profile.
    pub capabilities: u64,
    pub volumes: &'a [View],
    /// Processes inside, as in `Limits`.
    pub pids: u32,
    /// Directory with the memory to go on from; its guest program.
    pub memory: Option<(&'a Path, &'a Path)>,
}

impl Runsc {
    /// Returns when the guest has been started, or goes on. That it dialled is seen on the engine's
    /// socket.
    pub fn start(&self, launch: Launch<'_>) -> io::Result<Process> {
        // A thread of its own, which ends afterwards: it takes on namespaces.
        std::thread::scope(|scope| {
            std::thread::Builder::new()
                .name("runsc".to_owned())
                .spawn_scoped(scope, || self.start_here(launch))?
                .join()
                .map_err(|_| io::Error::other("the starting thread panicked"))?
        })
    }

    fn start_here(&self, launch: Launch<'_>) -> io::Result<Process> {
        // SAFETY: plain integer; it acts on this thread alone.
        check(unsafe { libc::unshare(libc::CLONE_NEWNS) }.into())?;
        sys::join_namespace(launch.netns, libc::CLONE_NEWNET)?;
        let guest = launch
            .memory
            .map_or(self.guest.as_path(), |(_, guest)| guest);
        stage(&launch, guest)?;
        let config = spec::config(
            launch.base,
            launch.profile,
            launch.capabilities,
            launch.volumes,
            launch.pids,
        );
        fs::write(format!("{BUNDLE}/config.json"), config.to_string())?;
        self.run(&launch)?;
        process(&launch)
    }

    fn run(&self, launch: &Launch<'_>) -> io::Result<()> {
        let subcommand = match launch.memory {
            None => "run",
            Some(_) => "restore",
        };
        let mut command = self.command(launch.slot, Some(LOG), subcommand);
        command
            .args(["--detach", "--bundle", BUNDLE, "--pid-file", PID])
            // They become those of PID 1 inside.
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some((image, _)) = launch.memory {
            command.arg("--image-path").arg(image);
        }
        command.arg(Runsc::name(launch.slot));
        let groups = launch.group.open_procs()?;
        // SAFETY: between fork and exec only write(2) on descriptors that are open.
        unsafe {
            command.pre_exec(move || {
                use std::io::Write;
                groups
                    .iter()
                    .try_for_each(|mut group: &File| group.write_all(b"0"))
            });
        }
        let mut child = command.spawn()?;
        let status = runsc::wait(&mut child, LIMIT)?;
        if status.success() {
            return Ok(());
        }
        let said = fs::read_to_string(LOG).unwrap_or_default();
        Err(io::Error::other(match last_error(&said) {
            Some(error) => error,
            None => format!("runsc: {status}"),
        }))
    }
}

/// The bundle's directories and mounts below a tmpfs.
fn stage(launch: &Launch<'_>, guest: &Path) -> io::Result<()> {
    let context = FsContext::open(c"tmpfs")?;
    context.string(c"mode", c"0755")?;
    // The sentry goes on writing its warnings there.
    context.string(c"size", c"1m")?;
    let tmpfs = context
        .mount(libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC)?;
    sys::attach(tmpfs.as_fd(), &c_path(Path::new(STAGE)))?;
    let volumes: Vec<String> = (0..launch.volumes.len()).map(spec::volume).collect();
    let names = [BUNDLE, ROOT, SOCKETS, SPOOL, GUEST, VOLUMES];
    for dir in names.into_iter().chain(volumes.iter().map(String::as_str)) {
        fs::create_dir(dir)?;
        // Whatever our umask is: the gofer passes there as the sandbox's root.
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
    }
    // A mount of its own: the directories above it are the host's root's.
    let guest = sys::clone_tree(File::open(guest)?.as_fd(), c"")?;
    let hardened = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
    sys::set_attributes(guest.as_fd(), hardened, None)?;
    for (mount, target) in [
        (launch.root.as_fd(), ROOT),
        (launch.sockets.as_fd(), SOCKETS),
        (launch.spool.as_fd(), SPOOL),
        (guest.as_fd(), GUEST),
    ] {
        sys::attach(mount, &c_path(Path::new(target)))?;
    }
    for (view, target) in launch.volumes.iter().zip(&volumes) {
        sys::attach(view.mount.as_fd(), &c_path(Path::new(target)))?;
    }
    Ok(())
}

/// The sandbox's process, which is nobody's child now.
fn process(launch: &Launch<'_>) -> io::Result<Process> {
    let gone = || io::Error::other("the sandbox ended right after its start");
    let pid: i32 = fs::read_to_string(PID)?
        .trim()
        .parse()
        .map_err(|_| gone())?;
    let pidfd = sys::pidfd_open(pid).map_err(|_| gone())?;
    let start_time = start_time(pid).map_err(|_| gone())?;
    // After the open: a number that was given anew is in no group of ours.
    if !launch.group.processes().contains(&pid) {
        return Err(gone());
    }
    Ok(Process {
        pid,
        start_time,
        pidfd,
    })
}

/// `runsc` writes one JSON object a line.
fn last_error(log: &str) -> Option<String> {
    log.lines().rev().find_map(|line| {
        let entry: serde_json::Value = serde_json::from_str(line).ok()?;
        let level = entry.get("level")?.as_str()?;
        let text = entry.get("msg")?.as_str()?;
        (level == "error").then(|| text.chars().take(1000).collect())
    })
}
