//! Users and groups of the sandbox, from its own /etc/passwd and /etc/group.
//!
//! Both files belong to the sandbox: any content is tolerated, lines that do not parse are
//! skipped, and at most [`MAX_FILE`] bytes are read.

use crate::failure::Failure;
use atoll_wire::guest::error::Code;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::time::ClockId;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of passwd or group that are looked at.
const MAX_FILE: u64 = 1 << 20;
/// There whatever an image brings, also without /etc/passwd.
const ROOT: &str = "root";
/// Supplementary groups that the kernel accepts (NGROUPS_MAX is 65536; nobody needs as many).
const MAX_GROUPS: usize = 256;

/// Whom an operation runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
    pub name: String,
    pub home: Vec<u8>,
    pub shell: Vec<u8>,
}

struct Account {
    name: String,
    uid: u32,
    gid: u32,
    home: Vec<u8>,
    shell: Vec<u8>,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: i64,
    changed: (i64, i64),
}

/// Contents that every command asks for again. A change within one tick of the kernel's clock leaves
/// the same stamp, so a file that has just been changed is read anew until it is [`SETTLED`].
static SEEN: Mutex<Vec<Seen>> = Mutex::new(Vec::new());
type Seen = (&'static str, Stamp, Arc<[u8]>);
/// Longer than any tick.
const SETTLED: i64 = 2;
/// Longest content that is kept, bytes.
const MAX_SEEN: usize = 64 << 10;

fn stamp(stat: &rustix::fs::Stat) -> Option<Stamp> {
    (FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile).then_some(Stamp {
        file: (stat.st_dev as _, stat.st_ino as _),
        size: stat.st_size as _,
        changed: (stat.st_ctime as _, stat.st_ctime_nsec as _),
    })
}

/// A file of the sandbox's, if it is a regular one.
fn read_small(path: &'static str) -> Arc<[u8]> {
    let seen = || SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(now) = rustix::fs::stat(path).ok().as_ref().and_then(stamp) else {
        return Arc::new([]);
    };
    if let Some((_, _, content)) = seen().iter().find(|(of, at, _)| *of == path && *at == now) {
        return Arc::clone(content);
    }
    let (content, stamp) = read_now(path);
    let content: Arc<[u8]> = content.into();
    let age = rustix::time::clock_gettime(ClockId::Realtime).tv_sec - now.changed.0;
    if stamp == Some(now) && age > SETTLED && content.len() <= MAX_SEEN {
        let mut seen = seen();
        seen.retain(|(of, _, _)| *of != path);
        seen.push((path, now, Arc::clone(&content)));
    }
    content
}

/// O_NONBLOCK: it may have been made a FIFO.
fn read_now(path: &str) -> (Vec<u8>, Option<Stamp>) {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let mut content = Vec::new();
    if let Ok(fd) = rustix::fs::open(path, flags, Mode::empty())
        && let Ok(stat) = rustix::fs::fstat(&fd)
        && let Some(stamp) = stamp(&stat)
    {
        let expected = usize::try_from(stat.st_size).unwrap_or(0).min(MAX_SEEN);
        content.reserve_exact(expected + 1);
        // What was read before an error still counts: a cut last line is skipped by the parser.
        let _ = File::from(fd).take(MAX_FILE).read_to_end(&mut content);
        return (content, Some(stamp));
    }
    (content, None)
}

fn fields(line: &[u8]) -> Vec<&[u8]> {
    line.split(|b| *b == b':').collect()
}

fn number(field: &[u8]) -> Option<u32> {
    std::str::from_utf8(field)
        .ok()?
        .parse()
        .ok()
        .filter(|n| *n != u32::MAX)
}

fn account(line: &[u8]) -> Option<Account> {
    let f = fields(line);
    let name = std::str::from_utf8(f.first()?)
        .ok()
        .filter(|n| !n.is_empty())?;
    Some(Account {
        name: name.to_owned(),
        uid: number(f.get(2)?)?,
        gid: number(f.get(3)?)?,
        home: clean(f.get(5).copied().unwrap_or_default(), b"/"),
        shell: clean(f.get(6).copied().unwrap_or_default(), b"/bin/sh"),
    })
}

/// A path field, or the default when it is empty or could not be one.
fn clean(field: &[u8], default: &[u8]) -> Vec<u8> {
    match field.first() {
        Some(b'/') if !field.contains(&0) => field.to_vec(),
        _ => default.to_vec(),
    }
}

fn find_account(wanted: impl Fn(&Account) -> bool) -> Option<Account> {
    read_small("/etc/passwd")
        .split(|b| *b == b'\n')
        .filter_map(account)
        .find(wanted)
}

/// (name, gid, members) of a line of /etc/group.
fn group(line: &[u8]) -> Option<(&str, u32, &[u8])> {
    let f = fields(line);
    let name = std::str::from_utf8(f.first()?)
        .ok()
        .filter(|n| !n.is_empty())?;
    Some((
        name,
        number(f.get(2)?)?,
        f.get(3).copied().unwrap_or_default(),
    ))
}

/// The numeric id of a group given by name or number.
pub fn group_id(spec: &str) -> Result<u32, Failure> {
    if let Some(id) = number(spec.as_bytes()) {
        return Ok(id);
    }
    read_small("/etc/group")
        .split(|b| *b == b'\n')
        .filter_map(group)
        .find(|(name, _, _)| *name == spec)
        .map(|(_, id, _)| id)
        .or((spec == ROOT).then_some(0))
        .ok_or_else(|| Failure::new(Code::NoSuchUser, format!("group {spec}: not in /etc/group")))
}

/// The numeric id of a user given by name or number.
pub fn user_id(spec: &str) -> Result<u32, Failure> {
    if let Some(id) = number(spec.as_bytes()) {
        return Ok(id);
    }
    find_account(|a| a.name == spec)
        .map(|a| a.uid)
        .or((spec == ROOT).then_some(0))
        .ok_or_else(|| no_such_user(spec))
}

fn no_such_user(spec: &str) -> Failure {
    Failure::new(Code::NoSuchUser, format!("user {spec}: not in /etc/passwd")).with_field("user")
}

fn groups_of(user: &str, primary: u32) -> Vec<u32> {
    let mut ids = Vec::new();
    for (_, id, members) in read_small("/etc/group")
        .split(|b| *b == b'\n')
        .filter_map(group)
    {
        let member = members.split(|b| *b == b',').any(|m| m == user.as_bytes());
        if member && id != primary && !ids.contains(&id) && ids.len() < MAX_GROUPS {
            ids.push(id);
        }
    }
    ids
}

/// An account that no line of /etc/passwd is of.
fn unlisted(uid: u32, has_group: bool) -> Account {
    let root = uid == 0;
    let (name, home) = match root {
        true => (ROOT.to_owned(), b"/root".to_vec()),
        false => (uid.to_string(), b"/".to_vec()),
    };
    Account {
        name,
        uid,
        gid: if root || has_group { 0 } else { uid },
        home,
        shell: b"/bin/sh".to_vec(),
    }
}

/// Resolves `name`, `uid`, `name:group` or `uid:gid`; "" is root. A uid without an account is
/// accepted, with home `/`; a name without one is an error, but for root's.
pub fn resolve(spec: &str) -> Result<Identity, Failure> {
    if spec.len() > 256 || spec.contains('\0') {
        return Err(Failure::invalid("user", "user: at most 256 bytes, no NUL"));
    }
    let (user, group) = match spec.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (spec, None),
    };
    let user = if user.is_empty() { "0" } else { user };
    let found = match number(user.as_bytes()) {
        Some(uid) => {
            find_account(|a| a.uid == uid).or_else(|| Some(unlisted(uid, group.is_some())))
        }
        None => find_account(|a| a.name == user)
            .or_else(|| (user == ROOT).then(|| unlisted(0, group.is_some()))),
    }
    .ok_or_else(|| no_such_user(user))?;
    let (gid, groups) = match group {
        Some(group) => (group_id(group)?, Vec::new()),
        None => (found.gid, groups_of(&found.name, found.gid)),
    };
    Ok(Identity {
        uid: found.uid,
        gid,
        groups,
        name: found.name,
        home: found.home,
        shell: found.shell,
    })
}

