//! Thin safe wrappers over the system calls that libc has no function for, or whose libc function
//! would act on all threads (`setresuid`) where one thread is meant.
//!
//! Sources: the kernel's `include/uapi/linux/{mount,sched,loop,fs,capability}.h`.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

const FSCONFIG_SET_FLAG: libc::c_uint = 0;
const FSCONFIG_SET_STRING: libc::c_uint = 1;
const FSCONFIG_SET_FD: libc::c_uint = 5;
const FSCONFIG_CMD_CREATE: libc::c_uint = 6;
const FSOPEN_CLOEXEC: libc::c_uint = 1;
const FSMOUNT_CLOEXEC: libc::c_uint = 1;
const OPEN_TREE_CLOEXEC: libc::c_uint = libc::O_CLOEXEC as libc::c_uint;

pub fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

fn owned(result: libc::c_long) -> io::Result<OwnedFd> {
    let fd = check(result)?;
    // SAFETY: the kernel has just made this descriptor for us, nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// A file system being configured (`fsopen`); the mount it becomes is detached.
pub struct FsContext(OwnedFd);

impl FsContext {
    pub fn open(kind: &CStr) -> io::Result<FsContext> {
        // SAFETY: `kind` is a valid C string.
        owned(unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), FSOPEN_CLOEXEC) })
            .map(FsContext)
    }

    pub fn flag(&self, key: &CStr) -> io::Result<()> {
        self.config(FSCONFIG_SET_FLAG, Some(key), None, 0)
    }

    pub fn string(&self, key: &CStr, value: &CStr) -> io::Result<()> {
        self.config(FSCONFIG_SET_STRING, Some(key), Some(value), 0)
    }

    pub fn fd(&self, key: &CStr, value: BorrowedFd<'_>) -> io::Result<()> {
        self.config(FSCONFIG_SET_FD, Some(key), None, value.as_raw_fd())
    }

    /// Creates the superblock and returns a detached mount with the `MOUNT_ATTR_*` given.
    pub fn mount(self, attributes: u64) -> io::Result<OwnedFd> {
        self.config(FSCONFIG_CMD_CREATE, None, None, 0)
            .map_err(|e| self.explain(e))?;
        // SAFETY: plain integers.
        owned(unsafe {
            libc::syscall(
                libc::SYS_fsmount,
                self.0.as_raw_fd(),
                FSMOUNT_CLOEXEC,
                attributes as libc::c_uint,
            )
        })
    }

    fn config(
        &self,
        command: libc::c_uint,
        key: Option<&CStr>,
        value: Option<&CStr>,
        aux: libc::c_int,
    ) -> io::Result<()> {
        let pointer = |s: Option<&CStr>| s.map_or(std::ptr::null(), CStr::as_ptr);
        // SAFETY: both pointers are null or valid C strings for the time of the call.
        check(unsafe {
            libc::syscall(
                libc::SYS_fsconfig,
                self.0.as_raw_fd(),
                command,
                pointer(key),
                pointer(value),
                aux,
            )
        })?;
        Ok(())
    }

    /// The kernel leaves the reason of a refusal as text on the context's descriptor.
    fn explain(&self, error: io::Error) -> io::Error {
        let mut text = [0u8; 512];
        // SAFETY: the buffer is ours and its length is given.
        let n = unsafe { libc::read(self.0.as_raw_fd(), text.as_mut_ptr().cast(), text.len()) };
        if n <= 0 {
            return error;
        }
        let said = String::from_utf8_lossy(&text[..n as usize]);
        io::Error::new(error.kind(), format!("{error}: {}", said.trim()))
    }
}

/// Clones the mount at `path` below `dir` (not what is mounted below it) as a detached mount.
pub fn clone_tree(dir: BorrowedFd<'_>, path: &CStr) -> io::Result<OwnedFd> {
    let empty = if path.is_empty() {
        libc::AT_EMPTY_PATH as libc::c_uint
    } else {
        0
    };
    // SAFETY: `path` is a valid C string.
    owned(unsafe {
        libc::syscall(
            libc::SYS_open_tree,
            dir.as_raw_fd(),
            path.as_ptr(),
            libc::OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | empty,
        )
    })
}

/// Sets attributes of a detached mount; with `userns` also its id mapping.
pub fn set_attributes(
    mount: BorrowedFd<'_>,
    attributes: u64,
    userns: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let attr = libc::mount_attr {
        attr_set: attributes
            | if userns.is_some() {
                libc::MOUNT_ATTR_IDMAP
            } else {
                0
            },
        attr_clr: 0,
        propagation: 0,
        userns_fd: userns.map_or(0, |fd| fd.as_raw_fd() as u64),
    };
    // SAFETY: `attr` lives through the call and its size is given.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &attr,
            size_of::<libc::mount_attr>(),
        )
    })?;
    Ok(())
}

