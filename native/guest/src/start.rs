//! Start-up: the state that the kernel keeps for this process, the root, then the threads.

use crate::engine_link::{self, Link};
use crate::guest::{Guest, Start};
use crate::process::reactor::Reactor;
use crate::sentry;
use atoll_entry::Slot;
use rustix::fd::{FromRawFd, OwnedFd};
use rustix::fs::{Mode, OFlags};
use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;

/// How much likelier than the guest its children are chosen when memory runs out (the kernel's
/// scale is -1000 to 1000).
const CHILD_OOM_ADJ: i32 = 100;

struct Arguments {
    socket: PathBuf,
    place: Place,
    /// With gVisor's sentry as the kernel: whether the profile is the extended one.
    sentry: Option<bool>,
}

/// Where the program was started.
enum Place {
    /// In a slot that waits for a claim.
    Slot(Slot),
    /// In its root already, with this spool.
    Root(OwnedFd),
}

fn arguments() -> io::Result<Arguments> {
    let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
    let (mut socket, mut place, mut sentry) = (None, None, None);
    let mut args = std::env::args_os().skip(1);
    while let Some(name) = args.next() {
        let shown = name.to_string_lossy().into_owned();
        let value = args
            .next()
            .ok_or_else(|| wrong(format!("{shown}: its value is missing")))?;
        match &*shown {
            "--socket" => socket = Some(PathBuf::from(value)),
            "--control-fd" => {
                let number = value
                    .to_string_lossy()
                    .parse::<i32>()
                    .ok()
                    .filter(|n| *n > 2);
                let number = number.ok_or_else(|| wrong(format!("{shown}: not a descriptor")))?;
                // SAFETY: fcntl takes no memory; it tells whether the number is open.
                if unsafe { libc::fcntl(number, libc::F_GETFD) } < 0 {
                    return Err(io::Error::last_os_error());
                }
                // SAFETY: open, and handed to this program for its own by the contract.
                let control = unsafe { OwnedFd::from_raw_fd(number) };
                place = Some(Place::Slot(Slot::new(control)));
            }
            "--spool-dir" => {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                place = Some(Place::Root(rustix::fs::open(&value, flags, Mode::empty())?));
            }
            "--sentry" => sentry = Some(value == "extended"),
            _ => return Err(wrong(format!("{shown}: unknown argument"))),
        }
    }
    match (socket, place) {
        (Some(socket), Some(place)) => Ok(Arguments {
            socket,
            place,
            sentry,
        }),
        _ => Err(wrong(
            "--socket and --control-fd (or --spool-dir) are needed".to_owned(),
        )),
    }
}

pub fn run() -> io::Result<Infallible> {
    let Arguments {
        socket,
        place,
        sentry,
    } = arguments()?;
    limit_allocator();
    if let Some(extended) = sentry {
        sentry::arrange(extended)?;
    }
    let start = prepare_process(sentry.is_some())?;
    let reactor = Reactor::new(child_signals()?)?;
    let link = Link::new(socket, sentry.is_none());
    let (dialled, spool) = match place {
        // One thread until the root is entered: its rights are each thread's own.
        Place::Slot(slot) => (engine_link::dial_ahead(), slot.enter()),
        Place::Root(spool) => (Vec::new(), spool),
    };
    std::env::set_current_dir("/")?;
    let guest = Arc::new(Guest::new(reactor, link, spool, start));
    engine_link::start(&guest, dialled)?;
    Err(guest.reactor.run(&guest))
}

/// One arena, and large blocks straight from the kernel: what an operation used goes back to it.
fn limit_allocator() {
    // SAFETY: plain settings, before the first thread.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_MMAP_THRESHOLD, 64 << 10);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 64 << 10);
    }
}

fn prepare_process(sentry: bool) -> io::Result<Start> {
    // SAFETY: system calls on plain values, before the first thread.
    let nofile = unsafe {
        if libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 {
            return Err(io::Error::last_os_error());
        }
        // Kernels without ambient capabilities have none to clear.
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL,
            0,
            0,
            0,
        );
        libc::umask(0o022);
        // The raw call: glibc refuses to touch the two signals that it uses itself, which may have
        // been inherited as ignored. The kernel's struct sigaction is four words, default = zeros.
        let default = [0u64; 4];
        for signal in (1..=64).filter(|s| *s != libc::SIGPIPE) {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                ptr::null::<u64>(),
                8,
            );
        }
        // A handler, which an exec takes away: children need not undo that it is ignored.
        libc::signal(libc::SIGPIPE, ignore as *const () as libc::sighandler_t);
        libc::setsid();
        let cloexec = libc::CLOSE_RANGE_CLOEXEC as libc::c_int;
        libc::syscall(libc::SYS_close_range, 3, libc::c_int::MAX, cloexec);
        let mut nofile: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut nofile) < 0 {
            return Err(io::Error::last_os_error());
        }
        let raised = libc::rlimit {
            rlim_cur: nofile.rlim_max,
            rlim_max: nofile.rlim_max,
        };
        libc::setrlimit(libc::RLIMIT_NOFILE, &raised);
        (nofile.rlim_cur != raised.rlim_cur).then_some(nofile)
    };
    drop_inheritable_capabilities();
    // Groups of whoever started the guest; without the right to drop them there are none to drop.
    let _ = rustix::thread::set_thread_groups(&[]);
    let is_init = rustix::process::getpid().as_raw_nonzero().get() == 1;
    if !is_init {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    }
    // Under gVisor the kernel sees one program, the sentry.
    let child_oom_score_adj = (!sentry).then(|| {
        let own = std::fs::read_to_string("/proc/self/oom_score_adj")
            .ok()
            .and_then(|s| s.trim().parse::<i32>().ok())
            .unwrap_or(0);
        (own + CHILD_OOM_ADJ).clamp(-1000, 1000)
    });
    let is_root = rustix::process::getuid().is_root()
        && rustix::process::getgid().is_root()
        && rustix::process::getgroups().is_ok_and(|groups| groups.is_empty());
    Ok(Start {
        nofile,
        child_oom_score_adj,
        is_root,
        is_init,
    })
}

extern "C" fn ignore(_: libc::c_int) {}

/// Programs must not inherit capabilities beyond what their own user gives them.
fn drop_inheritable_capabilities() {
    if let Ok(mut sets) = rustix::thread::capabilities(None) {
        sets.inheritable = rustix::thread::CapabilitySet::empty();
        // Shrinking a set of one's own is always allowed.
        let _ = rustix::thread::set_capabilities(None, sets);
    }
}

/// Blocks SIGCHLD for this and all later threads and makes it readable.
fn child_signals() -> io::Result<OwnedFd> {
    // SAFETY: sigset_t is plain data; signalfd returns a new descriptor that nobody else owns.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGCHLD);
        let error = libc::pthread_sigmask(libc::SIG_BLOCK, &set, ptr::null_mut());
        if error != 0 {
            return Err(io::Error::from_raw_os_error(error));
        }
        let fd = libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if fd < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(OwnedFd::from_raw_fd(fd))
        }
    }
}
