//! TUN and TAP devices, which live as long as their descriptor.

use super::checksum::VnetHeader;
use super::{Link, Received, unless_empty};
use crate::linux::os::{check, ioctl_struct, owned};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

/// TUNSETOFFLOAD's bits (linux/if_tun.h): checksum, TSO for both families, TSO with ECN.
const OFFLOAD: libc::c_ulong = 0x01 | 0x02 | 0x04 | 0x08;
/// _IOW('T', 208, unsigned int).
const TUNSETOFFLOAD: libc::Ioctl = 0x4004_54d0_u32 as libc::Ioctl;
/// _IOW('T', 202, int).
const TUNSETIFF: libc::Ioctl = 0x4004_54ca_u32 as libc::Ioctl;

/// What the device carries and who completes segments and checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::linux) enum Kind {
    /// IP datagrams; every frame as it would stand on the wire.
    Tun,
    /// IP datagrams; segmentation is left to the device, as packetdrill's scripts expect. `gso_size` is the segment size
    /// that injected TCP segments claim to be merged from, 0 for none.
    TunOffload {
        /// Bytes of payload a segment.
        gso_size: u16,
    },
    /// Ethernet frames as they would stand on the wire.
    Tap,
}

/// A TUN or TAP device in the namespace of the thread that opened it.
pub(in crate::linux) struct Tun {
    fd: OwnedFd,
    kind: Kind,
    /// The header of the frame received last.
    last: VnetHeader,
}

impl Tun {
    /// Makes the device `name`; it goes away with the value.
    pub(in crate::linux) fn open(name: &str, kind: Kind) -> io::Result<Tun> {
        let flags = libc::O_RDWR | libc::O_NONBLOCK | libc::O_CLOEXEC;
        // SAFETY: the path is a terminated constant.
        let fd = owned(unsafe { libc::open(c"/dev/net/tun".as_ptr(), flags) })?;
        let mode = match kind {
            Kind::Tun => libc::IFF_TUN,
            Kind::TunOffload { .. } => libc::IFF_TUN | libc::IFF_VNET_HDR,
            Kind::Tap => libc::IFF_TAP,
        };
        // SAFETY: all-zero bytes are a valid ifreq.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        if name.len() >= request.ifr_name.len() {
            return Err(io::Error::other(format!("interface name `{name}` is longer than 15 bytes")));
        }
        for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
            *to = libc::c_char::from_ne_bytes([from]);
        }
        request.ifr_ifru.ifru_flags = libc::c_short::try_from(mode | libc::IFF_NO_PI).unwrap_or(0);
        ioctl_struct(fd.as_raw_fd(), TUNSETIFF, &mut request)?;
        if matches!(kind, Kind::TunOffload { .. }) {
            // SAFETY: this ioctl takes its argument by value.
            check(unsafe { libc::ioctl(fd.as_raw_fd(), TUNSETOFFLOAD, OFFLOAD) })?;
        }
        Ok(Tun { fd, kind, last: VnetHeader::default() })
    }

    fn header_len(&self) -> usize {
        if matches!(self.kind, Kind::TunOffload { .. }) { VnetHeader::LEN } else { 0 }
    }

    /// The header of an injected frame: no offload, but where TCP segments are to claim that they were merged.
    fn header_for(&self, frame: &[u8]) -> [u8; VnetHeader::LEN] {
        let mut header = [0; VnetHeader::LEN];
        let Kind::TunOffload { gso_size } = self.kind else { return header };
        // VIRTIO_NET_HDR_GSO_TCPV4 and _TCPV6.
        let gso_type = match (frame.first().map(|b| b >> 4), frame.get(9), frame.get(6)) {
            (Some(4), Some(6), _) => 1,
            (Some(6), _, Some(6)) => 4,
            _ => return header,
        };
        if gso_size > 0 {
            header[1] = gso_type;
            header[4..6].copy_from_slice(&gso_size.to_ne_bytes());
        }
        header
    }
}

fn iovec(bytes: *const u8, len: usize) -> libc::iovec {
    libc::iovec { iov_base: bytes.cast_mut().cast(), iov_len: len }
}

fn length(returned: isize) -> io::Result<usize> {
    usize::try_from(returned).map_err(|_| io::Error::last_os_error())
}

impl Link for Tun {
    fn fd(&self) -> Option<RawFd> {
        Some(self.fd.as_raw_fd())
    }

    fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        let header = self.header_for(frame);
        let vectors = [iovec(header.as_ptr(), self.header_len()), iovec(frame.as_ptr(), frame.len())];
        // SAFETY: both vectors describe slices that outlive the call, and writev only reads them.
        length(unsafe { libc::writev(self.fd.as_raw_fd(), vectors.as_ptr(), 2) }).map(drop)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        let mut header = [0u8; VnetHeader::LEN];
        let header_len = self.header_len();
        let vectors = [iovec(header.as_mut_ptr(), header_len), iovec(buffer.as_mut_ptr(), buffer.len())];
        // SAFETY: both vectors describe exclusive borrows that outlive the call.
        let read = length(unsafe { libc::readv(self.fd.as_raw_fd(), vectors.as_ptr(), 2) });
        let Some(len) = unless_empty(read)? else { return Ok(None) };
        let len = len.saturating_sub(header_len).min(buffer.len());
        self.last = VnetHeader::from_bytes(&header);
        Ok(Some(Received { len, realtime: None }))
    }

    fn complete(&mut self, frame: &mut [u8]) {
        self.last.complete(frame);
    }
}
