//! Start and end of the service.

use std::ffi::{CStr, CString};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::cgroup::Cgroups;
use crate::committer::Job;
use crate::config::Config;
use crate::devices;
use crate::events::Events;
use crate::gvisor::{self, Gvisor, Key};
use crate::live::LiveDir;
use crate::lock::{KeyedLocks, lock_file};
use crate::mounts::Roots;
use crate::net::policy::Policy;
use crate::net::{Network, NetworkConfig};
use crate::pool::layers::Layers;
use crate::pool::{Pool, c_path};
use crate::slot::{Confinements, Launcher};
use crate::sys::{self, FsContext, check};
use crate::volumes::Volumes;
use crate::warden::{State, Warden};
use crate::watcher::Watcher;

/// Starts everything and serves until SIGTERM or SIGINT. Sandboxes outlive it.
pub fn run(config: Config) -> Result<(), String> {
    // SAFETY: plain call.
    if unsafe { libc::geteuid() } != 0 {
        return Err("the warden must run as root".to_owned());
    }
    raise_file_limit();
    let missing: Vec<String> = crate::doctor::machine()
        .into_iter()
        .filter(|check| check.required && !check.ok)
        .map(|check| format!("{}: {}", check.name, check.detail))
        .collect();
    if !missing.is_empty() {
        return Err(format!("this machine lacks {}", missing.join("; ")));
    }
    let run_dir = prepare_run_dir(&config)?;
    // What is made from here on, disks of sandboxes above all, is for root alone.
    // SAFETY: plain integer.
    unsafe { libc::umask(0o077) };
    let _lock = exclusive(&run_dir.join("warden.lock"))?;
    let pool = Pool::open(&config)?;
    let cgroups = Cgroups::open(&config.instance, &run_dir.join("cgroup2"))?;
    limit_memory(&config, &cgroups)?;
    tmpfs(
        &run_dir.join("s"),
        config.engine_uid,
        config.engine_gid,
        c"0711",
        &config,
    )?;
    tmpfs(&run_dir.join("live"), 0, 0, c"0700", &config)?;
    devices::confine(&cgroups.parent_v2()).map_err(|e| format!("device rules: {e}"))?;
    // From here on in a mount namespace of its own: slots are cloned from it, and every mount in
    // it costs each of them.
    private_namespace(&config, &pool)?;
    if let Some(dir) = &config.templates_dir {
        for error in pool.import_templates(dir) {
            eprintln!("warden: template not imported: {error}");
        }
    }
    let live = LiveDir::open(&config.run_dir).map_err(|e| format!("live records: {e}"))?;
    let policies = policies(&live).map_err(|e| format!("live records: {e}"))?;
    let network =
        Network::start(network_config(&config)?, policies).map_err(|e| format!("network: {e}"))?;
    let roots =
        Roots::open(config.overlay_by_path).map_err(|e| format!("namespace of the layers: {e}"))?;
    let launcher = Launcher::new(&config.guest_binary)?;
    let key = Key::open(&config.state_dir.join("memory.key"))
        .map_err(|e| format!("key of saved memory: {e}"))?;
    let gvisor = Gvisor::open(&config, &gvisor::memory::guests_dir(&pool));
    let watcher = Watcher::new().map_err(|e| format!("epoll: {e}"))?;
    let (jobs, todo) = sync_channel(crate::committer::BACKLOG);
    let warden = Arc::new(Warden {
        config,
        pool,
        layers: Layers::default(),
        volumes: Volumes::default(),
        roots,
        cgroups,
        network,
        launcher,
        confinements: Confinements::compile()?,
        gvisor,
        key,
        live,
        events: Events::default(),
        watcher,
        locks: KeyedLocks::new(),
        state: Mutex::new(State::default()),
        jobs,
    });
    warden
        .take_over()
        .map_err(|fault| format!("taking over: {}", fault.message))?;
    let socket = warden.config.run_dir.join("warden.sock");
    let listener = listen(&socket, warden.config.engine_gid)
        .map_err(|e| format!("{}: {e}", socket.display()))?;
    serve(&warden, listener, todo)?;
    let _ = fs::remove_file(&socket);
    Ok(())
}

fn serve(warden: &Arc<Warden>, listener: UnixListener, todo: Receiver<Job>) -> Result<(), String> {
    let signals = block_signals();
    let start = |name: &str, work: Box<dyn FnOnce() + Send>| {
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(work)
            .map_err(|e| format!("thread {name}: {e}"))
    };
    let w = warden.clone();
    start("reaper", Box::new(move || crate::reaper::run(&w)))?;
    let w = warden.clone();
    start(
        "committer",
        Box::new(move || crate::committer::run(&w, &todo)),
    )?;
    let w = warden.clone();
    start("formatter", Box::new(move || w.pool.format_classes()))?;
    let w = warden.clone();
    start("watermark", Box::new(move || crate::watermark::run(&w)))?;
    let w = warden.clone();
    start(
        "accept",
        Box::new(move || {
            if let Err(error) = crate::server::serve(&w, &listener) {
                eprintln!("warden: accept: {error}");
                std::process::abort();
            }
        }),
    )?;
    crate::notify::ready().map_err(|e| format!("telling systemd: {e}"))?;
    eprintln!("warden: instance {} serves", warden.config.instance);
    let mut signal = 0;
    // SAFETY: both are ours.
    unsafe { libc::sigwait(&signals, &mut signal) };
    Ok(())
}

/// Blocks the signals that end the service in this thread and those it starts.
fn block_signals() -> libc::sigset_t {
    // SAFETY: the set is ours and is made valid before its use.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGTERM);
        libc::sigaddset(&mut set, libc::SIGINT);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        set
    }
}

