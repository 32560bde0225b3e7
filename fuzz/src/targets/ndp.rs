//! Neighbour discovery (RFC 4861 4), as it follows the ICMPv6 header.

use crate::decoders::{Decoder, Fields, Value, Verdict};
use crate::input::{choices, put16};
use etherparse::icmpv6::{Icmpv6PayloadSlice, NdpOptionSlice, NdpOptionsIterator};
use smoltcp::wire;
use stack::wire::icmpv6::{self, Header};
use stack::wire::ipv6::MIN_MTU;
use stack::wire::ndp::{Message, Options};
use stack::wire::{Buffer, MacAddress};
use std::net::Ipv6Addr;

const SOURCE: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const DESTINATION: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);

/// The first byte chooses the type; the rest is the message from its code on: code, 4 bytes, body.
///
/// # Panics
/// At a finding.
pub fn ndp(data: &[u8]) {
    let Some((choice, rest)) = choices(data) else { return };
    let (Some((&code, rest)), kind) = (rest.split_first(), 133 + choice % 6) else { return };
    // A message is never fragmented (RFC 6980 5), and more prefixes than fit the least MTU are not kept.
    let rest = &rest[..rest.len().min(MIN_MTU)];
    let Some((word, body)) = rest.split_first_chunk::<4>() else { return };
    let header = Header { kind, code, rest: *word };
    let parsed = Message::parse(&header, body);
    let mut bytes = vec![kind, code, 0, 0];
    bytes.extend(rest);
    put16(&mut bytes, 2, 0);
    if let Ok(message) = &parsed {
        emits(&bytes, message);
    }
    let verdict =
        Verdict { header: "ndp", bytes: &bytes, ours: parsed.as_ref().map(ours).map_err(|error| *error) };
    verdict.agrees_with(Decoder::Etherparse, etherparse(&bytes));
    verdict.agrees_with(Decoder::Smoltcp, smoltcp(&bytes));
}

/// Emits the message, and expects what was emitted to parse to it again. Its bytes may differ from the input's: unknown
/// and repeated options, their order and reserved fields are lost (RFC 4861 4, "ignored by the receiver"); the rest of
/// the message stands where it stood, and no bytes are made up.
fn emits(bytes: &[u8], message: &Message) {
    let mut buffer = Buffer::new();
    message.emit(SOURCE, DESTINATION, &mut buffer);
    let again = Header::parse(SOURCE, DESTINATION, &buffer).and_then(|(h, body)| Message::parse(&h, body));
    assert_eq!(again.as_ref(), Ok(message));
    assert!(buffer.len() <= bytes.len(), "{} bytes emitted from {}", buffer.len(), bytes.len());
    let reserved = match message {
        Message::RouterSolicitation(_) | Message::NeighbourSolicitation { .. } | Message::Redirect { .. } => {
            4..8
        }
        Message::NeighbourAdvertisement { .. } => 5..8,
        Message::RouterAdvertisement { .. } => 0..0,
    };
    let mut expected = bytes[..fixed_len(bytes[0])].to_vec();
    expected[reserved].fill(0);
    if bytes[0] == icmpv6::NEIGHBOUR_ADVERTISEMENT {
        expected[4] &= 0xe0;
    }
    expected[2..4].copy_from_slice(&buffer[2..4]);
    assert_eq!(buffer[..expected.len()], expected);
}

/// Bytes before the options.
fn fixed_len(kind: u8) -> usize {
    match kind {
        icmpv6::ROUTER_SOLICITATION => 8,
        icmpv6::ROUTER_ADVERTISEMENT => 16,
        icmpv6::REDIRECT => 40,
        _ => 24,
    }
}

/// The options of a message from its type on, as kind and length in units of 8 bytes, up to the first that is cut off.
pub(crate) fn options_of(bytes: &[u8]) -> impl Iterator<Item = (u8, u8)> {
    let mut at = bytes.first().map_or(0, |kind| fixed_len(*kind));
    std::iter::from_fn(move || {
        let (kind, units) = (*bytes.get(at)?, *bytes.get(at + 1)?);
        at += usize::from(units) * 8;
        (units > 0 && at <= bytes.len()).then_some((kind, units))
    })
}

