//! A warden of its own for each test: own instance, own directories, a tiny root made here, and
//! [`inmate`](../examples/inmate.rs) as the guest.

#![allow(dead_code)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use atoll_wire::frame::{MAX_MSG_WARDEN, read_frame, write_msg};
use atoll_wire::warden::{
    self as wire, Failure, Request, Response, claim, request::Op, response::Result as Reply,
};
use prost::Message;

pub const BASE_LAYER: &str = "00000000000000000000000000000001";
const WARDEN: &str = env!("CARGO_BIN_EXE_atoll-warden");

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A running warden and what it serves; torn down when dropped.
pub struct Rig {
    pub dir: PathBuf,
    pub run: PathBuf,
    pub instance: String,
    child: Option<Child>,
}

/// A sandbox and the line to its PID 1.
pub struct Inmate {
    pub id: String,
    pub claimed: wire::Claimed,
    line: BufReader<UnixStream>,
}

pub fn random_id() -> String {
    let mut bytes = [0u8; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut f| std::io::Read::read_exact(&mut f, &mut bytes))
        .unwrap();
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

impl Rig {
    pub fn new() -> Rig {
        Rig::with(|_| {})
    }

    /// `change` may alter the configuration.
    pub fn with(change: impl FnOnce(&mut serde_json::Value)) -> Rig {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        let instance = format!("t{:x}x{n:x}", process & 0xffff);
        let dir = PathBuf::from(format!("/var/tmp/atoll-wd/{instance}"));
        let run = PathBuf::from(format!("/run/atoll/{instance}"));
        fs::create_dir_all(dir.join("templates")).unwrap();
        make_root(&dir);
        let mut config = serde_json::json!({
            "instance": instance,
            "state_dir": dir.join("state"),
            "run_dir": run,
            "engine_uid": 0,
            "engine_gid": 0,
            "guest_binary": guest(),
            "templates_dir": dir.join("templates"),
            "default_disk_bytes": 1u64 << 30,
            "max_slots": 16,
            // Tests of one process run side by side.
            "id_base": 0x3000_0000u32 + (process % 16) * 0x0100_0000 + (n % 16) * 0x0010_0000,
            "pool": {
                "size_bytes": 8u64 << 30,
                "admission_free_bytes": 64 << 20,
                "freeze_free_bytes": 32 << 20
            },
            "network": { "subnet": format!("10.203.{}.0/27", process.wrapping_mul(7).wrapping_add(n) % 250) },
        });
        change(&mut config);
        fs::write(dir.join("config.json"), config.to_string()).unwrap();
        let mut rig = Rig {
            dir,
            run,
            instance,
            child: None,
        };
        rig.start();
        rig
    }

    pub fn start(&mut self) {
        let mut child = Command::new(WARDEN)
            .arg("--config")
            .arg(self.dir.join("config.json"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).unwrap() == 0 {
                panic!("the warden did not start: {said}");
            }
            said.push_str(&line);
            if line.contains("serves") {
                break;
            }
        }
        // Goes on reading, so that the warden never blocks; what it says is kept with the test's
        // output.
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                eprintln!("{line}");
            }
        });
        self.child = Some(child);
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// SIGKILL, as a crash.
    pub fn kill_warden(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGKILL at a moment of somebody else's choosing; [`Rig::start`] brings up the next.
    pub fn killer(&self) -> impl FnOnce() + Send + 'static {
        let pid = self.pid() as i32;
        // SAFETY: our child, which is not reaped before `buried`.
        move || unsafe {
            libc::kill(pid, libc::SIGKILL);
        }
    }

    /// Reaps a warden that was killed.
    pub fn buried(&mut self) {
        self.child.take().unwrap().wait().unwrap();
    }

    pub fn connect(&self) -> Line {
        Line(UnixStream::connect(self.run.join("warden.sock")).unwrap())
    }

    pub fn ask(&self, op: Op) -> Result<Reply, Failure> {
        self.connect().ask(op)
    }

    pub fn done(&self, op: Op) {
        match self.ask(op) {
            Ok(Reply::Done(_)) => {}
            other => panic!("{other:?}"),
        }
    }

    /// Makes the slot's directory and socket as the engine does, and prepares the slot.
    pub fn slot(&self) -> (String, UnixListener) {
        let slot = random_id();
        let listener = self.slot_socket(&slot);
        match self.ask(Op::PrepareSlot(wire::PrepareSlot {
            slot: slot.clone(),
            ..Default::default()
        })) {
            Ok(Reply::Slot(ready)) => assert_eq!(ready.slot, slot),
            other => panic!("{other:?}"),
        }
        (slot, listener)
    }

    pub fn slot_socket(&self, slot: &str) -> UnixListener {
        let dir = self.run.join("s").join(slot);
        fs::create_dir_all(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o711)).unwrap();
        let socket = dir.join("e");
        let _ = fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).unwrap();
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
        listener
    }

    pub fn claim_request(slot: &str, sandbox: &str) -> wire::Claim {
        wire::Claim {
            slot: slot.to_owned(),
            sandbox: sandbox.to_owned(),
            layers: vec![BASE_LAYER.to_owned()],
            disk: Some(claim::Disk::NewBytes(1 << 30)),
            network: true,
            ..Default::default()
        }
    }

    pub fn sandbox(&self) -> Inmate {
        self.sandbox_with(|_| {})
    }

    pub fn sandbox_with(&self, change: impl FnOnce(&mut wire::Claim)) -> Inmate {
        self.try_sandbox(change).unwrap()
    }

    pub fn try_sandbox(&self, change: impl FnOnce(&mut wire::Claim)) -> Result<Inmate, Failure> {
        let (slot, listener) = self.slot();
        let id = random_id();
        let mut request = Rig::claim_request(&slot, &id);
        change(&mut request);
        let id = request.sandbox.clone();
        let claimed = match self.ask(Op::Claim(request))? {
            Reply::Claimed(claimed) => claimed,
            other => panic!("{other:?}"),
        };
        let (stream, _) = listener.accept().unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        Ok(Inmate {
            id,
            claimed,
            line: BufReader::new(stream),
        })
    }

    pub fn kill(&self, sandbox: &str) -> wire::Killed {
        match self.ask(Op::Kill(wire::Kill {
            sandbox: sandbox.to_owned(),
        })) {
            Ok(Reply::Killed(killed)) => killed,
            other => panic!("{other:?}"),
        }
    }

    pub fn everything(&self) -> wire::Everything {
        match self.ask(Op::List(wire::ListAll {})) {
            Ok(Reply::Everything(all)) => all,
            other => panic!("{other:?}"),
        }
    }

    pub fn snapshot(&self, sandbox: &str) -> (String, wire::SnapshotMade) {
        self.captured(sandbox, false)
    }

    /// The snapshot of a fork.
    pub fn temporary_snapshot(&self, sandbox: &str) -> String {
        self.captured(sandbox, true).0
    }

    fn captured(&self, sandbox: &str, temporary: bool) -> (String, wire::SnapshotMade) {
        let snapshot = random_id();
        let op = wire::Snapshot {
            sandbox: sandbox.to_owned(),
            snapshot: snapshot.clone(),
            temporary,
        };
        match self.ask(Op::Snapshot(op)) {
            Ok(Reply::Snapshot(made)) => (snapshot, made),
            other => panic!("{other:?}"),
        }
    }

    pub fn subscribe(&self) -> Line {
        let mut line = self.connect();
        assert!(matches!(
            line.ask(Op::Subscribe(wire::Subscribe {})),
            Ok(Reply::Done(_))
        ));
        line
    }

    /// What an audit finds that nobody accounts for.
    pub fn leaks(&self) -> Vec<wire::audit_report::Leak> {
        match self.ask(Op::Audit(wire::Audit::default())) {
            Ok(Reply::Audit(report)) => report.leaks,
            other => panic!("{other:?}"),
        }
    }

    /// What a power cut leaves: nothing lives, and the pool holds what had reached its log.
    pub fn cut_power(&mut self) {
        const XFS_IOC_GOINGDOWN: libc::c_ulong = 0x8004_587D;
        const WITHOUT_FLUSHING_THE_LOG: u32 = 2;
        let root = fs::File::open(self.pool()).unwrap();
        // SAFETY: the request takes a pointer to a u32.
        let down = unsafe {
            libc::ioctl(
                std::os::fd::AsRawFd::as_raw_fd(&root),
                XFS_IOC_GOINGDOWN as _,
                &WITHOUT_FLUSHING_THE_LOG,
            )
        };
        assert_eq!(down, 0, "{}", std::io::Error::last_os_error());
        drop(root);
        self.kill_warden();
        assert!(self.teardown());
        self.start();
    }

    fn teardown(&self) -> bool {
        Command::new(WARDEN)
            .arg("--config")
            .arg(self.dir.join("config.json"))
            .arg("--teardown")
            .status()
            .is_ok_and(|status| status.success())
    }

    pub fn pool(&self) -> PathBuf {
        self.dir.join("state/pool")
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill_warden();
        }
        let torn = self.teardown();
        let _ = fs::remove_dir_all(&self.dir);
        if !std::thread::panicking() {
            assert!(torn, "teardown failed");
        }
    }
}

