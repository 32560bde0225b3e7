//! As much of netlink as a run needs: links, addresses, routes, neighbours, queueing disciplines.
//!
//! Each request is one message that the kernel acknowledges; an error is the `io::Error` of its error number.

mod changes;
mod together;

pub(super) use changes::{Change, Qdisc, Route};

use super::os::{check, owned};
use crate::sut::{MacAddress, Prefix};
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use together::Waiting;

const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINKINFO: u16 = 18;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;
const IFA_F_NODAD: u32 = 2;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
const NUD_PERMANENT: u16 = 0x80;
const TCA_KIND: u16 = 1;
const TC_H_ROOT: u32 = 0xffff_ffff;
const CREATE: u16 = 0x400;
const REPLACE: u16 = 0x100;
/// Besides what there is: several routes to the same destinations.
const APPEND: u16 = 0x800;
const EXCLUSIVE: u16 = 0x200;
const NESTED: u16 = 0x8000;

/// A socket to the network namespace that the thread was in when it was opened.
pub(super) struct Netlink {
    fd: OwnedFd,
    sequence: u32,
    waiting: Option<Waiting>,
}

/// A request under construction: the fixed part of its kind, then attributes.
struct Request {
    bytes: Vec<u8>,
}

impl Request {
    fn new(kind: u16, flags: u16, fixed: &[u8]) -> Request {
        let mut bytes = vec![0; 16];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        // NLM_F_REQUEST and NLM_F_ACK.
        bytes[6..8].copy_from_slice(&(flags | 1 | 4).to_ne_bytes());
        bytes.extend_from_slice(fixed);
        Request { bytes }
    }

    /// Fills in the length and the number.
    fn finish(&mut self, sequence: u32) {
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes[0..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
    }

    fn attribute(mut self, kind: u16, value: &[u8]) -> Request {
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    fn nest(mut self, kind: u16, inside: impl FnOnce(Request) -> Request) -> Request {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 2]);
        self.bytes.extend_from_slice(&(kind | NESTED).to_ne_bytes());
        let mut whole = inside(self);
        let length = u16::try_from(whole.bytes.len() - start).unwrap_or(u16::MAX);
        whole.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        whole
    }
}

/// Bytes of an address in network order.
fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

fn family(address: IpAddr) -> u8 {
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    u8::try_from(family).unwrap_or(0)
}

/// struct ifinfomsg.
fn link_header(index: u32, flags: i32, change: i32) -> Vec<u8> {
    let mut header = vec![0; 4];
    header.extend_from_slice(&index.to_ne_bytes());
    header.extend_from_slice(&flags.to_ne_bytes());
    header.extend_from_slice(&change.to_ne_bytes());
    header
}

impl Netlink {
    /// Opens a socket in the namespace of the calling thread.
    pub(super) fn open() -> io::Result<Netlink> {
        Netlink::open_protocol(libc::NETLINK_ROUTE)
    }

