//! What the guest does at the claim.

use std::ffi::{CStr, CString, OsStr, c_long};
use std::fs::DirBuilder;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::process;
use std::ptr::null;

use crate::orders::{MAX_PACKET, MAX_VOLUMES, Orders};
use crate::step::{Failed, Step};
use crate::{ENTERED, READY, stage};

/// The process of a slot that nobody has claimed. Belongs to the one thread that it must still be:
/// filter and capabilities are a thread's own, and later threads inherit them.
pub struct Slot {
    control: OwnedFd,
}

impl Slot {
    /// Over the control socket that the process was started with.
    pub fn new(control: OwnedFd) -> Slot {
        Slot { control }
    }

    /// Tells that the process is ready, waits for the claim without a bound of time, and carries it
    /// out. Returns the directory of the spool; root and working directory are then the sandbox's.
    ///
    /// The process exits with 0 when the slot is given up and with 127 when a step fails, of which
    /// the warden is told.
    pub fn enter(self) -> OwnedFd {
        self.tell(&[READY]);
        let entered = self.receive().and_then(|claim| {
            let orders = Orders::parse(&claim.packet).ok_or(Failed(Step::Claim, libc::EPROTO))?;
            enter_root(claim.overlay)?;
            mount_volumes(&orders, claim.volumes)?;
            set_hostname(orders.hostname)?;
            confine(&orders)?;
            Ok(claim.spool)
        });
        match entered {
            Ok(spool) => {
                self.tell(&[ENTERED]);
                spool
            }
            Err(failed) => {
                self.tell(&failed.report());
                process::exit(127)
            }
        }
    }

    fn tell(&self, bytes: &[u8]) {
        // A warden that is gone has left the claim half-made: this process is killed by the next.
        // SAFETY: the buffer is ours.
        unsafe {
            libc::send(
                self.control.as_raw_fd(),
                bytes.as_ptr().cast(),
                bytes.len(),
                libc::MSG_NOSIGNAL,
            )
        };
    }

    fn receive(&self) -> Result<Claim, Failed> {
        let mut packet = vec![0u8; MAX_PACKET];
        // A header and the descriptors, rounded up.
        let mut control = [0u64; 2 + (FIRST + MAX_VOLUMES).div_ceil(2)];
        // SAFETY: the buffers outlive the call; the control message is checked before it is read.
        unsafe {
            let mut vector = libc::iovec {
                iov_base: packet.as_mut_ptr().cast(),
                iov_len: packet.len(),
            };
            let mut message: libc::msghdr = std::mem::zeroed();
            message.msg_iov = &mut vector;
            message.msg_iovlen = 1;
            message.msg_control = control.as_mut_ptr().cast();
            message.msg_controllen = size_of_val(&control) as _;
            let n = loop {
                let flags = libc::MSG_CMSG_CLOEXEC;
                let n = libc::recvmsg(self.control.as_raw_fd(), &mut message, flags);
                if n >= 0 || *libc::__errno_location() != libc::EINTR {
                    break n;
                }
            };
            if n == 0 {
                process::exit(0);
            }
            done(Step::Claim, n as c_long)?;
            let header = libc::CMSG_FIRSTHDR(&message);
            if header.is_null() || (*header).cmsg_type != libc::SCM_RIGHTS {
                return Err(Failed(Step::Claim, libc::EPROTO));
            }
            let bytes = (*header).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
            let fds = libc::CMSG_DATA(header).cast::<RawFd>();
            let mut all = (0..bytes / size_of::<RawFd>())
                .map(|number| OwnedFd::from_raw_fd(fds.add(number).read_unaligned()));
            let (Some(overlay), Some(spool)) = (all.next(), all.next()) else {
                return Err(Failed(Step::Claim, libc::EPROTO));
            };
            packet.truncate(n as usize);
            Ok(Claim {
                overlay,
                spool,
                volumes: all.collect(),
                packet,
            })
        }
    }
}

/// Descriptors of a claim before those of its volumes: overlay and spool.
const FIRST: usize = 2;

struct Claim {
    /// Detached mount.
    overlay: OwnedFd,
    spool: OwnedFd,
    /// Detached mounts.
    volumes: Vec<OwnedFd>,
    packet: Vec<u8>,
}

fn done(step: Step, result: c_long) -> Result<(), Failed> {
    if result < 0 {
        return Err(Failed::now(step));
    }
    Ok(())
}

/// The mount points of a root. A layer may lack them or hold something else under their names; a
/// symlink there would lead the mount elsewhere below the root, never out of it, since after the
/// pivot nothing else is left.
const MOUNT_POINTS: [(&CStr, &CStr); 3] = [
    (stage::PROC, c"root/proc"),
    (stage::DEV, c"root/dev"),
    (stage::SYS, c"root/sys"),
];

