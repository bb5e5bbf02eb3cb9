//! The engine's side for tests: a listening socket, a guest that runs outside a sandbox as a
//! subreaper, and calls in the protocol's words.
#![allow(dead_code)] // each test binary uses its own part

use atoll_wire::frame::{self, Kind};
use atoll_wire::guest::{self as pb, error::Code, reply::Result as Answer, request::Op};
use prost::Message;
use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a test waits for what must happen; only a failing test waits that long.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Engine {
    pub dir: PathBuf,
    listener: UnixListener,
    pub guest: Child,
}

fn fresh_directory() -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("atoll-guest-test-{}-{n}", std::process::id()));
    std::fs::create_dir_all(dir.join("spool")).unwrap();
    std::fs::create_dir_all(dir.join("work")).unwrap();
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&dir, everybody).unwrap();
    dir
}

impl Engine {
    /// A started and configured guest whose working directory is `work()`.
    pub fn start() -> Engine {
        let mut engine = Engine::unconfigured();
        engine.configure(pb::Configure::default());
        engine
    }

    pub fn unconfigured() -> Engine {
        let dir = fresh_directory();
        let listener = UnixListener::bind(dir.join("e")).unwrap();
        listener.set_nonblocking(true).unwrap();
        let guest = Command::new(env!("CARGO_BIN_EXE_atoll-guest"))
            .arg("--socket")
            .arg(dir.join("e"))
            .arg("--spool-dir")
            .arg(dir.join("spool"))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Engine {
            dir,
            listener,
            guest,
        }
    }

    pub fn work(&self) -> PathBuf {
        self.dir.join("work")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.work().join(name)
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        bytes(&self.file(name))
    }

    pub fn configure(&mut self, mut request: pb::Configure) {
        request.workdir = self.work().to_str().unwrap().to_owned();
        request.generation = request.generation.max(1);
        self.conn().ok(Op::Configure(request));
    }

    /// The next connection that the guest dials, its Hello read.
    pub fn conn(&mut self) -> Conn {
        self.conn_with_hello().0
    }

