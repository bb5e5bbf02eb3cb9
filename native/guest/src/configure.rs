//! Configure: identity and defaults of the sandbox.

use crate::failure::{Failure, Outcome};
use crate::files::path;
use crate::guest::{DEFAULT_KEPT, DEFAULT_SPOOL, Guest, Settings};
use crate::spool::LARGEST;
use crate::users;
use atoll_wire::guest::Configure;
use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;

/// Lines of /etc/hosts between these belong to the guest; all others to the sandbox.
const BEGIN: &str = "# atoll: begin";
const END: &str = "# atoll: end";
/// Linux' limit (HOST_NAME_MAX), bytes.
const MAX_HOSTNAME: usize = 64;
/// Bytes of an existing hosts file that are kept.
const MAX_HOSTS: u64 = 1 << 20;
/// _IOW('R', 0x03, int[2]) of linux/random.h.
const RNDADDENTROPY: libc::c_ulong = 0x4008_5203;

fn host_name(name: &str, field: &'static str) -> Result<(), Failure> {
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if name.is_empty() || name.len() > 253 || !name.bytes().all(fine) {
        return Err(Failure::invalid(
            field,
            format!("{field}: {name:?} is not a host name"),
        ));
    }
    Ok(())
}

fn address(text: &str, field: &'static str) -> Result<IpAddr, Failure> {
    text.parse()
        .map_err(|_| Failure::invalid(field, format!("{field}: {text:?} is not an address")))
}

/// Checks everything before anything is changed.
pub fn configure(guest: &Guest, request: Configure) -> Outcome {
    if request.hostname.len() > MAX_HOSTNAME {
        return Err(Failure::invalid(
            "hostname",
            format!("hostname: at most {MAX_HOSTNAME} bytes"),
        )
        .into());
    }
    if !request.hostname.is_empty() {
        host_name(&request.hostname, "hostname")?;
    }
    if request.spool_limit > LARGEST {
        return Err(
            Failure::invalid("spool_limit", format!("spool_limit: at most {LARGEST}")).into(),
        );
    }
    for var in &request.env {
        let bad = |b: &u8| *b == 0;
        if var.name.is_empty()
            || var.name.iter().any(|b| *b == b'=' || *b == 0)
            || var.value.iter().any(bad)
        {
            return Err(Failure::invalid(
                "env",
                "env: a name is empty or holds '=', or a NUL byte",
            )
            .into());
        }
    }
    let mut hosts = String::new();
    for entry in &request.hosts {
        let ip = address(&entry.address, "hosts")?;
        entry
            .names
            .iter()
            .try_for_each(|name| host_name(name, "hosts"))?;
        hosts.push_str(&format!("{ip}\t{}\n", entry.names.join(" ")));
    }
    let mut resolv = String::new();
    for server in &request.nameservers {
        resolv.push_str(&format!("nameserver {}\n", address(server, "nameservers")?));
    }
    let who = users::resolve(&request.user)?;
    let workdir = request.workdir.into_bytes();
    path::check("workdir", &workdir)?;

    let settings = Settings {
        generation: request.generation,
        env: request.env.into_iter().map(|v| (v.name, v.value)).collect(),
        user: request.user,
        workdir: workdir.clone(),
        spool_limit: if request.spool_limit == 0 {
            DEFAULT_SPOOL
        } else {
            request.spool_limit
        },
        kept_processes: match request.kept_processes {
            0 => DEFAULT_KEPT,
            n => n as usize,
        },
    };
    if !request.hostname.is_empty() {
        rustix::system::sethostname(request.hostname.as_bytes())
            .map_err(|e| Failure::os(&e.into(), "hostname").with_field("hostname"))?;
    }
    add_entropy(&request.entropy);
    if !hosts.is_empty() {
        write_hosts(&hosts).map_err(|e| Failure::os(&e, "/etc/hosts"))?;
    }
    if !resolv.is_empty() {
        replace("/etc/resolv.conf", resolv.as_bytes())
            .map_err(|e| Failure::os(&e, "/etc/resolv.conf"))?;
    }
    if !workdir.is_empty() {
        let directory = path::absolute(&settings, &who, b"", b"")?;
        make_workdir(&directory, &who)?;
    }
    guest.set_settings(settings);
    // Whoever it stopped goes on as who it is now.
    crate::quiesce::lift(guest);
    Ok(())
}

