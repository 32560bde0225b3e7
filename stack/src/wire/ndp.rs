//! Neighbour discovery messages (RFC 4861 4), as they follow the ICMPv6 header's first word.
//!
//! ```text
//! NS, NA, Redirect                     RS              RA
//!  4..8   flags R, S, O (NA), reserved  4..8 reserved   4      hop limit
//!  8..24  target                        8..  options    5      flags M, O
//! 24..    options (Redirect: 24..40                     6..8   router lifetime, seconds
//!         destination, then options)                    8..12  reachable time, 12..16 retransmission, ms
//!                                                      16..    options
//! option: 0 kind, 1 length in 8 bytes, 2.. data
//! ```

use super::icmpv6::{self, Header};
use super::{Buffer, Error, MacAddress, Result, array, be16, be32};
use std::net::Ipv6Addr;

const SOURCE_LINK: u8 = 1;
const TARGET_LINK: u8 = 2;
const PREFIX: u8 = 3;
const REDIRECTED: u8 = 4;
const MTU: u8 = 5;
const NONCE: u8 = 14;
/// More prefixes than a message of 1280 bytes can hold.
const MAX_PREFIXES: usize = 40;

/// A prefix that a router advertises (RFC 4861 4.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixInformation {
    /// The prefix.
    pub prefix: Ipv6Addr,
    /// Its leading bits.
    pub length: u8,
    /// L: addresses with it are on the link.
    pub on_link: bool,
    /// A: hosts may form addresses with it.
    pub autonomous: bool,
    /// Seconds; all ones: for ever.
    pub valid_lifetime: u32,
    /// Seconds; all ones: for ever.
    pub preferred_lifetime: u32,
}

/// The options of a message that are known here; others are skipped (RFC 4861 9), so they are not emitted again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The sender's link-layer address.
    pub source_link: Option<MacAddress>,
    /// The target's link-layer address.
    pub target_link: Option<MacAddress>,
    /// The link's MTU.
    pub mtu: Option<u32>,
    /// Prefixes.
    pub prefixes: Vec<PrefixInformation>,
    /// What tells a node's own solicitation from others' (RFC 3971 5.3.2, RFC 7527 4.1).
    pub nonce: Option<[u8; 6]>,
    /// The packet that a Redirect is about, as far as it is quoted: a multiple of 8 bytes, what is missing being zeros.
    pub redirected: Vec<u8>,
}

/// A neighbour discovery message. Reserved fields are lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Who is a router?
    RouterSolicitation(Options),
    /// A router tells of itself.
    RouterAdvertisement {
        /// For outgoing packets; 0: the router does not say.
        hop_limit: u8,
        /// M and O in the two highest bits.
        flags: u8,
        /// Seconds as a default router; 0: not one.
        lifetime: u16,
        /// Milliseconds; 0: the router does not say.
        reachable_time: u32,
        /// Milliseconds; 0: the router does not say.
        retrans_timer: u32,
        /// Options.
        options: Options,
    },
    /// Who has `target`?
    NeighbourSolicitation {
        /// The address asked for.
        target: Ipv6Addr,
        /// Options.
        options: Options,
    },
    /// `target` is here.
    NeighbourAdvertisement {
        /// R: the sender is a router.
        router: bool,
        /// S: it answers a solicitation.
        solicited: bool,
        /// O: it replaces a known link-layer address.
        override_flag: bool,
        /// The address.
        target: Ipv6Addr,
        /// Options.
        options: Options,
    },
    /// `destination` is better reached through `target`.
    Redirect {
        /// The better first hop.
        target: Ipv6Addr,
        /// The destination.
        destination: Ipv6Addr,
        /// Options.
        options: Options,
    },
}

