//! Packet sockets: the harness's end of a veth pair, and a second look at a TUN device for the time of its frames.

use super::{Link, Received, unless_empty};
use crate::linux::clock::from_timespec;
use crate::linux::os::{check, owned, set_option};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

/// Bytes of frames that may wait to be read, so that a burst is not lost while the driver sleeps.
const RECEIVE_BUFFER: libc::c_int = 4 << 20;

/// A packet socket bound to one interface, which stamps what it receives.
pub(in crate::linux) struct PacketSocket {
    fd: OwnedFd,
}

impl PacketSocket {
    /// Opens a socket for all protocols on the interface `index` of the calling thread's namespace.
    ///
    /// With `sent_only` it sees the frames that the interface sends; otherwise those that it receives and those that
    /// others send through it.
    pub(in crate::linux) fn open(index: u32, sent_only: bool) -> io::Result<PacketSocket> {
        // Protocol 0: nothing is received until the socket is bound.
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: no pointers.
        let fd = owned(unsafe { libc::socket(libc::AF_PACKET, kind, 0) })?;
        set_option(fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1 as libc::c_int)?;
        // Beyond rmem_max only for the privileged; up to it for anybody.
        if set_option(fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, RECEIVE_BUFFER).is_err() {
            set_option(fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_RCVBUF, RECEIVE_BUFFER)?;
        }
        if sent_only {
            only_outgoing(&fd)?;
        }
        bind(&fd, index)?;
        Ok(PacketSocket { fd })
    }

    /// Gives the descriptor away.
    pub(super) fn into_fd(self) -> OwnedFd {
        self.fd
    }
}

/// A socket that does nothing but keep the kernel stamping what it receives and sends.
pub(in crate::linux) fn stamping() -> io::Result<OwnedFd> {
    // SAFETY: no pointers.
    let fd = owned(unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) })?;
    set_option(fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1 as libc::c_int)?;
    Ok(fd)
}

/// Binds a packet socket to an interface, for all protocols.
fn bind(fd: &OwnedFd, index: u32) -> io::Result<()> {
    // SAFETY: all-zero bytes are a valid sockaddr_ll.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::sa_family_t::try_from(libc::AF_PACKET).unwrap_or(0);
    address.sll_protocol = u16::try_from(libc::ETH_P_ALL).unwrap_or(0).to_be();
    address.sll_ifindex = libc::c_int::try_from(index).unwrap_or(0);
    let length = crate::linux::address::size::<libc::sockaddr_ll>();
    // SAFETY: the pointer and the length describe `address`.
    check(unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), length) }).map(drop)
}

/// Lets only frames through whose packet type is PACKET_OUTGOING.
fn only_outgoing(fd: &OwnedFd) -> io::Result<()> {
    // Loads from SKF_AD_OFF + SKF_AD_PKTTYPE read the packet's type instead of its bytes.
    const PACKET_TYPE: u32 = (-0x1000_i32 + 4) as u32;
    let outgoing = u32::from(libc::PACKET_OUTGOING);
    let instruction = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut program = [
        instruction(0x30, 0, 0, PACKET_TYPE), // ldb type
        instruction(0x15, 0, 1, outgoing),    // jeq #PACKET_OUTGOING, next, over next
        instruction(0x06, 0, 0, u32::MAX),    // ret all of it
        instruction(0x06, 0, 0, 0),           // ret nothing
    ];
    let length = u16::try_from(program.len()).unwrap_or(0);
    let filter = libc::sock_fprog { len: length, filter: program.as_mut_ptr() };
    // The kernel reads the program, which outlives the call, through the pointer in `filter`.
    set_option(fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, filter)
}

/// Room for one timestamp as a control message, aligned as struct cmsghdr wants it.
type Stamp = [u64; 16];

/// Receives one packet with its stamp. The length is the packet's own, even where the buffer is shorter.
fn receive(fd: RawFd, buffer: &mut [u8]) -> io::Result<Option<Received>> {
    let mut control: Stamp = [0; 16];
    let mut vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: all-zero bytes are a valid msghdr.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &raw mut vector;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = size_of::<Stamp>() as _;
    // SAFETY: the header describes `buffer` and `control`, which outlive the call.
    let returned = unsafe { libc::recvmsg(fd, &raw mut header, libc::MSG_TRUNC | libc::MSG_DONTWAIT) };
    let read = match usize::try_from(returned).map_err(|_| io::Error::last_os_error()) {
        // Told once when the interface goes down: there is nothing to read then.
        Err(error) if error.raw_os_error() == Some(libc::ENETDOWN) => return Ok(None),
        read => read,
    };
    let Some(len) = unless_empty(read)? else { return Ok(None) };
    Ok(Some(Received { len, realtime: stamp(&header) }))
}

