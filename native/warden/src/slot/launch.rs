//! The warden's side of a slot: clone, maps, groups, and the hand-over at the claim.

use std::ffi::{CString, c_void};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread::Scope;

use atoll_entry::{ENTERED, Orders, READY, REPORT, Step};
use atoll_wire::warden::Isolation;

use super::child::{self, Plan};
use super::sysfs::{self, SysEntry};
use super::vfork;
use crate::cgroup::{Group, Limits};
use crate::config::IDS_PER_SANDBOX;
use crate::gvisor::Prepared;
use crate::ids::Id;
use crate::mounts::Upper;
use crate::sys::{self, check};

/// A sandbox's processes are killed before the host's when memory runs out.
const OOM_SCORE_ADJ: &str = "500";

/// What all slots share, made once.
pub struct Launcher {
    program: OwnedFd,
    own_uts: File,
    sys: Vec<SysEntry>,
}

/// A prepared slot. Dropping one of a container that waits for its root closes the control socket,
/// upon which the process exits.
pub struct Slot {
    pub id: Id,
    pub index: u32,
    pub base: u32,
    pub kind: Kind,
    pub userns: OwnedFd,
    pub group: Group,
    /// Limits the groups have now.
    pub limits: Limits,
    /// Disk of the default size; `None` after it was taken.
    pub upper: Option<Upper>,
}

/// What a slot of each class has.
pub enum Kind {
    Container { process: Process, entry: Entry },
    Gvisor(Prepared),
}

impl Kind {
    pub fn isolation(&self) -> Isolation {
        match self {
            Kind::Container { .. } => Isolation::Container,
            Kind::Gvisor(_) => Isolation::Gvisor,
        }
    }
}

/// How far a container's guest is.
pub enum Entry {
    /// It waits for a root on this socket and exits when it is closed.
    Waiting(OwnedFd),
    /// It runs over these layers, lowest first, and the slot's disk.
    Entered(Vec<Id>),
}

/// The process whose end is the sandbox's: PID 1 of a container, the sentry of gVisor.
pub struct Process {
    pub pid: i32,
    /// Field 22 of /proc/pid/stat, clock ticks since boot.
    pub start_time: u64,
    pub pidfd: OwnedFd,
}

/// The process of a slot that has been cloned but waits to be let go. Dropping it ends the process.
pub struct Cloned {
    pub pid: i32,
    process: Unclaimed,
    control: OwnedFd,
}

/// Kills its process unless that was taken: the thread that cloned it waits for its exec or end.
struct Unclaimed(Option<OwnedFd>);

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some(pidfd) = &self.0
            && let Err(error) = sys::pidfd_kill(pidfd.as_fd())
        {
            eprintln!("warden: the process of an unfinished slot: {error}");
        }
    }
}

/// Where the kernel stores what it made, before the child runs.
struct Made {
    pid: AtomicI32,
    pidfd: AtomicI32,
}

impl Made {
    fn new() -> Made {
        Made {
            pid: AtomicI32::new(0),
            pidfd: AtomicI32::new(-1),
        }
    }

    /// `None` when nothing was made. Once only: the descriptor goes to the caller.
    fn take(&self) -> Option<(i32, Unclaimed)> {
        let pidfd = self.pidfd.swap(-1, Ordering::AcqRel);
        if pidfd < 0 {
            return None;
        }
        // SAFETY: the kernel stored a new descriptor there, which nobody else has taken.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        Some((self.pid.load(Ordering::Acquire), Unclaimed(Some(pidfd))))
    }
}

impl Launcher {
    pub fn new(guest: &Path) -> Result<Launcher, String> {
        let explain = |e: io::Error| format!("{}: {e}", guest.display());
        let mut file = File::open(guest).map_err(explain)?;
        let program = sys::sealed_program(&mut file).map_err(explain)?;
        Ok(Launcher {
            program,
            own_uts: File::open("/proc/self/ns/uts").map_err(|e| e.to_string())?,
            sys: sysfs::entries(),
        })
    }

