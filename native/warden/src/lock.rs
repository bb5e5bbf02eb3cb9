//! Locks: one for each id, plain ones that a panicked holder does not poison, and one of a file, which
//! a dead warden's programs may still hold.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::hash::Hash;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::{Duration, Instant};

/// The file, made when it is not there, locked by flock(2). The lock ends with the last descriptor that
/// was inherited from this one. `TimedOut` when somebody else has it for all of `limit`.
pub fn lock_file(path: &Path, limit: Duration) -> io::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    let deadline = Instant::now() + limit;
    loop {
        // SAFETY: plain integers.
        let locked = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
        if locked == 0 {
            return Ok(file);
        }
        if Instant::now() >= deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// One lock for each key in use, so that operations on one id go one at a time and operations on
/// different ids do not meet.
pub struct KeyedLocks<K> {
    keys: Mutex<HashMap<K, Arc<RwLock<()>>>>,
}

impl<K: Copy + Eq + Hash> KeyedLocks<K> {
    pub fn new() -> KeyedLocks<K> {
        KeyedLocks {
            keys: Mutex::new(HashMap::new()),
        }
    }

    /// Whether somebody runs under this key or waits for it.
    pub fn busy(&self, key: K) -> bool {
        lock(&self.keys).contains_key(&key)
    }

    /// Runs `work` while nothing else of the same key runs.
    pub fn with<T>(&self, key: K, work: impl FnOnce() -> T) -> T {
        self.keyed(key, |held| {
            let _held = held.write().unwrap_or_else(PoisonError::into_inner);
            work()
        })
    }

    /// Runs `work` unless something of the same key runs.
    pub fn try_with<T>(&self, key: K, work: impl FnOnce() -> T) -> Option<T> {
        self.keyed(key, |held| {
            let _held = match held.try_write() {
                Ok(held) => held,
                Err(TryLockError::Poisoned(held)) => held.into_inner(),
                Err(TryLockError::WouldBlock) => return None,
            };
            Some(work())
        })
    }

    /// Runs `work` while no [`KeyedLocks::with`] of the same key runs.
    pub fn sharing<T>(&self, key: K, work: impl FnOnce() -> T) -> T {
        self.keyed(key, |held| {
            let _held = held.read().unwrap_or_else(PoisonError::into_inner);
            work()
        })
    }

    fn keyed<T>(&self, key: K, work: impl FnOnce(&RwLock<()>) -> T) -> T {
        let of_key = lock(&self.keys).entry(key).or_default().clone();
        let result = work(&of_key);
        let mut keys = lock(&self.keys);
        drop(of_key);
        // Only the map itself holds it: nobody runs under it or waits for it.
        if keys.get(&key).is_some_and(|m| Arc::strong_count(m) == 1) {
            keys.remove(&key);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::os::fd::AsRawFd;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::{KeyedLocks, lock_file};

    /// A pause that a dead warden had started came after its successor let the sandbox go on.
    #[test]
    fn a_locked_file_is_held_by_a_program_that_inherited_it() {
        let path = std::env::temp_dir().join(format!("atoll-lock-{}", std::process::id()));
        let held = lock_file(&path, Duration::ZERO).unwrap();
        let fd = held.as_raw_fd();
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        // SAFETY: a system call on a descriptor that is open.
        unsafe {
            command.pre_exec(move || match libc::fcntl(fd, libc::F_SETFD, 0) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            });
        }
        let mut child = command.spawn().unwrap();
        drop(held);
        let refused = lock_file(&path, Duration::ZERO).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TimedOut);
        drop(child.stdin.take());
        child.wait().unwrap();
        lock_file(&path, Duration::ZERO).unwrap();
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn who_does_not_wait_runs_only_alone() {
        let locks = KeyedLocks::new();
        locks.with(1, || assert_eq!(locks.try_with(1, || ()), None));
        locks.sharing(1, || assert_eq!(locks.try_with(1, || ()), None));
        locks.with(2, || assert_eq!(locks.try_with(1, || ()), Some(())));
        assert!(!locks.busy(1));
    }

    #[test]
    fn those_who_share_a_key_run_together_and_others_wait() {
        let locks = KeyedLocks::new();
        let (done, order) = mpsc::channel();
        std::thread::scope(|scope| {
            locks.sharing(1, || {
                locks.sharing(1, || done.send("shared").unwrap());
                let alone = done.clone();
                let locks = &locks;
                scope.spawn(move || locks.with(1, || alone.send("alone").unwrap()));
                locks.with(2, || done.send("other").unwrap());
            });
        });
        let order: Vec<_> = order.try_iter().collect();
        assert_eq!(order, ["shared", "other", "alone"]);
        assert!(!locks.busy(1));
    }
}