/// Names of numeric ids, read once for one operation.
pub struct Names {
    users: HashMap<u32, String>,
    groups: HashMap<u32, String>,
}

impl Names {
    pub fn load() -> Names {
        let mut users = HashMap::new();
        for a in read_small("/etc/passwd")
            .split(|b| *b == b'\n')
            .filter_map(account)
        {
            users.entry(a.uid).or_insert(a.name);
        }
        let mut groups = HashMap::new();
        for (name, id, _) in read_small("/etc/group")
            .split(|b| *b == b'\n')
            .filter_map(group)
        {
            groups.entry(id).or_insert_with(|| name.to_owned());
        }
        Names { users, groups }
    }

    /// "" when the id has no name.
    pub fn user(&self, uid: u32) -> String {
        self.users.get(&uid).cloned().unwrap_or_default()
    }

    pub fn group(&self, gid: u32) -> String {
        self.groups.get(&gid).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_lines_are_skipped() {
        assert!(account(b"").is_none());
        assert!(account(b"x:y").is_none());
        assert!(account(b"x:y:-1:0").is_none());
        assert!(account(b"x:y:4294967295:0").is_none());
        assert!(account(b"\xff:x:1:1::/:/bin/sh").is_none());
        let a = account(b"u:x:7:8:g:relative:\0").unwrap();
        assert_eq!((a.uid, a.gid), (7, 8));
        assert_eq!(a.home, b"/");
        assert_eq!(a.shell, b"/bin/sh");
    }

    #[test]
    fn users_are_found_by_name_and_number() {
        let root = resolve("").unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        assert_eq!(resolve("0:0").unwrap().uid, 0);
        let unknown = resolve("54321").unwrap();
        assert_eq!((unknown.uid, unknown.gid), (54321, 54321));
        assert_eq!(
            resolve("no-such-user-here").unwrap_err().code,
            Code::NoSuchUser
        );
        assert_eq!(
            resolve("0:no-such-group").unwrap_err().code,
            Code::NoSuchUser
        );
    }
}