    /// Sets the host name of the process's namespace, which nobody inside may.
    pub fn set_hostname(&self, pid: i32, name: &str) -> io::Result<()> {
        let theirs = File::open(format!("/proc/{pid}/ns/uts"))?;
        sys::join_namespace(theirs.as_fd(), libc::CLONE_NEWUTS)?;
        // SAFETY: the buffer is ours.
        let set = check(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) }.into());
        if let Err(error) = sys::join_namespace(self.own_uts.as_fd(), libc::CLONE_NEWUTS) {
            eprintln!("warden: a thread is stuck in a sandbox's namespace of names: {error}");
            std::process::abort();
        }
        set.map(drop)
    }

    /// Clones a slot's process into its namespaces and groups; it waits for its id maps.
    ///
    /// A thread of its own takes on the sandbox's network namespace and user, so nobody has to bring
    /// it back, and stands still until the process executes the guest; see [`vfork`].
    pub fn clone<'scope, 'env>(
        &'env self,
        scope: &'scope Scope<'scope, 'env>,
        base: u32,
        netns: OwnedFd,
        group: &Group,
        socket_dir: OwnedFd,
    ) -> io::Result<Cloned> {
        let (control, theirs) = sys::packet_pair()?;
        let cgroup = group.open_v2()?;
        let made = Arc::new(Made::new());
        let result = made.clone();
        let worker = std::thread::Builder::new()
            .name("clone".to_owned())
            .spawn_scoped(scope, move || {
                let mut kept = [
                    theirs.as_raw_fd(),
                    self.program.as_raw_fd(),
                    socket_dir.as_raw_fd(),
                ];
                let plan = Plan {
                    control: kept[0],
                    program: kept[1],
                    socket_dir: kept[2],
                    kept: {
                        kept.sort_unstable();
                        kept
                    },
                    sys: self.sys.as_slice(),
                };
                clone_here(&plan, base, netns.as_fd(), cgroup.as_fd(), &result)
            })?;
        let here = expect(control.as_fd(), child::HERE);
        let process = made.take();
        match (here, process) {
            (Ok(()), Some((pid, process))) => Ok(Cloned {
                pid,
                process,
                control,
            }),
            (here, process) => {
                drop((process, control));
                // The thread knows why there is no process.
                worker
                    .join()
                    .map_err(|_| io::Error::other("the cloning thread panicked"))??;
                here?;
                Err(io::Error::other("the slot's process has no number"))
            }
        }
    }
}

/// Clones on the calling thread and returns when the child has executed the guest or ended.
fn clone_here(
    plan: &Plan,
    base: u32,
    netns: BorrowedFd<'_>,
    cgroup: BorrowedFd<'_>,
    made: &Made,
) -> io::Result<()> {
    sys::join_namespace(netns, libc::CLONE_NEWNET)?;
    // Both files are the current thread's network namespace's.
    let net = Path::new("/proc/sys/net/ipv4");
    let last = base + IDS_PER_SANDBOX - 1;
    fs::write(net.join("ping_group_range"), format!("{base} {last}"))?;
    fs::write(net.join("ip_unprivileged_port_start"), "0")?;
    // Per-user limits of the kernel (inotify, namespaces) are charged to the creator of the
    // user namespace: as root, all sandboxes would share the host's.
    sys::set_effective_ids(base)?;
    // SAFETY: zero is a valid clone_args.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = (libc::CLONE_NEWUSER
        | libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS
        | libc::CLONE_PARENT_SETTID
        | libc::CLONE_PIDFD) as u64
        | CLONE_INTO_CGROUP;
    args.exit_signal = libc::SIGCHLD as u64;
    args.cgroup = cgroup.as_raw_fd() as u64;
    // SAFETY: the child only makes system calls on what the plan holds, which lives until this
    // thread goes on.
    unsafe { clone_noting(args, child::run, std::ptr::from_ref(plan).cast(), made) }
}

/// As [`vfork::clone3`], with the numbers of what was made, if it was, in `made` before the child runs.
///
/// # Safety
/// That of [`vfork::clone3`].
unsafe fn clone_noting(
    mut args: libc::clone_args,
    entry: vfork::Entry,
    argument: *const c_void,
    made: &Made,
) -> io::Result<()> {
    args.parent_tid = made.pid.as_ptr() as u64;
    args.pidfd = made.pidfd.as_ptr() as u64;
    // SAFETY: the contract of this function.
    let cloned = unsafe { vfork::clone3(args, entry, argument) };
    if cloned.is_err() {
        // The kernel stores the number before its last checks (limits of processes, the group) and does
        // not take it back with the descriptor, which may be somebody's by now. The other side looks
        // when the child's end of the socket closes, which is later.
        made.pidfd.store(-1, Ordering::Release);
    }
    cloned.map(drop)
}

