//! From a Spawn request to a running process.

use super::child::{self, Plan, SCRIPT_FD, Stage};
use super::session::{self, View, follow};
use super::table::{MAX_RUNNING, Reserved};
use super::{Process, Source, State, StdinTarget, pty, reactor};
use crate::conn::Conn;
use crate::engine_link::PROTOCOL;
use crate::failure::{Failure, Outcome};
use crate::files::path::absolute;
use crate::fs_tools;
use crate::guest::{Guest, Settings};
use crate::spool::{LARGEST, Spool};
use crate::sys;
use crate::users::{self, Identity};
use atoll_wire::guest::Spawn;
use atoll_wire::guest::error::Code;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Access, MemfdFlags, Mode, OFlags, SealFlags};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where commands are looked up when the environment has no PATH.
pub const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Longest script, bytes.
pub const MAX_SCRIPT: usize = 8 << 20;
/// Bytes and number of arguments of a command line that lists show.
const MAX_REMEMBERED: usize = 4 << 10;
const MAX_REMEMBERED_ARGUMENTS: usize = 64;
/// Longest id, bytes.
const MAX_ID: usize = 64;

pub fn spawn(guest: &Guest, conn: &mut Conn, request: Spawn) -> Outcome {
    check_id(&request.id)?;
    let view = View {
        required_reader: request.required_reader,
        kill_on_detach: request.kill_on_detach,
        ..View::default()
    };
    let attach = request.attach;
    // Whoever types waits for the start.
    let patient = !request.stdin && request.tty.is_none();
    let (process, existed) = match guest.processes.reserve(&request.id) {
        Reserved::Existing(process) => (process, true),
        Reserved::Full => {
            let message = format!("{MAX_RUNNING} processes are running");
            return Err(Failure::new(Code::TooMany, message).into());
        }
        Reserved::Free => {
            let id = request.id.clone();
            match start(guest, request) {
                Ok(process) => (process, false),
                Err(failure) => {
                    guest.processes.cancel(&id);
                    return Err(failure.into());
                }
            }
        }
    };
    let first = session::started(&process, existed);
    if attach {
        return follow(guest, conn, &process, view, first, patient && !existed);
    }
    conn.reply(first)?;
    Ok(())
}

pub fn check_id(id: &str) -> Result<(), Failure> {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(fine) {
        return Err(Failure::invalid("id", "id: 1 to 64 of A-Z a-z 0-9 _ -"));
    }
    Ok(())
}

fn c_string(field: &'static str, bytes: Vec<u8>) -> Result<CString, Failure> {
    CString::new(bytes).map_err(|_| Failure::invalid(field, format!("{field}: holds a NUL byte")))
}

/// The child's side and the guest's side of its streams.
struct Streams {
    stdin: OwnedFd,
    stdout: OwnedFd,
    /// None: the same as stdout.
    stderr: Option<OwnedFd>,
    outputs: [Option<OwnedFd>; 2],
    input: StdinTarget,
}

