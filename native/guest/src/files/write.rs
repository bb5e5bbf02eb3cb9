//! Writing a file: into a temporary one beside it, then renamed, so that a reader sees the old or
//! the new content.

use super::path::{Place, as_path, join};
use super::stat;
use crate::conn::Conn;
use crate::failure::{Failure, Outcome};
use crate::guest::Guest;
use crate::users::Names;
use crate::window::Window;
use atoll_wire::frame::{FILLED, Kind};
use atoll_wire::guest::error::Code;
use atoll_wire::guest::{Write, Written, reply::Result as Answer};
use rustix::fs::{CWD, FallocateFlags, Mode, OFlags, RenameFlags};
use std::fs::{self, File, Metadata};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};

/// Links followed on the way to the file that is written (MAXSYMLINKS of Linux).
const MAX_LINKS: usize = 40;

pub fn write(guest: &Guest, conn: &mut Conn, request: &Write) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    let path = place.path(&request.path)?;
    if request.mode > 0o7777 {
        return Err(Failure::invalid("mode", "mode: permission bits only, at most 07777").into());
    }
    if request.at_offset && request.append {
        return Err(Failure::invalid("append", "append: not together with at_offset").into());
    }
    // Before this thread becomes the user, who cannot come near the engine's directory.
    let window = match request.window {
        0 => None,
        length => Some(open_window(guest, conn, length)?),
    };
    let mut content = Content { conn, window };
    let written = place.run(|| {
        if request.parents {
            make_parents(&path)?;
        }
        let target = Target::find(path.clone())?;
        if request.create_new && target.old.is_some() {
            let shown = String::from_utf8_lossy(&path);
            return Err(Failure::new(Code::Exists, format!("{shown}: exists")).into());
        }
        let bytes = if request.append || request.at_offset {
            in_place(&mut content, request, &target)?
        } else {
            replacing(&mut content, request, &target)?
        };
        let stat = rustix::fs::stat(as_path(&target.path))
            .map_err(|e| Failure::os(&e.into(), &target.path))?;
        Ok(Written {
            bytes,
            info: Some(stat::info(&path, &stat, Vec::new(), &Names::load())),
        })
    })?;
    content.conn.reply(Answer::Written(written))?;
    Ok(())
}

/// Creates the missing directories above a path.
pub fn make_parents(path: &[u8]) -> Result<(), Failure> {
    match as_path(path).parent() {
        Some(parent) => fs::create_dir_all(parent)
            .map_err(|e| Failure::os(&e, parent.as_os_str().as_encoded_bytes())),
        None => Ok(()),
    }
}

/// The file behind symbolic links, which a write goes through.
struct Target {
    path: Vec<u8>,
    old: Option<Metadata>,
}

impl Target {
    fn find(mut path: Vec<u8>) -> Result<Target, Failure> {
        for _ in 0..MAX_LINKS {
            let meta = match fs::symlink_metadata(as_path(&path)) {
                Ok(meta) => meta,
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    return Ok(Target { path, old: None });
                }
                Err(e) => return Err(Failure::os(&e, &path)),
            };
            let shown = String::from_utf8_lossy(&path);
            if meta.is_dir() {
                return Err(Failure::new(
                    Code::IsDirectory,
                    format!("{shown}: is a directory"),
                ));
            }
            if meta.is_file() {
                return Ok(Target {
                    path,
                    old: Some(meta),
                });
            }
            if !meta.is_symlink() {
                return Err(Failure::new(
                    Code::Unsupported,
                    format!("{shown}: not a regular file"),
                ));
            }
            let link = fs::read_link(as_path(&path)).map_err(|e| Failure::os(&e, &path))?;
            let link = link.into_os_string().into_vec();
            path = if link.starts_with(b"/") {
                link
            } else {
                join(directory_of(&path), &link)
            };
        }
        Err(Failure::os(
            &io::Error::from_raw_os_error(libc::ELOOP),
            &path,
        ))
    }
}

/// The directory part of an absolute path, with its slash.
fn directory_of(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|b| *b == b'/').map_or(0, |i| i + 1);
    path.get(..end).unwrap_or_default()
}