/// Attaches a detached mount at an absolute path.
pub fn attach(mount: BorrowedFd<'_>, path: &CStr) -> io::Result<()> {
    // SAFETY: both strings are valid.
    check(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::MOVE_MOUNT_F_EMPTY_PATH,
        )
    })?;
    Ok(())
}

pub fn unmount(path: &CStr, flags: libc::c_int) -> io::Result<()> {
    // SAFETY: `path` is a valid C string.
    check(unsafe { libc::umount2(path.as_ptr(), flags) }.into())?;
    Ok(())
}

/// Opens `path` below `dir`.
pub fn open_at(dir: BorrowedFd<'_>, path: &CStr, flags: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: `path` is a valid C string; no mode is needed as nothing is created.
    owned(unsafe { libc::openat(dir.as_raw_fd(), path.as_ptr(), flags | libc::O_CLOEXEC) }.into())
}

/// Opens the directory that is the entry `name` of `dir`: no link, nothing mounted over it.
pub fn open_plain(dir: BorrowedFd<'_>, name: &CStr) -> io::Result<OwnedFd> {
    // SAFETY: zero is a valid value of this plain structure.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    how.flags = (libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC) as u64;
    how.resolve = libc::RESOLVE_BENEATH
        | libc::RESOLVE_NO_SYMLINKS
        | libc::RESOLVE_NO_MAGICLINKS
        | libc::RESOLVE_NO_XDEV;
    // SAFETY: `name` and `how` live through the call and the size is given.
    owned(unsafe {
        libc::syscall(
            libc::SYS_openat2,
            dir.as_raw_fd(),
            name.as_ptr(),
            &how,
            size_of::<libc::open_how>(),
        )
    })
}

/// Makes the directory `name` in `dir` with exactly this mode.
pub fn make_directory(dir: BorrowedFd<'_>, name: &CStr, mode: u32) -> io::Result<()> {
    // SAFETY: `name` is a valid C string.
    check(unsafe { libc::mkdirat(dir.as_raw_fd(), name.as_ptr(), mode) }.into())?;
    change_mode(dir, name, mode)
}

/// Sets the mode of the directory `name` in `dir`; a link there is not followed.
pub fn change_mode(dir: BorrowedFd<'_>, name: &CStr, mode: u32) -> io::Result<()> {
    let directory = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW;
    let directory = open_at(dir, name, directory)?;
    // SAFETY: plain integers.
    check(unsafe { libc::fchmod(directory.as_raw_fd(), mode) }.into())?;
    Ok(())
}

/// Flushes the file system of a mount.
pub fn sync_fs(mount: BorrowedFd<'_>) -> io::Result<()> {
    // The descriptor of a detached mount is only a path.
    let root = open_at(mount, c".", libc::O_RDONLY | libc::O_DIRECTORY)?;
    // SAFETY: plain integer.
    check(unsafe { libc::syncfs(root.as_raw_fd()) }.into())?;
    Ok(())
}

/// Joins a namespace with the calling thread only.
pub fn join_namespace(fd: BorrowedFd<'_>, kind: libc::c_int) -> io::Result<()> {
    // SAFETY: plain integers.
    check(unsafe { libc::setns(fd.as_raw_fd(), kind) }.into())?;
    Ok(())
}

pub fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: plain integers.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })
}

/// Waits until `fd` shows one of `events`, or `timeout_ms` are over (`false`).
pub fn poll_one(fd: BorrowedFd<'_>, events: i16, timeout_ms: i32) -> io::Result<bool> {
    let mut poll = libc::pollfd {
        fd: fd.as_raw_fd(),
        events,
        revents: 0,
    };
    // SAFETY: one pollfd, ours.
    match check(unsafe { libc::poll(&mut poll, 1, timeout_ms) }.into()) {
        Ok(n) => Ok(n > 0),
        Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(false),
        Err(e) => Err(e),
    }
}

