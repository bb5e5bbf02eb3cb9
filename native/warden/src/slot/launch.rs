//! The warden's side of a slot: clone, maps, groups, and the hand-over at the claim.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use seccompiler::BpfProgram;

use super::child::{self, Plan};
use super::sysfs::{self, SysEntry};
use crate::cgroup::{Group, Limits};
use crate::config::IDS_PER_SANDBOX;
use crate::ids::Id;
use crate::mounts::Upper;
use crate::seccomp::{self, Profile};
use crate::sys::{self, check};

/// A sandbox's processes are killed before the host's when memory runs out.
const OOM_SCORE_ADJ: &str = "500";

/// What all slots share, made once.
pub struct Launcher {
    program: OwnedFd,
    standard: BpfProgram,
    extended: BpfProgram,
    sys: Vec<SysEntry>,
    last_capability: i32,
}

/// A prepared slot. Dropping it closes the control socket, upon which the process exits.
pub struct Slot {
    pub id: Id,
    pub index: u32,
    pub base: u32,
    pub pid: i32,
    /// Field 22 of /proc/pid/stat, clock ticks since boot.
    pub start_time: u64,
    pub pidfd: OwnedFd,
    pub userns: OwnedFd,
    pub group: Group,
    /// Limits the groups have now.
    pub limits: Limits,
    /// Disk of the default size; `None` after it was taken.
    pub upper: Option<Upper>,
    pub control: OwnedFd,
}

/// The process of a slot that has been cloned but does not run yet.
pub struct Cloned {
    pub pid: i32,
    pub pidfd: OwnedFd,
    control: OwnedFd,
}

impl Launcher {
    pub fn new(guest: &Path) -> Result<Launcher, String> {
        let explain = |e: io::Error| format!("{}: {e}", guest.display());
        let mut file = File::open(guest).map_err(explain)?;
        let program = sys::sealed_program(&mut file).map_err(explain)?;
        let last =
            fs::read_to_string("/proc/sys/kernel/cap_last_cap").map_err(|e| e.to_string())?;
        Ok(Launcher {
            program,
            standard: seccomp::compile(Profile::Standard)?,
            extended: seccomp::compile(Profile::Extended)?,
            sys: sysfs::entries(),
            last_capability: last
                .trim()
                .parse()
                .map_err(|_| "cap_last_cap is no number")?,
        })
    }

    /// Clones a slot's process into its namespaces and groups; it waits for its id maps.
    pub fn clone(
        &self,
        base: u32,
        netns: BorrowedFd<'_>,
        group: &Group,
        socket_dir: BorrowedFd<'_>,
    ) -> io::Result<Cloned> {
        let (control, theirs) = sys::packet_pair()?;
        let cgroup = group.open_v2()?;
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
            standard: self.standard.as_slice(),
            extended: self.extended.as_slice(),
            sys: self.sys.as_slice(),
            last_capability: self.last_capability,
        };
        let plan = SharedPlan(&plan);
        // A thread of its own, which ends afterwards: it takes on the sandbox's network namespace
        // and user, and nobody has to bring it back.
        let cloned = std::thread::scope(|scope| {
            let worker = std::thread::Builder::new()
                .name("clone".to_owned())
                .spawn_scoped(scope, || plan.clone_as(base, netns, cgroup.as_fd()))?;
            worker
                .join()
                .map_err(|_| io::Error::other("the cloning thread panicked"))?
        });
        let (pid, pidfd) = cloned?;
        Ok(Cloned {
            pid,
            pidfd,
            control,
        })
    }
}

/// Lets the plan, which holds pointers, be seen by the cloning thread.
struct SharedPlan<'a>(&'a Plan);

// SAFETY: the pointers are to data that outlives the scoped thread and is only read.
unsafe impl Sync for SharedPlan<'_> {}

