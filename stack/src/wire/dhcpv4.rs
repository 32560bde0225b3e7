//! DHCP for IPv4 (RFC 2131 2, RFC 2132).
//!
//! ```text
//!    0       op: 1 request, 2 reply
//!    1       hardware type; 1: Ethernet
//!    2       length of a hardware address
//!    3       hops
//!    4..8    transaction id
//!    8..10   seconds since the client began
//!   10..12   flags; the first bit: broadcast
//!   12..16   the client's address, where it has one
//!   16..20   "your" address
//!   20..24   address of the next server
//!   24..28   address of the relay agent
//!   28..44   the client's hardware address, padded with zeros
//!   44..108  name of the server, or options
//!  108..236  name of a file, or options
//!  236..240  99, 130, 83, 99
//!  240..     options
//! ```

use super::{Error, MacAddress, Result, array, be16, be32};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The server's port.
pub const SERVER_PORT: u16 = 67;
/// The client's port.
pub const CLIENT_PORT: u16 = 68;
/// Bytes before the options, the cookie included.
pub const HEADER_LEN: usize = 240;
/// What tells DHCP's options from BOOTP's vendor field (RFC 2131 3).
pub const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// No message is shorter: BOOTP's messages have 300 bytes (RFC 1542 2.1), and relays may drop shorter ones.
pub const MIN_LEN: usize = 300;

/// A message from a client.
pub const REQUEST: u8 = 1;
/// A message from a server.
pub const REPLY: u8 = 2;
/// Where the two fields that can hold options stand.
const SNAME: core::ops::Range<usize> = 44..108;
const FILE: core::ops::Range<usize> = 108..236;

/// Option codes (RFC 2132).
pub mod option {
    /// Fills; it has no length.
    pub const PAD: u8 = 0;
    /// Subnet mask.
    pub const SUBNET_MASK: u8 = 1;
    /// Routers, the preferred one first.
    pub const ROUTER: u8 = 3;
    /// Name servers, in order of preference.
    pub const DNS: u8 = 6;
    /// The domain for names that are not complete.
    pub const DOMAIN_NAME: u8 = 15;
    /// The link's MTU.
    pub const MTU: u8 = 26;
    /// The network's broadcast address.
    pub const BROADCAST: u8 = 28;
    /// Pairs of a destination and its router.
    pub const STATIC_ROUTES: u8 = 33;
    /// The address that the client would like.
    pub const REQUESTED_ADDRESS: u8 = 50;
    /// How long an address is lent, in seconds.
    pub const LEASE_TIME: u8 = 51;
    /// Which of sname and file hold options.
    pub const OVERLOAD: u8 = 52;
    /// Which message it is.
    pub const MESSAGE_TYPE: u8 = 53;
    /// The server's address.
    pub const SERVER_ID: u8 = 54;
    /// Codes of the options that the client would like.
    pub const PARAMETER_LIST: u8 = 55;
    /// Text for a person.
    pub const MESSAGE: u8 = 56;
    /// The longest message that the sender takes.
    pub const MAX_SIZE: u8 = 57;
    /// T1 in seconds.
    pub const RENEWAL_TIME: u8 = 58;
    /// T2 in seconds.
    pub const REBINDING_TIME: u8 = 59;
    /// What the server knows the client by.
    pub const CLIENT_ID: u8 = 61;
    /// Ends the options; it has no length.
    pub const END: u8 = 255;
}

/// The message type (RFC 2132 9.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are RFC 2131's")]
pub enum Kind {
    Discover = 1,
    Offer = 2,
    Request = 3,
    Decline = 4,
    Ack = 5,
    Nak = 6,
    Release = 7,
    Inform = 8,
}

impl Kind {
    fn of(code: u8) -> Option<Kind> {
        use Kind::*;
        [Discover, Offer, Request, Decline, Ack, Nak, Release, Inform].into_iter().find(|k| *k as u8 == code)
    }
}

/// The fields before the options. Names of server and file are read for options alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// [`REQUEST`] or [`REPLY`].
    pub op: u8,
    /// Transaction id.
    pub xid: u32,
    /// Seconds since the client began.
    pub secs: u16,
    /// Whether the reply must be broadcast.
    pub broadcast: bool,
    /// The client's address, where it can be reached there.
    pub ciaddr: Ipv4Addr,
    /// The address that the server gives.
    pub yiaddr: Ipv4Addr,
    /// The next server of a bootstrap.
    pub siaddr: Ipv4Addr,
    /// The relay agent's address.
    pub giaddr: Ipv4Addr,
    /// The client's hardware address.
    pub chaddr: MacAddress,
}

/// A message: its fields, and each option's value. Where an option comes several times its values are put
/// together (RFC 2131 4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The fields before the options.
    pub header: Header,
    /// Options by code; there is none of [`option::PAD`], [`option::END`] and [`option::OVERLOAD`].
    pub options: BTreeMap<u8, Vec<u8>>,
}