/// Exit status of an ended child in the encoding of `wait(2)`, which is reaped. `None` when the
/// process is not a child of ours or still runs.
pub fn reap(pidfd: BorrowedFd<'_>) -> Option<i32> {
    // SAFETY: an all-zero siginfo_t is a valid value of that plain C structure.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: `info` lives through the call.
    let result = unsafe {
        libc::waitid(
            libc::P_PIDFD,
            pidfd.as_raw_fd() as libc::id_t,
            &mut info,
            libc::WEXITED | libc::WNOHANG,
        )
    };
    // SAFETY: waitid filled the SIGCHLD part of the union, or left the zeroes.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    if result != 0 || pid == 0 {
        return None;
    }
    Some(if info.si_code == libc::CLD_EXITED {
        (status & 0xff) << 8
    } else {
        status & 0x7f
    })
}

#[repr(C)]
struct CapHeader {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct CapData {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

const CAPABILITY_VERSION_3: u32 = 0x2008_0522;

/// Sets effective and permitted of the calling thread to the same set, inheritable to none.
pub fn set_capabilities(set: u64) -> io::Result<()> {
    let half = |shift: u32| CapData {
        effective: (set >> shift) as u32,
        permitted: (set >> shift) as u32,
        inheritable: 0,
    };
    let header = CapHeader {
        version: CAPABILITY_VERSION_3,
        pid: 0,
    };
    let data = [half(0), half(32)];
    // SAFETY: version 3 takes a header and two data structures, all ours.
    check(unsafe { libc::syscall(libc::SYS_capset, &header, data.as_ptr()) })?;
    Ok(())
}

/// Permitted capabilities of the calling thread.
pub fn permitted_capabilities() -> io::Result<u64> {
    let header = CapHeader {
        version: CAPABILITY_VERSION_3,
        pid: 0,
    };
    let mut data = [CapData {
        effective: 0,
        permitted: 0,
        inheritable: 0,
    }; 2];
    // SAFETY: version 3 takes a header and two data structures, all ours.
    check(unsafe { libc::syscall(libc::SYS_capget, &header, data.as_mut_ptr()) })?;
    Ok(u64::from(data[0].permitted) | u64::from(data[1].permitted) << 32)
}

/// Sets the effective user and group of the calling thread only and keeps its capabilities.
pub fn set_effective_ids(id: u32) -> io::Result<()> {
    let capabilities = permitted_capabilities()?;
    let keep = u32::MAX;
    // SAFETY: plain integers; the raw system calls act on this thread alone.
    check(unsafe { libc::syscall(libc::SYS_setresgid, keep, id, keep) })?;
    // SAFETY: as above.
    check(unsafe { libc::syscall(libc::SYS_setresuid, keep, id, keep) })?;
    set_capabilities(capabilities)
}

/// Runs `work` with the file system user and group `id` and all capabilities. When the thread
/// cannot be turned back the process ends: it must not go on with a sandbox's ids.
pub fn with_fs_ids<T>(id: u32, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let capabilities = permitted_capabilities()?;
    // SAFETY: plain integers; these calls act on the calling thread and cannot fail for root.
    unsafe {
        libc::setfsgid(id);
        libc::setfsuid(id);
    }
    let result = set_capabilities(capabilities).and_then(|()| work());
    // SAFETY: as above.
    unsafe {
        libc::setfsuid(0);
        libc::setfsgid(0);
    }
    // SAFETY: an invalid id changes nothing and returns the current value.
    let now = unsafe { libc::setfsuid(u32::MAX) };
    if now != 0 || set_capabilities(capabilities).is_err() {
        eprintln!("warden: a thread is stuck with file system user {now}");
        std::process::abort();
    }
    result
}

/// FICLONE: `to` becomes a copy of `from` that shares its extents.
pub fn reflink(from: &File, to: &File) -> io::Result<()> {
    const FICLONE: libc::c_ulong = 0x4004_9409;
    // SAFETY: FICLONE takes a descriptor as its argument.
    check(unsafe { libc::ioctl(to.as_raw_fd(), FICLONE as _, from.as_raw_fd()) }.into())?;
    Ok(())
}

/// A read-only, sealed, executable copy of `program` in memory. Mode 0111: the kernel makes a
/// process that executes a file it cannot read undumpable and owned by the file's user namespace,
/// so that root of a sandbox cannot trace or read its PID 1 (`would_dump` in fs/exec.c).
pub fn sealed_program(program: &mut File) -> io::Result<OwnedFd> {
    const MFD_EXEC: libc::c_uint = 0x10;
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: the name is a valid C string.
    let mut fd = unsafe { libc::memfd_create(c"atoll-guest".as_ptr(), flags | MFD_EXEC) };
    if fd < 0 {
        // Kernels before 6.3 do not know MFD_EXEC and make memfds executable anyway.
        // SAFETY: as above.
        fd = unsafe { libc::memfd_create(c"atoll-guest".as_ptr(), flags) };
    }
    let fd = owned(fd.into())?;
    let mut copy = File::from(fd);
    io::copy(program, &mut copy)?;
    let seals = libc::F_SEAL_WRITE | libc::F_SEAL_GROW | libc::F_SEAL_SHRINK | libc::F_SEAL_SEAL;
    // SAFETY: plain integers.
    check(unsafe { libc::fchmod(copy.as_raw_fd(), 0o111) }.into())?;
    // SAFETY: plain integers.
    check(unsafe { libc::fcntl(copy.as_raw_fd(), libc::F_ADD_SEALS, seals) }.into())?;
    Ok(copy.into())
}

/// User and process of the peer of a unix socket.
pub fn peer(socket: BorrowedFd<'_>) -> io::Result<libc::ucred> {
    let mut cred = libc::ucred {
        pid: 0,
        uid: 0,
        gid: 0,
    };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `cred` and `length` are ours and match.
    check(
        unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERCRED,
                (&raw mut cred).cast(),
                &mut length,
            )
        }
        .into(),
    )?;
    Ok(cred)
}

