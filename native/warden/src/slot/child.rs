//! What a slot's process does between clone and exec.
//!
//! The process shares the memory of a many-threaded program until it executes the guest: its own
//! descriptors, signal handlers and namespaces, but the warden's heap. So nothing here allocates,
//! formats, locks, panics or writes to anything but its stack and errno; everything it needs was made
//! before the clone and lies in [`Plan`].
//!
//! Order (the reasons are in the reference of each step):
//!   1. close every descriptor but the plan's, tell that it is there
//!   2. wait for the id maps, become root of the user namespace
//!   3. a tmpfs as the work place: proc, dev, sys, the socket's directory
//!   4. execute the guest, which goes on as `atoll_entry` tells: ready, claim, root, confinement
//!
//! A step that fails is told as (step, errno) on the control socket.

use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::os::fd::RawFd;
use std::ptr::null;

use atoll_entry::{Failed, Step, stage};

use super::sysfs::SysEntry;

/// Everything the child needs.
pub struct Plan {
    /// Sequential-packet socket to the warden.
    pub control: RawFd,
    /// The guest program.
    pub program: RawFd,
    /// Detached mount of the directory with the engine's socket.
    pub socket_dir: RawFd,
    /// The three above in ascending order.
    pub kept: [RawFd; 3],
    pub sys: *const [SysEntry],
}

/// Byte the process sends first.
pub const HERE: u8 = b'h';
/// Byte the warden sends when the id maps are written.
pub const GO: u8 = b'g';
/// Where the work place is mounted: a directory every Linux has and every user may enter, which
/// the kernel checks with the sandbox's ids. Only the child's own namespace sees it.
const STAGE: &CStr = c"/tmp";

/// Runs in the child; never returns.
///
/// # Safety
/// Call only right after `clone3` in the child, with a [`Plan`] whose pointers are valid.
pub unsafe extern "C" fn run(plan: *const c_void) -> ! {
    // SAFETY: the contract of this function; all calls below are plain system calls.
    unsafe {
        let plan = &*plan.cast::<Plan>();
        fail(plan.control, steps(plan))
    }
}

/// Tells the warden and exits.
unsafe fn fail(control: RawFd, failed: Failed) -> ! {
    let report = failed.report();
    // SAFETY: the buffer is ours.
    unsafe {
        libc::send(
            control,
            report.as_ptr().cast(),
            report.len(),
            libc::MSG_NOSIGNAL,
        );
        libc::_exit(127)
    }
}

fn errno() -> c_int {
    // SAFETY: the location of this thread's errno.
    unsafe { *libc::__errno_location() }
}

fn ok(step: Step, result: c_long) -> Result<c_long, Failed> {
    if result < 0 {
        Err(Failed::now(step))
    } else {
        Ok(result)
    }
}

unsafe fn steps(plan: &Plan) -> Failed {
    // SAFETY: as `run`.
    match unsafe { try_steps(plan) } {
        Ok(never) => match never {},
        Err(failed) => failed,
    }
}

enum Never {}

unsafe fn try_steps(plan: &Plan) -> Result<Never, Failed> {
    // SAFETY: as `run`.
    unsafe {
        reset_signals();
        close_others(plan)?;
        let here = [HERE];
        let sent = libc::send(plan.control, here.as_ptr().cast(), 1, libc::MSG_NOSIGNAL);
        ok(Step::Go, sent as c_long)?;
        let mut byte = [0u8; 1];
        receive_exactly(plan.control, &mut byte, Step::Go)?;
        become_root()?;
        prepare_stage(plan)?;
        execute(plan)
    }
}

/// Rust ignores SIGPIPE and the warden blocks signals; both survive exec.
unsafe fn reset_signals() {
    // SAFETY: plain signal calls of this process.
    unsafe {
        // The raw call, as libc's refuses the two it uses itself; zero is SIG_DFL without flags.
        let default = [0usize; 4];
        for signal in 1..=64 {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                null::<u8>(),
                8,
            );
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
        libc::umask(0);
        libc::setsid();
    }
}

