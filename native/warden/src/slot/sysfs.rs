//! The `/sys` of a sandbox: a few files that programs ask for the number of processors and the
//! page sizes. The host's sysfs names disks, backing files and devices of others.

use std::ffi::CString;
use std::fs;

/// In the order they are made; paths are relative and begin with `sys/`.
pub enum SysEntry {
    Dir(CString),
    File(CString, Vec<u8>),
}

const DIRS: [&str; 15] = [
    "block",
    "bus",
    "class",
    "class/net",
    "dev",
    "devices",
    "devices/system",
    "devices/system/cpu",
    "devices/system/memory",
    "devices/system/node",
    "fs",
    "fs/cgroup",
    "kernel",
    "kernel/mm",
    "kernel/mm/transparent_hugepage",
];

const FILES: [&str; 8] = [
    "devices/system/cpu/online",
    "devices/system/cpu/possible",
    "devices/system/cpu/present",
    "devices/system/memory/block_size_bytes",
    "devices/system/node/online",
    "devices/system/node/possible",
    "kernel/mm/transparent_hugepage/enabled",
    "kernel/mm/transparent_hugepage/hpage_pmd_size",
];

/// Reads from the host what a sandbox may know of it.
pub fn entries() -> Vec<SysEntry> {
    let path = |name: &str| CString::new(format!("sys/{name}")).unwrap_or_default();
    let mut entries: Vec<SysEntry> = DIRS.iter().map(|d| SysEntry::Dir(path(d))).collect();
    for file in FILES {
        // A kernel without the feature has no file, and so has the sandbox.
        if let Ok(content) = fs::read(format!("/sys/{file}")) {
            entries.push(SysEntry::File(path(file), content));
        }
    }
    // Programs that count processors by directories (`cpu0`, `cpu1`, …) find as many.
    let online = fs::read_dir("/sys/devices/system/cpu")
        .into_iter()
        .flatten()
        .flatten();
    for entry in online {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let number = name.strip_prefix("cpu").unwrap_or_default();
        if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
            entries.push(SysEntry::Dir(path(&format!("devices/system/cpu/{name}"))));
        }
    }
    entries
}