/// Values that all messages are compared by; what a message does not have is 0.
#[derive(Default)]
struct Values {
    word: u32,
    reachable: u32,
    retrans: u32,
    target: Option<Ipv6Addr>,
    destination: Option<Ipv6Addr>,
    source_link: Option<[u8; 6]>,
    target_link: Option<[u8; 6]>,
    mtu: Option<u32>,
    prefix: Option<(Ipv6Addr, u8, u8, u32, u32)>,
}

impl Values {
    fn fields(&self) -> [(&'static str, Value<'static>); 13] {
        let (prefix, length, flags, valid, preferred) =
            self.prefix.unwrap_or((Ipv6Addr::UNSPECIFIED, 0, 0, 0, 0));
        let address = |address: Option<Ipv6Addr>| address.unwrap_or(Ipv6Addr::UNSPECIFIED).into();
        [
            ("word", self.word.into()),
            ("reachable time", self.reachable.into()),
            ("retrans timer", self.retrans.into()),
            ("target", address(self.target)),
            ("destination", address(self.destination)),
            ("source link", self.source_link.unwrap_or_default().into()),
            ("target link", self.target_link.unwrap_or_default().into()),
            ("mtu", self.mtu.unwrap_or_default().into()),
            ("prefix", prefix.into()),
            ("prefix length", length.into()),
            ("prefix flags", flags.into()),
            ("valid lifetime", valid.into()),
            ("preferred lifetime", preferred.into()),
        ]
    }

    fn of_options(options: &Options) -> Values {
        let mac = |mac: MacAddress| mac.0;
        let prefix = options.prefixes.last().map(|p| {
            let flags = u8::from(p.on_link) << 7 | u8::from(p.autonomous) << 6;
            (p.prefix, p.length, flags, p.valid_lifetime, p.preferred_lifetime)
        });
        let (source_link, target_link) = (options.source_link.map(mac), options.target_link.map(mac));
        Values { source_link, target_link, mtu: options.mtu, prefix, ..Values::default() }
    }
}

fn ours(message: &Message) -> Fields<'static> {
    let values = match message {
        Message::RouterSolicitation(options) => Values::of_options(options),
        Message::RouterAdvertisement {
            hop_limit,
            flags,
            lifetime,
            reachable_time,
            retrans_timer,
            options,
        } => Values {
            word: u32::from(*hop_limit) << 24 | u32::from(*flags & 0xc0) << 16 | u32::from(*lifetime),
            reachable: *reachable_time,
            retrans: *retrans_timer,
            ..Values::of_options(options)
        },
        Message::NeighbourSolicitation { target, options } => {
            Values { target: Some(*target), ..Values::of_options(options) }
        }
        Message::NeighbourAdvertisement { router, solicited, override_flag, target, options } => Values {
            word: u32::from(*router) << 31 | u32::from(*solicited) << 30 | u32::from(*override_flag) << 29,
            target: Some(*target),
            ..Values::of_options(options)
        },
        Message::Redirect { target, destination, options } => {
            Values { target: Some(*target), destination: Some(*destination), ..Values::of_options(options) }
        }
    };
    Fields::new(values.fields())
}