/// A copy of another sandbox's mount or control socket would keep that sandbox from ending.
/// Standard input, output and error become /dev/null of the host until exec.
unsafe fn close_others(plan: &Plan) -> Result<(), Failed> {
    // SAFETY: only descriptor numbers.
    unsafe {
        let null_device = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
        ok(Step::Descriptors, null_device.into())?;
        for standard in 0..3 {
            ok(Step::Descriptors, libc::dup2(null_device, standard).into())?;
        }
        let mut from: c_int = 3;
        for kept in plan.kept {
            if kept > from {
                ok(Step::Descriptors, close_range(from, kept - 1))?;
            }
            from = kept + 1;
        }
        ok(Step::Descriptors, close_range(from, c_int::MAX))?;
    }
    Ok(())
}

unsafe fn close_range(first: c_int, last: c_int) -> c_long {
    // SAFETY: only descriptor numbers.
    unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) }
}

/// One packet that must have exactly this length. End of file means that the warden let go of the
/// slot: exit in silence.
unsafe fn receive_exactly(socket: RawFd, into: &mut [u8], step: Step) -> Result<(), Failed> {
    // SAFETY: the buffer is ours.
    unsafe {
        let n = loop {
            let n = libc::recv(socket, into.as_mut_ptr().cast(), into.len(), 0);
            if n >= 0 || errno() != libc::EINTR {
                break n;
            }
        };
        if n == 0 {
            libc::_exit(0);
        }
        ok(step, n as c_long)?;
    }
    Ok(())
}

unsafe fn become_root() -> Result<(), Failed> {
    // SAFETY: plain integers; raw calls, as libc's would signal threads that this copy has not.
    unsafe {
        ok(
            Step::Ids,
            libc::syscall(libc::SYS_setgroups, 0, null::<libc::gid_t>()),
        )?;
        ok(Step::Ids, libc::syscall(libc::SYS_setresgid, 0, 0, 0))?;
        ok(Step::Ids, libc::syscall(libc::SYS_setresuid, 0, 0, 0))?;
        // After the process joined its groups, so that they are the roots of the namespace.
        ok(
            Step::CgroupNamespace,
            libc::unshare(libc::CLONE_NEWCGROUP).into(),
        )?;
    }
    Ok(())
}

unsafe fn mount(
    step: Step,
    source: &CStr,
    target: &CStr,
    kind: &CStr,
    flags: libc::c_ulong,
    data: &CStr,
) -> Result<(), Failed> {
    // SAFETY: all are valid C strings.
    let result = unsafe {
        libc::mount(
            source.as_ptr(),
            target.as_ptr(),
            kind.as_ptr(),
            flags,
            data.as_ptr().cast(),
        )
    };
    ok(step, result.into()).map(drop)
}

unsafe fn make_dir(step: Step, path: &CStr, mode: libc::mode_t) -> Result<(), Failed> {
    // SAFETY: a valid C string.
    ok(step, unsafe { libc::mkdir(path.as_ptr(), mode) }.into()).map(drop)
}

unsafe fn attach(step: Step, fd: RawFd, target: &CStr) -> Result<(), Failed> {
    // SAFETY: valid C strings.
    ok(step, unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            fd,
            c"".as_ptr(),
            libc::AT_FDCWD,
            target.as_ptr(),
            libc::MOVE_MOUNT_F_EMPTY_PATH,
        )
    })
    .map(drop)
}

const HARDENED: libc::c_ulong = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;

/// Devices bound from the host's /dev: a user namespace can make none of its own.
const DEVICES: [(&CStr, &CStr); 6] = [
    (c"/dev/null", c"dev/null"),
    (c"/dev/zero", c"dev/zero"),
    (c"/dev/full", c"dev/full"),
    (c"/dev/random", c"dev/random"),
    (c"/dev/urandom", c"dev/urandom"),
    (c"/dev/tty", c"dev/tty"),
];

const DEV_LINKS: [(&CStr, &CStr); 5] = [
    (c"/proc/self/fd", c"dev/fd"),
    (c"/proc/self/fd/0", c"dev/stdin"),
    (c"/proc/self/fd/1", c"dev/stdout"),
    (c"/proc/self/fd/2", c"dev/stderr"),
    (c"pts/ptmx", c"dev/ptmx"),
];