/// A pair of connected sequential-packet sockets, both closed on exec.
pub fn packet_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [0; 2];
    // SAFETY: room for two descriptors.
    check(
        unsafe {
            libc::socketpair(
                libc::AF_UNIX,
                libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC,
                0,
                fds.as_mut_ptr(),
            )
        }
        .into(),
    )?;
    // SAFETY: both have just been made for us.
    Ok(unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) })
}

/// Most descriptors one message of [`send_fds`] carries.
pub const MAX_FDS: usize = 2 + atoll_entry::MAX_VOLUMES;

/// One packet with descriptors.
pub fn send_fds(socket: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    assert!(fds.len() <= MAX_FDS);
    // A header and the descriptors, rounded up.
    let mut control = [0u64; 2 + MAX_FDS.div_ceil(2)];
    let mut vector = libc::iovec {
        iov_base: bytes.as_ptr() as *mut _,
        iov_len: bytes.len(),
    };
    // SAFETY: zero is a valid msghdr.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &mut vector;
    message.msg_iovlen = 1;
    let payload = size_of_val(fds) as libc::c_uint;
    message.msg_control = control.as_mut_ptr().cast();
    // SAFETY: CMSG_SPACE is arithmetic.
    message.msg_controllen = unsafe { libc::CMSG_SPACE(payload) } as _;
    // SAFETY: the control buffer is aligned and holds CMSG_SPACE of MAX_FDS descriptors.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(payload) as _;
        for (i, fd) in fds.iter().enumerate() {
            libc::CMSG_DATA(header)
                .cast::<RawFd>()
                .add(i)
                .write_unaligned(fd.as_raw_fd());
        }
    }
    // SAFETY: `message` points to live buffers.
    check(unsafe { libc::sendmsg(socket.as_raw_fd(), &message, libc::MSG_NOSIGNAL) } as _)?;
    Ok(())
}

/// `struct statvfs` of the file system that holds `path`: (total, available) bytes.
pub fn space(path: &CStr) -> io::Result<(u64, u64)> {
    // SAFETY: zero is a valid statvfs.
    let mut stat: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` and `stat` are valid.
    check(unsafe { libc::statvfs(path.as_ptr(), &mut stat) }.into())?;
    Ok((stat.f_blocks * stat.f_frsize, stat.f_bavail * stat.f_frsize))
}

/// Extents of a file, after flushing it (FS_IOC_FIEMAP with no room for the extents themselves).
pub fn extents(file: &File) -> io::Result<u64> {
    #[repr(C)]
    #[derive(Default)]
    struct Fiemap {
        start: u64,
        length: u64,
        flags: u32,
        mapped: u32,
        count: u32,
        reserved: u32,
    }
    const FS_IOC_FIEMAP: libc::c_ulong = 0xC020_660B;
    let mut map = Fiemap {
        length: u64::MAX,
        ..Fiemap::default()
    };
    // SAFETY: `map` is a fiemap with extent_count 0, so nothing is written behind it.
    check(unsafe { libc::ioctl(file.as_raw_fd(), FS_IOC_FIEMAP as _, &mut map) }.into())?;
    Ok(map.mapped.into())
}

/// Kills the process; that it has ended already is fine.
pub fn pidfd_kill(process: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: plain integers and a null pointer.
    let sent = check(unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            process.as_raw_fd(),
            libc::SIGKILL,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        )
    });
    match sent {
        Err(e) if e.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        other => other.map(drop),
    }
}