fn open_window(guest: &Guest, conn: &mut Conn, length: u32) -> Outcome<Window> {
    let window = Window::open(guest.link.directory(), length).map_err(|e| {
        Failure::new(Code::Unsupported, format!("window: {e}")).with_field("window")
    })?;
    conn.ok()?;
    Ok(window)
}

/// What is to be written, on its way from the engine.
struct Content<'a> {
    conn: &'a mut Conn,
    window: Option<Window>,
}

impl Content<'_> {
    /// Receives all of it; `sink` gets each piece with the offset that it starts at.
    fn receive(
        &mut self,
        path: &[u8],
        mut sink: impl FnMut(&[u8], u64) -> io::Result<()>,
    ) -> Outcome<u64> {
        let mut buffer = Vec::new();
        let mut total = 0;
        loop {
            let (kind, length) = self
                .conn
                .read_header()?
                .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
            if kind == Kind::End {
                return Ok(total);
            }
            self.conn.read_payload(length, &mut buffer)?;
            let piece = match (kind, &self.window) {
                (Kind::Data, _) => &buffer[..],
                (Kind::Filled, Some(window)) => filled(window, &buffer).ok_or_else(out_of_place)?,
                _ => return Err(out_of_place().into()),
            };
            sink(piece, total).map_err(|e| Failure::os(&e, path))?;
            total += piece.len() as u64;
            if kind == Kind::Filled {
                self.conn.taken()?;
            }
        }
    }
}

fn out_of_place() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "a frame that does not belong into a write",
    )
}

/// The piece that a FILLED frame announces, if it lies in the window.
fn filled<'a>(window: &'a Window, payload: &[u8]) -> Option<&'a [u8]> {
    let payload: &[u8; FILLED] = payload.try_into().ok()?;
    let [a, b, c, d, e, f, g, h] = *payload;
    window.piece(
        u32::from_be_bytes([a, b, c, d]),
        u32::from_be_bytes([e, f, g, h]),
    )
}

fn in_place(content: &mut Content, request: &Write, target: &Target) -> Outcome<u64> {
    let mut flags = OFlags::WRONLY
        | OFlags::CREATE
        | OFlags::CLOEXEC
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::NOCTTY;
    if request.append {
        flags |= OFlags::APPEND;
    }
    if request.create_new {
        flags |= OFlags::EXCL;
    }
    let mode = if request.mode == 0 {
        0o666
    } else {
        request.mode
    };
    let mut file = rustix::fs::open(as_path(&target.path), flags, Mode::from_raw_mode(mode))
        .map(File::from)
        .map_err(|e| Failure::os(&e.into(), &target.path))?;
    finish_attributes(&file, request, &target.path)?;
    let path = &target.path;
    if request.append {
        return content.receive(path, |data, _| file.write_all(data));
    }
    content.receive(path, |data, at| {
        let at = request
            .offset
            .checked_add(at)
            .ok_or_else(|| io::Error::from_raw_os_error(libc::EFBIG))?;
        file.write_all_at(data, at)
    })
}

/// Mode and owner that the request names.
fn finish_attributes(file: &File, request: &Write, path: &[u8]) -> Result<(), Failure> {
    if request.has_owner {
        std::os::unix::fs::fchown(file, Some(request.uid), Some(request.gid))
            .map_err(|e| Failure::os(&e, path))?;
    }
    if request.mode != 0 {
        file.set_permissions(fs::Permissions::from_mode(request.mode))
            .map_err(|e| Failure::os(&e, path))?;
    }
    Ok(())
}

/// A temporary file that is removed unless it was renamed.
struct Temporary {
    path: Vec<u8>,
    file: File,
    kept: bool,
}

impl Temporary {
    fn beside(target: &[u8]) -> io::Result<Temporary> {
        let name = format!(".atoll-{}", crate::sys::random_name());
        let path = join(directory_of(target), name.as_bytes());
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = rustix::fs::open(as_path(&path), flags, Mode::from_raw_mode(0o666))?;
        Ok(Temporary {
            path,
            file: File::from(fd),
            kept: false,
        })
    }

