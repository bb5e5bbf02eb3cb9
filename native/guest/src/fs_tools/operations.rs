//! Files and directories, with the rights of this process.

use super::{Object, Problem, print};
use crate::files::tree;
use crate::users::Names;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use tinyjson::JsonValue;

/// Standard input becomes the file's content; parents that are missing are made.
pub fn write(path: &str) -> Result<(), Problem> {
    if let Some(parent) = Path::new(path).parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = File::create(path)?;
    io::copy(&mut io::stdin().lock(), &mut file)?;
    Ok(())
}

/// The file's content goes to standard output.
pub fn read(path: &str) -> Result<(), Problem> {
    let mut file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::from_raw_os_error(libc::EISDIR).into());
    }
    let mut out = io::stdout().lock();
    match io::copy(&mut file, &mut out) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Err(Problem::Unread),
        Err(e) => Err(e.into()),
        Ok(_) => Ok(()),
    }
}

/// The entries of a directory, by name.
pub fn list(path: &str) -> Result<(), Problem> {
    let names = Names::load();
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        // One that vanished meanwhile is not there.
        if let Ok(metadata) = entry.metadata() {
            entries.push((entry.path(), metadata));
        }
    }
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    let entries = entries
        .iter()
        .map(|(path, metadata)| info(path, metadata, &names))
        .collect();
    show(JsonValue::Array(entries))
}

/// One entry; of a link, the link itself.
pub fn stat(path: &str) -> Result<(), Problem> {
    let path = Path::new(path);
    let metadata = fs::symlink_metadata(path)?;
    show(info(path, &metadata, &Names::load()))
}

fn show(value: JsonValue) -> Result<(), Problem> {
    print(io::stdout(), value).map_err(|_| Problem::Unread)
}

pub fn make_directory(path: &str, parents: bool) -> Result<(), Problem> {
    let made = if parents {
        fs::create_dir_all(path)
    } else {
        fs::create_dir(path)
    };
    made.map_err(|e| match e.raw_os_error() {
        Some(libc::EEXIST) => Problem::refused("PathAlreadyExists", "Path already exists"),
        _ => e.into(),
    })
}

pub fn remove(path: &str, recursive: bool) -> Result<(), Problem> {
    let directory = fs::symlink_metadata(path)?.is_dir();
    match (directory, recursive) {
        (false, _) => fs::remove_file(path)?,
        (true, false) => fs::remove_dir(path)?,
        (true, true) => tree::remove_tree(path.as_bytes())?,
    }
    Ok(())
}

fn info(path: &Path, metadata: &Metadata, names: &Names) -> JsonValue {
    let text = |value: String| JsonValue::String(value);
    let number = |value: f64| JsonValue::Number(value);
    let kind = if metadata.is_dir() {
        "directory"
    } else if metadata.is_symlink() {
        "symlink"
    } else {
        "file"
    };
    let named = |name: String, id: u32| {
        if name.is_empty() {
            id.to_string()
        } else {
            name
        }
    };
    let name = path.file_name().unwrap_or(path.as_os_str());
    let modified = metadata.mtime() as f64 + metadata.mtime_nsec() as f64 / 1e9;
    let mode = metadata.mode() & 0o7777;
    let mut entry = Object::from([
        ("name".to_owned(), text(name.to_string_lossy().into_owned())),
        ("path".to_owned(), text(path.to_string_lossy().into_owned())),
        ("type".to_owned(), text(kind.to_owned())),
        ("size".to_owned(), number(metadata.len() as f64)),
        ("mode".to_owned(), number(f64::from(mode))),
        ("permissions".to_owned(), text(permissions(mode))),
        (
            "owner".to_owned(),
            text(named(names.user(metadata.uid()), metadata.uid())),
        ),
        (
            "group".to_owned(),
            text(named(names.group(metadata.gid()), metadata.gid())),
        ),
        ("modified_time".to_owned(), number(modified)),
    ]);
    if metadata.is_symlink()
        && let Ok(target) = fs::read_link(path)
    {
        let target = text(target.to_string_lossy().into_owned());
        entry.insert("symlink_target".to_owned(), target);
    }
    JsonValue::Object(entry)
}

/// As ls(1) shows them, without the letter of the kind.
fn permissions(mode: u32) -> String {
    let bit = |mask: u32, letter: char| if mode & mask == 0 { '-' } else { letter };
    // The letter of the right to execute tells of the special bit, too.
    let last = |execute: u32, special: u32, both: char, alone: char| match (
        mode & execute != 0,
        mode & special != 0,
    ) {
        (true, true) => both,
        (false, true) => alone,
        (true, false) => 'x',
        (false, false) => '-',
    };
    [
        bit(0o400, 'r'),
        bit(0o200, 'w'),
        last(0o100, 0o4000, 's', 'S'),
        bit(0o040, 'r'),
        bit(0o020, 'w'),
        last(0o010, 0o2000, 's', 'S'),
        bit(0o004, 'r'),
        bit(0o002, 'w'),
        last(0o001, 0o1000, 't', 'T'),
    ]
    .iter()
    .collect()
}
