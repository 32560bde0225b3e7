//! ethtool: turns off what would let a device see other frames than a wire would (checksums left open, segments merged),
//! and asks for the carrier.

use super::os::{ioctl_struct, owned};
use std::io;
use std::os::fd::AsRawFd;

/// ethtool commands that take a value, and what the program of that name calls them.
const FEATURES: [(u32, &str); 7] =
    [(0x1f, "tso"), (0x24, "gso"), (0x2c, "gro"), (0x22, "ufo"), (0x19, "sg"), (0x17, "tx"), (0x15, "rx")];

/// A feature by its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Feature(u32);

/// The feature that ethtool calls `name`.
pub(super) fn feature(name: &str) -> Option<Feature> {
    FEATURES.iter().find(|(_, known)| *known == name).map(|(command, _)| Feature(*command))
}

/// Turns a feature of the interface `name` on or off.
pub(super) fn set(name: &str, feature: Feature, on: bool) -> io::Result<()> {
    ethtool(name, Value { command: feature.0, data: u32::from(on) }).map(drop)
}

const SIOCETHTOOL: libc::Ioctl = 0x8946;

/// struct ethtool_value.
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

/// ETHTOOL_GLINK, whose answer is whether there is a carrier.
const GET_LINK: u32 = 0x0a;

/// Turns offload off on the interface `name` of the calling thread's namespace. A feature that the device does not have,
/// or cannot turn off, is left.
pub(super) fn turn_off(name: &str) -> io::Result<()> {
    for (command, _) in FEATURES {
        match ethtool(name, Value { command, data: 0 }) {
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Makes an interface that has just got its carrier ready to send. The kernel does that by itself, but some time later,
/// and until then it loses what is sent; it does it at once for somebody who asks about the carrier.
pub(super) fn settle_carrier(name: &str) -> io::Result<()> {
    match ethtool(name, Value { command: GET_LINK, data: 0 })?.data {
        0 => Err(io::Error::other(format!("{name} has no carrier"))),
        _ => Ok(()),
    }
}

fn ethtool(name: &str, mut value: Value) -> io::Result<Value> {
    // SAFETY: no pointers.
    let socket = owned(unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: all-zero bytes are a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().take(15).zip(name.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    ioctl_struct(socket.as_raw_fd(), SIOCETHTOOL, &mut request)?;
    Ok(value)
}