fn enter_root(overlay: OwnedFd) -> Result<(), Failed> {
    // SAFETY: a descriptor of ours and valid C strings.
    done(Step::Root, unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            overlay.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            stage::ROOT.as_ptr(),
            libc::MOVE_MOUNT_F_EMPTY_PATH,
        )
    })?;
    drop(overlay);
    for (source, target) in MOUNT_POINTS {
        plain_dir(target, 0o755)?;
        move_mount(source, target)?;
    }
    plain_dir(c"root/run", 0o755)?;
    plain_dir(c"root/run/.atoll", 0o700)?;
    move_mount(stage::SOCKETS, c"root/run/.atoll")?;
    let here = c".".as_ptr();
    // SAFETY: valid C strings.
    unsafe {
        done(Step::Pivot, libc::chdir(stage::ROOT.as_ptr()).into())?;
        done(Step::Pivot, libc::syscall(libc::SYS_pivot_root, here, here))?;
        done(Step::Pivot, libc::umount2(here, libc::MNT_DETACH).into())?;
        done(Step::Pivot, libc::chdir(c"/".as_ptr()).into())
    }
}

/// Only the sandbox's own tree is left: what its files make of a path leads nowhere else.
fn mount_volumes(orders: &Orders<'_>, mounts: Vec<OwnedFd>) -> Result<(), Failed> {
    if orders.volumes.len() != mounts.len() {
        return Err(Failed(Step::Claim, libc::EPROTO));
    }
    for (path, mount) in orders.volumes.iter().zip(mounts) {
        let path = OsStr::from_bytes(path);
        let errno = |e: io::Error| Failed(Step::Volume, e.raw_os_error().unwrap_or(libc::EIO));
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(path)
            .map_err(errno)?;
        let path = CString::new(path.as_bytes()).map_err(|_| Failed(Step::Volume, libc::EINVAL))?;
        // SAFETY: a descriptor of ours and valid C strings.
        done(Step::Volume, unsafe {
            libc::syscall(
                libc::SYS_move_mount,
                mount.as_raw_fd(),
                c"".as_ptr(),
                libc::AT_FDCWD,
                path.as_ptr(),
                libc::MOVE_MOUNT_F_EMPTY_PATH,
            )
        })?;
    }
    Ok(())
}

fn move_mount(source: &CStr, target: &CStr) -> Result<(), Failed> {
    let (kind, data) = (c"".as_ptr(), null());
    // SAFETY: valid C strings.
    done(Step::Root, unsafe {
        libc::mount(source.as_ptr(), target.as_ptr(), kind, libc::MS_MOVE, data).into()
    })
}

/// Makes sure that a real directory is at `path`, whose parent is one: what else a layer put there
/// is removed when it is a file or a link. Mounting follows links, also out of the sandbox's root,
/// as the old root is still there.
fn plain_dir(path: &CStr, mode: libc::mode_t) -> Result<(), Failed> {
    // SAFETY: a valid C string; `stat` is plain data.
    unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        if libc::lstat(path.as_ptr(), &mut stat) == 0 {
            if stat.st_mode & libc::S_IFMT == libc::S_IFDIR {
                return Ok(());
            }
            done(Step::Root, libc::unlink(path.as_ptr()).into())?;
        }
        done(Step::Root, libc::mkdir(path.as_ptr(), mode).into())
    }
}

fn set_hostname(name: &[u8]) -> Result<(), Failed> {
    // SAFETY: the buffer is ours.
    done(Step::Hostname, unsafe {
        libc::sethostname(name.as_ptr().cast(), name.len()).into()
    })
}

/// Filter first: installing it without "no new privileges" needs CAP_SYS_ADMIN.
fn confine(orders: &Orders<'_>) -> Result<(), Failed> {
    let instructions = orders.instructions();
    let program = libc::sock_fprog {
        len: instructions.len() as u16,
        filter: instructions.as_ptr().cast_mut(),
    };
    // SAFETY: the program is valid for the call.
    done(Step::Filter, unsafe {
        let mode = libc::SECCOMP_SET_MODE_FILTER;
        libc::syscall(libc::SYS_seccomp, mode, 0, &program)
    })?;
    for capability in 0..u64::BITS {
        if orders.capabilities & (1 << capability) == 0 {
            // SAFETY: plain integers.
            let dropped = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
            match done(Step::Capabilities, dropped.into()) {
                // The kernel has none of this number, nor of any higher one.
                Err(Failed(_, libc::EINVAL)) => break,
                other => other?,
            }
        }
    }
    set_capabilities(orders.capabilities)
}

#[repr(C)]
struct CapHeader {
    version: u32,
    pid: i32,
}

#[repr(C)]
struct CapData {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Effective and permitted become the set, inheritable nothing.
fn set_capabilities(set: u64) -> Result<(), Failed> {
    const VERSION_3: u32 = 0x2008_0522;
    let half = |shift: u32| CapData {
        effective: (set >> shift) as u32,
        permitted: (set >> shift) as u32,
        inheritable: 0,
    };
    let header = CapHeader {
        version: VERSION_3,
        pid: 0,
    };
    let data = [half(0), half(32)];
    // SAFETY: version 3 takes a header and two data structures, all ours.
    done(Step::Capabilities, unsafe {
        libc::syscall(libc::SYS_capset, &header, data.as_ptr())
    })
}