impl Message {
    /// The message in a UDP datagram. It emits to a message that means the same: lost are hops, the names of server
    /// and file, unknown flags, padding, and which field an option stood in.
    ///
    /// # Errors
    /// A message that is cut off; hardware that is not Ethernet's; another cookie; an option whose length runs past
    /// its field.
    pub fn parse(bytes: &[u8]) -> Result<Message> {
        if bytes.len() < HEADER_LEN {
            return Err(Error::truncated("dhcpv4", "cookie"));
        }
        if bytes[1..3] != [1, 6] {
            return Err(Error::value("dhcpv4", "htype"));
        }
        if bytes[236..240] != COOKIE {
            return Err(Error::value("dhcpv4", "cookie"));
        }
        let address = |at| Ipv4Addr::from(array::<4>(bytes, at));
        let header = Header {
            op: bytes[0],
            xid: be32(bytes, 4),
            secs: be16(bytes, 8),
            broadcast: bytes[10] & 0x80 != 0,
            ciaddr: address(12),
            yiaddr: address(16),
            siaddr: address(20),
            giaddr: address(24),
            chaddr: MacAddress(array(bytes, 28)),
        };
        let mut options = BTreeMap::new();
        read_options(&bytes[HEADER_LEN..], &mut options)?;
        // RFC 2131 4.1: file before sname; RFC 2132 9.3 knows these three values, and any other means nothing.
        let overload = match options.remove(&option::OVERLOAD).as_deref() {
            Some([value @ 1..=3]) => *value,
            _ => 0,
        };
        if overload & 1 != 0 {
            read_options(&bytes[FILE], &mut options)?;
        }
        if overload & 2 != 0 {
            read_options(&bytes[SNAME], &mut options)?;
        }
        options.remove(&option::OVERLOAD);
        Ok(Message { header, options })
    }

    /// The bytes, at least [`MIN_LEN`] of them. The message type is the first option; values longer than 255 bytes are
    /// split.
    pub fn emit(&self) -> Vec<u8> {
        let header = &self.header;
        let mut bytes = vec![0; HEADER_LEN];
        bytes[..3].copy_from_slice(&[header.op, 1, 6]);
        bytes[4..8].copy_from_slice(&header.xid.to_be_bytes());
        bytes[8..10].copy_from_slice(&header.secs.to_be_bytes());
        bytes[10] = u8::from(header.broadcast) << 7;
        for (at, address) in
            [(12, header.ciaddr), (16, header.yiaddr), (20, header.siaddr), (24, header.giaddr)]
        {
            bytes[at..at + 4].copy_from_slice(&address.octets());
        }
        bytes[28..34].copy_from_slice(&header.chaddr.0);
        bytes[236..240].copy_from_slice(&COOKIE);
        let first = self.options.get_key_value(&option::MESSAGE_TYPE);
        let others = self.options.iter().filter(|(code, _)| **code != option::MESSAGE_TYPE);
        for (code, value) in first.into_iter().chain(others) {
            write_option(*code, value, &mut bytes);
        }
        bytes.push(option::END);
        bytes.resize(bytes.len().max(MIN_LEN), 0);
        bytes
    }

    /// Which message it is; `None` where it does not say, as in BOOTP, or says what does not exist.
    pub fn kind(&self) -> Option<Kind> {
        match self.options.get(&option::MESSAGE_TYPE)?.as_slice() {
            [code] => Kind::of(*code),
            _ => None,
        }
    }

    /// The value of an option that is one address; `None` where it has another length.
    pub fn address(&self, code: u8) -> Option<Ipv4Addr> {
        let value: [u8; 4] = self.options.get(&code)?.as_slice().try_into().ok()?;
        Some(value.into())
    }

    /// The value of an option that is a list of addresses; empty where its length is no multiple of 4.
    pub fn addresses(&self, code: u8) -> Vec<Ipv4Addr> {
        let value = self.options.get(&code).map_or(&[][..], Vec::as_slice);
        let whole = value.len().is_multiple_of(4);
        value.chunks_exact(4).filter(|_| whole).map(|chunk| Ipv4Addr::from(array::<4>(chunk, 0))).collect()
    }

    /// The value of an option that is a number of 32 bits.
    pub fn number(&self, code: u8) -> Option<u32> {
        self.address(code).map(u32::from)
    }

    /// The value of an option that is a number of 16 bits.
    pub fn short(&self, code: u8) -> Option<u16> {
        let value: [u8; 2] = self.options.get(&code)?.as_slice().try_into().ok()?;
        Some(u16::from_be_bytes(value))
    }
}

/// Adds the options of one field to those read so far. Nothing behind the end option is looked at; a field that is full
/// may lack one.
fn read_options(mut field: &[u8], options: &mut BTreeMap<u8, Vec<u8>>) -> Result<()> {
    while let Some((&code, rest)) = field.split_first() {
        field = match code {
            option::PAD => rest,
            option::END => return Ok(()),
            code => {
                let Some((&len, rest)) = rest.split_first() else {
                    return Err(Error::truncated("dhcpv4 options", "len"));
                };
                let (value, rest) =
                    rest.split_at_checked(usize::from(len)).ok_or(Error::length("dhcpv4 options", "len"))?;
                options.entry(code).or_default().extend_from_slice(value);
                rest
            }
        };
    }
    Ok(())
}

