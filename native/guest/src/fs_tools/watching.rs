//! Changes of a tree, one JSON object a line, until standard input ends.

use super::{Fields, Object, Problem, print};
use crate::failure::{Outcome, Stop};
use crate::watch::{Audience, Watch};
use atoll_wire::guest::WatchEvent;
use atoll_wire::guest::watch_event::Kind;
use rustix::fd::BorrowedFd;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};
use tinyjson::JsonValue;

pub fn watch(path: &str, fields: &Fields<'_>) -> Result<(), Problem> {
    // A link is followed, and events name what it leads to.
    let top = fs::canonicalize(path)?;
    let mut watch = Watch::start(
        top.as_os_str().as_bytes().to_vec(),
        fields.flag("recursive"),
    )?;
    let deadline = match fields.get("timeout_secs") {
        Some(JsonValue::Number(seconds)) => Duration::try_from_secs_f64(*seconds)
            .ok()
            .and_then(|timeout| Instant::now().checked_add(timeout)),
        _ => None,
    };
    let wanted = match fields.get("filter") {
        Some(JsonValue::Array(names)) => Some(
            names
                .iter()
                .filter_map(|name| name.get::<String>().cloned())
                .collect(),
        ),
        _ => None,
    };
    match watch.run(&mut Lines { wanted }, deadline) {
        // The client closed the input: it has seen enough.
        Err(Stop::Gone(_)) => Ok(()),
        Err(stop) => Err(stop.into()),
        Ok(()) => Ok(()),
    }
}

struct Lines {
    /// None: all.
    wanted: Option<Vec<String>>,
}

impl Audience for Lines {
    fn tell(&mut self, event: WatchEvent) -> Outcome {
        let name = match event.kind() {
            Kind::Created => "Create",
            Kind::Modified | Kind::Chmod => "Modify",
            Kind::Removed => "Remove",
            Kind::Renamed => "Rename",
            _ => "Unknown",
        };
        if self
            .wanted
            .as_ref()
            .is_some_and(|wanted| !wanted.iter().any(|kind| kind == name))
        {
            return Ok(());
        }
        let paths = [event.old_path, event.path]
            .iter()
            .filter(|path| !path.is_empty())
            .map(|path| JsonValue::String(String::from_utf8_lossy(path).into_owned()))
            .collect();
        let line = Object::from([
            ("event_type".to_owned(), JsonValue::String(name.to_owned())),
            ("paths".to_owned(), JsonValue::Array(paths)),
        ]);
        print(io::stdout(), JsonValue::Object(line))?;
        Ok(())
    }

    fn presence(&self) -> BorrowedFd<'_> {
        // SAFETY: the standard input stays open for as long as the process lives.
        unsafe { BorrowedFd::borrow_raw(libc::STDIN_FILENO) }
    }
}