impl SharedPlan<'_> {
    fn clone_as(
        &self,
        base: u32,
        netns: BorrowedFd<'_>,
        cgroup: BorrowedFd<'_>,
    ) -> io::Result<(i32, OwnedFd)> {
        sys::join_namespace(netns, libc::CLONE_NEWNET)?;
        // Both files are the current thread's network namespace's.
        let net = Path::new("/proc/sys/net/ipv4");
        let last = base + IDS_PER_SANDBOX - 1;
        fs::write(net.join("ping_group_range"), format!("{base} {last}"))?;
        fs::write(net.join("ip_unprivileged_port_start"), "0")?;
        // Per-user limits of the kernel (inotify, namespaces) are charged to the creator of the
        // user namespace: as root, all sandboxes would share the host's.
        sys::set_effective_ids(base)?;
        let mut pidfd: RawFd = -1;
        // SAFETY: zero is a valid clone_args.
        let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
        args.flags = (libc::CLONE_NEWUSER
            | libc::CLONE_NEWNS
            | libc::CLONE_NEWPID
            | libc::CLONE_NEWIPC
            | libc::CLONE_NEWUTS
            | libc::CLONE_PIDFD) as u64
            | CLONE_INTO_CGROUP;
        args.exit_signal = libc::SIGCHLD as u64;
        args.pidfd = &raw mut pidfd as u64;
        args.cgroup = cgroup.as_raw_fd() as u64;
        // SAFETY: without CLONE_VM this is a fork; the child calls only `child::run`.
        let pid = check(unsafe {
            libc::syscall(libc::SYS_clone3, &args, size_of::<libc::clone_args>())
        })?;
        if pid == 0 {
            // SAFETY: this is the child of clone3 and the plan is alive in its copy of the memory.
            unsafe { child::run(self.0) }
        }
        // SAFETY: the kernel stored a new descriptor there.
        Ok((pid as i32, unsafe { OwnedFd::from_raw_fd(pidfd) }))
    }
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

    /// Waits until the process has prepared itself.
    pub fn wait_ready(&self) -> io::Result<()> {
        let mut reply = [0u8; 5];
        match receive(self.control.as_fd(), &mut reply)? {
            1 if reply[0] == child::READY => Ok(()),
            n => Err(failure(&reply[..n])),
        }
    }

    pub fn into_slot(
        self,
        (id, index, base): (Id, u32, u32),
        (start_time, userns): (u64, OwnedFd),
        group: Group,
        limits: Limits,
        upper: Upper,
    ) -> Slot {
        Slot {
            id,
            index,
            base,
            pid: self.pid,
            start_time,
            pidfd: self.pidfd,
            userns,
            group,
            limits,
            upper: Some(upper),
            control: self.control,
        }
    }
}

impl Slot {
    /// Hands root and spool over and waits until the guest program has been executed.
    pub fn execute(
        &self,
        overlay: OwnedFd,
        spool: BorrowedFd<'_>,
        profile: Profile,
        hostname: &str,
    ) -> io::Result<()> {
        let mut packet = Vec::with_capacity(child::MAX_CLAIM);
        packet.push(u8::from(profile == Profile::Extended));
        packet.extend_from_slice(hostname.as_bytes());
        sys::send_fds(self.control.as_fd(), &packet, &[overlay.as_fd(), spool])?;
        drop(overlay);
        let mut reply = [0u8; 5];
        // End of file: exec closed the child's end.
        match receive(self.control.as_fd(), &mut reply)? {
            0 if !sys::poll_one(self.pidfd.as_fd(), libc::POLLIN, 0)? => Ok(()),
            n => Err(failure(&reply[..n])),
        }
    }
}

fn failure(report: &[u8]) -> io::Error {
    match report {
        [step, errno @ ..] if errno.len() == 4 => {
            let errno = i32::from_ne_bytes([errno[0], errno[1], errno[2], errno[3]]);
            let error = io::Error::from_raw_os_error(errno);
            io::Error::other(format!("{}: {error}", child::Step::name(*step)))
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
    // SAFETY: a valid C string; a failure shows at the removal of the directory.
    unsafe { libc::unlinkat(open.as_raw_fd(), c"e".as_ptr(), 0) };
    fs::remove_dir(&dir)
}
