//! The program `runsc`: which one it is, and its commands.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::config::Config;
use crate::ids::Id;
use crate::lock::lock_file;
use crate::pool::durable;
use crate::sys;

/// A command that takes longer is stuck. Checkpoints and restores move a sandbox's memory, 1 GiB in
/// a second or two.
const LIMIT: Duration = Duration::from_secs(60);

/// Ends the name of the file that is locked while a command of a slot runs.
const LOCK: &str = ".lock";

/// Whether sandboxes of this class can be made here.
pub enum Gvisor {
    Usable(Runsc),
    /// Why not.
    Absent(String),
}

pub struct Runsc {
    program: PathBuf,
    /// Hash of the program: a checkpoint is restored by the program that made it only.
    pub version: String,
    /// Holds one root directory of `runsc` for each slot.
    roots: PathBuf,
    /// Directory of the guest program, named by its hash: the memory of a checkpoint has pages of
    /// that very file.
    pub guest: PathBuf,
}

/// Flags of every command but `--root` and `--log`.
const FLAGS: [&str; 12] = [
    // The processes are in the slot's groups from the start.
    "--ignore-cgroups",
    "--network=sandbox",
    "--platform=systrap",
    // Writes go to the sandbox's own disk.
    "--overlay2=none",
    // The guest dials out; a listening socket of the host's would make a checkpoint fail.
    "--host-uds=open",
    "--allow-suid",
    "--host-settings=ignore",
    // The default pins a shared one by a mount.
    "--gofer-network-namespace=new",
    // What a build without sidecar programs falls back to anyway.
    "--sidecar-usage-policy=LEGACY_DEPRECATED_SLOW_EMBEDDED_FALLBACK",
    "--log-format=json",
    // It compares the id ranges, too, which are another sandbox's after a fork; the manifest of saved
    // memory names the spec without them.
    "--restore-spec-validation=ignore",
    "--net-raw=false",
];

impl Gvisor {
    /// Looks at the configured program. `guests` is where copies of the guest program are kept.
    pub fn open(config: &Config, guests: &Path) -> Gvisor {
        let Some(program) = &config.gvisor.runsc else {
            return Gvisor::Absent(match config.gvisor.absent.as_str() {
                "" => "no runsc is configured".to_owned(),
                why => why.to_owned(),
            });
        };
        match Runsc::open(program, config, guests) {
            Ok(runsc) => Gvisor::Usable(runsc),
            Err(error) => Gvisor::Absent(format!("{}: {error}", program.display())),
        }
    }

    pub fn usable(&self) -> Result<&Runsc, &str> {
        match self {
            Gvisor::Usable(runsc) => Ok(runsc),
            Gvisor::Absent(why) => Err(why),
        }
    }
}

impl Runsc {
    fn open(program: &Path, config: &Config, guests: &Path) -> io::Result<Runsc> {
        let roots = roots_dir(&config.run_dir);
        fs::create_dir_all(&roots)?;
        fs::set_permissions(&roots, fs::Permissions::from_mode(0o700))?;
        let version = hash_of(program)?;
        let guest = keep_guest(&config.guest_binary, guests)?;
        let runsc = Runsc {
            program: program.to_owned(),
            version,
            roots,
            guest,
        };
        let mut command = Command::new(&runsc.program);
        command.arg("--version");
        succeed(&mut command)?;
        Ok(runsc)
    }

    /// The root directory of a slot.
    pub fn root(&self, slot: Id) -> PathBuf {
        self.roots.join(slot.as_str())
    }

    /// The id of the sandbox in its root.
    pub fn name(slot: Id) -> String {
        // Short, since it is in the path of a unix socket.
        slot.as_str()[..12].to_owned()
    }

    /// A command line up to the subcommand.
    pub fn command(&self, slot: Id, log: Option<&str>, subcommand: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .current_dir("/")
            .arg(format!("--root={}", self.root(slot).display()))
            .args(FLAGS);
        if let Some(log) = log {
            command.arg(format!("--log={log}"));
        }
        command.arg(subcommand);
        command
    }

    /// Stops everything inside but the control of the sentry.
    pub fn pause(&self, slot: Id) -> io::Result<()> {
        self.control(slot, "pause", &[])
    }

    pub fn resume(&self, slot: Id) -> io::Result<()> {
        self.control(slot, "resume", &[])
    }