    fn open_protocol(protocol: i32) -> io::Result<Netlink> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        // SAFETY: no pointers.
        let fd = owned(unsafe { libc::socket(libc::AF_NETLINK, kind, protocol) })?;
        Ok(Netlink { fd, sequence: 0, waiting: None })
    }

    /// Sends `request` and waits for its acknowledgement.
    fn ask(&mut self, request: Request) -> io::Result<()> {
        match self.keep(request) {
            Some(request) => self.ask_for(request).map(drop),
            None => Ok(()),
        }
    }

    /// Sends `request` and waits for its acknowledgement; what the kernel says before that is the answer, without the
    /// netlink header.
    fn ask_for(&mut self, mut request: Request) -> io::Result<Vec<u8>> {
        self.sequence = self.sequence.wrapping_add(1);
        request.finish(self.sequence);
        let bytes = &request.bytes;
        // SAFETY: the pointer and the length describe `bytes`.
        let sent = unsafe { libc::send(self.fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0) };
        if sent < 0 {
            return Err(io::Error::last_os_error());
        }
        let mut answer = Vec::new();
        // A few messages at most: only answers are sent to a socket that joined no group.
        for _ in 0..8 {
            let datagram = self.read()?;
            if let Some(error) = self.acknowledgement(&datagram) {
                return if error == 0 { Ok(answer) } else { Err(io::Error::from_raw_os_error(-error)) };
            }
            answer = datagram.get(16..).unwrap_or_default().to_vec();
        }
        Err(io::Error::other("no acknowledgement from rtnetlink"))
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0u8; 8192];
        loop {
            // SAFETY: the pointer and the length describe `buffer`.
            let got = unsafe { libc::recv(self.fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) };
            match usize::try_from(got).map_err(|_| io::Error::last_os_error()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => {
                    buffer.truncate(result?);
                    return Ok(buffer);
                }
            }
        }
    }

    /// The error number, negative or zero, where `datagram` acknowledges the request made last (NLMSG_ERROR).
    fn acknowledgement(&self, datagram: &[u8]) -> Option<i32> {
        let field = |at: usize| -> Option<[u8; 4]> { datagram.get(at..at + 4)?.try_into().ok() };
        let [a, b, _, _] = field(4)?;
        let is_ours = u16::from_ne_bytes([a, b]) == 2 && u32::from_ne_bytes(field(8)?) == self.sequence;
        if is_ours { Some(i32::from_ne_bytes(field(16)?)) } else { None }
    }

    /// Whether the kernel would take a datagram to `address` as its own.
    pub(super) fn is_local(&mut self, address: IpAddr) -> io::Result<bool> {
        let bytes = octets(address);
        let bits = u8::try_from(bytes.len() * 8).unwrap_or(0);
        let header = [family(address), bits, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let answer = self.ask_for(Request::new(libc::RTM_GETROUTE, 0, &header).attribute(RTA_DST, &bytes))?;
        // rtm_type, RTN_LOCAL.
        Ok(answer.get(7) == Some(&2))
    }

    /// A veth pair: `name` here, `peer` in the namespace `peer_namespace`.
    pub(super) fn add_veth(
        &mut self,
        name: &str,
        mac: MacAddress,
        peer: &str,
        peer_namespace: RawFd,
    ) -> io::Result<()> {
        let request = Request::new(libc::RTM_NEWLINK, CREATE | EXCLUSIVE, &link_header(0, 0, 0))
            .attribute(IFLA_IFNAME, &terminated(name))
            .attribute(IFLA_ADDRESS, &mac.0)
            .nest(IFLA_LINKINFO, |info| {
                info.attribute(IFLA_INFO_KIND, b"veth").nest(IFLA_INFO_DATA, |data| {
                    data.nest(VETH_INFO_PEER, |mut end| {
                        end.bytes.extend_from_slice(&link_header(0, 0, 0));
                        end.attribute(IFLA_IFNAME, &terminated(peer))
                            .attribute(IFLA_NET_NS_FD, &peer_namespace.to_ne_bytes())
                    })
                })
            });
        self.ask(request)
    }

    /// Sets interface flags: those in `change` become as in `flags`.
    pub(super) fn set_flags(&mut self, index: u32, flags: i32, change: i32) -> io::Result<()> {
        self.ask(Request::new(libc::RTM_NEWLINK, 0, &link_header(index, flags, change)))
    }

    /// Brings a link up or down.
    pub(super) fn set_up(&mut self, index: u32, up: bool) -> io::Result<()> {
        self.set_flags(index, if up { libc::IFF_UP } else { 0 }, libc::IFF_UP)
    }

    /// Sets a link's MTU.
    pub(super) fn set_mtu(&mut self, index: u32, mtu: u32) -> io::Result<()> {
        let header = link_header(index, 0, 0);
        self.ask(Request::new(libc::RTM_NEWLINK, 0, &header).attribute(IFLA_MTU, &mtu.to_ne_bytes()))
    }

    /// Sets a link's hardware address.
    pub(super) fn set_mac(&mut self, index: u32, mac: MacAddress) -> io::Result<()> {
        self.ask(
            Request::new(libc::RTM_NEWLINK, 0, &link_header(index, 0, 0)).attribute(IFLA_ADDRESS, &mac.0),
        )
    }

    /// Adds an address, tested first as its interface is configured or not at all, or removes it.
    pub(super) fn address(&mut self, index: u32, prefix: Prefix, add: bool, test: bool) -> io::Result<()> {
        let mut header = vec![family(prefix.address), prefix.length, 0, 0];
        header.extend_from_slice(&index.to_ne_bytes());
        let bytes = octets(prefix.address);
        let (kind, flags) =
            if add { (libc::RTM_NEWADDR, CREATE | EXCLUSIVE) } else { (libc::RTM_DELADDR, 0) };
        let mut request =
            Request::new(kind, flags, &header).attribute(IFA_LOCAL, &bytes).attribute(IFA_ADDRESS, &bytes);
        if prefix.address.is_ipv6() && !test {
            request = request.attribute(IFA_FLAGS, &IFA_F_NODAD.to_ne_bytes());
        }
        self.ask(request)
    }

    /// Adds or removes a route in the main table.
    pub(super) fn route(
        &mut self,
        index: u32,
        destination: Prefix,
        gateway: Option<IpAddr>,
        add: bool,
    ) -> io::Result<()> {
        // rtm_scope: RT_SCOPE_UNIVERSE behind a gateway, RT_SCOPE_LINK on the link; rtm_type RTN_UNICAST,
        // rtm_protocol RTPROT_STATIC, table main.
        let scope = if gateway.is_some() || destination.address.is_ipv6() { 0 } else { 253 };
        let mut header = vec![family(destination.address), destination.length, 0, 0, 254, 4, scope, 1];
        header.extend_from_slice(&0u32.to_ne_bytes());
        let (kind, flags) = if add { (libc::RTM_NEWROUTE, CREATE | APPEND) } else { (libc::RTM_DELROUTE, 0) };
        let mut request = Request::new(kind, flags, &header).attribute(RTA_OIF, &index.to_ne_bytes());
        if destination.length > 0 {
            request = request.attribute(RTA_DST, &octets(destination.address));
        }
        if let Some(gateway) = gateway {
            request = request.attribute(RTA_GATEWAY, &octets(gateway));
        }
        self.ask(request)
    }

    /// Adds a permanent neighbour.
    pub(super) fn add_neighbour(&mut self, index: u32, address: IpAddr, mac: MacAddress) -> io::Result<()> {
        let mut header = vec![family(address), 0, 0, 0];
        header.extend_from_slice(&index.to_ne_bytes());
        header.extend_from_slice(&NUD_PERMANENT.to_ne_bytes());
        header.extend_from_slice(&[0, 0]);
        self.ask(
            Request::new(libc::RTM_NEWNEIGH, CREATE | REPLACE, &header)
                .attribute(NDA_DST, &octets(address))
                .attribute(NDA_LLADDR, &mac.0),
        )
    }

    /// Makes `kind` the queueing discipline of a link.
    pub(super) fn set_root_qdisc(&mut self, index: u32, kind: &str) -> io::Result<()> {
        self.change_qdisc(Change::Replace, index, Qdisc { kind: Some(kind), limit: None })
    }
}

/// A name as the kernel wants it, with its terminating zero.
fn terminated(name: &str) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.push(0);
    bytes
}

/// The index of the interface called `name` in the calling thread's namespace.
pub(super) fn index_of(name: &str) -> io::Result<u32> {
    let name = std::ffi::CString::new(name)?;
    // SAFETY: the string is terminated and outlives the call.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    check(if index == 0 { -1 } else { 0 })?;
    Ok(index)
}
