//! The program that Modal's clients run in a sandbox for their file system calls, with a command in
//! JSON as its argument. It is in no image: the guest executes itself for it, as the asked user, in a
//! process like any other.
//!
//! Command, output and errors are those of `modal` 1.6.4 (`_utils/sandbox_fs_utils.py`).

mod operations;
mod watching;

use crate::failure::{Failure, Stop};
use atoll_wire::guest::error::Code;
use std::collections::HashMap;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use tinyjson::JsonValue;

/// How clients name the program.
pub const PROGRAM: &[u8] = b"/__modal/.bin/modal-sandbox-fs-tools";

/// What is executed for it: the guest. A process may look up its own program without the right to
/// read it, and the guest's may be executed by every user.
pub const EXECUTABLE: &[u8] = b"/proc/self/exe";

type Object = HashMap<String, JsonValue>;

/// The command, when this process was started for one.
pub fn asked_for() -> Option<String> {
    let mut arguments = std::env::args_os();
    let program = arguments.next()?;
    if program.as_bytes() != PROGRAM || std::process::id() == 1 {
        return None;
    }
    let command = arguments.next().unwrap_or_default();
    Some(command.to_string_lossy().into_owned())
}

pub fn run(command: &str) -> ExitCode {
    match execute(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Problem::Refused { kind, message }) => {
            let text = |value: &str| JsonValue::String(value.to_owned());
            let payload = Object::from([
                ("error_kind".to_owned(), text(kind)),
                ("message".to_owned(), text(&message)),
            ]);
            // Without a standard error nobody would read it.
            let _ = print(io::stderr(), JsonValue::Object(payload));
            ExitCode::FAILURE
        }
        // Whoever would read the output or the error is gone.
        Err(Problem::Unread) => ExitCode::FAILURE,
    }
}

fn print(mut out: impl io::Write, value: JsonValue) -> io::Result<()> {
    let line = value
        .stringify()
        .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e.to_string()))?;
    writeln!(out, "{line}")?;
    out.flush()
}

/// Why a command was not carried out.
enum Problem {
    Refused { kind: &'static str, message: String },
    Unread,
}

impl Problem {
    fn refused(kind: &'static str, message: impl Into<String>) -> Problem {
        Problem::Refused {
            kind,
            message: message.into(),
        }
    }
}

/// Messages carry no path: clients append the one they asked for.
impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Problem {
        let Some(errno) = error.raw_os_error() else {
            return Problem::refused("Other", error.to_string());
        };
        let shown = error.to_string();
        let message = shown
            .strip_suffix(&format!(" (os error {errno})"))
            .unwrap_or(&shown);
        Problem::refused(kind_of(errno), message)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Problem {
        match failure.errno {
            0 if failure.code == Code::TooMany => Problem::refused("NotSupported", failure.message),
            0 => Problem::refused("Other", failure.message),
            errno => io::Error::from_raw_os_error(errno).into(),
        }
    }
}

impl From<Stop> for Problem {
    fn from(stop: Stop) -> Problem {
        match stop {
            Stop::Failed(failure) => failure.into(),
            Stop::Gone(_) => Problem::Unread,
        }
    }
}

fn kind_of(errno: i32) -> &'static str {
    match errno {
        libc::ENOENT => "NotFound",
        libc::EISDIR => "IsDirectory",
        libc::ENOTDIR => "NotDirectory",
        libc::EEXIST => "AlreadyExists",
        libc::ENOTEMPTY => "DirectoryNotEmpty",
        libc::EACCES | libc::EPERM | libc::EROFS => "PermissionDenied",
        libc::EFBIG => "FileTooLarge",
        libc::EOPNOTSUPP | libc::ENOSYS => "NotSupported",
        _ => "Other",
    }
}

/// The fields of a command.
struct Fields<'a>(&'a Object);

impl Fields<'_> {
    fn path(&self) -> Result<String, Problem> {
        match self.0.get("path") {
            Some(JsonValue::String(path)) => Ok(path.clone()),
            _ => Err(Problem::refused("Other", "path: a text is missing")),
        }
    }

    fn flag(&self, name: &str) -> bool {
        matches!(self.0.get(name), Some(JsonValue::Boolean(true)))
    }

    fn get(&self, name: &str) -> Option<&JsonValue> {
        self.0
            .get(name)
            .filter(|value| !matches!(value, JsonValue::Null))
    }
}

fn execute(command: &str) -> Result<(), Problem> {
    let malformed = || Problem::refused("Other", "the command is not one of this program");
    let Ok(JsonValue::Object(command)) = command.parse::<JsonValue>() else {
        return Err(malformed());
    };
    let mut entries = command.iter();
    let (Some((name, JsonValue::Object(fields))), None) = (entries.next(), entries.next()) else {
        return Err(malformed());
    };
    let fields = Fields(fields);
    let path = fields.path()?;
    match name.as_str() {
        "WriteFile" => operations::write(&path),
        "ReadFile" => operations::read(&path),
        "ListFiles" => operations::list(&path),
        "Stat" => operations::stat(&path),
        "MakeDirectory" => operations::make_directory(&path, fields.flag("parents")),
        "Remove" => operations::remove(&path, fields.flag("recursive")),
        "Watch" => watching::watch(&path, &fields),
        _ => Err(Problem::refused(
            "NotSupported",
            format!("{name} is not offered"),
        )),
    }
}
