//! Watching a directory tree by inotify.

use crate::conn::Conn;
use crate::failure::{Failure, Outcome};
use crate::files::path::{Place, join};
use crate::files::walk::{Go, Tree, is_kernel_directory};
use crate::guest::Guest;
use atoll_wire::guest::watch_event::Kind;
use atoll_wire::guest::{self as pb, WatchEvent, error::Code, reply::Result as Answer};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::time::Instant;

/// Directories of one watch.
const MAX_DIRECTORIES: usize = 65_536;
/// How long the first half of a rename waits for its second: they are queued together.
const PAIR: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};

pub fn watch(guest: &Guest, conn: &mut Conn, request: &pb::Watch) -> Outcome {
    let place = Place::of(guest, request.r#where.as_ref())?;
    let path = place.path_or_cwd(&request.path)?;
    place.run(|| {
        let mut watch = Watch::start(path, request.recursive)?;
        send(conn, Kind::Ready, watch.top.clone(), Vec::new(), false)?;
        watch.run(conn, None)
    })
}

fn send(
    to: &mut dyn Audience,
    kind: Kind,
    path: Vec<u8>,
    old_path: Vec<u8>,
    directory: bool,
) -> Outcome {
    let event = WatchEvent {
        kind: kind as i32,
        path,
        old_path,
        directory,
    };
    to.tell(event)
}

/// Who is told of events, until it goes away.
pub trait Audience {
    fn tell(&mut self, event: WatchEvent) -> Outcome;

    /// A descriptor that hangs up when nobody listens any more.
    fn presence(&self) -> BorrowedFd<'_>;
}

impl Audience for Conn {
    fn tell(&mut self, event: WatchEvent) -> Outcome {
        self.reply(Answer::Event(event))?;
        Ok(())
    }

    fn presence(&self) -> BorrowedFd<'_> {
        self.as_fd()
    }
}

/// The first half of a rename.
struct Moved {
    cookie: u32,
    path: Vec<u8>,
    directory: bool,
}

pub struct Watch {
    inotify: OwnedFd,
    top: Vec<u8>,
    recursive: bool,
    /// Watch descriptor to path.
    paths: HashMap<i32, Vec<u8>>,
    moved: Option<Moved>,
    /// The last event sent, so that a burst of writes is one event per read of the queue.
    last: Option<(Kind, Vec<u8>)>,
}

struct Event {
    wd: i32,
    flags: ReadFlags,
    cookie: u32,
    name: Option<Vec<u8>>,
}

