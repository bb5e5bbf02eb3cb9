//! From a prepared plan to a running program: clone(CLONE_VM|CLONE_VFORK) and what the child does
//! before it executes.
//!
//! The child shares the guest's memory and runs on a stack of its own while the calling thread is
//! stopped by the kernel. Until it executes it may only make system calls and read what
//! [`Plan`] prepared: no allocation, no lock, no library call that keeps state. That is cheaper than
//! fork (no page tables to copy) and keeps the time of an exec near that of the exec call itself.

use rustix::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

/// Bytes of the child's stack; pages are touched only as used.
const STACK: usize = 64 << 10;

/// Where the script's file appears in the child.
pub const SCRIPT_FD: c_int = 3;

/// The step at which a child failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Setup,
    User,
    Cwd,
    Exec,
}

/// Everything the child needs, made before the clone.
pub struct Plan<'a> {
    /// Programs to try in this order; the first that executes wins.
    pub programs: Vec<CString>,
    pub argv: Vec<CString>,
    pub env: Vec<CString>,
    /// Where it starts: the first that the user may enter. One that is missed for any reason but a lack
    /// of rights is an error when it is the first.
    pub cwds: Vec<CString>,
    pub stdin: BorrowedFd<'a>,
    pub stdout: BorrowedFd<'a>,
    pub stderr: BorrowedFd<'a>,
    pub script: Option<BorrowedFd<'a>>,
    pub tty: bool,
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
    /// The guest is who the child shall be.
    pub keeps_user: bool,
    /// Open files limit that the guest started with, unless it still has it.
    pub nofile: Option<libc::rlimit>,
    /// Written to /proc/self/oom_score_adj, "" = inherited.
    pub oom_score_adj: String,
}

/// What the shared memory of the child holds: raw pointers only.
struct Frame<'a> {
    plan: &'a Plan<'a>,
    programs: &'a [*const c_char],
    argv: &'a [*const c_char],
    env: &'a [*const c_char],
    cwds: &'a [*const c_char],
    /// `/bin/sh PROGRAM ARGS...` for files without an interpreter line, as execvp(3) does.
    shell_argv: *mut *const c_char,
    /// Index of the directory that was entered.
    cwd: AtomicI32,
    failed: AtomicI32,
    errno: AtomicI32,
}

/// A started child. The pidfd stays valid whatever the reaper does.
pub struct Started {
    pub pid: i32,
    pub pidfd: OwnedFd,
    /// Which of [`Plan::cwds`] it started in.
    pub cwd: usize,
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings
        .iter()
        .map(|s| s.as_ptr())
        .chain([ptr::null()])
        .collect()
}

/// Starts the plan's program. The kernel stores the child's pid in `pid` before it does anything, so
/// that a reaper can tell whose exit it sees. Returns after the exec, or with the step and error
/// of its failure (the child is then a zombie for the reaper).
pub fn start(plan: &Plan<'_>, pid: &AtomicI32) -> Result<Started, (Stage, io::Error)> {
    let programs = pointers(&plan.programs);
    let argv = pointers(&plan.argv);
    let env = pointers(&plan.env);
    let cwds = pointers(&plan.cwds);
    let mut shell_argv = vec![c"/bin/sh".as_ptr(), ptr::null()];
    shell_argv.extend(argv.iter().skip(1));
    let frame = Frame {
        plan,
        programs: &programs,
        argv: &argv,
        env: &env,
        cwds: &cwds,
        shell_argv: shell_argv.as_mut_ptr(),
        cwd: AtomicI32::new(0),
        failed: AtomicI32::new(-1),
        errno: AtomicI32::new(0),
    };
    let setup = |e: io::Error| (Stage::Setup, e);
    let stack = Stack::new().map_err(setup)?;
    let blocked = BlockedSignals::all().map_err(setup)?;
    let mut pidfd: c_int = -1;
    let flags = libc::CLONE_VM
        | libc::CLONE_VFORK
        | libc::CLONE_PIDFD
        | libc::CLONE_CHILD_SETTID
        | libc::SIGCHLD;
    // SAFETY: the stack is mapped and not used by anyone else; `frame` outlives the child's use of
    // it because CLONE_VFORK stops this thread until the child executes or ends; `child_main`
    // keeps to async-signal-safe work.
    let child = unsafe {
        libc::clone(
            child_main,
            stack.top(),
            flags,
            ptr::from_ref(&frame).cast_mut().cast::<c_void>(),
            ptr::from_mut(&mut pidfd),
            ptr::null_mut::<c_void>(),
            pid.as_ptr(),
        )
    };
    let error = io::Error::last_os_error();
    drop(blocked);
    drop(stack);
    if child < 0 {
        return Err((Stage::Setup, error));
    }
    // SAFETY: the kernel stored a new descriptor there, which nobody else owns.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    let stage = match frame.failed.load(Ordering::Acquire) {
        0 => Stage::Setup,
        1 => Stage::User,
        2 => Stage::Cwd,
        3 => Stage::Exec,
        // Killed before its first instruction: its end cannot be attributed, so it did not start.
        _ if pid.load(Ordering::Acquire) != child => {
            return Err((Stage::Setup, io::Error::from_raw_os_error(libc::EAGAIN)));
        }
        _ => {
            return Ok(Started {
                pid: child,
                pidfd,
                cwd: frame.cwd.load(Ordering::Acquire) as usize,
            });
        }
    };
    Err((
        stage,
        io::Error::from_raw_os_error(frame.errno.load(Ordering::Acquire)),
    ))
}

struct Stack(*mut c_void);