/// One connection to the warden.
pub struct Line(pub UnixStream);

impl Line {
    /// `None` when the warden died under the request.
    pub fn try_ask(&mut self, op: Op) -> Option<Reply> {
        write_msg(&mut self.0, &Request { op: Some(op) }).ok()?;
        let mut buffer = Vec::new();
        read_frame(&mut self.0, MAX_MSG_WARDEN, &mut buffer).ok()??;
        Response::decode(buffer.as_slice()).unwrap().result
    }

    pub fn ask(&mut self, op: Op) -> Result<Reply, Failure> {
        self.send(op);
        self.receive()
    }

    pub fn send(&mut self, op: Op) {
        write_msg(&mut self.0, &Request { op: Some(op) }).unwrap();
    }

    pub fn receive(&mut self) -> Result<Reply, Failure> {
        let mut buffer = Vec::new();
        read_frame(&mut self.0, MAX_MSG_WARDEN, &mut buffer)
            .unwrap()
            .expect("an answer");
        match Response::decode(buffer.as_slice())
            .unwrap()
            .result
            .expect("a result")
        {
            Reply::Failure(failure) => Err(failure),
            reply => Ok(reply),
        }
    }

    /// The next event of a connection that subscribed.
    pub fn event(&mut self) -> wire::event::Kind {
        let mut buffer = Vec::new();
        self.0
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        read_frame(&mut self.0, MAX_MSG_WARDEN, &mut buffer)
            .unwrap()
            .expect("an event");
        wire::Event::decode(buffer.as_slice())
            .unwrap()
            .kind
            .unwrap()
    }
}

