use std::io;

/// An id that a forger off the path cannot guess.
pub fn id() -> io::Result<u16> {
    let mut bytes = [0u8; 2];
    // SAFETY: the kernel writes at most the given length into a live array.
    let filled = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    // Up to 256 bytes come whole once the pool is seeded (getrandom(2)).
    if filled != bytes.len() as isize {
        return Err(io::Error::last_os_error());
    }
    Ok(u16::from_ne_bytes(bytes))
}