/// The libc crate has it as a 32-bit constant that overflows.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

impl Cloned {
    /// Puts the process into its groups, maps its ids and lets it run.
    pub fn start(&self, base: u32, group: &Group) -> io::Result<(u64, OwnedFd)> {
        let pid = self.pid;
        group.join_v1(pid)?;
        let map = format!("0 {base} {IDS_PER_SANDBOX}\n");
        fs::write(format!("/proc/{pid}/uid_map"), &map)?;
        fs::write(format!("/proc/{pid}/gid_map"), &map)?;
        fs::write(format!("/proc/{pid}/oom_score_adj"), OOM_SCORE_ADJ)?;
        let userns = File::open(format!("/proc/{pid}/ns/user"))?;
        let start_time = start_time(pid)?;
        send(self.control.as_fd(), &[child::GO])?;
        Ok((start_time, userns.into()))
    }

    /// Waits until the guest runs and waits for a claim.
    pub fn wait_ready(&self) -> io::Result<()> {
        expect(self.control.as_fd(), READY)
    }

    pub fn into_slot(
        mut self,
        (id, index, base): (Id, u32, u32),
        (start_time, userns): (u64, OwnedFd),
        group: Group,
        limits: Limits,
        upper: Upper,
    ) -> io::Result<Slot> {
        let pidfd = self.process.0.take().ok_or(io::ErrorKind::NotFound)?;
        Ok(Slot {
            id,
            index,
            base,
            kind: Kind::Container {
                process: Process {
                    pid: self.pid,
                    start_time,
                    pidfd,
                },
                entry: Entry::Waiting(self.control),
            },
            userns,
            group,
            limits,
            upper: Some(upper),
        })
    }
}

impl Slot {
    /// `None` while a sandbox of gVisor waits for its claim to be started.
    pub fn process(&self) -> Option<&Process> {
        match &self.kind {
            Kind::Container { process, .. } => Some(process),
            Kind::Gvisor(prepared) => prepared.warm.as_ref().map(|warm| &warm.process),
        }
    }

    /// Layers of the root that it has before its claim.
    pub fn layers_ahead(&self) -> Option<&[Id]> {
        match &self.kind {
            Kind::Container { entry, .. } => match entry {
                Entry::Waiting(_) => None,
                Entry::Entered(layers) => Some(layers),
            },
            Kind::Gvisor(prepared) => prepared.warm.as_ref().map(|warm| warm.layers.as_slice()),
        }
    }
}