/// Creates the default directory where it is missing, owned by the default user.
fn make_workdir(directory: &[u8], who: &users::Identity) -> Result<(), Failure> {
    let path = path::as_path(directory);
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path)
        .and_then(|()| std::os::unix::fs::chown(path, Some(who.uid), Some(who.gid)))
        .map_err(|e| Failure::os(&e, directory).with_field("workdir"))
}

/// Mixes bytes of the host into the kernel's pool. Crediting them needs CAP_SYS_ADMIN outside the
/// sandbox; the plain write, which mixes without credit, is open to everybody.
fn add_entropy(bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let Ok(mut pool) = fs::OpenOptions::new().write(true).open("/dev/urandom") else {
        return;
    };
    let mut info = Vec::with_capacity(8 + bytes.len());
    let size = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
    info.extend_from_slice(&size.saturating_mul(8).to_ne_bytes());
    info.extend_from_slice(&size.to_ne_bytes());
    info.extend_from_slice(bytes);
    // SAFETY: struct rand_pool_info is two ints and the bytes, as laid out above.
    let credited = unsafe {
        libc::ioctl(
            std::os::fd::AsRawFd::as_raw_fd(&pool),
            RNDADDENTROPY,
            info.as_ptr(),
        )
    };
    if credited < 0 {
        // Without a pool device that takes it the kernel's own entropy has to do.
        let _ = pool.write_all(bytes);
    }
}

fn write_hosts(lines: &str) -> io::Result<()> {
    let old = match fs::File::open("/etc/hosts") {
        Ok(file) => {
            let size = file.metadata()?.len().min(MAX_HOSTS);
            let mut text = Vec::with_capacity(size as usize + 1);
            io::Read::read_to_end(&mut io::Read::take(file, MAX_HOSTS), &mut text)?;
            String::from_utf8_lossy(&text).into_owned()
        }
        Err(_) => "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n".to_owned(),
    };
    replace("/etc/hosts", merge_hosts(&old, lines).as_bytes())
}

/// The old content with the guest's lines in place of its former ones.
fn merge_hosts(old: &str, lines: &str) -> String {
    let mut content = String::new();
    let mut ours = false;
    for line in old.lines() {
        match line {
            BEGIN => ours = true,
            END => ours = false,
            _ if !ours => {
                content.push_str(line);
                content.push('\n');
            }
            _ => {}
        }
    }
    content.push_str(&format!("{BEGIN}\n{lines}{END}\n"));
    content
}

/// Puts content in place of a file of /etc; in place where it cannot be renamed over (a mount).
fn replace(path: &str, content: &[u8]) -> io::Result<()> {
    let new = format!("/etc/.atoll-{}", crate::sys::random_name());
    let written = fs::write(&new, content)
        .or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                fs::create_dir_all("/etc")?;
                fs::write(&new, content)
            }
            _ => Err(error),
        })
        .and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // It may not exist; the direct write below reports what matters.
        let _ = fs::remove_file(&new);
        return fs::write(path, content);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_guests_own_lines_of_hosts_are_replaced() {
        let first = merge_hosts("127.0.0.1 localhost\n# mine", "1.1.1.1\ta\n");
        assert_eq!(
            first,
            format!("127.0.0.1 localhost\n# mine\n{BEGIN}\n1.1.1.1\ta\n{END}\n")
        );
        let added = format!("{first}2.2.2.2 by-user\n");
        let second = merge_hosts(&added, "3.3.3.3\tb\n");
        assert_eq!(
            second,
            format!("127.0.0.1 localhost\n# mine\n2.2.2.2 by-user\n{BEGIN}\n3.3.3.3\tb\n{END}\n")
        );
        assert!(host_name("a b", "hosts").is_err() && host_name("", "hosts").is_err());
    }
}
