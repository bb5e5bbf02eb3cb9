//! Control groups, on the v2 hierarchy where the machine's controllers live there, else (hybrid)
//! on the v1 hierarchies with v2 for what works there without controllers: kill, freeze, cpu time,
//! and being cloned into.
//!
//! Every slot has one group `atoll-<instance>/<slot>` in each hierarchy used. The parent carries
//! the common memory limit.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use atoll_wire::warden::Isolation;

use crate::ids::Id;
use crate::sys::{self, FsContext, check};

/// Where the machine's controllers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    V2,
    Hybrid,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Mode::V2 => "v2",
            Mode::Hybrid => "hybrid",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Controller {
    Cpu,
    Memory,
    Pids,
}

const CONTROLLERS: [(Controller, &str); 3] = [
    (Controller::Cpu, "cpu"),
    (Controller::Memory, "memory"),
    (Controller::Pids, "pids"),
];

/// Limits of one sandbox; 0 = none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Thousandths of a core.
    pub cpu_millis: u32,
    pub memory_bytes: u64,
    /// Processes and threads inside.
    pub pids: u32,
}

impl Limits {
    /// Those of the groups of a sandbox of this class.
    pub fn of_groups(self, isolation: Isolation) -> Limits {
        match isolation {
            Isolation::Container => self,
            Isolation::Gvisor => Limits {
                pids: crate::gvisor::host_tasks(self.pids),
                ..self
            },
        }
    }
}

/// What a sandbox has used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub cpu_us: u64,
    pub memory_bytes: u64,
    pub memory_peak: u64,
    pub pids: u32,
    pub oom_kills: u64,
}

pub struct Cgroups {
    pub mode: Mode,
    /// Mount point of the v2 hierarchy.
    v2: PathBuf,
    /// Mount points of the v1 hierarchies used.
    v1: Vec<(Controller, PathBuf)>,
    /// `atoll-<instance>`.
    parent: String,
}

/// The groups of one slot.
pub struct Group {
    mode: Mode,
    v2: PathBuf,
    v1: Vec<(Controller, PathBuf)>,
}

const SMALL_PERIOD_US: u64 = 100_000;