    /// Writes the memory to the new directory `image`. A paused sandbox stays paused.
    pub fn checkpoint(&self, slot: Id, image: &Path) -> io::Result<()> {
        let image = format!("--image-path={}", image.display());
        let args = [
            image.as_str(),
            "--compression=none",
            "--exclude-committed-zero-pages",
            "--leave-running",
        ];
        self.control(slot, "checkpoint", &args)
    }

    /// Whether it runs, that is, neither stands still nor has ended.
    pub fn runs(&self, slot: Id) -> io::Result<bool> {
        let mut command = self.command(slot, None, "state");
        let output = command
            .arg(Runsc::name(slot))
            .stdin(Stdio::null())
            .output()?;
        let state: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        Ok(state.get("status").and_then(|status| status.as_str()) == Some("running"))
    }

    /// One at a time for each slot. What a dead warden has started goes on to its end, which its
    /// successor waits for here: a late pause would stop for good what was just let go on.
    fn control(&self, slot: Id, subcommand: &str, args: &[&str]) -> io::Result<()> {
        // Of a slot that is forgotten nothing is made anew.
        if !self.root(slot).exists() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let lock = lock_file(&self.lock_of(slot), LIMIT)?;
        let mut command = self.command(slot, None, subcommand);
        command.args(args).arg(Runsc::name(slot));
        let held = lock.as_raw_fd();
        // SAFETY: between fork and exec a system call on a descriptor that is open.
        unsafe {
            command
                .pre_exec(move || sys::check(libc::fcntl(held, libc::F_SETFD, 0).into()).map(drop));
        }
        succeed(&mut command)
    }

    fn lock_of(&self, slot: Id) -> PathBuf {
        self.roots.join(format!("{slot}{LOCK}"))
    }

    /// Removes what `runsc` remembers of a slot.
    pub fn forget(&self, slot: Id) -> io::Result<()> {
        durable::remove(&self.lock_of(slot))?;
        forget(&self.root(slot))
    }

    /// Slots of which `runsc` remembers something.
    pub fn remembered(&self) -> io::Result<Vec<Id>> {
        let mut slots = Vec::new();
        for entry in fs::read_dir(&self.roots)? {
            let name = entry?.file_name();
            let name = name.to_str().unwrap_or_default();
            slots.extend(Id::parse(name.strip_suffix(LOCK).unwrap_or(name)));
        }
        slots.sort_unstable();
        slots.dedup();
        Ok(slots)
    }
}

fn roots_dir(run_dir: &Path) -> PathBuf {
    run_dir.join("g")
}

/// Removes a root directory of `runsc`; that it is not there is fine.
fn forget(root: &Path) -> io::Result<()> {
    match fs::remove_dir_all(root) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Runs a command that starts nothing which outlives it; what it says becomes the error.
fn succeed(command: &mut Command) -> io::Result<()> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let status = wait(&mut child, LIMIT)?;
    if status.success() {
        return Ok(());
    }
    let mut said = String::new();
    if let Some(stderr) = child.stderr.take() {
        stderr.take(4096).read_to_string(&mut said)?;
    }
    Err(io::Error::other(match said.trim() {
        "" => format!("{status}"),
        said => said.to_owned(),
    }))
}

/// Waits for a child; kills it when the time is over.
pub fn wait(child: &mut Child, limit: Duration) -> io::Result<std::process::ExitStatus> {
    let pidfd = sys::pidfd_open(child.id() as i32)?;
    if !sys::poll_one(pidfd.as_fd(), libc::POLLIN, limit.as_millis() as i32)? {
        child.kill()?;
        child.wait()?;
        return Err(io::ErrorKind::TimedOut.into());
    }
    child.wait()
}

/// The guest program under the name of its hash in `guests`, as long as a memory image may need it.
fn keep_guest(program: &Path, guests: &Path) -> io::Result<PathBuf> {
    let name = hash_of(program)?;
    let dir = guests.join(&name);
    let copy = dir.join("atoll-guest");
    if copy.exists() {
        return Ok(dir);
    }
    let new = guests.join(format!("{name}.new"));
    forget(&new)?;
    fs::create_dir_all(&new)?;
    let target = new.join("atoll-guest");
    fs::copy(program, &target)?;
    // The gofer reads it as a user of the sandbox's range.
    for (path, mode) in [(&new, 0o755), (&target, 0o755)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    File::open(&target)?.sync_all()?;
    forget(&dir)?;
    durable::commit(&new, &dir)?;
    Ok(dir)
}

/// Hexadecimal, the first 32 characters.
fn hash_of(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().to_hex()[..32].to_owned())
}
