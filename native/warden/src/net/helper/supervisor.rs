//! Keeping a helper's process alive while the warden is.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::wire::{self, Call, Order, Reply};
use super::{CALLS, NAMESPACE, ORDERS};
use crate::net::policy::Policy;

/// Before a helper that ended is started again, so that one which cannot run costs nothing.
const PAUSE: Duration = Duration::from_millis(500);
/// For a helper to take an order.
const ANSWER: Duration = Duration::from_secs(5);
/// Descriptors below are given to the child under other numbers.
const FIRST_OWN: RawFd = 16;

/// Takes sandboxes with their policies.
pub type Telling<'a> =
    dyn FnMut(&mut dyn Iterator<Item = (Ipv4Addr, &Policy)>) -> io::Result<()> + 'a;

/// The warden as helpers know it. Called from threads of theirs.
pub trait Office: Send + Sync {
    /// Calls `tell` with every policy, and lets none change before it returns.
    fn with_policies(&self, tell: &mut Telling) -> io::Result<()>;

    fn answer(&self, call: Call) -> Reply;
}

/// What a helper is executed as: `path mode <pid of the warden> arguments...`.
pub struct Program {
    pub path: PathBuf,
    pub mode: &'static str,
    pub arguments: Vec<String>,
    pub input: OwnedFd,
    /// None: nowhere.
    pub output: Option<OwnedFd>,
    /// None: the warden's.
    pub namespace: Option<OwnedFd>,
}

/// The running helper. Dropping it ends the process.
pub struct Helper {
    shared: Arc<Shared>,
    supervisor: Option<JoinHandle<()>>,
}

struct Shared {
    program: Program,
    office: Arc<dyn Office>,
    state: Mutex<State>,
    stopped: Condvar,
}

#[derive(Default)]
struct State {
    stopping: bool,
    /// From its start until it has been reaped: while it is here, its pid is its own.
    child: Option<Child>,
    /// Once it knows all policies.
    orders: Option<UnixStream>,
}

impl Helper {
    pub fn start(program: Program, office: Arc<dyn Office>) -> io::Result<Helper> {
        let shared = Arc::new(Shared {
            program,
            office,
            state: Mutex::default(),
            stopped: Condvar::new(),
        });
        let for_thread = Arc::clone(&shared);
        // This thread lives as long as the warden: the kernel sends the parent-death signal when
        // the *thread* that started the child ends (prctl(2), PR_SET_PDEATHSIG).
        let supervisor = thread::Builder::new()
            .name(shared.program.mode.into())
            .spawn(move || for_thread.supervise())?;
        Ok(Helper {
            shared,
            supervisor: Some(supervisor),
        })
    }

    /// The process that serves now, if one does.
    pub fn pid(&self) -> Option<u32> {
        self.shared.lock().child.as_ref().map(Child::id)
    }

    /// Returns when the policy is in force in the helper, or no helper serves: the next one is told all
    /// policies. The caller holds what [`Office::with_policies`] holds, with the policy in it.
    pub fn tell(&self, sandbox: Ipv4Addr, policy: Option<&Policy>) {
        let mut state = self.shared.lock();
        let Some(orders) = &state.orders else { return };
        let policy = policy.cloned();
        if let Err(error) = order(orders, &Order::Policy { sandbox, policy }) {
            eprintln!("{} takes no order: {error}", self.shared.program.mode);
            state.orders = None;
            if let Some(child) = &mut state.child {
                let _ = child.kill();
            }
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.stopping = true;
            if let Some(child) = &mut state.child {
                // Fails only when it has been reaped, which the lock excludes.
                let _ = child.kill();
            }
            self.shared.stopped.notify_all();
        }
        if let Some(supervisor) = self.supervisor.take() {
            let _ = supervisor.join();
        }
    }
}

