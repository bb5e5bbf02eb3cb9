//! Running a piece of work with a user's credentials, on the calling thread only.
//!
//! The raw per-thread system calls are used on purpose: glibc's wrappers change every thread of
//! the process. Only the *effective* ids change; real and saved ids stay 0, so that nobody inside
//! may signal or trace this thread and the way back is always open. The kernel empties the
//! effective capabilities when the effective uid leaves 0 and fills them again on return
//! (capabilities(7), "Effect of user ID changes on capabilities").

use crate::failure::{Failure, Outcome, Stop};
use crate::users::Identity;
use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::io;

const NO_UID: Option<Uid> = None;
const NO_GID: Option<Gid> = None;

/// Runs `work` as `who`. When the way back fails, the connection (and with it the thread) ends.
pub fn as_user<T>(who: &Identity, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    if who.uid == 0 && who.gid == 0 && who.groups.is_empty() {
        return work();
    }
    let entered = enter(who);
    let result = match entered {
        Ok(()) => work(),
        Err(e) => Err(Failure::os(&e, format!("becoming user {}", who.name)).into()),
    };
    leave().map_err(Stop::Gone)?;
    result
}

fn enter(who: &Identity) -> io::Result<()> {
    let groups: Vec<Gid> = who.groups.iter().map(|g| Gid::from_raw(*g)).collect();
    set_thread_groups(&groups)?;
    set_thread_res_gid(NO_GID, Gid::from_raw(who.gid), NO_GID)?;
    set_thread_res_uid(NO_UID, Uid::from_raw(who.uid), NO_UID)?;
    Ok(())
}

fn leave() -> io::Result<()> {
    set_thread_res_uid(NO_UID, Uid::ROOT, NO_UID)?;
    set_thread_res_gid(NO_GID, Gid::ROOT, NO_GID)?;
    set_thread_groups(&[])?;
    Ok(())
}
