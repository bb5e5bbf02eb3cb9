//! What the guest sets right when gVisor's sentry is its kernel.

use std::ffi::CStr;
use std::io;

/// CAP_SYS_ADMIN (linux/capability.h).
const SYS_ADMIN: libc::c_ulong = 21;
const TMP: &CStr = c"/tmp";

/// Before the first thread. With `extended` what the sandbox starts as root may mount.
pub fn arrange(extended: bool) -> io::Result<()> {
    uncover_tmp()?;
    if extended {
        return Ok(());
    }
    // The guest itself keeps it, to set the host name of a restored sandbox; what it executes gets
    // no more than the bounding set.
    // SAFETY: plain integers.
    if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, SYS_ADMIN, 0, 0, 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// runsc puts a tmpfs over a `/tmp` that is empty or missing (runsc/boot/vfs.go, mountTmp). Files
/// there belong on the sandbox's disk, like all others.
fn uncover_tmp() -> io::Result<()> {
    // SAFETY: a valid C string; EINVAL means that nothing is mounted there.
    if unsafe { libc::umount2(TMP.as_ptr(), libc::MNT_DETACH) } < 0 {
        let error = io::Error::last_os_error();
        return match error.raw_os_error() {
            Some(libc::EINVAL | libc::ENOENT) => Ok(()),
            _ => Err(error),
        };
    }
    // A layer may lack it, or have made it of another mode on the way.
    // SAFETY: a valid C string.
    if unsafe { libc::mkdir(TMP.as_ptr(), 0o1777) } == 0 {
        // SAFETY: as above; mkdir heeds the umask.
        unsafe { libc::chmod(TMP.as_ptr(), 0o1777) };
    }
    Ok(())
}
