//! The ext4 images that hold uppers: formatted once, cloned for each sandbox, grown when asked.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::loopdev::{self, LoopDevice};
use crate::sys::{self, FsContext, check};

/// Directories of every image: the overlay's upper and work, and the guest's spool of output,
/// which lies inside the quota but outside of what the sandbox sees.
pub const UPPER: &std::ffi::CStr = c"upper";
pub const WORK: &std::ffi::CStr = c"work";
pub const SPOOL: &std::ffi::CStr = c"spool";
/// The root of a volume, whose image is a clone of the same empty ones.
pub const VOLUME: &std::ffi::CStr = UPPER;

/// A mounted upper: the detached mount keeps superblock and loop device alive.
pub struct Mounted {
    pub mount: OwnedFd,
    pub loop_number: u32,
}

/// Formats a sparse image of `bytes` and makes its directories. Runs mkfs.ext4.
pub fn format(image: &Path, bytes: u64) -> io::Result<()> {
    let file = File::create(image)?;
    file.set_len(bytes)?;
    drop(file);
    // One inode for 16 KiB; lazy tables keep the empty image small; growing goes by meta_bg, so no
    // blocks are reserved for it.
    let output = Command::new("mkfs.ext4")
        .args(["-q", "-F", "-b", "4096", "-i", "16384", "-m", "0", "-J"])
        .arg(format!("size={}", journal_mib(bytes)))
        .args([
            "-E",
            "lazy_itable_init=1,nodiscard",
            "-O",
            "^resize_inode,^metadata_csum_seed",
        ])
        .arg(image)
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("mkfs.ext4: {}", said.trim())));
    }
    let file = OpenOptions::new().read(true).write(true).open(image)?;
    let mounted = mount(&file)?;
    for (name, mode) in [(UPPER, 0o755), (WORK, 0o700), (SPOOL, 0o700)] {
        // SAFETY: `name` is a valid C string.
        check(unsafe { libc::mkdirat(mounted.mount.as_raw_fd(), name.as_ptr(), mode) }.into())?;
        // The upper's mode is that of the sandbox's root directory, whatever our umask is.
        // SAFETY: as above.
        check(unsafe { libc::fchmodat(mounted.mount.as_raw_fd(), name.as_ptr(), mode, 0) }.into())?;
    }
    unmount(mounted, &file)
}

/// Size of the journal for a disk of `bytes`, MiB: an allowance out of the sandbox's quota.
fn journal_mib(bytes: u64) -> u64 {
    match bytes >> 30 {
        0 => 4,
        1..4 => 8,
        _ => 16,
    }
}

/// Unmounts cleanly and waits until the kernel has written everything to the image.
pub fn unmount(mounted: Mounted, image: &File) -> io::Result<()> {
    const LIMIT: Duration = Duration::from_secs(30);
    let number = mounted.loop_number;
    drop(mounted);
    if loopdev::wait_detached(number, image, LIMIT)? {
        return Ok(());
    }
    Err(io::Error::from_raw_os_error(libc::EBUSY))
}

/// Attaches and mounts an upper image read-write, detached. Mounting replays its journal.
pub fn mount(image: &File) -> io::Result<Mounted> {
    let device = LoopDevice::attach(image, false)?;
    mount_device(&device)
}

/// Mounts an image that may be attached and mounted already.
pub fn mount_again(image: &File) -> io::Result<Mounted> {
    match LoopDevice::find(image)? {
        Some(device) => mount_device(&device),
        None => mount(image),
    }
}

/// Mounts a device, also one that is mounted already: the kernel gives the same superblock.
pub fn mount_device(device: &LoopDevice) -> io::Result<Mounted> {
    let context = FsContext::open(c"ext4")?;
    context.string(c"source", &device.path())?;
    context.flag(c"discard")?;
    context.flag(c"noinit_itable")?;
    let mount = context
        .mount(libc::MOUNT_ATTR_NOATIME | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOSUID)?;
    Ok(Mounted {
        mount,
        loop_number: device.number(),
    })
}

/// Grows image, device and mounted file system to `bytes`. `PermissionDenied` when this process
/// lacks CAP_SYS_RESOURCE (containers mostly do), which ext4 wants for it; nothing is changed then.
pub fn grow(image: &File, mounted: &Mounted, bytes: u64) -> io::Result<()> {
    const CAP_SYS_RESOURCE: u32 = 24;
    if sys::permitted_capabilities()? & (1 << CAP_SYS_RESOURCE) == 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    const EXT4_IOC_RESIZE_FS: libc::c_ulong = 0x4008_6610;
    image.set_len(bytes)?;
    LoopDevice::open(mounted.loop_number)?.refresh_size()?;
    let root = sys::open_at(
        mounted.mount.as_fd(),
        c".",
        libc::O_RDONLY | libc::O_DIRECTORY,
    )?;
    let blocks: u64 = bytes / 4096;
    // SAFETY: the request takes a pointer to a u64 block count.
    check(unsafe { libc::ioctl(root.as_raw_fd(), EXT4_IOC_RESIZE_FS as _, &blocks) }.into())?;
    Ok(())
}

/// Grows an image that is not mounted. Its journal is replayed first. Runs resize2fs.
pub fn grow_offline(path: &Path, image: &File, bytes: u64) -> io::Result<()> {
    unmount(mount(image)?, image)?;
    let before = image.metadata()?.len();
    image.set_len(bytes)?;
    // Forced: the program wants a check of every image that was ever mounted since the last one.
    let run = Command::new("resize2fs")
        .arg("-f")
        .arg(path)
        .stdin(Stdio::null())
        .output();
    let error = match run {
        Ok(output) if output.status.success() => return image.sync_all(),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            io::Error::other(format!("resize2fs: {}", said.trim()))
        }
        Err(error) => error,
    };
    image.set_len(before)?;
    Err(error)
}

/// Empties the journal: commits what runs and writes every block that only the journal has to its
/// place. Changes of the file system wait meanwhile: under 1 ms when it was synced just before, but
/// some 10 ms when many blocks were just freed, whose discards the device has to do first.
pub fn checkpoint(mount: BorrowedFd<'_>) -> io::Result<()> {
    const EXT4_IOC_CHECKPOINT: libc::c_ulong = 0x4004_662B;
    let root = sys::open_at(mount, c".", libc::O_RDONLY | libc::O_DIRECTORY)?;
    let flags: u32 = 0;
    // SAFETY: the request takes a pointer to a u32 of flags.
    check(unsafe { libc::ioctl(root.as_raw_fd(), EXT4_IOC_CHECKPOINT as _, &flags) }.into())?;
    Ok(())
}

/// Undoes an FIFREEZE; `true` when there was one.
pub fn thaw(mounted: &Mounted) -> io::Result<bool> {
    const FITHAW: libc::c_ulong = 0xC004_5878;
    let root = sys::open_at(
        mounted.mount.as_fd(),
        c".",
        libc::O_RDONLY | libc::O_DIRECTORY,
    )?;
    // SAFETY: the argument is ignored.
    match check(unsafe { libc::ioctl(root.as_raw_fd(), FITHAW as _, 0) }.into()) {
        Ok(_) => Ok(true),
        Err(e) if e.raw_os_error() == Some(libc::EINVAL) => Ok(false),
        Err(e) => Err(e),
    }
}