/// Files of /proc that tell about the host; not every kernel has all of them.
const HIDDEN_FILES: [&CStr; 11] = [
    c"proc/cmdline",
    c"proc/diskstats",
    c"proc/partitions",
    c"proc/interrupts",
    c"proc/kallsyms",
    c"proc/kcore",
    c"proc/keys",
    c"proc/key-users",
    c"proc/timer_list",
    c"proc/latency_stats",
    c"proc/sched_debug",
];
const HIDDEN_DIRS: [&CStr; 3] = [c"proc/acpi", c"proc/scsi", c"proc/asound"];
const READ_ONLY: [&CStr; 5] = [
    c"proc/bus",
    c"proc/fs",
    c"proc/irq",
    c"proc/sys",
    c"proc/sysrq-trigger",
];

unsafe fn prepare_stage(plan: &Plan) -> Result<(), Failed> {
    // SAFETY: plain mount calls on paths of this process's own mount namespace.
    unsafe {
        let private = libc::MS_REC | libc::MS_PRIVATE;
        mount(Step::Private, c"", c"/", c"", private, c"")?;
        mount(
            Step::Stage,
            c"tmpfs",
            STAGE,
            c"tmpfs",
            HARDENED,
            c"mode=755,size=1m",
        )?;
        ok(Step::Stage, libc::chdir(STAGE.as_ptr()).into())?;
        let places = [
            stage::PROC,
            stage::DEV,
            stage::SYS,
            stage::SOCKETS,
            stage::ROOT,
        ];
        for dir in places {
            make_dir(Step::Stage, dir, 0o755)?;
        }
        mount(Step::Proc, c"proc", stage::PROC, c"proc", HARDENED, c"")?;
        make_dev()?;
        make_sys(&*plan.sys)?;
        // Only root of the sandbox gets past the upper directory, so that only its PID 1 dials.
        let tiny = c"mode=700,size=4k,nr_inodes=4";
        mount(
            Step::Sockets,
            c"tmpfs",
            stage::SOCKETS,
            c"tmpfs",
            HARDENED,
            tiny,
        )?;
        make_dir(Step::Sockets, c"atoll/d", 0o700)?;
        attach(Step::Sockets, plan.socket_dir, c"atoll/d")?;
        libc::close(plan.socket_dir);
        mask_proc()
    }
}

unsafe fn make_dev() -> Result<(), Failed> {
    // SAFETY: as `prepare_stage`.
    unsafe {
        let options = c"mode=755,size=64k,nr_inodes=256";
        let flags = libc::MS_NOSUID | libc::MS_NOEXEC;
        mount(Step::Dev, c"tmpfs", c"dev", c"tmpfs", flags, options)?;
        for (host, target) in DEVICES {
            let fd = libc::open(
                target.as_ptr(),
                libc::O_CREAT | libc::O_WRONLY | libc::O_CLOEXEC,
                0o666 as libc::mode_t,
            );
            ok(Step::Dev, fd.into())?;
            libc::close(fd);
            mount(Step::Dev, host, target, c"", libc::MS_BIND, c"")?;
        }
        for (to, link) in DEV_LINKS {
            ok(Step::Dev, libc::symlink(to.as_ptr(), link.as_ptr()).into())?;
        }
        make_dir(Step::Dev, c"dev/pts", 0o755)?;
        make_dir(Step::Dev, c"dev/shm", 0o1777)?;
        make_dir(Step::Dev, c"dev/mqueue", 0o755)?;
        let pts = c"newinstance,ptmxmode=0666,mode=0620,gid=5";
        let flags = libc::MS_NOSUID | libc::MS_NOEXEC;
        mount(Step::Dev, c"devpts", c"dev/pts", c"devpts", flags, pts)?;
        // Its pages count as the sandbox's memory, so that is the bound.
        mount(
            Step::Dev,
            c"shm",
            c"dev/shm",
            c"tmpfs",
            HARDENED & !libc::MS_NOEXEC,
            c"mode=1777",
        )?;
        mount(
            Step::Dev,
            c"mqueue",
            c"dev/mqueue",
            c"mqueue",
            HARDENED,
            c"",
        )
    }
}

