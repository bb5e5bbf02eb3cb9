//! Listening TCP ports, from /proc/net/tcp and tcp6 (format: proc_pid_net(5)).

use crate::conn::Conn;
use crate::failure::Outcome;
use atoll_wire::guest::{Port, PortList, reply::Result as Answer};
use std::collections::HashMap;
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Ports reported at most.
const MAX_PORTS: usize = 4096;
const LISTEN: &str = "0A";

pub fn ports(conn: &mut Conn) -> Outcome {
    let mut found = Vec::new();
    for (table, ipv6) in [("/proc/net/tcp", false), ("/proc/net/tcp6", true)] {
        // Without IPv6 there is no second table.
        let text = fs::read_to_string(table).unwrap_or_default();
        found.extend(text.lines().skip(1).filter_map(|line| listener(line, ipv6)));
    }
    found.truncate(MAX_PORTS);
    let owners = if found.is_empty() {
        HashMap::new()
    } else {
        owners()
    };
    let ports = found
        .into_iter()
        .map(|(port, inode)| {
            let (pid, process) = owners.get(&inode).cloned().unwrap_or_default();
            Port {
                pid,
                process,
                ..port
            }
        })
        .collect();
    conn.reply(Answer::Ports(PortList { ports }))?;
    Ok(())
}

fn listener(line: &str, ipv6: bool) -> Option<(Port, u64)> {
    let mut fields = line.split_ascii_whitespace();
    let local = fields.nth(1)?;
    if fields.nth(1)? != LISTEN {
        return None;
    }
    let inode = fields.nth(5)?.parse().ok()?;
    let (address, port) = local.split_once(':')?;
    let port = u32::from_str_radix(port, 16).ok()?;
    let address = if ipv6 {
        address6(address)?.to_string()
    } else {
        address4(address)?.to_string()
    };
    Some((
        Port {
            port,
            address,
            ipv6,
            ..Port::default()
        },
        inode,
    ))
}

/// The kernel prints addresses as words in the machine's byte order.
fn word(hex: &str) -> Option<[u8; 4]> {
    Some(u32::from_str_radix(hex, 16).ok()?.to_ne_bytes())
}

fn address4(hex: &str) -> Option<Ipv4Addr> {
    word(hex).map(Ipv4Addr::from)
}

fn address6(hex: &str) -> Option<Ipv6Addr> {
    let mut bytes = [0; 16];
    for (i, part) in bytes.chunks_exact_mut(4).enumerate() {
        part.copy_from_slice(&word(hex.get(i * 8..i * 8 + 8)?)?);
    }
    Some(Ipv6Addr::from(bytes))
}

/// Which process holds which socket. Processes that may not be looked into have no entry.
fn owners() -> HashMap<u64, (i32, String)> {
    let mut owners = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|n| n.parse::<i32>().ok())
        else {
            continue;
        };
        for fd in fs::read_dir(entry.path().join("fd"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let target = fs::read_link(fd.path()).unwrap_or_default();
            let inode = target
                .to_str()
                .and_then(|t| t.strip_prefix("socket:["))
                .and_then(|t| t.strip_suffix(']'))
                .and_then(|n| n.parse().ok());
            if let Some(inode) = inode {
                let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
                owners
                    .entry(inode)
                    .or_insert_with(|| (pid, name.trim_end().to_owned()));
            }
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernel_are_read() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 100 0 0 10 0";
        let (port, inode) = listener(line, false).unwrap();
        assert_eq!(
            (port.port, port.address.as_str(), inode),
            (8080, "127.0.0.1", 4711)
        );
        assert!(listener(&line.replace(" 0A ", " 01 "), false).is_none());
        assert_eq!(
            address6("00000000000000000000000001000000").unwrap(),
            Ipv6Addr::LOCALHOST
        );
        assert!(address6("00").is_none());
    }
}