impl Watch {
    pub fn start(top: Vec<u8>, recursive: bool) -> Outcome<Watch> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
            .map_err(|e| Failure::os(&e.into(), "inotify"))?;
        let mut watch = Watch {
            inotify,
            top: top.clone(),
            recursive,
            paths: HashMap::new(),
            moved: None,
            last: None,
        };
        let stat = rustix::fs::stat(top.as_slice()).map_err(|e| Failure::os(&e.into(), &top))?;
        watch.add(&top).map_err(|e| watch_failure(e, &top))?;
        if recursive && FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            watch.add_below(&top, &mut |_, _| Ok(()))?;
        }
        Ok(watch)
    }

    fn add(&mut self, path: &[u8]) -> Result<(), Errno> {
        if self.paths.len() >= MAX_DIRECTORIES {
            return Err(Errno::NOSPC);
        }
        let wanted = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MODIFY
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::ATTRIB
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::EXCL_UNLINK;
        let wd = inotify::add_watch(&self.inotify, path, wanted)?;
        self.paths.insert(wd, path.to_vec());
        Ok(())
    }

    /// Watches all directories below one, telling `found` of everything in them.
    fn add_below(
        &mut self,
        directory: &[u8],
        found: &mut dyn FnMut(Vec<u8>, bool) -> Outcome,
    ) -> Outcome {
        let tree = Tree::open(directory)?.lenient();
        tree.walk(|entry| {
            let path = tree.absolute(entry.relative);
            let is_directory = entry.kind() == FileType::Directory;
            found(path.clone(), is_directory)?;
            if is_directory {
                if is_kernel_directory(&path) {
                    return Ok(Go::Past);
                }
                // Other errors: vanished, or closed to this user. Nothing to see there.
                if self.add(&path) == Err(Errno::NOSPC) {
                    return Err(watch_failure(Errno::NOSPC, &path).into());
                }
            }
            Ok(Go::On)
        })
    }

    /// Until the audience is gone, which is an error of its kind, or the deadline has passed.
    pub fn run(&mut self, to: &mut dyn Audience, deadline: Option<Instant>) -> Outcome {
        loop {
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(());
            }
            let mut fds = [
                PollFd::from_borrowed_fd(self.inotify.as_fd(), PollFlags::IN),
                PollFd::from_borrowed_fd(to.presence(), PollFlags::RDHUP),
            ];
            let pair = self.moved.as_ref().map(|_| PAIR);
            // A deadline out of the kernel's range is none.
            let timeout = pair.or(left.and_then(|left| Timespec::try_from(left).ok()));
            let ready = rustix::io::retry_on_intr(|| poll(&mut fds, timeout.as_ref()))
                .map_err(io::Error::from)?;
            let gone = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
            if fds[1].revents().intersects(gone) {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            if ready == 0 {
                self.flush_moved(to)?;
            }
            self.last = None;
            for event in self.read()? {
                self.handle(to, event)?;
            }
        }
    }

    fn read(&self) -> io::Result<Vec<Event>> {
        let mut buffer = vec![MaybeUninit::uninit(); 16 << 10];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut events = Vec::new();
        loop {
            match reader.next() {
                Ok(event) => events.push(Event {
                    wd: event.wd(),
                    flags: event.events(),
                    cookie: event.cookie(),
                    name: event.file_name().map(|n| n.to_bytes().to_vec()),
                }),
                Err(Errno::AGAIN) => return Ok(events),
                Err(Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
            if reader.is_buffer_empty() {
                return Ok(events);
            }
        }
    }

    /// A first half without a second: moved out of what is watched.
    fn flush_moved(&mut self, to: &mut dyn Audience) -> Outcome {
        if let Some(moved) = self.moved.take() {
            if moved.directory {
                self.unwatch_below(&moved.path);
            }
            self.tell(to, Kind::Removed, moved.path, moved.directory)?;
        }
        Ok(())
    }

    fn tell(
        &mut self,
        to: &mut dyn Audience,
        kind: Kind,
        path: Vec<u8>,
        directory: bool,
    ) -> Outcome {
        let same = self
            .last
            .as_ref()
            .is_some_and(|(k, p)| *k == kind && *p == path);
        if same && matches!(kind, Kind::Modified | Kind::Chmod) {
            return Ok(());
        }
        self.last = Some((kind, path.clone()));
        send(to, kind, path, Vec::new(), directory)
    }

    fn handle(&mut self, to: &mut dyn Audience, event: Event) -> Outcome {
        let flags = event.flags;
        let second = flags.contains(ReadFlags::MOVED_TO)
            && self
                .moved
                .as_ref()
                .is_some_and(|m| m.cookie == event.cookie);
        if !second {
            self.flush_moved(to)?;
        }
        if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
            return send(to, Kind::Overflow, self.top.clone(), Vec::new(), false);
        }
        if flags.contains(ReadFlags::IGNORED) {
            self.paths.remove(&event.wd);
            return Ok(());
        }
        let Some(directory) = self.paths.get(&event.wd) else {
            return Ok(());
        };
        let is_directory = flags.contains(ReadFlags::ISDIR);
        let path = match &event.name {
            Some(name) => join(directory, name),
            None => directory.clone(),
        };
        // Of a watched directory itself its parent's watch tells, except for the top.
        if event.name.is_none() && path != self.top {
            return Ok(());
        }
        if flags.contains(ReadFlags::MOVED_FROM) {
            self.moved = Some(Moved {
                cookie: event.cookie,
                path,
                directory: is_directory,
            });
        } else if let (true, Some(moved)) = (second, self.moved.take_if(|_| second)) {
            if is_directory {
                self.rename_below(&moved.path, &path);
            }
            self.last = None;
            send(to, Kind::Renamed, path, moved.path, is_directory)?;
        } else if flags.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
            self.tell(to, Kind::Created, path.clone(), is_directory)?;
            if is_directory && self.recursive {
                self.enter(to, &path)?;
            }
        } else if flags
            .intersects(ReadFlags::DELETE | ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF)
        {
            self.tell(to, Kind::Removed, path, is_directory)?;
        } else if flags.intersects(ReadFlags::MODIFY | ReadFlags::CLOSE_WRITE) {
            self.tell(to, Kind::Modified, path, is_directory)?;
        } else if flags.contains(ReadFlags::ATTRIB) {
            self.tell(to, Kind::Chmod, path, is_directory)?;
        }
        Ok(())
    }

    /// A directory appeared: it is watched, and what was put into it before is told as created.
    fn enter(&mut self, to: &mut dyn Audience, path: &[u8]) -> Outcome {
        match self.add(path) {
            Err(Errno::NOSPC) => {
                return send(to, Kind::Overflow, path.to_vec(), Vec::new(), true);
            }
            // Gone again, or a link.
            Err(_) => return Ok(()),
            Ok(()) => {}
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        if rustix::fs::open(path, flags, Mode::empty()).is_err() {
            return Ok(());
        }
        let mut found = Vec::new();
        let result = self.add_below(path, &mut |path, directory| {
            found.push((path, directory));
            Ok(())
        });
        for (path, directory) in found {
            send(to, Kind::Created, path, Vec::new(), directory)?;
        }
        match result {
            Err(crate::failure::Stop::Gone(e)) => Err(e.into()),
            // Not all of it could be watched: the engine must look for itself.
            Err(_) => send(to, Kind::Overflow, path.to_vec(), Vec::new(), true),
            Ok(()) => Ok(()),
        }
    }

    fn rename_below(&mut self, old: &[u8], new: &[u8]) {
        for path in self.paths.values_mut() {
            if let Some(rest) = path.strip_prefix(old)
                && (rest.is_empty() || rest.starts_with(b"/"))
            {
                *path = [new, rest].concat();
            }
        }
    }

    fn unwatch_below(&mut self, old: &[u8]) {
        let inotify = &self.inotify;
        self.paths.retain(|wd, path| {
            let below = path
                .strip_prefix(old)
                .is_some_and(|r| r.is_empty() || r.starts_with(b"/"));
            if below {
                // Fails when the directory is gone, which ended the watch already.
                let _ = inotify::remove_watch(inotify, *wd);
            }
            !below
        });
    }
}

fn watch_failure(error: Errno, path: &[u8]) -> Failure {
    let mut failure = Failure::os(&error.into(), path);
    if error == Errno::NOSPC {
        failure.code = Code::TooMany;
        failure.message = format!(
            "{}: too many directories to watch",
            String::from_utf8_lossy(path)
        );
    }
    failure
}
