//! The messages that a client sends (RFC 2131 table 5).

use crate::wire::MacAddress;
use crate::wire::dhcpv4::{Header, Kind, Message, REQUEST, option};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The options that the client has a use for, in order of preference (RFC 2132 9.8).
const WANTED: [u8; 6] = [
    option::SUBNET_MASK,
    option::ROUTER,
    option::DNS,
    option::DOMAIN_NAME,
    option::MTU,
    option::STATIC_ROUTES,
];

/// What differs between two messages of one client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    pub(super) kind: Kind,
    pub(super) xid: u32,
    pub(super) secs: u16,
    /// The client's address, where it is configured.
    pub(super) ciaddr: Ipv4Addr,
    pub(super) requested: Option<Ipv4Addr>,
    pub(super) server: Option<Ipv4Addr>,
}

impl Fields {
    /// A message that says nothing of addresses.
    pub(super) fn new(kind: Kind, xid: u32) -> Fields {
        let ciaddr = Ipv4Addr::UNSPECIFIED;
        Fields { kind, xid, secs: 0, ciaddr, requested: None, server: None }
    }

    /// The message of the client with this hardware address, on a link with this MTU.
    pub(super) fn message(&self, mac: MacAddress, mtu: u16) -> Message {
        let none = Ipv4Addr::UNSPECIFIED;
        let header = Header {
            op: REQUEST,
            xid: self.xid,
            secs: self.secs,
            // RFC 2131 4.1: unicast reaches this client before it is configured.
            broadcast: false,
            ciaddr: self.ciaddr,
            yiaddr: none,
            siaddr: none,
            giaddr: none,
            chaddr: mac,
        };
        let mut options = BTreeMap::new();
        options.insert(option::MESSAGE_TYPE, vec![self.kind as u8]);
        // RFC 2132 9.14: the type of the hardware, and its address.
        options.insert(option::CLIENT_ID, [&[1][..], &mac.0].concat());
        for (code, address) in [(option::REQUESTED_ADDRESS, self.requested), (option::SERVER_ID, self.server)]
        {
            if let Some(address) = address {
                options.insert(code, address.octets().to_vec());
            }
        }
        if matches!(self.kind, Kind::Discover | Kind::Request | Kind::Inform) {
            options.insert(option::PARAMETER_LIST, WANTED.to_vec());
            // RFC 2132 9.10: not below 576.
            options.insert(option::MAX_SIZE, mtu.max(576).to_be_bytes().to_vec());
        }
        if self.kind == Kind::Decline {
            options.insert(option::MESSAGE, b"address in use".to_vec());
        }
        Message { header, options }
    }
}