    pub fn conn_with_hello(&mut self) -> (Conn, pb::Hello) {
        let until = Instant::now() + PATIENCE;
        let stream = loop {
            match self.listener.accept() {
                Ok((stream, _)) => break stream,
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {
                    assert!(Instant::now() < until, "the guest does not dial");
                    if let Some(status) = self.guest.try_wait().unwrap() {
                        panic!("the guest ended: {status}");
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(e) => panic!("accept: {e}"),
            }
        };
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut conn = Conn { stream };
        let (kind, payload) = conn.frame().expect("a hello");
        assert_eq!(kind, Kind::Msg);
        (conn, pb::Hello::decode(payload.as_slice()).unwrap())
    }

    /// The engine restarts: all connections and the socket vanish and a new socket appears.
    pub fn rebind(&mut self) {
        std::fs::remove_file(self.dir.join("e")).unwrap();
        self.listener = UnixListener::bind(self.dir.join("e")).unwrap();
        self.listener.set_nonblocking(true).unwrap();
    }

    /// Runs a shell command to its end on a new connection.
    pub fn sh(&mut self, command: &str) -> Output {
        self.run(spawn_sh(command))
    }

    pub fn run(&mut self, mut spawn: pb::Spawn) -> Output {
        spawn.attach = true;
        let mut conn = self.conn();
        conn.send(Op::Spawn(spawn));
        conn.started();
        conn.output()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It may have ended already; either way it is waited for.
        let _ = self.guest.kill();
        let _ = self.guest.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A spawn of `sh -c` with a fresh id.
pub fn spawn_sh(command: &str) -> pb::Spawn {
    spawn(&["sh", "-c", command])
}

pub fn spawn(argv: &[&str]) -> pb::Spawn {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    pb::Spawn {
        id: format!("p{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        argv: argv.iter().map(|a| a.as_bytes().to_vec()).collect(),
        ..Default::default()
    }
}

pub fn bytes(path: &Path) -> Vec<u8> {
    path.to_str().unwrap().as_bytes().to_vec()
}

pub struct Output {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// All output in arrival order: (is stderr, bytes).
    pub pieces: Vec<(bool, Vec<u8>)>,
    pub gaps: Vec<pb::OutputGap>,
    pub last: Answer,
}

impl Output {
    pub fn exited(&self) -> pb::ProcessExited {
        match &self.last {
            Answer::Exited(exited) => *exited,
            other => panic!("not exited: {other:?}"),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

pub struct Conn {
    pub stream: UnixStream,
}

impl Conn {
    /// None when the guest has closed the connection.
    pub fn frame(&mut self) -> Option<(Kind, Vec<u8>)> {
        let mut payload = Vec::new();
        match frame::read_frame(&mut self.stream, frame::MAX_MSG_FROM_GUEST, &mut payload) {
            Ok(kind) => kind.map(|k| (k, payload)),
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(e) => panic!("reading a frame: {e}"),
        }
    }

    pub fn send(&mut self, op: Op) {
        frame::write_msg(&mut self.stream, &pb::Request { op: Some(op) }).unwrap();
    }

    pub fn data(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(frame::MAX_DATA) {
            frame::write_frame(&mut self.stream, Kind::Data, piece).unwrap();
        }
    }

    pub fn end(&mut self) {
        frame::write_frame(&mut self.stream, Kind::End, b"").unwrap();
    }

    pub fn raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub fn answer(&mut self) -> Answer {
        let (kind, payload) = self.frame().expect("a reply");
        assert_eq!(kind, Kind::Msg, "{} bytes of payload", payload.len());
        pb::Reply::decode(payload.as_slice())
            .unwrap()
            .result
            .expect("a result")
    }

    pub fn call(&mut self, op: Op) -> Answer {
        self.send(op);
        self.answer()
    }

    pub fn ok(&mut self, op: Op) {
        let shown = format!("{op:?}");
        match self.call(op) {
            Answer::Ok(_) => {}
            other => panic!("{shown}: {other:?}"),
        }
    }

    /// The call fails; code and message.
    pub fn fails(&mut self, op: Op) -> (Code, String) {
        self.send(op);
        self.failure()
    }

    pub fn failure(&mut self) -> (Code, String) {
        match self.answer() {
            Answer::Error(e) => (e.code(), format!("{} [{}]", e.message, e.field)),
            other => panic!("no error but {other:?}"),
        }
    }

    pub fn started(&mut self) -> pb::ProcessStarted {
        match self.answer() {
            Answer::Started(started) => started,
            other => panic!("not started: {other:?}"),
        }
    }

    /// Output until the final reply of an attached session.
    pub fn output(&mut self) -> Output {
        let mut output = Output {
            stdout: Vec::new(),
            stderr: Vec::new(),
            pieces: Vec::new(),
            gaps: Vec::new(),
            last: Answer::Ok(pb::Ok {}),
        };
        loop {
            let (kind, payload) = self.frame().expect("a frame");
            match kind {
                Kind::Data => {
                    output.stdout.extend_from_slice(&payload);
                    output.pieces.push((false, payload));
                }
                Kind::Err => {
                    output.stderr.extend_from_slice(&payload);
                    output.pieces.push((true, payload));
                }
                Kind::End | Kind::Filled | Kind::Taken => panic!("{kind:?} in a session"),
                Kind::Msg => match pb::Reply::decode(payload.as_slice()).unwrap().result {
                    Some(Answer::Gap(gap)) => output.gaps.push(gap),
                    Some(last) => {
                        output.last = last;
                        return output;
                    }
                    None => panic!("an empty reply"),
                },
            }
        }
    }

    /// stdout up to and including `wanted`.
    pub fn until(&mut self, wanted: &str) -> String {
        let mut seen = String::new();
        while !seen.contains(wanted) {
            let (kind, payload) = self.frame().expect("a frame");
            assert!(kind == Kind::Data, "{kind:?} after {seen:?}: {payload:?}");
            seen.push_str(&String::from_utf8_lossy(&payload));
        }
        seen
    }

    /// DATA up to END.
    pub fn stream(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            match self.frame().expect("a frame") {
                (Kind::Data, payload) => all.extend_from_slice(&payload),
                (Kind::End, _) => return all,
                (kind, payload) => panic!("{kind:?}: {:?}", pb::Reply::decode(payload.as_slice())),
            }
        }
    }
}
