//! Loop devices: attach with direct I/O and autoclear, find, wait for the end.
//!
//! With LO_FLAGS_AUTOCLEAR the kernel frees the device when the last user (our descriptor, then
//! the mount) is gone, so nobody has to detach anything. Block size 4096 is what makes direct I/O
//! take effect on reflinked files; with 512 it is silently buffered.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::sys::check;

const LOOP_CONFIGURE: libc::c_ulong = 0x4C0A;
const LOOP_GET_STATUS64: libc::c_ulong = 0x4C05;
const LOOP_SET_CAPACITY: libc::c_ulong = 0x4C07;
const LOOP_CLR_FD: libc::c_ulong = 0x4C01;
const LOOP_CTL_GET_FREE: libc::c_ulong = 0x4C82;
const LO_FLAGS_READ_ONLY: u32 = 1;
const LO_FLAGS_AUTOCLEAR: u32 = 4;
const LO_FLAGS_DIRECT_IO: u32 = 16;
const BLOCK_SIZE: u32 = 4096;

/// `struct loop_info64` of linux/loop.h.
#[repr(C)]
struct LoopInfo {
    device: u64,
    inode: u64,
    rdevice: u64,
    offset: u64,
    size_limit: u64,
    number: u32,
    encrypt_type: u32,
    encrypt_key_size: u32,
    flags: u32,
    file_name: [u8; 64],
    crypt_name: [u8; 64],
    encrypt_key: [u8; 32],
    init: [u64; 2],
}

/// `struct loop_config` of linux/loop.h.
#[repr(C)]
struct LoopConfig {
    fd: u32,
    block_size: u32,
    info: LoopInfo,
    reserved: [u64; 8],
}

/// An attached device. It stays attached while this lives or something is mounted from it.
pub struct LoopDevice {
    file: File,
    number: u32,
}

impl LoopDevice {
    /// Attaches `image`, which stays open for as long as the device is attached.
    pub fn attach(image: &File, read_only: bool) -> io::Result<LoopDevice> {
        let control = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/loop-control")?;
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            // SAFETY: takes no argument.
            let number =
                check(unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE as _) }.into())?;
            let number = number as u32;
            let attempt = open(number, !read_only).and_then(|file| {
                configure(&file, image.as_raw_fd(), read_only)?;
                Ok(LoopDevice { file, number })
            });
            match attempt {
                // Another attach took the free device between the two calls, or devtmpfs has not
                // made its node yet.
                Err(e)
                    if matches!(
                        e.raw_os_error(),
                        Some(libc::EBUSY | libc::ENOENT | libc::ENXIO)
                    ) && Instant::now() < deadline =>
                {
                    std::thread::yield_now();
                }
                other => return other,
            }
        }
    }

    /// The device that `image` is attached to already. The caller's open keeps it from vanishing.
    pub fn find(image: &File) -> io::Result<Option<LoopDevice>> {
        let wanted = image.metadata()?;
        for number in attached()? {
            let Ok(file) = open(number, false) else {
                continue;
            };
            let Some(info) = status(&file) else { continue };
            if info.device == encode_device(wanted.dev()) && info.inode == wanted.ino() {
                return Ok(Some(LoopDevice { file, number }));
            }
        }
        Ok(None)
    }

    /// A device known by its number.
    pub fn open(number: u32) -> io::Result<LoopDevice> {
        Ok(LoopDevice {
            file: open(number, false)?,
            number,
        })
    }

    pub fn number(&self) -> u32 {
        self.number
    }

    pub fn path(&self) -> CString {
        path(self.number)
    }

    /// Takes over a changed size of the image.
    pub fn refresh_size(&self) -> io::Result<()> {
        // SAFETY: takes no argument.
        check(unsafe { libc::ioctl(self.file.as_raw_fd(), LOOP_SET_CAPACITY as _) }.into())?;
        Ok(())
    }
}

/// Numbers of all attached devices of the machine.
pub fn attached() -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir("/sys/block")? {
        let name = entry?.file_name();
        let number = name
            .to_str()
            .and_then(|n| n.strip_prefix("loop"))
            .and_then(|n| n.parse().ok());
        if let Some(number) = number
            && is_attached(number)
        {
            numbers.push(number);
        }
    }
    Ok(numbers)
}

/// The attached devices whose image lies below `dir`, with the image's path.
pub fn backed_below(dir: &Path) -> io::Result<Vec<(u32, String)>> {
    let prefix = format!("{}/", dir.display());
    Ok(attached()?
        .into_iter()
        .filter_map(|number| {
            let file = format!("/sys/block/loop{number}/loop/backing_file");
            let image = std::fs::read_to_string(file).ok()?;
            image
                .starts_with(&prefix)
                .then(|| (number, image.trim_end().to_owned()))
        })
        .collect())
}

fn is_attached(number: u32) -> bool {
    Path::new(&format!("/sys/block/loop{number}/loop")).exists()
}

/// Waits until no device is attached to `image` any more; `false` when time is over.
pub fn wait_detached(number: u32, image: &File, limit: Duration) -> io::Result<bool> {
    let wanted = image.metadata()?;
    let deadline = Instant::now() + limit;
    loop {
        // The number may serve another image by now, so a look at sysfs alone is not enough.
        if !is_attached(number) {
            return Ok(true);
        }
        let same = open(number, false)
            .ok()
            .and_then(|file| status(&file))
            .is_some_and(|info| {
                info.device == encode_device(wanted.dev()) && info.inode == wanted.ino()
            });
        if !same {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        sleep(Duration::from_millis(1));
    }
}

/// Detaches as soon as its last user is gone.
pub fn detach(number: u32) -> io::Result<()> {
    let file = open(number, false)?;
    // SAFETY: takes no argument.
    check(unsafe { libc::ioctl(file.as_raw_fd(), LOOP_CLR_FD as _) }.into())?;
    Ok(())
}

fn path(number: u32) -> CString {
    CString::new(format!("/dev/loop{number}")).unwrap_or_default()
}

fn open(number: u32, write: bool) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(write)
        .custom_flags(libc::O_CLOEXEC)
        .open(format!("/dev/loop{number}"))
}

fn configure(device: &File, image: RawFd, read_only: bool) -> io::Result<()> {
    // SAFETY: zero is a valid value of this plain structure.
    let mut config: LoopConfig = unsafe { std::mem::zeroed() };
    config.fd = image as u32;
    config.block_size = BLOCK_SIZE;
    config.info.flags =
        LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO | if read_only { LO_FLAGS_READ_ONLY } else { 0 };
    // SAFETY: `config` lives through the call.
    check(unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE as _, &config) }.into())?;
    Ok(())
}

fn status(device: &File) -> Option<LoopInfo> {
    // SAFETY: zero is a valid value of this plain structure.
    let mut info: LoopInfo = unsafe { std::mem::zeroed() };
    // SAFETY: `info` lives through the call.
    let result = unsafe { libc::ioctl(device.as_raw_fd(), LOOP_GET_STATUS64 as _, &mut info) };
    (result == 0).then_some(info)
}

/// The kernel's `huge_encode_dev` of a `st_dev`, as LOOP_GET_STATUS64 reports it.
fn encode_device(dev: u64) -> u64 {
    let (major, minor) = (u64::from(libc::major(dev)), u64::from(libc::minor(dev)));
    (minor & 0xff) | (major << 8) | ((minor & !0xff) << 12)
}
