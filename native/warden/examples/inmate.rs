//! PID 1 of the sandboxes that the tests make: it dials the socket it is told and does what the
//! test says, one line a command, so that the tests look at a sandbox from inside without any
//! program in its root. Used by `tests/`; static like everything here.
//!
//! A command is words separated by a unit separator (0x1f); the answer is one line, `ok …` or
//! `err <errno> …`, newlines in it replaced by 0x1e.

use std::ffi::CString;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;

use atoll_entry::Slot;

fn main() {
    // `--socket PATH --control-fd N`
    let args: Vec<String> = std::env::args().collect();
    let socket = args.get(2).cloned().unwrap_or_default();
    let Some(control) = args.get(4).and_then(|fd| fd.parse().ok()) else {
        std::process::exit(3)
    };
    // SAFETY: the warden hands this descriptor over for good.
    let control = unsafe { OwnedFd::from_raw_fd(control) };
    let spool = Slot::new(control).enter();
    let Ok(stream) = UnixStream::connect(socket) else {
        std::process::exit(3)
    };
    let Ok(mut writer) = stream.try_clone() else {
        std::process::exit(3)
    };
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { break };
        let words: Vec<&str> = line.split('\x1f').collect();
        let answer = match act(&words, spool.as_fd()) {
            Ok(text) => format!("ok {}", text.trim_end().replace('\n', "\x1e")),
            Err(e) => format!("err {} {e}", e.raw_os_error().unwrap_or(0)),
        };
        if writeln!(writer, "{answer}").is_err() {
            break;
        }
    }
    // The warden ends a sandbox; a lost connection does not.
    loop {
        std::thread::park();
    }
}

fn act(words: &[&str], spool: BorrowedFd<'_>) -> io::Result<String> {
    Ok(match words {
        ["read", path] => String::from_utf8_lossy(&fs::read(path)?).into_owned(),
        ["write", path, text] => {
            fs::write(path, text)?;
            String::new()
        }
        ["fill", path, mib] => fill(path, mib.parse().unwrap_or(0))?,
        ["sync"] => {
            // SAFETY: takes nothing.
            unsafe { libc::sync() };
            String::new()
        }
        ["churn", dir] => churn(dir)?,
        ["mkdir", path] => fs::create_dir_all(path).map(|()| String::new())?,
        ["remove", path] => fs::remove_file(path).map(|()| String::new())?,
        ["remove-all", path] => fs::remove_dir_all(path).map(|()| String::new())?,
        ["rename", from, to] => fs::rename(from, to).map(|()| String::new())?,
        ["list", path] => {
            let mut names: Vec<String> = fs::read_dir(path)?
                .flatten()
                .map(|e| e.file_name().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names.join(" ")
        }
        ["stat", path] => {
            let meta = fs::symlink_metadata(path)?;
            format!("{:o} {} {}", meta.mode(), meta.uid(), meta.gid())
        }
        ["chown", path, uid] => {
            let uid = uid.parse().unwrap_or(0);
            std::os::unix::fs::chown(path, Some(uid), Some(uid)).map(|()| String::new())?
        }
        ["symlink", target, path] => {
            std::os::unix::fs::symlink(target, path).map(|()| String::new())?
        }
        ["link", path] => fs::read_link(path)?.to_string_lossy().into_owned(),
        ["hostname"] => fs::read_to_string("/proc/sys/kernel/hostname")?,
        ["spool", text] => {
            let path = format!("/proc/self/fd/{}/output", spool.as_raw_fd());
            fs::write(&path, text)?;
            fs::read_to_string(path)?
        }
        ["mknod", path] => {
            let path = CString::new(*path)?;
            // SAFETY: a valid C string.
            ok(
                unsafe { libc::mknod(path.as_ptr(), libc::S_IFCHR | 0o666, libc::makedev(1, 3)) }
                    .into(),
            )?
        }
        ["call", number, rest @ ..] => {
            let number: libc::c_long = number.parse().unwrap_or(-1);
            let argument = |i: usize| -> libc::c_long {
                rest.get(i).and_then(|a| a.parse().ok()).unwrap_or(0)
            };
            // SAFETY: the tests only name calls that are refused or take integers.
            ok(unsafe {
                libc::syscall(
                    number,
                    argument(0),
                    argument(1),
                    argument(2),
                    argument(3),
                    argument(4),
                )
            })?
        }
        ["remount", path] => {
            let path = CString::new(*path)?;
            let flags = libc::MS_REMOUNT | libc::MS_BIND;
            // SAFETY: a valid C string; the other pointers may be null for a remount.
            ok(unsafe {
                libc::mount(
                    std::ptr::null(),
                    path.as_ptr(),
                    std::ptr::null(),
                    flags,
                    std::ptr::null(),
                )
            }
            .into())?
        }
        ["hog", mib] => hog(mib.parse().unwrap_or(0))?,
        ["exit", status] => std::process::exit(status.parse().unwrap_or(0)),
        ["tcp", address] => {
            let address = address.parse().map_err(io::Error::other)?;
            let limit = std::time::Duration::from_millis(500);
            std::net::TcpStream::connect_timeout(&address, limit).map(|_| String::new())?
        }
        _ => return Err(io::Error::other("unknown command")),
    })
}

fn ok(result: libc::c_long) -> io::Result<String> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result.to_string())
    }
}

fn fill(path: &str, mib: usize) -> io::Result<String> {
    let block = vec![0x5a_u8; 1 << 20];
    let mut file = fs::File::create(path)?;
    for _ in 0..mib {
        file.write_all(&block)?;
    }
    file.sync_all()?;
    Ok(String::new())
}

/// Starts a thread that makes, renames and removes files for ever.
fn churn(dir: &str) -> io::Result<String> {
    let dir = dir.to_owned();
    fs::create_dir_all(&dir)?;
    std::thread::Builder::new().spawn(move || {
        for n in 0u64.. {
            let name = format!("{dir}/{}", n % 300);
            let _ = fs::write(format!("{name}.new"), vec![n as u8; (n % 9000) as usize]);
            let _ = fs::rename(format!("{name}.new"), &name);
            if n % 7 == 0 {
                let _ = fs::remove_file(&name);
            }
        }
    })?;
    Ok(String::new())
}

/// Forks a child that takes memory until it is killed; answers with its wait status.
fn hog(mib: usize) -> io::Result<String> {
    // SAFETY: the inmate has one thread here, and the child only allocates and exits.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let mut held = Vec::new();
        for _ in 0..mib {
            held.push(vec![1u8; 1 << 20]);
        }
        std::process::exit(held.len().min(1) as i32 - 1);
    }
    ok(pid.into())?;
    let mut status = 0;
    // SAFETY: the status is ours.
    ok(unsafe { libc::waitpid(pid, &mut status, 0) }.into())?;
    Ok(status.to_string())
}