    fn install(mut self, target: &[u8], flags: RenameFlags) -> Outcome {
        match rustix::fs::renameat_with(CWD, as_path(&self.path), CWD, as_path(target), flags) {
            Ok(()) => self.kept = true,
            // A mount point cannot be renamed over: its content is replaced in place.
            Err(rustix::io::Errno::BUSY) => copy_over(&mut self.file, target)?,
            Err(e) => return Err(Failure::os(&e.into(), target).into()),
        }
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.kept {
            // Gone already when somebody inside removed it.
            let _ = fs::remove_file(as_path(&self.path));
        }
    }
}

fn replacing(content: &mut Content, request: &Write, target: &Target) -> Outcome<u64> {
    let mut temporary = match Temporary::beside(&target.path) {
        Ok(temporary) => temporary,
        // The directory may be closed to a user who may write the file itself.
        Err(e) if target.old.is_some() && e.kind() == io::ErrorKind::PermissionDenied => {
            return overwriting(content, request, target);
        }
        Err(e) => return Err(Failure::os(&e, &target.path).into()),
    };
    if request.expected_size > 0 {
        reserve(&temporary.file, request.expected_size)
            .map_err(|e| Failure::os(&e, &target.path))?;
    }
    let bytes = {
        let file = &mut temporary.file;
        content.receive(&target.path, |data, _| file.write_all(data))?
    };
    if bytes < request.expected_size {
        temporary
            .file
            .set_len(bytes)
            .map_err(|e| Failure::os(&e, &target.path))?;
    }
    if let Some(old) = &target.old {
        keep_attributes(&temporary.file, old).map_err(|e| Failure::os(&e, &target.path))?;
    }
    finish_attributes(&temporary.file, request, &target.path)?;
    let flags = if request.create_new {
        RenameFlags::NOREPLACE
    } else {
        RenameFlags::empty()
    };
    temporary.install(&target.path, flags)?;
    Ok(bytes)
}

/// Takes the space in advance, so that a full disk is noticed before the transfer.
fn reserve(file: &File, size: u64) -> io::Result<()> {
    match rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, 0, size) {
        Ok(()) | Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// The new content keeps the old file's mode, and its owner where the user may give it away.
fn keep_attributes(file: &File, old: &Metadata) -> io::Result<()> {
    let made = file.metadata()?;
    if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
        // A user who is not root gets a file of its own, as any editor that renames.
        let _ = std::os::unix::fs::fchown(file, Some(old.uid()), Some(old.gid()));
    }
    file.set_permissions(fs::Permissions::from_mode(old.mode() & 0o7777))
}

fn open_over(path: &[u8]) -> Result<File, Failure> {
    let flags = OFlags::WRONLY
        | OFlags::TRUNC
        | OFlags::CLOEXEC
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::NOCTTY;
    rustix::fs::open(as_path(path), flags, Mode::empty())
        .map(File::from)
        .map_err(|e| Failure::os(&e.into(), path))
}

fn overwriting(content: &mut Content, request: &Write, target: &Target) -> Outcome<u64> {
    let mut file = open_over(&target.path)?;
    let bytes = content.receive(&target.path, |data, _| file.write_all(data))?;
    finish_attributes(&file, request, &target.path)?;
    Ok(bytes)
}

fn copy_over(from: &mut File, path: &[u8]) -> Outcome {
    let mut to = open_over(path)?;
    io::Seek::rewind(from)
        .and_then(|()| io::copy(from, &mut to))
        .map_err(|e| Failure::os(&e, path))?;
    Ok(())
}

/// Puts new content in place of an existing regular file, as an atomic write does.
pub fn put(path: &[u8], content: &[u8]) -> Outcome {
    let target = Target::find(path.to_vec())?;
    let failed = |e: io::Error| Failure::os(&e, path);
    let mut temporary = match Temporary::beside(&target.path) {
        Ok(temporary) => temporary,
        Err(e) if target.old.is_some() && e.kind() == io::ErrorKind::PermissionDenied => {
            let mut file = open_over(&target.path)?;
            return Ok(file.write_all(content).map_err(failed)?);
        }
        Err(e) => return Err(failed(e).into()),
    };
    temporary.file.write_all(content).map_err(failed)?;
    if let Some(old) = &target.old {
        keep_attributes(&temporary.file, old).map_err(failed)?;
    }
    temporary.install(&target.path, RenameFlags::empty())
}