impl Cgroups {
    /// Finds the hierarchies, sets `favordynmods` (without it each move into a group stalls 10 to
    /// 20 ms on a quiet machine) and makes the instance's parent groups.
    /// `spare` is where the v2 hierarchy is mounted when nobody did.
    pub fn open(instance: &str, spare: &Path) -> Result<Cgroups, String> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").map_err(|e| e.to_string())?;
        let found = find_v2(&mounts);
        let options = found
            .as_ref()
            .map(|(_, options)| options.clone())
            .unwrap_or_default();
        let favoring = favor_dynamic_moves(&options);
        let v2 = match (found, favoring) {
            (Some((path, _)), _) => path,
            (None, Ok(mount)) => {
                let attach = || -> io::Result<()> {
                    fs::create_dir_all(spare)?;
                    sys::attach(mount.as_fd(), &crate::pool::c_path(spare))
                };
                attach().map_err(|e| format!("cgroup2 at {}: {e}", spare.display()))?;
                spare.to_owned()
            }
            (None, Err(e)) => return Err(format!("cgroup2: {e}")),
        };
        let parent = format!("atoll-{instance}");
        let available = read(&v2.join("cgroup.controllers")).map_err(|e| e.to_string())?;
        let in_v2 = |name: &str| available.split_whitespace().any(|c| c == name);
        if CONTROLLERS.iter().all(|(_, name)| in_v2(name)) {
            let groups = Cgroups {
                mode: Mode::V2,
                v2,
                v1: Vec::new(),
                parent,
            };
            groups.make_parents().map_err(|e| format!("cgroup: {e}"))?;
            return Ok(groups);
        }
        let mut v1 = Vec::new();
        for (controller, name) in CONTROLLERS {
            let path = find_v1(&mounts, name)
                .ok_or_else(|| format!("cgroup controller {name} is in neither hierarchy"))?;
            v1.push((controller, path));
        }
        let groups = Cgroups {
            mode: Mode::Hybrid,
            v2,
            v1,
            parent,
        };
        groups.make_parents().map_err(|e| format!("cgroup: {e}"))?;
        Ok(groups)
    }

    fn make_parents(&self) -> io::Result<()> {
        make_dir(&self.v2.join(&self.parent))?;
        if self.mode == Mode::V2 {
            let enable = "+cpu +memory +pids";
            write(&self.v2.join("cgroup.subtree_control"), enable)?;
            write(
                &self.v2.join(&self.parent).join("cgroup.subtree_control"),
                enable,
            )?;
        }
        for (_, root) in &self.v1 {
            make_dir(&root.join(&self.parent))?;
        }
        Ok(())
    }

    /// The parent group of the v2 hierarchy, where device rules are attached.
    pub fn parent_v2(&self) -> PathBuf {
        self.v2.join(&self.parent)
    }

    /// Bounds the memory of all sandboxes together, bytes.
    pub fn limit_all(&self, bytes: u64) -> io::Result<()> {
        match self.v1.iter().find(|(c, _)| *c == Controller::Memory) {
            Some((_, root)) => write(
                &root.join(&self.parent).join("memory.limit_in_bytes"),
                &bytes.to_string(),
            ),
            None => write(
                &self.v2.join(&self.parent).join("memory.max"),
                &bytes.to_string(),
            ),
        }
    }

    /// Bytes of all sandboxes' files that are in memory only, or on their way to a disk.
    pub fn unwritten_bytes(&self) -> u64 {
        match self.v1.iter().find(|(c, _)| *c == Controller::Memory) {
            Some((_, root)) => {
                unwritten(&root.join(&self.parent), ["total_dirty", "total_writeback"])
            }
            // Statistics of v2 are of the whole subtree.
            None => unwritten(&self.v2.join(&self.parent), UNWRITTEN_V2),
        }
    }

    /// The groups of a slot, which may not exist (any more).
    pub fn group(&self, slot: Id) -> Group {
        let place = |root: &Path| root.join(&self.parent).join(slot.as_str());
        Group {
            mode: self.mode,
            v2: place(&self.v2),
            v1: self.v1.iter().map(|(c, root)| (*c, place(root))).collect(),
        }
    }

    pub fn create(&self, slot: Id) -> io::Result<Group> {
        let group = self.group(slot);
        for dir in group.dirs() {
            make_dir(dir)?;
        }
        Ok(group)
    }

    /// Slots that have a group in any hierarchy.
    pub fn slots(&self) -> io::Result<Vec<Id>> {
        let mut slots = Vec::new();
        for root in std::iter::once(&self.v2).chain(self.v1.iter().map(|(_, root)| root)) {
            for entry in fs::read_dir(root.join(&self.parent))? {
                slots.extend(entry?.file_name().to_str().and_then(Id::parse));
            }
        }
        slots.sort_unstable();
        slots.dedup();
        Ok(slots)
    }

    /// Removes the parents, for teardown.
    pub fn remove_parents(&self) -> io::Result<()> {
        for root in std::iter::once(&self.v2).chain(self.v1.iter().map(|(_, root)| root)) {
            remove_dir(&root.join(&self.parent))?;
        }
        Ok(())
    }
}

