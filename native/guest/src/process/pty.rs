//! Pseudo terminals of the sandbox's own devpts.

use crate::failure::Failure;
use rustix::fd::OwnedFd;
use rustix::fs::{Gid, Mode, OFlags, Uid};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

/// Largest number of columns or rows (the kernel's field has 16 bits).
pub const MAX_SIDE: u32 = u16::MAX as u32;

pub fn winsize(cols: u32, rows: u32) -> Result<Winsize, Failure> {
    let side = |value: u32, field| {
        u16::try_from(value)
            .map_err(|_| Failure::invalid(field, format!("{field}: {value} is over {MAX_SIDE}")))
    };
    let (cols, rows) = (side(cols, "cols")?, side(rows, "rows")?);
    let or = |v, d| if v == 0 { d } else { v };
    Ok(Winsize {
        ws_col: or(cols, 80),
        ws_row: or(rows, 24),
        ws_xpixel: 0,
        ws_ypixel: 0,
    })
}

/// A new pair (master, slave) of the given size, the slave owned by `uid`.
/// The slave is opened from the master by TIOCGPTPEER: no path is looked up for it.
pub fn open(size: Winsize, uid: u32) -> Result<(OwnedFd, OwnedFd), Failure> {
    let failed = |what: &'static str| move |e: rustix::io::Errno| Failure::os(&e.into(), what);
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let master = rustix::fs::open(c"/dev/ptmx", flags, Mode::empty())
        .or_else(|_| rustix::fs::open(c"/dev/pts/ptmx", flags, Mode::empty()))
        .map_err(failed("/dev/ptmx"))?;
    rustix::pty::unlockpt(&master).map_err(failed("unlocking the pty"))?;
    let peer = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let slave = rustix::pty::ioctl_tiocgptpeer(&master, peer).map_err(failed("/dev/pts"))?;
    rustix::termios::tcsetwinsize(&slave, size).map_err(failed("the pty's size"))?;
    rustix::fs::fchown(&slave, Some(Uid::from_raw(uid)), None::<Gid>)
        .and_then(|()| rustix::fs::fchmod(&slave, Mode::from_raw_mode(0o620)))
        .map_err(failed("the pty's owner"))?;
    Ok((master, slave))
}