unsafe fn make_sys(entries: &[SysEntry]) -> Result<(), Failed> {
    // SAFETY: as `prepare_stage`; the entries' strings are valid.
    unsafe {
        mount(
            Step::Sys,
            c"sysfs",
            c"sys",
            c"tmpfs",
            HARDENED,
            c"mode=755,size=256k",
        )?;
        for entry in entries {
            match entry {
                SysEntry::Dir(path) => make_dir(Step::Sys, path, 0o555)?,
                SysEntry::File(path, content) => {
                    let fd = libc::open(
                        path.as_ptr(),
                        libc::O_CREAT | libc::O_WRONLY | libc::O_CLOEXEC,
                        0o444 as libc::mode_t,
                    );
                    ok(Step::Sys, fd.into())?;
                    ok(
                        Step::Sys,
                        libc::write(fd, content.as_ptr().cast(), content.len()) as c_long,
                    )?;
                    libc::close(fd);
                }
            }
        }
        let flags = libc::MS_REMOUNT | libc::MS_BIND | libc::MS_RDONLY | HARDENED;
        mount(Step::Sys, c"", c"sys", c"", flags, c"")
    }
}

unsafe fn mask_proc() -> Result<(), Failed> {
    // SAFETY: as `prepare_stage`.
    unsafe {
        for file in HIDDEN_FILES {
            absent_is_fine(mount(
                Step::Mask,
                c"/dev/null",
                file,
                c"",
                libc::MS_BIND,
                c"",
            ))?;
        }
        for dir in HIDDEN_DIRS {
            let flags = libc::MS_RDONLY | HARDENED;
            absent_is_fine(mount(Step::Mask, c"tmpfs", dir, c"tmpfs", flags, c"size=0"))?;
        }
        for path in READ_ONLY {
            let bound = mount(
                Step::Mask,
                path,
                path,
                c"",
                libc::MS_BIND | libc::MS_REC,
                c"",
            );
            if let Err(Failed(_, libc::ENOENT)) = bound {
                continue;
            }
            bound?;
            let flags = libc::MS_REMOUNT | libc::MS_BIND | libc::MS_RDONLY | HARDENED;
            mount(Step::Mask, c"", path, c"", flags, c"")?;
        }
    }
    Ok(())
}

fn absent_is_fine(result: Result<(), Failed>) -> Result<(), Failed> {
    match result {
        Err(Failed(_, libc::ENOENT | libc::ENOTDIR)) => Ok(()),
        other => other,
    }
}

unsafe fn execute(plan: &Plan) -> Result<Never, Failed> {
    const CONTROL_FD: RawFd = 3;
    // SAFETY: the vectors are null-terminated arrays of valid C strings.
    unsafe {
        // Descriptor 3 may be the program.
        let program = libc::fcntl(plan.program, libc::F_DUPFD_CLOEXEC, 10);
        ok(Step::Exec, program.into())?;
        let control = libc::fcntl(plan.control, libc::F_DUPFD_CLOEXEC, 10);
        ok(Step::Exec, control.into())?;
        libc::close(plan.program);
        libc::close(plan.control);
        ok(Step::Exec, libc::dup2(control, CONTROL_FD).into())?;
        libc::umask(0o022);
        let argv: [*const c_char; 6] = [
            c"atoll-guest".as_ptr(),
            c"--socket".as_ptr(),
            c"/run/.atoll/d/e".as_ptr(),
            c"--control-fd".as_ptr(),
            c"3".as_ptr(),
            null(),
        ];
        let path = c"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let envp: [*const c_char; 3] = [path.as_ptr(), c"HOME=/root".as_ptr(), null()];
        libc::syscall(
            libc::SYS_execveat,
            program,
            c"".as_ptr(),
            argv.as_ptr(),
            envp.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
        fail(control, Failed::now(Step::Exec))
    }
}