fn etherparse(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let slice = etherparse::Icmpv6Slice::from_slice(bytes).map_err(|_| "length")?;
    let kind = slice.icmp_type();
    let payload = slice.payload_slice().map_err(|_| "length")?;
    let word = u32::from_be_bytes(slice.bytes5to8());
    let (mut values, options) = match payload {
        Icmpv6PayloadSlice::RouterSolicitation(s) => (Values::default(), s.options_iterator()),
        Icmpv6PayloadSlice::RouterAdvertisement(s) => {
            let (reachable, retrans) = (s.reachable_time(), s.retrans_timer());
            let word = word & 0xffc0_ffff;
            (Values { word, reachable, retrans, ..Values::default() }, s.options_iterator())
        }
        Icmpv6PayloadSlice::NeighborSolicitation(s) => {
            (Values { target: Some(s.target_address()), ..Values::default() }, s.options_iterator())
        }
        Icmpv6PayloadSlice::NeighborAdvertisement(s) => {
            let (word, target) = (word & 0xe000_0000, Some(s.target_address()));
            (Values { word, target, ..Values::default() }, s.options_iterator())
        }
        Icmpv6PayloadSlice::Redirect(s) => {
            let (target, destination) = (Some(s.target_address()), Some(s.destination_address()));
            (Values { target, destination, ..Values::default() }, s.options_iterator())
        }
        _ => {
            return Err(if matches!(kind, etherparse::Icmpv6Type::Unknown { .. }) { "type" } else { "code" });
        }
    };
    etherparse_options(&mut values, options)?;
    Ok(Fields::new(values.fields()))
}

fn etherparse_options(values: &mut Values, options: NdpOptionsIterator<'_>) -> Result<(), &'static str> {
    for option in options {
        match option.map_err(|_| "option")? {
            NdpOptionSlice::SourceLinkLayerAddress(o) => {
                values.source_link = o.link_layer_address().try_into().ok().or(values.source_link);
            }
            NdpOptionSlice::TargetLinkLayerAddress(o) => {
                values.target_link = o.link_layer_address().try_into().ok().or(values.target_link);
            }
            NdpOptionSlice::Mtu(o) => values.mtu = Some(o.mtu()),
            NdpOptionSlice::PrefixInformation(o) => {
                let flags = u8::from(o.on_link()) << 7 | u8::from(o.autonomous_address_configuration()) << 6;
                let (valid, preferred) = (o.valid_lifetime(), o.preferred_lifetime());
                values.prefix = Some((o.prefix().into(), o.prefix_length(), flags, valid, preferred));
            }
            _ => {}
        }
    }
    Ok(())
}

fn smoltcp(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = wire::Icmpv6Packet::new_checked(bytes).map_err(|_| "length")?;
    let repr = wire::NdiscRepr::parse(&packet).map_err(|_| "options")?;
    let mac = |address: Option<wire::RawHardwareAddress>| {
        address.and_then(|address| address.as_bytes().try_into().ok()).unwrap_or([0; 6])
    };
    Ok(match repr {
        wire::NdiscRepr::RouterSolicit { lladdr } => Fields::new([("source link", mac(lladdr).into())]),
        wire::NdiscRepr::RouterAdvert {
            hop_limit, flags, router_lifetime, lladdr, mtu, prefix_info, ..
        } => {
            let lifetime = router_lifetime.secs() as u32;
            let word = u32::from(hop_limit) << 24 | u32::from(flags.bits()) << 16 | lifetime;
            let prefix = prefix_info.map_or(Ipv6Addr::UNSPECIFIED, |prefix| prefix.prefix);
            let length = prefix_info.map_or(0, |prefix| prefix.prefix_len);
            Fields::new([
                ("word", word.into()),
                ("source link", mac(lladdr).into()),
                ("mtu", mtu.unwrap_or(0).into()),
                ("prefix", prefix.into()),
                ("prefix length", length.into()),
            ])
        }
        wire::NdiscRepr::NeighborSolicit { target_addr, lladdr } => {
            Fields::new([("target", target_addr.into()), ("source link", mac(lladdr).into())])
        }
        wire::NdiscRepr::NeighborAdvert { flags, target_addr, lladdr } => Fields::new([
            ("word", (u32::from(flags.bits()) << 24).into()),
            ("target", target_addr.into()),
            ("target link", mac(lladdr).into()),
        ]),
        wire::NdiscRepr::Redirect { target_addr, dest_addr, lladdr, .. } => Fields::new([
            ("target", target_addr.into()),
            ("destination", dest_addr.into()),
            ("target link", mac(lladdr).into()),
        ]),
    })
}
