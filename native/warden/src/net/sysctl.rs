//! Settings below /proc/sys/net, which is that of the calling thread's network namespace.

use std::fs;
use std::io;
use std::path::Path;

/// `name` uses slashes: interface names may contain dots. A setting of a protocol that the kernel
/// lacks or has switched off (ipv6.disable=1) is no error: there is nothing to restrict.
pub fn set(name: &str, value: &str) -> io::Result<()> {
    match fs::write(path(name), value) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && lacks_protocol(name) => Ok(()),
        Err(error) => Err(io::Error::new(
            error.kind(),
            format!("set net/{name} to {value}: {error}"),
        )),
        Ok(()) => Ok(()),
    }
}

/// Like [`set`], without writing what is set already: some files may be read-only where the host's
/// administrator has chosen the value.
pub fn ensure(name: &str, value: &str) -> io::Result<()> {
    if get(name).is_ok_and(|current| current == value) {
        return Ok(());
    }
    set(name, value)
}

pub fn get(name: &str) -> io::Result<String> {
    Ok(fs::read_to_string(path(name))?.trim().to_owned())
}

fn path(name: &str) -> String {
    format!("/proc/sys/net/{name}")
}

fn lacks_protocol(name: &str) -> bool {
    name.split_once('/')
        .is_some_and(|(protocol, _)| !Path::new(&path(protocol)).exists())
}