impl Stack {
    fn new() -> io::Result<Stack> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE;
        // SAFETY: a fresh anonymous mapping.
        let base = unsafe {
            libc::mmap(
                ptr::null_mut(),
                STACK,
                libc::PROT_READ | libc::PROT_WRITE,
                flags,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            Err(io::Error::last_os_error())
        } else {
            Ok(Stack(base))
        }
    }

    fn top(&self) -> *mut c_void {
        // SAFETY: one past the end of the mapping, 16-byte aligned because the mapping is.
        unsafe { self.0.add(STACK) }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`; the child left it with its exec or exit.
        unsafe { libc::munmap(self.0, STACK) };
    }
}

/// No signal may run a handler (or end a thread) between clone and exec.
struct BlockedSignals(libc::sigset_t);

impl BlockedSignals {
    fn all() -> io::Result<BlockedSignals> {
        // SAFETY: sigset_t is plain data that sigfillset and pthread_sigmask fill.
        unsafe {
            let mut full: libc::sigset_t = std::mem::zeroed();
            let mut old: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&mut full);
            match libc::pthread_sigmask(libc::SIG_SETMASK, &full, &mut old) {
                0 => Ok(BlockedSignals(old)),
                e => Err(io::Error::from_raw_os_error(e)),
            }
        }
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // SAFETY: restores the mask that `all` read.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, ptr::null_mut()) };
    }
}

extern "C" fn child_main(argument: *mut c_void) -> c_int {
    // SAFETY: `start` passed a Frame that lives until this child executes or ends.
    let frame = unsafe { &*argument.cast::<Frame<'_>>() };
    let (stage, errno) = prepare_and_execute(frame);
    frame.errno.store(errno, Ordering::Release);
    frame.failed.store(stage as i32, Ordering::Release);
    // SAFETY: ends only this child, runs no exit handlers.
    unsafe { libc::_exit(127) }
}

fn errno() -> c_int {
    // SAFETY: the thread's errno; the parent is stopped while the child uses it.
    unsafe { *libc::__errno_location() }
}

/// Returns only on failure.
fn prepare_and_execute(frame: &Frame<'_>) -> (Stage, c_int) {
    let plan = frame.plan;
    // SAFETY: only async-signal-safe system calls on memory that the parent prepared and keeps.
    unsafe {
        if libc::setsid() < 0 {
            return (Stage::Setup, errno());
        }
        for (from, to) in [(plan.stdin, 0), (plan.stdout, 1), (plan.stderr, 2)] {
            if libc::dup2(from.as_raw_fd(), to) < 0 {
                return (Stage::Setup, errno());
            }
        }
        if plan.tty && libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 {
            return (Stage::Setup, errno());
        }
        let mut first = SCRIPT_FD;
        if let Some(script) = plan.script {
            let moved = if script.as_raw_fd() == SCRIPT_FD {
                libc::fcntl(SCRIPT_FD, libc::F_SETFD, 0)
            } else {
                libc::dup2(script.as_raw_fd(), SCRIPT_FD)
            };
            if moved < 0 {
                return (Stage::Setup, errno());
            }
            first += 1;
        }
        let cloexec = libc::CLOSE_RANGE_CLOEXEC as c_int;
        libc::syscall(libc::SYS_close_range, first, c_int::MAX, cloexec);
        if let Some(nofile) = &plan.nofile {
            libc::setrlimit(libc::RLIMIT_NOFILE, nofile);
        }
        if !plan.oom_score_adj.is_empty() {
            let path = c"/proc/self/oom_score_adj".as_ptr();
            let file = libc::open(path, libc::O_WRONLY | libc::O_CLOEXEC);
            if file >= 0 {
                let text = plan.oom_score_adj.as_bytes();
                libc::write(file, text.as_ptr().cast(), text.len());
                libc::close(file);
            }
        }
        // The raw calls: glibc's would signal every thread of the guest to change with it.
        if !plan.keeps_user
            && (libc::syscall(libc::SYS_setgroups, plan.groups.len(), plan.groups.as_ptr()) < 0
                || libc::syscall(libc::SYS_setresgid, plan.gid, plan.gid, plan.gid) < 0
                || libc::syscall(libc::SYS_setresuid, plan.uid, plan.uid, plan.uid) < 0)
        {
            return (Stage::User, errno());
        }
        let missed = enter(frame);
        if missed != 0 {
            return (Stage::Cwd, missed);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut());
        (Stage::Exec, execute(frame))
    }
}

/// As the user: a directory that it may not enter must not become its cwd. 0, or what is wrong with the
/// first one.
fn enter(frame: &Frame<'_>) -> c_int {
    let mut first = libc::ENOENT;
    for (index, directory) in (0..).zip(frame.cwds) {
        if directory.is_null() {
            break;
        }
        // SAFETY: a C string that the parent keeps alive.
        if unsafe { libc::chdir(*directory) } == 0 {
            frame.cwd.store(index, Ordering::Release);
            return 0;
        }
        if index == 0 {
            first = errno();
            if first != libc::EACCES {
                break;
            }
        }
    }
    first
}

/// Tries each program; the most telling error when none executes.
fn execute(frame: &Frame<'_>) -> c_int {
    let mut telling = libc::ENOENT;
    for program in frame.programs {
        if program.is_null() {
            break;
        }
        // SAFETY: null-terminated arrays of C strings that the parent keeps alive.
        unsafe {
            libc::execve(*program, frame.argv.as_ptr(), frame.env.as_ptr());
            let mut error = errno();
            if error == libc::ENOEXEC {
                *frame.shell_argv.add(1) = *program;
                libc::execve(c"/bin/sh".as_ptr(), frame.shell_argv, frame.env.as_ptr());
                error = libc::ENOEXEC;
            }
            match error {
                libc::ENOENT | libc::ENOTDIR => {}
                libc::EACCES => telling = error,
                _ => return error,
            }
        }
    }
    telling
}