/// Hands root and spool over to a container and waits until the guest has entered them and is
/// confined.
pub fn enter(
    control: BorrowedFd<'_>,
    overlay: OwnedFd,
    spool: BorrowedFd<'_>,
    volumes: &[BorrowedFd<'_>],
    orders: &Orders<'_>,
) -> io::Result<()> {
    let packet = orders.packet();
    let descriptors = [&[overlay.as_fd(), spool], volumes].concat();
    sys::send_fds(control, &packet, &descriptors)?;
    drop(overlay);
    expect(control, ENTERED)
}

/// One byte from the slot's process; anything else is its report of a failure.
fn expect(control: BorrowedFd<'_>, byte: u8) -> io::Result<()> {
    let mut reply = [0u8; REPORT];
    match receive(control, &mut reply)? {
        1 if reply[0] == byte => Ok(()),
        n => Err(failure(&reply[..n])),
    }
}

fn failure(report: &[u8]) -> io::Error {
    match report {
        [step, errno @ ..] if errno.len() == 4 => {
            let errno = i32::from_ne_bytes([errno[0], errno[1], errno[2], errno[3]]);
            let error = io::Error::from_raw_os_error(errno);
            io::Error::other(format!("{}: {error}", Step::name(*step)))
        }
        _ => io::Error::other("the slot's process ended"),
    }
}

fn send(socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: the buffer is ours.
    check(unsafe {
        libc::send(
            socket.as_raw_fd(),
            bytes.as_ptr().cast(),
            bytes.len(),
            libc::MSG_NOSIGNAL,
        )
    } as _)?;
    Ok(())
}

fn receive(socket: BorrowedFd<'_>, into: &mut [u8]) -> io::Result<usize> {
    /// A slot that takes longer is stuck.
    const LIMIT_MS: i32 = 20_000;
    if !sys::poll_one(socket, libc::POLLIN, LIMIT_MS)? {
        return Err(io::ErrorKind::TimedOut.into());
    }
    // SAFETY: the buffer is ours.
    match check(
        unsafe { libc::recv(socket.as_raw_fd(), into.as_mut_ptr().cast(), into.len(), 0) } as _,
    ) {
        // A process killed with unread data in its socket.
        Err(e) if e.raw_os_error() == Some(libc::ECONNRESET) => Ok(0),
        other => other.map(|n| n as usize),
    }
}

/// Field 22 of /proc/pid/stat. The name in field 2 may hold spaces and parentheses.
pub fn start_time(pid: i32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    stat.rsplit_once(')')
        .and_then(|(_, rest)| rest.split_whitespace().nth(19)?.parse().ok())
        .ok_or_else(|| io::Error::other(format!("/proc/{pid}/stat has no start time")))
}

/// A detached, hardened mount of the slot's directory below the tmpfs of the sockets. The engine
/// owns that tmpfs: links it may have put there are not followed.
pub fn socket_dir(sockets: &Path, slot: Id) -> io::Result<OwnedFd> {
    let parent = fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW)
        .open(sockets)?;
    let name = CString::new(slot.as_str())?;
    let flags = libc::O_PATH | libc::O_NOFOLLOW | libc::O_DIRECTORY;
    let dir = sys::open_at(parent.as_fd(), &name, flags)?;
    let mount = sys::clone_tree(dir.as_fd(), c"")?;
    sys::set_attributes(
        mount.as_fd(),
        libc::MOUNT_ATTR_RDONLY
            | libc::MOUNT_ATTR_NOSUID
            | libc::MOUNT_ATTR_NODEV
            | libc::MOUNT_ATTR_NOEXEC,
        None,
    )?;
    Ok(mount)
}

/// Removes the slot's directory with the engine's socket; that it is gone already is fine.
pub fn remove_socket_dir(sockets: &Path, slot: Id) -> io::Result<()> {
    let dir = sockets.join(slot.as_str());
    // A directory of the engine's: only names of the protocol are removed, links not followed.
    let open = fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW)
        .open(&dir);
    let open = match open {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for name in [c"e", c"w"] {
        // SAFETY: a valid C string; a failure shows at the removal of the directory.
        unsafe { libc::unlinkat(open.as_raw_fd(), name.as_ptr(), 0) };
    }
    fs::remove_dir(&dir)
}

#[cfg(test)]
mod tests {
    use std::ffi::c_void;
    use std::fs::{self, File};
    use std::os::fd::AsRawFd;
    use std::path::PathBuf;

    use super::{CLONE_INTO_CGROUP, Made, clone_noting};

    unsafe extern "C" fn end(_: *const c_void) -> ! {
        // SAFETY: ends the child alone.
        unsafe { libc::_exit(0) }
    }

    /// The kernel leaves the number of a descriptor that it has closed again: it was taken for the
    /// process's, and whatever had that number by then was killed or closed.
    #[test]
    fn a_clone_that_fails_late_leaves_no_descriptor_behind() {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let unified = mounts
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .find(|fields| fields[2] == "cgroup2")
            .map(|fields| PathBuf::from(fields[1]))
            .expect("a mounted cgroup2");
        let dir = unified.join(format!("atoll-clone-{}", std::process::id()));
        fs::create_dir(&dir).unwrap();
        let gone = File::open(&dir).unwrap();
        fs::remove_dir(&dir).unwrap();
        // SAFETY: zero is a valid clone_args.
        let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
        args.flags = (libc::CLONE_PIDFD | libc::CLONE_PARENT_SETTID) as u64 | CLONE_INTO_CGROUP;
        args.exit_signal = libc::SIGCHLD as u64;
        args.cgroup = gone.as_raw_fd() as u64;
        let made = Made::new();
        // SAFETY: the child ends at once.
        let cloned = unsafe { clone_noting(args, end, std::ptr::null(), &made) };
        cloned.unwrap_err();
        assert!(made.take().is_none());
    }
}