/// The SCM_TIMESTAMPNS among the control messages.
fn stamp(header: &libc::msghdr) -> Option<u64> {
    // SAFETY: the kernel has filled the control buffer and set its length, so each message that CMSG_FIRSTHDR and
    // CMSG_NXTHDR give lies inside it; the length of the data is checked before it is read, alignment not assumed.
    unsafe {
        let mut at = libc::CMSG_FIRSTHDR(header);
        while !at.is_null() {
            let wanted = libc::CMSG_LEN(crate::linux::address::size::<libc::timespec>()) as usize;
            let is_stamp = (*at).cmsg_level == libc::SOL_SOCKET && (*at).cmsg_type == libc::SCM_TIMESTAMPNS;
            if is_stamp && (*at).cmsg_len as usize >= wanted {
                let time = libc::CMSG_DATA(at).cast::<libc::timespec>().read_unaligned();
                return Some(from_timespec(time));
            }
            at = libc::CMSG_NXTHDR(header, at);
        }
    }
    None
}

impl Link for PacketSocket {
    fn fd(&self) -> Option<RawFd> {
        Some(self.fd.as_raw_fd())
    }

    fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        // SAFETY: the pointer and the length describe `frame`.
        let sent = unsafe { libc::send(self.fd.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        let received = receive(self.fd.as_raw_fd(), buffer)?;
        Ok(received.map(|r| Received { len: r.len.min(buffer.len()), ..r }))
    }
}

/// As much of a frame as tells it from others.
const GLIMPSE: usize = 96;

/// A link that cannot tell when a frame left, beside a packet socket on the interface itself that can.
///
/// The kernel shows a frame to packet sockets before it hands it to the device, so the stamp is there first.
pub(in crate::linux) struct Stamped<L> {
    link: L,
    watcher: PacketSocket,
    seen: VecDeque<(usize, Vec<u8>, Option<u64>)>,
}

impl<L: Link> Stamped<L> {
    /// Watches the interface `index` of the calling thread's namespace, which is at the other end of `link`.
    pub(in crate::linux) fn new(link: L, index: u32) -> io::Result<Stamped<L>> {
        Ok(Stamped { link, watcher: PacketSocket::open(index, true)?, seen: VecDeque::new() })
    }

    /// The stamp of the frame that the watcher saw first of those that are like this one. What it saw before was lost
    /// between the watcher and the device, and is forgotten.
    fn stamp(&mut self, len: usize, start: &[u8]) -> io::Result<Option<u64>> {
        let mut glimpse = [0u8; GLIMPSE];
        while let Some(received) = receive(self.watcher.fd.as_raw_fd(), &mut glimpse)? {
            let start = glimpse[..received.len.min(GLIMPSE)].to_vec();
            self.seen.push_back((received.len, start, received.realtime));
        }
        let found = self.seen.iter().position(|(l, s, _)| *l == len && s == start);
        Ok(found.and_then(|at| self.seen.drain(..=at).next_back()).and_then(|(_, _, stamp)| stamp))
    }
}

impl<L: Link> Link for Stamped<L> {
    fn fd(&self) -> Option<RawFd> {
        self.link.fd()
    }

    fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.link.send(frame)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        let Some(received) = self.link.receive(buffer)? else { return Ok(None) };
        let realtime = self.stamp(received.len, &buffer[..received.len.min(GLIMPSE)])?;
        Ok(Some(Received { len: received.len, realtime }))
    }

    fn complete(&mut self, frame: &mut [u8]) {
        self.link.complete(frame);
    }
}

/// A link with Ethernet headers as one with bare IP datagrams.
pub(in crate::linux) struct WithoutEthernet<L> {
    link: L,
    header: [u8; 12],
}

impl<L: Link> WithoutEthernet<L> {
    /// What is sent goes to the station `to`.
    pub(in crate::linux) fn new(link: L, to: crate::sut::MacAddress) -> WithoutEthernet<L> {
        let mut header = [0; 12];
        header[..6].copy_from_slice(&to.0);
        // A locally administered source that is not the destination's own.
        header[6..].copy_from_slice(&to.0);
        header[6] = 0x02;
        header[11] ^= 0xff;
        WithoutEthernet { link, header }
    }
}

impl<L: Link> Link for WithoutEthernet<L> {
    fn fd(&self) -> Option<RawFd> {
        self.link.fd()
    }

    fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        let ethertype: [u8; 2] = match frame.first().map(|b| b >> 4) {
            Some(4) => [0x08, 0x00],
            Some(6) => [0x86, 0xdd],
            // As a TUN device has it.
            _ => return Err(io::Error::from_raw_os_error(libc::EINVAL)),
        };
        self.link.send(&[&self.header, &ethertype[..], frame].concat())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        while let Some(received) = self.link.receive(buffer)? {
            let is_ip = matches!(buffer.get(12..14), Some([0x08, 0x00] | [0x86, 0xdd]));
            if received.len > 14 && is_ip {
                buffer.copy_within(14..received.len, 0);
                return Ok(Some(Received { len: received.len - 14, ..received }));
            }
        }
        Ok(None)
    }
}