impl Group {
    fn dirs(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.v2).chain(self.v1.iter().map(|(_, dir)| dir))
    }

    fn controller(&self, wanted: Controller) -> &Path {
        self.v1
            .iter()
            .find(|(c, _)| *c == wanted)
            .map_or(&self.v2, |(_, dir)| dir)
    }

    /// The v2 group, for CLONE_INTO_CGROUP.
    pub fn open_v2(&self) -> io::Result<OwnedFd> {
        let dir = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_DIRECTORY | libc::O_CLOEXEC)
            .open(&self.v2)?;
        Ok(dir.into())
    }

    /// Files of all hierarchies into which a process writes `0` to move itself.
    pub fn open_procs(&self) -> io::Result<Vec<File>> {
        let open = |dir: &PathBuf| {
            OpenOptions::new()
                .write(true)
                .open(dir.join("cgroup.procs"))
        };
        self.dirs().map(open).collect()
    }

    /// Moves a process into the v1 groups; the v2 group it was cloned into.
    pub fn join_v1(&self, pid: i32) -> io::Result<()> {
        let pid = pid.to_string();
        for (_, dir) in &self.v1 {
            write(&dir.join("cgroup.procs"), &pid)?;
        }
        Ok(())
    }

    /// Applies the limits that differ from those that `current` holds.
    pub fn apply(&self, current: Option<Limits>, wanted: Limits) -> io::Result<()> {
        let v2 = self.mode == Mode::V2;
        if current.map(|c| c.cpu_millis) != Some(wanted.cpu_millis) {
            let dir = self.controller(Controller::Cpu);
            let quota = u64::from(wanted.cpu_millis) * SMALL_PERIOD_US / 1000;
            match (v2, wanted.cpu_millis) {
                (true, 0) => write(&dir.join("cpu.max"), "max")?,
                (true, _) => write(&dir.join("cpu.max"), &format!("{quota} {SMALL_PERIOD_US}"))?,
                (false, 0) => write(&dir.join("cpu.cfs_quota_us"), "-1")?,
                (false, _) => write(&dir.join("cpu.cfs_quota_us"), &quota.to_string())?,
            }
        }
        if current.map(|c| c.memory_bytes) != Some(wanted.memory_bytes) {
            self.limit_memory(wanted.memory_bytes)?;
        }
        if current.map(|c| c.pids) != Some(wanted.pids) {
            let most = if wanted.pids == 0 {
                "max".to_owned()
            } else {
                wanted.pids.to_string()
            };
            write(&self.controller(Controller::Pids).join("pids.max"), &most)?;
        }
        Ok(())
    }

    fn limit_memory(&self, bytes: u64) -> io::Result<()> {
        let dir = self.controller(Controller::Memory);
        if self.mode == Mode::V2 {
            let most = if bytes == 0 {
                "max".to_owned()
            } else {
                bytes.to_string()
            };
            write(&dir.join("memory.max"), &most)?;
            return optional(write(&dir.join("memory.swap.max"), "0"));
        }
        let most = if bytes == 0 {
            "-1".to_owned()
        } else {
            bytes.to_string()
        };
        let (memory, both) = (
            dir.join("memory.limit_in_bytes"),
            dir.join("memory.memsw.limit_in_bytes"),
        );
        // memory + swap may never be below memory, so the order depends on the direction.
        match write(&memory, &most) {
            Err(e) if e.raw_os_error() == Some(libc::EINVAL) => {
                write(&both, &most)?;
                write(&memory, &most)
            }
            Err(e) => Err(e),
            Ok(()) => optional(write(&both, &most)),
        }
    }

    /// SIGKILL to every process of the group, also to those that are just being forked.
    pub fn kill(&self) -> io::Result<()> {
        optional(write(&self.v2.join("cgroup.kill"), "1"))
    }

    /// Waits until no process is left; `false` when the time is over.
    pub fn wait_empty(&self, limit: Duration) -> io::Result<bool> {
        let mut events = match File::open(self.v2.join("cgroup.events")) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(true),
            other => other?,
        };
        let deadline = Instant::now() + limit;
        loop {
            // Reading re-arms the notification.
            if key(&reread(&mut events)?, "populated") == Some(0) {
                return Ok(true);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            sys::poll_one(
                events.as_fd(),
                libc::POLLPRI,
                left.as_millis().min(1000) as i32,
            )?;
        }
    }

    pub fn freeze(&self, frozen: bool) -> io::Result<()> {
        write(
            &self.v2.join("cgroup.freeze"),
            if frozen { "1" } else { "0" },
        )
    }

    /// Waits until every process has stopped.
    pub fn wait_frozen(&self, limit: Duration) -> io::Result<bool> {
        let mut events = File::open(self.v2.join("cgroup.events"))?;
        let deadline = Instant::now() + limit;
        loop {
            if key(&reread(&mut events)?, "frozen") == Some(1) {
                return Ok(true);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            sys::poll_one(
                events.as_fd(),
                libc::POLLPRI,
                left.as_millis().min(1000) as i32,
            )?;
        }
    }

    /// Whether the group was told to freeze.
    pub fn is_frozen(&self) -> bool {
        read(&self.v2.join("cgroup.freeze")).is_ok_and(|text| text.trim() == "1")
    }

    pub fn usage(&self) -> Usage {
        let number = |path: PathBuf| -> u64 {
            read(&path)
                .ok()
                .and_then(|text| text.trim().parse().ok())
                .unwrap_or(0)
        };
        let keyed = |path: PathBuf, name: &str| -> u64 {
            read(&path)
                .ok()
                .and_then(|text| key(&text, name))
                .unwrap_or(0)
        };
        let memory = self.controller(Controller::Memory);
        let pids = self.controller(Controller::Pids);
        // cpu.stat of a v2 group counts time also where the controller is elsewhere.
        let cpu_us = keyed(self.v2.join("cpu.stat"), "usage_usec");
        let (memory_bytes, memory_peak, oom_kills) = match self.mode {
            Mode::V2 => (
                number(memory.join("memory.current")),
                number(memory.join("memory.peak")),
                keyed(memory.join("memory.events"), "oom_kill"),
            ),
            Mode::Hybrid => (
                number(memory.join("memory.usage_in_bytes")),
                number(memory.join("memory.max_usage_in_bytes")),
                keyed(memory.join("memory.oom_control"), "oom_kill"),
            ),
        };
        let pids = number(pids.join("pids.current")).min(u32::MAX.into()) as u32;
        Usage {
            cpu_us,
            memory_bytes,
            memory_peak,
            pids,
            oom_kills,
        }
    }

    /// Bytes of its files that are in memory only, or on their way to its disk.
    pub fn unwritten_bytes(&self) -> u64 {
        let dir = self.controller(Controller::Memory);
        match self.mode {
            Mode::V2 => unwritten(dir, UNWRITTEN_V2),
            Mode::Hybrid => unwritten(dir, ["dirty", "writeback"]),
        }
    }

    pub fn oom_kills(&self) -> u64 {
        let (dir, file) = (
            self.controller(Controller::Memory),
            match self.mode {
                Mode::V2 => "memory.events",
                Mode::Hybrid => "memory.oom_control",
            },
        );
        read(&dir.join(file))
            .ok()
            .and_then(|text| key(&text, "oom_kill"))
            .unwrap_or(0)
    }

    /// A descriptor that epoll reports on when the group met its memory limit, with the event mask
    /// to wait for: v2 notifies on memory.events itself, v1 by an eventfd.
    pub fn oom_notifier(&self) -> io::Result<(OwnedFd, u32)> {
        let memory = self.controller(Controller::Memory);
        if self.mode == Mode::V2 {
            let events = File::open(memory.join("memory.events"))?;
            return Ok((events.into(), libc::EPOLLPRI as u32 | libc::EPOLLET as u32));
        }
        let control = File::open(memory.join("memory.oom_control"))?;
        // SAFETY: plain integers.
        let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) }.into())?;
        // SAFETY: just made for us.
        let event = unsafe { OwnedFd::from_raw_fd(fd as i32) };
        let line = format!("{} {}", event.as_raw_fd(), control.as_raw_fd());
        write(&memory.join("cgroup.event_control"), &line)?;
        Ok((event, libc::EPOLLIN as u32 | libc::EPOLLET as u32))
    }

    /// Processes of the v2 group.
    pub fn processes(&self) -> Vec<i32> {
        let text = read(&self.v2.join("cgroup.procs")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Removes the groups. An ended process leaves its v1 groups a moment after the v2 one.
    pub fn remove(&self, limit: Duration) -> io::Result<()> {
        let deadline = Instant::now() + limit;
        for dir in self.dirs() {
            loop {
                match remove_dir(dir) {
                    Err(e)
                        if e.raw_os_error() == Some(libc::EBUSY) && Instant::now() < deadline =>
                    {
                        sleep(Duration::from_millis(1));
                    }
                    other => break other?,
                }
            }
        }
        Ok(())
    }
}

/// Keys of memory.stat.
const UNWRITTEN_V2: [&str; 2] = ["file_dirty", "file_writeback"];

fn unwritten(dir: &Path, keys: [&str; 2]) -> u64 {
    let text = read(&dir.join("memory.stat")).unwrap_or_default();
    keys.iter().filter_map(|name| key(&text, name)).sum()
}

/// Sets the flag of the hierarchy and keeps the options it has, which a new mount would reset.
fn favor_dynamic_moves(options: &str) -> io::Result<OwnedFd> {
    let kept: Vec<CString> = options
        .split(',')
        .filter(|o| {
            matches!(
                *o,
                "nsdelegate"
                    | "memory_localevents"
                    | "memory_recursiveprot"
                    | "memory_hugetlb_accounting"
                    | "pids_localevents"
            )
        })
        .filter_map(|o| CString::new(o).ok())
        .collect();
    let mount = |favor: bool| -> io::Result<OwnedFd> {
        let context = FsContext::open(c"cgroup2")?;
        for option in &kept {
            context.flag(option)?;
        }
        if favor {
            context.flag(c"favordynmods")?;
        }
        context.mount(0)
    };
    // Kernels before 6.0 do not know the option.
    mount(true).or_else(|_| mount(false))
}

/// Mount point and super block options of the v2 hierarchy.
fn find_v2(mounts: &str) -> Option<(PathBuf, String)> {
    mounts.lines().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut right = right.split(' ');
        (right.next()? == "cgroup2").then_some(())?;
        let options = right.nth(1).unwrap_or_default().to_owned();
        // A bind of a subtree is not the hierarchy.
        (left.split(' ').nth(3)? == "/").then_some(())?;
        Some((PathBuf::from(left.split(' ').nth(4)?), options))
    })
}