impl Message {
    /// The message behind `header`, whose `body` begins 8 bytes into it.
    ///
    /// # Errors
    /// A type that is none of neighbour discovery, a code that is not 0, a message that is cut off, an option of
    /// length 0 (RFC 4861 6.1 and 7.1).
    pub fn parse(header: &Header, body: &[u8]) -> Result<Message> {
        if header.code != 0 {
            return Err(Error::value("ndp", "code"));
        }
        let addresses = |count: usize| body.len() >= 16 * count;
        let address = |at: usize| Ipv6Addr::from(array::<16>(body, at));
        match header.kind {
            icmpv6::ROUTER_SOLICITATION => Ok(Message::RouterSolicitation(Options::parse(body)?)),
            icmpv6::ROUTER_ADVERTISEMENT if body.len() >= 8 => Ok(Message::RouterAdvertisement {
                hop_limit: header.rest[0],
                flags: header.rest[1],
                lifetime: be16(&header.rest, 2),
                reachable_time: be32(body, 0),
                retrans_timer: be32(body, 4),
                options: Options::parse(&body[8..])?,
            }),
            icmpv6::NEIGHBOUR_SOLICITATION if addresses(1) => Ok(Message::NeighbourSolicitation {
                target: address(0),
                options: Options::parse(&body[16..])?,
            }),
            icmpv6::NEIGHBOUR_ADVERTISEMENT if addresses(1) => Ok(Message::NeighbourAdvertisement {
                router: header.rest[0] & 0x80 != 0,
                solicited: header.rest[0] & 0x40 != 0,
                override_flag: header.rest[0] & 0x20 != 0,
                target: address(0),
                options: Options::parse(&body[16..])?,
            }),
            icmpv6::REDIRECT if addresses(2) => Ok(Message::Redirect {
                target: address(0),
                destination: address(16),
                options: Options::parse(&body[32..])?,
            }),
            icmpv6::ROUTER_ADVERTISEMENT..=icmpv6::REDIRECT => Err(Error::truncated("ndp", "target")),
            _ => Err(Error::value("ndp", "type")),
        }
    }

    /// Prepends the message and its ICMPv6 header to nothing.
    pub fn emit(&self, source: Ipv6Addr, destination: Ipv6Addr, buffer: &mut Buffer) {
        let mut rest = [0; 4];
        let (kind, options) = match self {
            Message::RouterSolicitation(options) => (icmpv6::ROUTER_SOLICITATION, options),
            Message::RouterAdvertisement {
                hop_limit,
                flags,
                lifetime,
                reachable_time,
                retrans_timer,
                options,
            } => {
                rest[0] = *hop_limit;
                rest[1] = *flags;
                rest[2..].copy_from_slice(&lifetime.to_be_bytes());
                buffer.append(&reachable_time.to_be_bytes());
                buffer.append(&retrans_timer.to_be_bytes());
                (icmpv6::ROUTER_ADVERTISEMENT, options)
            }
            Message::NeighbourSolicitation { target, options } => {
                buffer.append(&target.octets());
                (icmpv6::NEIGHBOUR_SOLICITATION, options)
            }
            Message::NeighbourAdvertisement { router, solicited, override_flag, target, options } => {
                rest[0] = u8::from(*router) << 7 | u8::from(*solicited) << 6 | u8::from(*override_flag) << 5;
                buffer.append(&target.octets());
                (icmpv6::NEIGHBOUR_ADVERTISEMENT, options)
            }
            Message::Redirect { target, destination, options } => {
                buffer.append(&target.octets());
                buffer.append(&destination.octets());
                (icmpv6::REDIRECT, options)
            }
        };
        options.append(buffer);
        Header { kind, code: 0, rest }.emit(source, destination, buffer);
    }
}

impl Options {
    fn parse(mut bytes: &[u8]) -> Result<Options> {
        let mut options = Options::default();
        while !bytes.is_empty() {
            let len = usize::from(*bytes.get(1).ok_or(Error::truncated("ndp option", "length"))?) * 8;
            if len == 0 || len > bytes.len() {
                return Err(Error::length("ndp option", "length"));
            }
            let (option, rest) = bytes.split_at(len);
            match (option[0], len) {
                (SOURCE_LINK, 8) => options.source_link = Some(MacAddress(array(option, 2))),
                (TARGET_LINK, 8) => options.target_link = Some(MacAddress(array(option, 2))),
                (REDIRECTED, 16..) => options.redirected = option[8..].to_vec(),
                (NONCE, 8) => options.nonce = Some(array(option, 2)),
                (MTU, 8) => options.mtu = Some(be32(option, 4)),
                (PREFIX, 32) if options.prefixes.len() < MAX_PREFIXES => {
                    options.prefixes.push(PrefixInformation::parse(option));
                }
                _ => {}
            }
            bytes = rest;
        }
        Ok(options)
    }

