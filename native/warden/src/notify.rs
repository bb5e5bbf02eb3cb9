//! Tells systemd that the warden serves (sd_notify(3)), when it was started by a unit of `Type=notify`.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Where to tell it: a path, or with a leading `@` an abstract name.
const PLACE: &str = "NOTIFY_SOCKET";

/// Does nothing without systemd.
pub fn ready() -> io::Result<()> {
    let Ok(place) = std::env::var(PLACE) else {
        return Ok(());
    };
    let address = match place.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(place)?,
    };
    UnixDatagram::unbound()?.send_to_addr(b"READY=1", &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    #[test]
    fn whoever_started_it_is_told_once_that_it_serves() {
        let name = format!("atoll-notify-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let systemd = UnixDatagram::bind_addr(&address).unwrap();
        // SAFETY: no other test of this program reads or changes this variable.
        unsafe { std::env::set_var(super::PLACE, format!("@{name}")) };
        super::ready().unwrap();
        let mut told = [0; 64];
        let length = systemd.recv(&mut told).unwrap();
        assert_eq!(&told[..length], b"READY=1");
    }
}
