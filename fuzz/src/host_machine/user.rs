//! The host's user and administrator, and its neighbours.

use super::frames::data;
use super::operation::HostCall;
use super::world::{OPEN, V4, V6, mac_of};
use crate::input::{be16, checksum, pseudo_header, put16};
use harness::sut::{
    Call, Event, InterfaceId, Outcome, Output, Prefix, Refusal, SocketAddress, StackUnderTest,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const DATAGRAM_NONBLOCK: i32 = 2 | 0o4000;
const UDP: i32 = 17;
const DONTWAIT: i32 = 0x40;
/// IPPROTO_IPV6 and IPV6_V6ONLY.
const V6ONLY: (i32, i32) = (41, 26);
/// Reads in one go: no host holds more for one socket.
const MOST_READ: usize = 65_536;

/// The sockets that the user has, one a family where the stack has it.
#[derive(Debug)]
pub(super) struct User {
    sockets: [Option<i32>; 2],
    /// What happened while calls were made, for the driver to take.
    pub(super) events: Vec<Event>,
}

impl User {
    /// Opens the sockets.
    pub(super) fn new(stack: &mut dyn StackUnderTest) -> Result<User, Refusal> {
        let mut user = User { sockets: [None; 2], events: Vec::new() };
        for (at, (domain, address)) in
            [(2, IpAddr::V4(Ipv4Addr::UNSPECIFIED)), (10, IpAddr::V6(Ipv6Addr::UNSPECIFIED))]
                .into_iter()
                .enumerate()
        {
            let socket = Call::Socket { domain, kind: DATAGRAM_NONBLOCK, protocol: UDP };
            let Some(fd) = number(user.submit(stack, socket)?) else { continue };
            if domain == 10 {
                let (level, name) = V6ONLY;
                let value = Some(vec![1, 0, 0, 0]);
                user.submit(stack, Call::Setsockopt { fd, level, name, value, length: 4 })?;
            }
            let address = SocketAddress::Ip(SocketAddr::new(address, OPEN));
            user.sockets[at] = number(user.submit(stack, Call::Bind { fd, address })?).map(|_| fd);
        }
        Ok(user)
    }

    /// The call that is meant; what is sent is datagram `ident`.
    pub(super) fn made(&self, call: HostCall, ident: u16) -> Option<Call> {
        let address = |is_v6: bool, which: u8| -> IpAddr {
            let which = usize::from(which);
            if is_v6 { V6[which].into() } else { V4[which].into() }
        };
        let interface = InterfaceId(0);
        Some(match call {
            HostCall::Receive => return None,
            HostCall::Send { is_v6, destination, length } => {
                let fd = self.sockets[usize::from(is_v6)]?;
                let address = SocketAddr::new(address(is_v6, destination), OPEN);
                let data = data(ident, length.into());
                Call::Sendto { fd, data, flags: DONTWAIT, address: SocketAddress::Ip(address) }
            }
            HostCall::Link { up } => Call::Link { interface, up },
            HostCall::Address { is_v6, which, add } => {
                let address = address(is_v6, which);
                // Nobody gives a host an address that is none of a host's.
                if address.is_multicast()
                    || address.is_unspecified()
                    || address.is_loopback()
                    || (8..10).contains(&which)
                {
                    return None;
                }
                Call::Address {
                    interface,
                    prefix: Prefix { address, length: if is_v6 { 64 } else { 24 } },
                    add,
                }
            }
            HostCall::Route { is_v6, which, add } => {
                let destination = Prefix {
                    address: if is_v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() },
                    length: 0,
                };
                Call::Route { destination, gateway: Some(address(is_v6, which)), interface, add }
            }
            HostCall::Group { is_v6, join } => Call::Group { interface, group: address(is_v6, 11), join },
        })
    }

    /// A datagram that has arrived, and whether over IPv4.
    pub(super) fn read(
        &mut self,
        stack: &mut dyn StackUnderTest,
    ) -> Result<Option<(Vec<u8>, bool)>, Refusal> {
        for (at, socket) in self.sockets.into_iter().enumerate() {
            let Some(fd) = socket else { continue };
            let outcome = self.submit(stack, Call::Recv { fd, count: MOST_READ, flags: DONTWAIT })?;
            if let Some(Outcome { result: Ok(_), output: Output::Data(data) }) = outcome {
                return Ok(Some((data, at == 0)));
            }
        }
        Ok(None)
    }

    /// Makes a call that does not block; `None` where the stack has no such call.
    pub(super) fn submit(
        &mut self,
        stack: &mut dyn StackUnderTest,
        call: Call,
    ) -> Result<Option<Outcome>, Refusal> {
        let id = match stack.submit(call) {
            Err(Refusal::Unsupported(_)) => return Ok(None),
            submitted => submitted?,
        };
        stack.events(&mut self.events)?;
        let is_it = |event: &Event| matches!(event, Event::Completed { id: of, .. } if *of == id);
        let at = self.events.iter().position(is_it);
        Ok(at.and_then(|at| match self.events.swap_remove(at) {
            Event::Completed { outcome, .. } => Some(outcome),
            Event::Frame { .. } => None,
        }))
    }
}

fn number(outcome: Option<Outcome>) -> Option<i32> {
    i32::try_from(outcome?.result.ok()?).ok()
}

/// What a neighbour that is asked for answers (RFC 826, RFC 4861 7.2.4); `asker` is the host's hardware address.
pub(super) fn neighbour(frame: &[u8], asker: [u8; 6]) -> Option<Vec<u8>> {
    match be16(frame, 12) {
        0x0806 if be16(frame, 20) == 1 => {
            let [sender, target]: [[u8; 4]; 2] =
                [frame.get(28..32)?.try_into().ok()?, frame.get(38..42)?.try_into().ok()?];
            if sender == target || sender == [0; 4] {
                return None;
            }
            let mac = mac_of(target.into());
            let head = [&asker[..], &mac, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 2]].concat();
            let mut answer = [&head[..], &mac, &target, &asker, &sender].concat();
            answer.resize(60, 0);
            Some(answer)
        }
        0x86dd if frame.get(20) == Some(&58) && frame.get(54) == Some(&135) => {
            let [source, target]: [[u8; 16]; 2] =
                [frame.get(22..38)?.try_into().ok()?, frame.get(62..78)?.try_into().ok()?];
            if source == [0; 16] {
                return None;
            }
            let mac = mac_of(IpAddr::from(target));
            let mut message = [&[136, 0, 0, 0, 0x60, 0, 0, 0][..], &target, &[2, 1], &mac].concat();
            let sum = checksum(pseudo_header(&[&target, &source], 58, message.len()), &message);
            put16(&mut message, 2, sum);
            let head = [&asker[..], &mac, &[0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255]].concat();
            Some([&head[..], &target, &source, &message].concat())
        }
        _ => None,
    }
}