fn pipes(request: &Spawn) -> io::Result<Streams> {
    let (stdin, input) = if request.stdin {
        let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        reactor::set_nonblocking(write.as_fd())?;
        (read, StdinTarget::Pipe(write))
    } else {
        (
            rustix::fs::open(c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?,
            StdinTarget::Closed,
        )
    };
    let (out, stdout) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    reactor::set_nonblocking(out.as_fd())?;
    let (err, stderr) = if request.merge_output {
        (None, None)
    } else {
        let (err, stderr) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        reactor::set_nonblocking(err.as_fd())?;
        (Some(err), Some(stderr))
    };
    Ok(Streams {
        stdin,
        stdout,
        stderr,
        outputs: [Some(out), err],
        input,
    })
}

fn terminal(tty: &atoll_wire::guest::Tty, uid: u32) -> Result<Streams, Failure> {
    let (master, slave) = pty::open(pty::winsize(tty.cols, tty.rows)?, uid)?;
    let copy = rustix::io::fcntl_dupfd_cloexec(&slave, 3)
        .map_err(|e| Failure::os(&e.into(), "the pty"))?;
    Ok(Streams {
        stdin: slave,
        stdout: copy,
        stderr: None,
        outputs: [Some(master), None],
        input: StdinTarget::Pty,
    })
}

type Environment = BTreeMap<Vec<u8>, Vec<u8>>;

fn environment(
    request: &Spawn,
    settings: &Settings,
    who: &Identity,
) -> Result<Environment, Failure> {
    let mut env = Environment::new();
    let mut set = |name: &[u8], value: &[u8]| env.insert(name.to_vec(), value.to_vec());
    set(b"PATH", DEFAULT_PATH);
    set(b"HOME", &who.home);
    set(b"USER", who.name.as_bytes());
    set(b"LOGNAME", who.name.as_bytes());
    set(b"SHELL", &who.shell);
    if let Some(tty) = &request.tty {
        let term = if tty.term.is_empty() {
            "xterm-256color"
        } else {
            &tty.term
        };
        set(b"TERM", term.as_bytes());
    }
    if !request.clear_env {
        env.extend(settings.env.iter().cloned());
    }
    for var in &request.env {
        if var.name.is_empty() || var.name.contains(&b'=') {
            return Err(Failure::invalid("env", "env: a name is empty or holds '='"));
        }
        env.insert(var.name.clone(), var.value.clone());
    }
    Ok(env)
}

/// The files that may be the program, in the order of PATH.
fn programs(command: &[u8], path: &[u8]) -> Vec<Vec<u8>> {
    if command == fs_tools::PROGRAM {
        return vec![fs_tools::EXECUTABLE.to_vec()];
    }
    if command.contains(&b'/') {
        return vec![command.to_vec()];
    }
    path.split(|b| *b == b':')
        .map(|directory| {
            let mut program = if directory.is_empty() {
                b".".to_vec()
            } else {
                directory.to_vec()
            };
            program.push(b'/');
            program.extend_from_slice(command);
            program
        })
        .collect()
}

/// Leaves out what is not there before the first that is: a failed exec is dearer than a look, above all
/// in a child that has just begun under gVisor.
fn without_missing(mut programs: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let missing = |program: &Vec<u8>| {
        // Relative to the child's directory, or to the child itself.
        let another = !program.starts_with(b"/") || program.starts_with(b"/proc/");
        !another && rustix::fs::access(program.as_slice(), Access::EXISTS) == Err(Errno::NOENT)
    };
    if let Some(first) = programs.iter().position(|program| !missing(program)) {
        programs.drain(..first);
    }
    programs
}

/// A sealed file in memory that holds the script.
fn script_file(script: &[u8]) -> Result<OwnedFd, Failure> {
    let failed = |e: io::Error| Failure::os(&e, "the script's file").with_field("script");
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let fd = rustix::fs::memfd_create(c"script", flags).map_err(|e| failed(e.into()))?;
    let mut rest = script;
    while !rest.is_empty() {
        let n = rustix::io::retry_on_intr(|| rustix::io::write(&fd, rest))
            .map_err(|e| failed(e.into()))?;
        rest = rest.get(n..).unwrap_or_default();
    }
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&fd, seals).map_err(|e| failed(e.into()))?;
    Ok(fd)
}