impl Inmate {
    pub fn tell(&mut self, words: &[&str]) -> Result<String, (i32, String)> {
        self.send(words);
        self.answer()
    }

    pub fn send(&mut self, words: &[&str]) {
        let mut line = words.join("\x1f");
        line.push('\n');
        self.line.get_mut().write_all(line.as_bytes()).unwrap();
    }

    pub fn answer(&mut self) -> Result<String, (i32, String)> {
        let mut answer = String::new();
        self.line.read_line(&mut answer).unwrap();
        let answer = answer.trim_end().replace('\x1e', "\n");
        if let Some(text) = answer.strip_prefix("ok") {
            return Ok(text.trim_start_matches(' ').to_owned());
        }
        let rest = answer
            .strip_prefix("err ")
            .unwrap_or_else(|| panic!("answer {answer:?}"));
        let (errno, text) = rest.split_once(' ').unwrap();
        Err((errno.parse().unwrap(), text.to_owned()))
    }

    pub fn errno(&mut self, words: &[&str]) -> i32 {
        match self.tell(words) {
            Ok(text) => panic!("{words:?} worked: {text}"),
            Err((errno, _)) => errno,
        }
    }

    pub fn ok(&mut self, words: &[&str]) -> String {
        self.tell(words)
            .unwrap_or_else(|e| panic!("{words:?}: {e:?}"))
    }
}

/// Waits for something that has no event to wait for.
pub fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !check() {
        assert!(Instant::now() < deadline, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The inmate, which cargo builds with the tests.
fn guest() -> PathBuf {
    Path::new(WARDEN).with_file_name("examples").join("inmate")
}

/// A root without programs, as an erofs image beside its template entry.
fn make_root(dir: &Path) {
    let root = dir.join("root");
    for sub in ["etc", "data/inner", "proc", "dev", "sys", "tmp", "run"] {
        fs::create_dir_all(root.join(sub)).unwrap();
    }
    fs::write(root.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\n").unwrap();
    fs::write(root.join("data/inner/file"), "of the layer").unwrap();
    // What a careless image may hold: a device of the host that everybody may open.
    let device = std::ffi::CString::new(root.join("data/disk").to_str().unwrap()).unwrap();
    // SAFETY: a valid C string.
    unsafe { libc::mknod(device.as_ptr(), libc::S_IFBLK | 0o666, libc::makedev(7, 0)) };
    // SAFETY: as above; mknod heeds the umask.
    unsafe { libc::chmod(device.as_ptr(), 0o666) };
    let image = dir.join("templates/base.img");
    let made = Command::new("mkfs.erofs")
        .arg("--quiet")
        .args([&image, &root])
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let entry = serde_json::json!({
        "id": BASE_LAYER, "name": "base", "file": "base.img", "config": {"user": "root"}
    });
    fs::write(dir.join("templates/base.json"), entry.to_string()).unwrap();
}