/// Each sandbox takes three descriptors.
fn raise_file_limit() {
    // SAFETY: the structure is ours.
    unsafe {
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}

/// The run directory: root's, and the engine's group may enter it.
fn prepare_run_dir(config: &Config) -> Result<std::path::PathBuf, String> {
    let dir = &config.run_dir;
    let make = || -> io::Result<()> {
        fs::create_dir_all(dir)?;
        chown(dir, Some(0), Some(config.engine_gid))?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o750))
    };
    make().map_err(|e| format!("{}: {e}", dir.display()))?;
    dir.canonicalize()
        .map_err(|e| format!("{}: {e}", dir.display()))
}

/// Held by the process's life, whatever ends it. Waits for a moment: a child that a killed warden was
/// just starting holds the file until it executes its program.
pub fn exclusive(path: &Path) -> Result<File, String> {
    lock_file(path, Duration::from_secs(1)).map_err(|e| match e.kind() {
        io::ErrorKind::TimedOut => {
            format!("{}: another warden of this instance runs", path.display())
        }
        _ => format!("{}: {e}", path.display()),
    })
}

/// A tmpfs that outlives this process: the engine's sockets, and the live records, whose writing
/// must not wait for a disk.
fn tmpfs(dir: &Path, uid: u32, gid: u32, mode: &CStr, config: &Config) -> Result<(), String> {
    let make = || -> io::Result<()> {
        fs::create_dir_all(dir)?;
        if crate::pool::is_mount_point(dir)? {
            return Ok(());
        }
        let context = FsContext::open(c"tmpfs")?;
        let number = |n: u32| CString::new(n.to_string()).unwrap_or_default();
        context.string(c"source", c"atoll")?;
        context.string(c"uid", &number(uid))?;
        context.string(c"gid", &number(gid))?;
        context.string(c"mode", mode)?;
        // A directory and a socket for each slot, with room for dead ones not removed yet.
        context.string(c"nr_inodes", &number(config.max_slots * 16 + 64))?;
        context.string(c"size", c"64m")?;
        let mount = context
            .mount(libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC)?;
        sys::attach(mount.as_fd(), &c_path(dir))
    };
    make().map_err(|e| format!("{}: {e}", dir.display()))
}

/// Keeps what the warden works with and lets go of all other mounts.
fn private_namespace(config: &Config, pool: &Pool) -> Result<(), String> {
    let enter = || -> io::Result<()> {
        // SAFETY: plain integer; no other thread runs yet.
        check(unsafe { libc::unshare(libc::CLONE_NEWNS) }.into())?;
        let private = libc::MS_REC | libc::MS_PRIVATE;
        // SAFETY: valid C strings.
        check(
            unsafe {
                libc::mount(
                    c"".as_ptr(),
                    c"/".as_ptr(),
                    std::ptr::null(),
                    private,
                    std::ptr::null(),
                )
            }
            .into(),
        )?;
        let mut keep: Vec<&Path> = vec![&config.run_dir, &config.state_dir, &pool.root];
        keep.extend(
            [
                "/proc",
                "/sys/fs/cgroup",
                "/dev",
                "/etc/resolv.conf",
                "/usr/sbin",
            ]
            .map(Path::new),
        );
        keep.extend(config.guest_binary.parent());
        keep.extend(config.templates_dir.as_deref());
        keep.extend(config.gvisor.runsc.as_deref().and_then(Path::parent));
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        for line in mounts.lines().rev() {
            let Some(target) = line.split(' ').nth(4) else {
                continue;
            };
            let target = Path::new(target);
            let needed = keep.iter().any(|path| path.starts_with(target))
                || target.starts_with(&config.run_dir)
                || target.starts_with("/sys/fs/cgroup");
            if !needed {
                // What cannot be let go of only costs time.
                let _ = sys::unmount(&c_path(target), libc::MNT_DETACH);
            }
        }
        Ok(())
    };
    enter().map_err(|e| format!("mount namespace: {e}"))
}

fn limit_memory(config: &Config, cgroups: &Cgroups) -> Result<(), String> {
    let total = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            text.lines()
                .next()?
                .split_whitespace()
                .nth(1)?
                .parse::<u64>()
                .ok()
        })
        .ok_or("/proc/meminfo has no total")?
        * 1024;
    let left = total.saturating_sub(config.limits.host_reserve_bytes);
    if left == 0 {
        return Err("limits.host_reserve_bytes is more than the machine has".to_owned());
    }
    let bound = (left as f64 * config.limits.memory_overcommit) as u64 & !0xfff;
    cgroups
        .limit_all(bound)
        .map_err(|e| format!("memory limit of the instance: {e}"))
}

/// Of sandboxes that may live; of those that do not, a next one of the index starts without.
fn policies(live: &LiveDir) -> io::Result<Vec<(u32, Policy)>> {
    let records = live.read_all()?.into_iter();
    Ok(records
        .filter_map(|(_, record)| Some((record.index, record.policy?)))
        .collect())
}

pub fn network_config(config: &Config) -> Result<NetworkConfig, String> {
    Ok(NetworkConfig {
        instance: config.instance.clone(),
        subnet: config.subnet()?,
        max_slots: config.max_slots,
        deny: config.network.deny.clone(),
        allow: config.network.allow.clone(),
        upstream: config.network.upstream.clone(),
    })
}

fn listen(path: &Path, gid: u32) -> io::Result<UnixListener> {
    crate::pool::durable::remove(path)?;
    // Bound before anybody may connect: the directory's mode lets only the engine's group in, and
    // every peer is checked.
    let listener = UnixListener::bind(path)?;
    chown(path, Some(0), Some(gid))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}