fn start(guest: &Guest, mut request: Spawn) -> Result<Arc<Process>, Failure> {
    let settings = guest.settings();
    if request.argv.first().is_none_or(Vec::is_empty) {
        return Err(Failure::invalid("argv", "argv: the command is missing"));
    }
    if request.script.len() > MAX_SCRIPT {
        let message = format!(
            "script: {} bytes, at most {MAX_SCRIPT}",
            request.script.len()
        );
        return Err(Failure::new(Code::TooLarge, message).with_field("script"));
    }
    if request.spool_limit > LARGEST {
        return Err(Failure::invalid(
            "spool_limit",
            format!("spool_limit: at most {LARGEST}"),
        ));
    }
    if !(-1000..=1000).contains(&request.oom_score_adj) {
        return Err(Failure::invalid(
            "oom_score_adj",
            "oom_score_adj: -1000 to 1000",
        ));
    }
    let user = if request.user.is_empty() {
        &settings.user
    } else {
        &request.user
    };
    let who = users::resolve(user)?;
    let cwd =
        absolute(&settings, &who, b"", request.cwd.as_bytes()).map_err(|f| f.with_field("cwd"))?;
    let mut cwds = vec![cwd];
    if request.cwd.is_empty() && PROTOCOL >= 2 {
        // The default directory was chosen for the default user; another one may be shut out of it.
        cwds.extend([who.home.clone(), b"/".to_vec()]);
    }
    let env = environment(&request, &settings, &who)?;
    let path = env
        .get(b"PATH".as_slice())
        .cloned()
        .unwrap_or_else(|| DEFAULT_PATH.to_vec());
    let command = request.argv.first().cloned().unwrap_or_default();
    let script = match request.script.is_empty() {
        true => None,
        false => Some(script_file(&std::mem::take(&mut request.script))?),
    };
    let mut argv = request.argv.clone();
    if script.is_some() {
        argv.push(format!("/proc/self/fd/{SCRIPT_FD}").into_bytes());
    }
    let streams = match &request.tty {
        Some(tty) => terminal(tty, who.uid)?,
        None => pipes(&request).map_err(|e| Failure::os(&e, "pipes for the process"))?,
    };
    let adj = match request.oom_score_adj {
        0 => guest.child_oom_score_adj,
        asked => Some(asked),
    };
    let plan = Plan {
        programs: strings("argv", without_missing(programs(&command, &path)))?,
        argv: strings("argv", argv)?,
        env: strings(
            "env",
            env.into_iter().map(|(mut name, value)| {
                name.push(b'=');
                name.extend_from_slice(&value);
                name
            }),
        )?,
        cwds: strings("cwd", cwds.iter().cloned())?,
        stdin: streams.stdin.as_fd(),
        stdout: streams.stdout.as_fd(),
        stderr: streams.stderr.as_ref().unwrap_or(&streams.stdout).as_fd(),
        script: script.as_ref().map(AsFd::as_fd),
        tty: request.tty.is_some(),
        uid: who.uid,
        gid: who.gid,
        groups: who.groups.clone(),
        nofile: guest.child_nofile,
        keeps_user: guest.is_root && who.uid == 0 && who.gid == 0 && who.groups.is_empty(),
        oom_score_adj: adj.map(|adj| adj.to_string()).unwrap_or_default(),
    };
    let flight = guest.processes.launch();
    let started = child::start(&plan, &flight.pid).map_err(|(stage, error)| {
        guest.processes.abort(&flight);
        let cwd = cwds.first().map(Vec::as_slice).unwrap_or_default();
        refusal(stage, &error, &command, cwd, &who)
    })?;
    drop(plan);
    let limit = if request.spool_limit == 0 {
        settings.spool_limit
    } else {
        request.spool_limit
    };
    let mut state = State::new(Spool::new(limit));
    state.stdin.target = streams.input;
    state.outputs = streams
        .outputs
        .map(|o| o.map(|fd| Source { fd, watched: false }));
    state.pidfd = Some(started.pidfd);
    let process = Arc::new(Process {
        id: request.id,
        serial: guest.processes.next_serial(),
        pid: started.pid,
        argv: shorten(request.argv),
        cwd: cwds.swap_remove(started.cwd),
        user: who.name,
        tty: request.tty.is_some(),
        started_at_ms: sys::now_ms(),
        kill_group_on_exit: request.kill_group_on_exit,
        required_reader: request.required_reader,
        state: state.into(),
    });
    if let Some(ended) = guest.processes.register(&process, &flight) {
        guest.reactor.ended_early(guest, &process, ended);
    }
    {
        let mut state = process.state();
        for stream in [0, 1] {
            guest.reactor.watch_output(&process, &mut state, stream);
        }
    }
    if request.timeout_ms > 0
        && let Some(at) = Instant::now().checked_add(Duration::from_millis(request.timeout_ms))
    {
        guest.reactor.set_deadline(guest, process.serial, at);
    }
    Ok(process)
}

/// What is remembered of a command line, at most [`MAX_REMEMBERED`] bytes.
fn shorten(argv: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut left = MAX_REMEMBERED;
    let mut short = Vec::new();
    for mut argument in argv {
        argument.truncate(left);
        argument.shrink_to_fit();
        left -= argument.len();
        short.push(argument);
        if left == 0 || short.len() == MAX_REMEMBERED_ARGUMENTS {
            break;
        }
    }
    short
}

fn strings(
    field: &'static str,
    values: impl IntoIterator<Item = Vec<u8>>,
) -> Result<Vec<CString>, Failure> {
    values.into_iter().map(|v| c_string(field, v)).collect()
}

/// What the engine is told when the child could not execute.
fn refusal(stage: Stage, error: &io::Error, command: &[u8], cwd: &[u8], who: &Identity) -> Failure {
    let shown = String::from_utf8_lossy(command);
    let errno = error.raw_os_error().unwrap_or(0);
    match stage {
        Stage::Setup => Failure::os(error, format!("starting {shown}")),
        Stage::User => Failure::os(error, format!("becoming user {}", who.name)).with_field("user"),
        Stage::Cwd => Failure::os(error, cwd).with_field("cwd"),
        Stage::Exec => {
            let mut failure = Failure::os(error, command).with_field("argv");
            let exists =
                command.contains(&b'/') && std::fs::metadata(std::ffi::OsStr::new(&*shown)).is_ok();
            failure.code = match errno {
                libc::ENOENT if exists => Code::NotExecutable,
                libc::ENOENT | libc::ENOTDIR => Code::NoSuchCommand,
                libc::EACCES
                | libc::EPERM
                | libc::ENOEXEC
                | libc::EISDIR
                | libc::ELIBBAD
                | libc::ETXTBSY => Code::NotExecutable,
                _ => failure.code,
            };
            failure
        }
    }
}
