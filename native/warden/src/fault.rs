//! Why a request was refused or failed, as it goes over the wire.

use std::fmt::Display;
use std::io;

use atoll_wire::warden::{Failure, failure::Code};

#[derive(Debug)]
pub struct Fault {
    pub code: Code,
    pub message: String,
    pub field: &'static str,
    pub errno: i32,
}

pub type Outcome<T> = Result<T, Fault>;

impl Fault {
    pub fn new(code: Code, message: impl Into<String>) -> Fault {
        Fault {
            code,
            message: message.into(),
            field: "",
            errno: 0,
        }
    }

    pub fn invalid(field: &'static str, message: impl Into<String>) -> Fault {
        Fault {
            field,
            ..Fault::new(Code::Invalid, message)
        }
    }

    pub fn not_found(what: &str, id: impl Display) -> Fault {
        Fault::new(Code::NotFound, format!("{what} {id} does not exist"))
    }

    pub fn exists(what: &str, id: impl Display) -> Fault {
        Fault::new(Code::Exists, format!("{what} {id} exists already"))
    }

    /// An I/O error with the step that met it. ENOSPC is the pool's and says so.
    pub fn io(step: impl Display, error: io::Error) -> Fault {
        let errno = error.raw_os_error().unwrap_or(0);
        let code = if errno == libc::ENOSPC {
            Code::PoolFull
        } else {
            Code::Io
        };
        Fault {
            code,
            message: format!("{step}: {error}"),
            field: "",
            errno,
        }
    }

    pub fn into_wire(self) -> Failure {
        Failure {
            code: self.code.into(),
            message: self.message,
            field: self.field.to_owned(),
            errno: self.errno,
        }
    }
}

/// Adds the step to an I/O error.
pub trait During<T> {
    fn during(self, step: impl Display) -> Outcome<T>;
}

impl<T> During<T> for io::Result<T> {
    fn during(self, step: impl Display) -> Outcome<T> {
        self.map_err(|e| Fault::io(step, e))
    }
}
