//! How an operation fails towards the engine.

use atoll_wire::guest::{Error as WireError, error::Code};
use std::io;

/// Longest message of an error reply, bytes (stated in `guest.proto`).
const MAX_MESSAGE: usize = 4 << 10;

/// A failure that becomes one `Error` reply; the connection stays usable.
#[derive(Clone, Debug)]
pub struct Failure {
    pub code: Code,
    /// 0 when no system call failed.
    pub errno: i32,
    pub message: String,
    /// The request field that was wrong, "" when none was.
    pub field: &'static str,
}

impl Failure {
    pub fn new(code: Code, message: impl Into<String>) -> Failure {
        Failure {
            code,
            errno: 0,
            message: message.into(),
            field: "",
        }
    }

    /// A request field outside its range.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Failure {
        Failure {
            code: Code::Invalid,
            errno: 0,
            message: message.into(),
            field,
        }
    }

    pub fn with_field(mut self, field: &'static str) -> Failure {
        self.field = field;
        self
    }

    /// A failed system call; `what` says on which path or thing.
    pub fn os(error: &io::Error, what: impl AsRef<[u8]>) -> Failure {
        let what = String::from_utf8_lossy(what.as_ref());
        let errno = error.raw_os_error().unwrap_or(0);
        Failure {
            code: code_of(errno),
            errno,
            message: format!("{what}: {error}"),
            field: "",
        }
    }

    pub fn to_wire(&self) -> WireError {
        let mut message = self.message.clone();
        if message.len() > MAX_MESSAGE {
            let mut end = MAX_MESSAGE;
            while !message.is_char_boundary(end) {
                end -= 1;
            }
            message.truncate(end);
        }
        WireError {
            code: self.code as i32,
            errno: self.errno,
            message,
            field: self.field.to_owned(),
        }
    }
}

/// Maps a system call's error number to the protocol's code.
pub fn code_of(errno: i32) -> Code {
    match errno {
        libc::ENOENT => Code::NotFound,
        libc::EACCES | libc::EPERM | libc::EROFS => Code::PermissionDenied,
        libc::EEXIST => Code::Exists,
        libc::ENOTDIR => Code::NotDirectory,
        libc::EISDIR => Code::IsDirectory,
        libc::ENOTEMPTY => Code::NotEmpty,
        libc::EINVAL => Code::Invalid,
        libc::EFBIG | libc::E2BIG => Code::TooLarge,
        libc::ENOSPC | libc::EDQUOT => Code::NoSpace,
        // A device or socket that nobody serves.
        libc::EOPNOTSUPP | libc::ENOSYS | libc::ENXIO | libc::ENODEV => Code::Unsupported,
        libc::ESRCH => Code::NoSuchProcess,
        libc::EBUSY | libc::ETXTBSY => Code::Busy,
        libc::EIO => Code::Io,
        libc::ECONNREFUSED => Code::ConnectionRefused,
        libc::EMFILE | libc::ENFILE | libc::EAGAIN | libc::ENOMEM => Code::TooMany,
        libc::ENOEXEC => Code::NotExecutable,
        libc::ELOOP => Code::Loop,
        libc::ENAMETOOLONG => Code::NameTooLong,
        _ => Code::Unknown,
    }
}

/// Why an operation stopped.
#[derive(Debug)]
pub enum Stop {
    /// Answered by an `Error` reply.
    Failed(Failure),
    /// The connection is unusable: the peer left, or broke the protocol.
    Gone(io::Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(failure)
    }
}

impl From<io::Error> for Stop {
    /// Errors of the connection itself; errors of files are turned into [`Failure`] where they
    /// happen, because they must name a path.
    fn from(error: io::Error) -> Stop {
        Stop::Gone(error)
    }
}

/// Result of an operation.
pub type Outcome<T = ()> = Result<T, Stop>;
