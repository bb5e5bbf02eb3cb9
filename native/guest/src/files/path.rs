//! Paths of requests: bytes, absolute or relative to a directory, `~` for the user's home.

use crate::failure::{Failure, Outcome};
use crate::guest::{Guest, Settings};
use crate::users::{self, Identity};
use atoll_wire::guest::Where;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Longest path of a request, bytes (PATH_MAX of Linux).
pub const MAX_PATH: usize = 4096;

pub fn as_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

pub fn check(field: &'static str, path: &[u8]) -> Result<(), Failure> {
    if path.len() >= MAX_PATH {
        return Err(Failure::invalid(
            field,
            format!("{field}: at most {} bytes", MAX_PATH - 1),
        ));
    }
    if path.contains(&0) {
        return Err(Failure::invalid(
            field,
            format!("{field}: holds a NUL byte"),
        ));
    }
    Ok(())
}

/// `directory/name`, without doubling the slash.
pub fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = directory.to_vec();
    if !path.ends_with(b"/") {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// Expands `~`, `~/` and relative paths; "" is `base` itself.
fn below(base: &[u8], who: &Identity, path: &[u8]) -> Vec<u8> {
    match path {
        [] => base.to_vec(),
        [b'/', ..] => path.to_vec(),
        b"~" => who.home.clone(),
        [b'~', b'/', rest @ ..] => join(&who.home, rest),
        _ => join(base, path),
    }
}

/// The absolute form of a path relative to `cwd`, which is relative to the configured directory,
/// which is the user's home when it is not set.
pub fn absolute(
    settings: &Settings,
    who: &Identity,
    cwd: &[u8],
    path: &[u8],
) -> Result<Vec<u8>, Failure> {
    check("path", path)?;
    check("cwd", cwd)?;
    let base = below(&who.home, who, &settings.workdir);
    let base = below(&base, who, cwd);
    let full = below(&base, who, path);
    check("path", &full)?;
    Ok(full)
}

/// Where a file operation happens and as whom.
pub struct Place {
    pub who: Identity,
    settings: std::sync::Arc<Settings>,
    cwd: Vec<u8>,
}

impl Place {
    pub fn of(guest: &Guest, place: Option<&Where>) -> Result<Place, Failure> {
        let settings = guest.settings();
        let user = place.map_or("", |w| w.user.as_str());
        let who = users::resolve(if user.is_empty() {
            &settings.user
        } else {
            user
        })?;
        let cwd = place.map(|w| w.cwd.clone()).unwrap_or_default();
        Ok(Place { who, settings, cwd })
    }

    /// The absolute form of a request's path; an empty one is refused.
    pub fn path(&self, path: &[u8]) -> Result<Vec<u8>, Failure> {
        if path.is_empty() {
            return Err(Failure::invalid("path", "path: empty"));
        }
        absolute(&self.settings, &self.who, &self.cwd, path)
    }

    /// As [`Place::path`], where an empty path means the working directory.
    pub fn path_or_cwd(&self, path: &[u8]) -> Result<Vec<u8>, Failure> {
        absolute(&self.settings, &self.who, &self.cwd, path)
    }

    /// Runs work on this thread as the place's user.
    pub fn run<T>(&self, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        crate::creds::as_user(&self.who, work)
    }
}