fn find_v1(mounts: &str, controller: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut right = right.split(' ');
        (right.next()? == "cgroup").then_some(())?;
        (right.nth(1)?.split(',').any(|o| o == controller)).then_some(())?;
        (left.split(' ').nth(3)? == "/").then_some(())?;
        Some(PathBuf::from(left.split(' ').nth(4)?))
    })
}

fn make_dir(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

fn remove_dir(path: &Path) -> io::Result<()> {
    optional(fs::remove_dir(path))
}

/// That the file is not there is fine.
fn optional(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let attempt = || {
        OpenOptions::new()
            .write(true)
            .open(path)?
            .write_all(text.as_bytes())
    };
    attempt().map_err(|e| match e.raw_os_error() {
        // Kept raw: callers look at the number.
        Some(libc::ENOENT | libc::EINVAL | libc::EBUSY | libc::ESRCH) => e,
        _ => io::Error::new(e.kind(), format!("{} = {text}: {e}", path.display())),
    })
}

fn read(path: &Path) -> io::Result<String> {
    fs::read_to_string(path)
}

fn reread(file: &mut File) -> io::Result<String> {
    use std::io::Seek;
    file.rewind()?;
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        // The group was removed while its file was open.
        Err(e) if e.raw_os_error() == Some(libc::ENODEV) => Ok("populated 0\n".to_owned()),
        other => other.map(|_| text),
    }
}

