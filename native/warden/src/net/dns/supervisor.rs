//! Keeping the forwarder's process alive while the warden is.

use super::Sockets;
use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Before a forwarder that ended is started again, so that one which cannot run costs nothing.
const PAUSE: Duration = Duration::from_millis(500);

/// The running forwarder. Dropping it ends the process.
pub struct Forwarder {
    shared: Arc<Shared>,
    supervisor: Option<JoinHandle<()>>,
}

struct Shared {
    program: PathBuf,
    upstream: Vec<IpAddr>,
    sockets: Sockets,
    state: Mutex<State>,
    stopped: Condvar,
}

#[derive(Default)]
struct State {
    stopping: bool,
    /// From its start until it has been reaped: while it is here, its pid is its own.
    child: Option<Child>,
}

impl Forwarder {
    /// `program` is executed as `program dns ...`; its main must call [`super::dns_main`].
    pub fn start(
        program: PathBuf,
        sockets: Sockets,
        upstream: Vec<IpAddr>,
    ) -> io::Result<Forwarder> {
        let shared = Arc::new(Shared {
            program,
            upstream,
            sockets,
            state: Mutex::default(),
            stopped: Condvar::new(),
        });
        let for_thread = Arc::clone(&shared);
        // This thread lives as long as the warden: the kernel sends the parent-death signal when
        // the *thread* that started the child ends (prctl(2), PR_SET_PDEATHSIG).
        let supervisor = thread::Builder::new()
            .name("dns".into())
            .spawn(move || for_thread.supervise())?;
        Ok(Forwarder {
            shared,
            supervisor: Some(supervisor),
        })
    }

    /// The process that serves now, if one does.
    pub fn pid(&self) -> Option<u32> {
        self.shared.lock().child.as_ref().map(Child::id)
    }
}

impl Drop for Forwarder {
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
        loop {
            let mut state = self.lock();
            if state.stopping {
                return;
            }
            match self.spawn() {
                Ok(child) => {
                    let pid = child.id();
                    state.child = Some(child);
                    drop(state);
                    await_end(pid);
                    state = self.lock();
                    if let Some(mut child) = state.child.take() {
                        match child.wait() {
                            Ok(status) if !state.stopping => {
                                eprintln!("dns forwarder ended ({status}), starting it again");
                            }
                            _ => {}
                        }
                    }
                }
                Err(error) => eprintln!("dns forwarder does not start: {error}"),
            }
            let stopped = self
                .stopped
                .wait_timeout_while(state, PAUSE, |state| !state.stopping)
                .unwrap_or_else(PoisonError::into_inner);
            drop(stopped);
        }
    }

    fn spawn(&self) -> io::Result<Child> {
        let udp = OwnedFd::from(self.sockets.udp.try_clone()?);
        let tcp = OwnedFd::from(self.sockets.tcp.try_clone()?);
        Command::new(&self.program)
            .arg("dns")
            .arg(std::process::id().to_string())
            .args(self.upstream.iter().map(ToString::to_string))
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(udp))
            .stdout(Stdio::from(tcp))
            .spawn()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