impl Shared {
    fn supervise(&self) {
        let mode = self.program.mode;
        loop {
            let mut state = self.lock();
            if state.stopping {
                return;
            }
            match self.spawn() {
                Ok((child, orders, calls)) => {
                    let pid = child.id();
                    state.child = Some(child);
                    drop(state);
                    self.serve(calls);
                    if let Err(error) = self.feed(orders) {
                        let mut state = self.lock();
                        // One that is stopped before it knows all is no failure.
                        if !state.stopping {
                            eprintln!("{mode} was not told the policies: {error}");
                        }
                        if let Some(child) = &mut state.child {
                            let _ = child.kill();
                        }
                    }
                    await_end(pid);
                    state = self.lock();
                    state.orders = None;
                    if let Some(mut child) = state.child.take() {
                        match child.wait() {
                            Ok(status) if !state.stopping => {
                                eprintln!("{mode} ended ({status}), starting it again");
                            }
                            _ => {}
                        }
                    }
                }
                Err(error) => eprintln!("{mode} does not start: {error}"),
            }
            let stopped = self
                .stopped
                .wait_timeout_while(state, PAUSE, |state| !state.stopping)
                .unwrap_or_else(PoisonError::into_inner);
            drop(stopped);
        }
    }

    /// Tells the child every policy and lets it serve.
    fn feed(&self, orders: UnixStream) -> io::Result<()> {
        let mut orders = Some(orders);
        self.office.with_policies(&mut |policies| {
            let Some(stream) = orders.take() else {
                return Ok(());
            };
            for (sandbox, policy) in policies {
                let policy = Some(policy.clone());
                order(&stream, &Order::Policy { sandbox, policy })?;
            }
            order(&stream, &Order::Serve)?;
            self.lock().orders = Some(stream);
            Ok(())
        })
    }

    /// Answers the child's calls for as long as it makes any.
    fn serve(&self, calls: UnixStream) {
        let office = Arc::clone(&self.office);
        let started = thread::Builder::new()
            .name(format!("{} calls", self.program.mode))
            .spawn(move || {
                while let Ok(call) = wire::receive(&calls) {
                    if wire::send(&calls, &office.answer(call)).is_err() {
                        return;
                    }
                }
            });
        if let Err(error) = started {
            // The child's first call ends it.
            eprintln!("{}: no thread for its calls: {error}", self.program.mode);
        }
    }

    fn spawn(&self) -> io::Result<(Child, UnixStream, UnixStream)> {
        let program = &self.program;
        let (orders, its_orders) = UnixStream::pair()?;
        let (calls, its_calls) = UnixStream::pair()?;
        orders.set_read_timeout(Some(ANSWER))?;
        orders.set_write_timeout(Some(ANSWER))?;
        let mut given = vec![(above(&its_orders)?, ORDERS), (above(&its_calls)?, CALLS)];
        if let Some(namespace) = &program.namespace {
            given.push((above(namespace)?, NAMESPACE));
        }
        let output = match &program.output {
            Some(output) => Stdio::from(output.try_clone()?),
            None => Stdio::null(),
        };
        let mut command = Command::new(&program.path);
        command
            .arg(program.mode)
            .arg(std::process::id().to_string())
            .args(&program.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(program.input.try_clone()?))
            .stdout(output);
        // SAFETY: dup2(2) is safe between fork and exec and allocates nothing. Should one of the numbers be
        // that of the pipe on which std hears of a failed exec, it hears of none, and the child ends.
        unsafe {
            command.pre_exec(move || {
                for (from, to) in &given {
                    if libc::dup2(from.as_raw_fd(), *to) < 0 {
                        return Err(io::Error::last_os_error());
                    }
                }
                Ok(())
            });
        }
        Ok((command.spawn()?, orders, calls))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn order(orders: &UnixStream, order: &Order) -> io::Result<()> {
    wire::send(orders, order)?;
    match wire::receive(orders)? {
        Reply::Done => Ok(()),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// A duplicate with a number that no other descriptor of the child is moved to.
fn above(fd: &impl AsRawFd) -> io::Result<OwnedFd> {
    // SAFETY: fcntl(2) takes a descriptor that lives.
    let copy = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, FIRST_OWN) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a fresh descriptor that nothing else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Blocks until the child has ended and leaves it to be reaped.
fn await_end(pid: u32) {
    loop {
        // SAFETY: siginfo_t is plain data for which zero is valid, and waitid(2) writes into it.
        let result = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            libc::waitid(libc::P_PID, pid, &mut info, libc::WEXITED | libc::WNOWAIT)
        };
        let interrupted = io::Error::last_os_error().kind() == io::ErrorKind::Interrupted;
        if result == 0 || !interrupted {
            return;
        }
    }
}
