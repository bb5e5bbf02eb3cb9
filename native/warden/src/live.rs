//! Records of running sandboxes in the run directory, from which the next warden takes over.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use atoll_wire::warden::Isolation;
use serde::{Deserialize, Serialize};

use crate::ids::Id;
use crate::net::policy::Policy;
use crate::pool::durable;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LiveRecord {
    /// Of the boot in which the process ran: pids of another one mean nothing.
    pub boot_id: String,
    pub pid: i32,
    /// Tells the process from a later one of the same pid; clock ticks since boot.
    pub start_time: u64,
    pub index: u32,
    pub slot: String,
    pub layers: Vec<String>,
    #[serde(default)]
    pub volumes: Vec<String>,
    pub cpu_millis: u32,
    pub memory_bytes: u64,
    pub pids: u32,
    #[serde(default)]
    pub isolation: Class,
    #[serde(default)]
    pub extended: bool,
    #[serde(default)]
    pub mark: Mark,
    /// Absent in records of older wardens.
    #[serde(default)]
    pub holds: Option<Holds>,
    #[serde(default)]
    pub policy: Option<Policy>,
}

/// On whose behalf a sandbox is kept stopped. It goes on when nobody's is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holds {
    /// It was frozen by a request.
    pub engine: bool,
    /// The pool is nearly full and it writes.
    pub pool: bool,
}

/// What is being done to a sandbox that a successor has to finish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    #[default]
    None,
    /// Its sentry was told to pause.
    Paused,
    /// It stands still while its memory is saved.
    Saving,
}

/// The isolation class as it is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    #[default]
    Container,
    Gvisor,
}

impl From<Isolation> for Class {
    fn from(isolation: Isolation) -> Class {
        match isolation {
            Isolation::Container => Class::Container,
            Isolation::Gvisor => Class::Gvisor,
        }
    }
}

impl From<Class> for Isolation {
    fn from(class: Class) -> Isolation {
        match class {
            Class::Container => Isolation::Container,
            Class::Gvisor => Isolation::Gvisor,
        }
    }
}

pub struct LiveDir {
    dir: PathBuf,
    tmp: PathBuf,
    boot_id: String,
    /// Held while a record is composed and written: the last one written is the newest.
    pub writing: Mutex<()>,
}

impl LiveDir {
    pub fn open(run_dir: &Path) -> io::Result<LiveDir> {
        let dir = run_dir.join("live");
        let tmp = dir.join("new");
        fs::create_dir_all(&tmp)?;
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id")?
            .trim()
            .to_owned();
        Ok(LiveDir {
            dir,
            tmp,
            boot_id,
            writing: Mutex::default(),
        })
    }

    pub fn boot_id(&self) -> &str {
        &self.boot_id
    }

    fn path(&self, sandbox: Id) -> PathBuf {
        self.dir.join(format!("{sandbox}.json"))
    }

    /// Not synced: the record need not outlive the machine's uptime.
    pub fn write(&self, sandbox: Id, record: &LiveRecord) -> io::Result<()> {
        durable::write(
            &self.tmp,
            &self.path(sandbox),
            &serde_json::to_vec(record)?,
            false,
        )
    }

    pub fn remove(&self, sandbox: Id) -> io::Result<()> {
        durable::remove(&self.path(sandbox))
    }

    /// All records of this boot; others and unreadable ones are removed.
    pub fn read_all(&self) -> io::Result<Vec<(Id, LiveRecord)>> {
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                continue;
            }
            let path = entry.path();
            let id = path
                .file_stem()
                .and_then(|n| n.to_str())
                .and_then(Id::parse);
            let record: Option<LiveRecord> = fs::read(&path)
                .ok()
                .and_then(|bytes| serde_json::from_slice(&bytes).ok());
            match (id, record) {
                (Some(id), Some(record)) if record.boot_id == self.boot_id => {
                    records.push((id, record));
                }
                _ => durable::remove(&path)?,
            }
        }
        Ok(records)
    }
}