    fn append(&self, buffer: &mut Buffer) {
        for (kind, link) in [(SOURCE_LINK, self.source_link), (TARGET_LINK, self.target_link)] {
            if let Some(mac) = link {
                buffer.append(&[kind, 1]);
                buffer.append(&mac.0);
            }
        }
        if let Some(nonce) = self.nonce {
            buffer.append(&[NONCE, 1]);
            buffer.append(&nonce);
        }
        if let Some(mtu) = self.mtu {
            buffer.append(&[MTU, 1, 0, 0]);
            buffer.append(&mtu.to_be_bytes());
        }
        if !self.redirected.is_empty() {
            let units = self.redirected.len().div_ceil(8);
            buffer.append(&[REDIRECTED, u8::try_from(units + 1).unwrap_or(u8::MAX), 0, 0, 0, 0, 0, 0]);
            buffer.append(&self.redirected);
            buffer.append_zeros(units * 8 - self.redirected.len());
        }
        for prefix in &self.prefixes {
            prefix.append(buffer);
        }
    }
}

impl PrefixInformation {
    fn parse(option: &[u8]) -> PrefixInformation {
        PrefixInformation {
            prefix: Ipv6Addr::from(array::<16>(option, 16)),
            length: option[2],
            on_link: option[3] & 0x80 != 0,
            autonomous: option[3] & 0x40 != 0,
            valid_lifetime: be32(option, 4),
            preferred_lifetime: be32(option, 8),
        }
    }

    fn append(&self, buffer: &mut Buffer) {
        buffer.append(&[
            PREFIX,
            4,
            self.length,
            u8::from(self.on_link) << 7 | u8::from(self.autonomous) << 6,
        ]);
        buffer.append(&self.valid_lifetime.to_be_bytes());
        buffer.append(&self.preferred_lifetime.to_be_bytes());
        buffer.append(&[0; 4]);
        buffer.append(&self.prefix.octets());
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::emitted;
    use super::*;

    const A: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    const B: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);

    fn parsed(bytes: &[u8]) -> Result<Message> {
        let (header, body) = Header::parse(A, B, bytes)?;
        Message::parse(&header, body)
    }

    fn messages() -> Vec<Message> {
        let link = |kind| {
            let mac = Some(MacAddress([2, 0, 0, 0, 0, kind]));
            Options {
                source_link: mac.filter(|_| kind == 1),
                target_link: mac.filter(|_| kind == 2),
                ..Options::default()
            }
        };
        let prefix = PrefixInformation {
            prefix: A,
            length: 64,
            on_link: true,
            autonomous: false,
            valid_lifetime: 1,
            preferred_lifetime: 2,
        };
        vec![
            Message::RouterSolicitation(link(1)),
            Message::RouterAdvertisement {
                hop_limit: 64,
                flags: 0x40,
                lifetime: 1800,
                reachable_time: 30_000,
                retrans_timer: 1000,
                options: Options { mtu: Some(1500), prefixes: vec![prefix], ..link(1) },
            },
            Message::NeighbourSolicitation { target: B, options: link(1) },
            Message::NeighbourAdvertisement {
                router: false,
                solicited: true,
                override_flag: true,
                target: A,
                options: link(2),
            },
            Message::Redirect {
                target: A,
                destination: B,
                options: Options { redirected: vec![6; 16], ..link(2) },
            },
        ]
    }

    #[test]
    fn every_message_round_trips() {
        for message in messages() {
            let bytes = emitted(b"", |buffer| message.emit(A, B, buffer));
            assert_eq!(parsed(&bytes), Ok(message));
        }
    }

    #[test]
    fn no_length_but_whole_options_is_taken() {
        for message in messages() {
            let mut buffer = Buffer::new();
            message.emit(A, B, &mut buffer);
            let header = Header { kind: buffer[0], code: 0, rest: array(&buffer, 4) };
            // The options' last one, last two, and all three: whole messages again without them.
            let whole: &[usize] = match &message {
                Message::RouterAdvertisement { .. } => &[32, 40, 48],
                Message::Redirect { .. } => &[24, 32],
                _ => &[8],
            };
            for cut in 1..buffer.len() - 8 {
                let body = &buffer[8..buffer.len() - cut];
                assert_eq!(
                    Message::parse(&header, body).is_ok(),
                    whole.contains(&cut),
                    "{message:?} less {cut}"
                );
            }
        }
    }

    #[test]
    fn an_option_of_length_zero_spoils_the_message() {
        let header = Header { kind: icmpv6::NEIGHBOUR_SOLICITATION, code: 0, rest: [0; 4] };
        let mut body = B.octets().to_vec();
        body.extend([14, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Message::parse(&header, &body), Err(Error::length("ndp option", "length")));
        body[17] = 1;
        assert!(Message::parse(&header, &body).is_ok(), "an unknown option is skipped");
    }
}