/// The number after a name in a flat keyed file.
fn key(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (k, v) = line.split_once(' ')?;
        (k == name).then(|| v.trim().parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::{find_v1, find_v2, key};
    use std::path::Path;

    const HYBRID: &str = "\
30 24 0:26 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
31 24 0:27 /docker/1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
32 24 0:28 / /mnt/memory rw - cgroup cgroup rw,memory
33 24 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate";

    #[test]
    fn hierarchies_are_found_by_their_roots_only() {
        assert_eq!(
            find_v1(HYBRID, "cpu").as_deref(),
            Some(Path::new("/sys/fs/cgroup/cpu"))
        );
        assert_eq!(
            find_v1(HYBRID, "memory").as_deref(),
            Some(Path::new("/mnt/memory"))
        );
        assert_eq!(find_v1(HYBRID, "pids"), None);
        let (path, options) = find_v2(HYBRID).unwrap();
        assert_eq!(path, Path::new("/sys/fs/cgroup/unified"));
        assert_eq!(options, "rw,nsdelegate");
    }

    #[test]
    fn a_key_is_matched_whole() {
        assert_eq!(key("oom 3\noom_kill 2\n", "oom_kill"), Some(2));
        assert_eq!(key("oom_kill_disable 0\n", "oom_kill"), None);
    }
}
