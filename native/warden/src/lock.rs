//! Locks: one for each id, and plain ones that a panicked holder does not poison.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

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