fn write_option(code: u8, value: &[u8], bytes: &mut Vec<u8>) {
    // An empty value is an option too.
    let empty: &[u8] = &[];
    let pieces = value.chunks(255).chain(value.is_empty().then_some(empty));
    for piece in pieces {
        bytes.extend([code, u8::try_from(piece.len()).unwrap_or(u8::MAX)]);
        bytes.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{altered, refuses_short};
    use super::*;

    fn message(options: &[(u8, &[u8])]) -> Message {
        let header = Header {
            op: REPLY,
            xid: 0x1234_5678,
            secs: 7,
            broadcast: true,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            yiaddr: Ipv4Addr::new(192, 0, 2, 1),
            siaddr: Ipv4Addr::new(192, 0, 2, 2),
            giaddr: Ipv4Addr::new(192, 0, 2, 3),
            chaddr: MacAddress([2, 0, 0, 0, 0, 1]),
        };
        let options = options.iter().map(|(code, value)| (*code, value.to_vec())).collect();
        Message { header, options }
    }

    #[test]
    fn round_trip() {
        let long = [7; 300];
        for options in [&[][..], &[(53, &[2][..]), (54, &[192, 0, 2, 2]), (55, &[]), (3, &long)]] {
            let bytes = message(options).emit();
            assert!(bytes.len() >= MIN_LEN);
            assert_eq!(Message::parse(&bytes), Ok(message(options)));
            refuses_short(&bytes, HEADER_LEN, |bytes| Message::parse(bytes).map(|_| ()));
        }
    }

    #[test]
    fn typed_values() {
        let parsed = message(&[(53, &[5]), (51, &[0, 0, 14, 16]), (26, &[5, 220]), (3, &[1, 2, 3, 4, 5])]);
        assert_eq!(parsed.kind(), Some(Kind::Ack));
        assert_eq!((parsed.number(51), parsed.short(26)), (Some(3600), Some(1500)));
        assert_eq!((parsed.addresses(3), parsed.address(3), parsed.kind()), (vec![], None, Some(Kind::Ack)));
        assert_eq!(message(&[(53, &[9])]).kind(), None);
        assert_eq!(message(&[(53, &[1, 1])]).kind(), None);
    }

    /// `options` behind the header, and in file and sname.
    fn check(options: &[u8], file: &[u8], sname: &[u8], expected: Result<&[(u8, &[u8])]>) {
        let mut bytes = message(&[]).emit();
        bytes.truncate(HEADER_LEN);
        bytes.extend(options);
        bytes[FILE.start..FILE.start + file.len()].copy_from_slice(file);
        bytes[SNAME.start..SNAME.start + sname.len()].copy_from_slice(sname);
        assert_eq!(Message::parse(&bytes), expected.map(message));
    }

    #[test]
    fn options_in_every_place() {
        check(&[0, 0, 1, 1, 9, 255, 2, 1, 9], &[], &[], Ok(&[(1, &[9])]));
        check(&[1, 1, 9], &[], &[], Ok(&[(1, &[9])]));
        // Values of one option, in the order options, file, sname.
        let (file, sname) = ([3, 1, 2, 255, 0], [3, 1, 3, 255]);
        check(&[3, 1, 1, 52, 1, 3, 255], &file, &sname, Ok(&[(3, &[1, 2, 3])]));
        check(&[3, 1, 1, 52, 1, 1, 255], &file, &sname, Ok(&[(3, &[1, 2])]));
        check(&[3, 1, 1, 52, 1, 2, 255], &file, &sname, Ok(&[(3, &[1, 3])]));
        for other in [0, 4, 255] {
            check(&[3, 1, 1, 52, 1, other, 255], &file, &sname, Ok(&[(3, &[1])]));
        }
        check(&[3, 1, 1, 52, 2, 3, 3, 255], &file, &sname, Ok(&[(3, &[1])]));
        // An overload in the file field does not lead anywhere.
        check(&[52, 1, 1, 255], &[52, 1, 2, 255], &[3, 1, 3, 255], Ok(&[]));
    }

    #[test]
    fn lengths_that_lie() {
        let length = Err(Error::length("dhcpv4 options", "len"));
        check(&[1, 2, 9], &[], &[], length);
        check(&[52, 1, 1, 255], &[3, 200], &[], length);
        check(&[1], &[], &[], Err(Error::truncated("dhcpv4 options", "len")));
    }

    #[test]
    fn other_hardware_and_other_cookies() {
        let bytes = message(&[]).emit();
        assert_eq!(Message::parse(&altered(&bytes, 1, 6)), Err(Error::value("dhcpv4", "htype")));
        assert_eq!(Message::parse(&altered(&bytes, 2, 16)), Err(Error::value("dhcpv4", "htype")));
        assert_eq!(Message::parse(&altered(&bytes, 239, 0)), Err(Error::value("dhcpv4", "cookie")));
    }
}
