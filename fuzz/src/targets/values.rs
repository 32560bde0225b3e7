//! The other way round: whatever header can be said, emits to bytes that parse back to it.
//!
//! Types can say more than the wire can: offsets that are no multiple of 8, labels of more than 20 bits, options of any
//! length. `as_sent` makes of a value what the documentation of its emit says is sent, and that is what must come back.

use arbitrary::{Arbitrary, Result, Unstructured};
use stack::tcp::SeqNumber;
use stack::wire::tcp::{Flags, Segment};
use stack::wire::tcp_options::{Cookie, OptionLayout, SackBlock, SackBlocks, Timestamps};
use stack::wire::{
    Buffer, MacAddress, arp, ethernet, icmpv4, icmpv6, ipv4, ipv6, ipv6_ext, ndp, tcp, tcp_options, udp,
};
use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// More payload than any header's length field can say, and less than takes long.
const MOST_PAYLOAD: usize = 2000;

/// `data` is choices, from which a header and its payload are drawn.
///
/// # Panics
/// At a finding.
pub fn values(data: &[u8]) {
    // Where there is too little to choose from, nothing is said.
    let _ = say(&mut Unstructured::new(data));
}

fn say(u: &mut Unstructured<'_>) -> Result<()> {
    match u.int_in_range(0..=10)? {
        10 => say_bytes(u),
        0 => say_ethernet(u),
        1 => say_arp(u),
        2 => say_ipv4(u),
        3 => say_ipv6(u),
        4 => say_fragment(u),
        5 => say_icmpv4(u),
        6 => say_icmpv6(u),
        7 => say_ndp(u),
        8 => say_udp(u),
        _ => say_tcp(u),
    }
}

fn payload<'a>(u: &mut Unstructured<'a>) -> Result<&'a [u8]> {
    let length = u.arbitrary_len::<u8>()?.min(MOST_PAYLOAD);
    u.bytes(length)
}

/// Emits before `payload`.
fn emitted(payload: &[u8], emit: impl FnOnce(&mut Buffer)) -> Buffer {
    let mut buffer = Buffer::with_payload(payload);
    emit(&mut buffer);
    buffer
}

/// A buffer is its bytes, whatever is put before, behind, and cut off.
fn say_bytes(u: &mut Unstructured<'_>) -> Result<()> {
    let (mut buffer, mut bytes) = (Buffer::default(), Vec::new());
    for _ in 0..u.int_in_range(0..=8)? {
        let length = usize::from(u.arbitrary::<u8>()?);
        match u.int_in_range(0..=3)? {
            0 => {
                buffer.prepend(length).fill(7);
                bytes.splice(0..0, std::iter::repeat_n(7, length));
            }
            1 => {
                buffer.append_zeros(length).fill(9);
                bytes.resize(bytes.len() + length, 9);
            }
            2 => {
                buffer.truncate(length);
                bytes.truncate(length);
            }
            _ => {
                buffer.append(&[1, 2, 3]);
                bytes.extend([1, 2, 3]);
            }
        }
        assert_eq!(*buffer, *bytes);
    }
    assert_eq!(buffer, buffer.clone());
    assert!(!format!("{buffer:?}").is_empty());
    assert_eq!(buffer.into_vec(), bytes);
    Ok(())
}

fn comes_back<T: PartialEq + Debug>(parsed: stack::wire::Result<T>, said: T) {
    assert_eq!(parsed, Ok(said), "what was said does not come back");
}

fn mac(u: &mut Unstructured<'_>) -> Result<MacAddress> {
    Ok(MacAddress(u.arbitrary()?))
}

fn addresses(u: &mut Unstructured<'_>) -> Result<[IpAddr; 2]> {
    Ok(match u.arbitrary()? {
        true => [Ipv4Addr::arbitrary(u)?.into(), Ipv4Addr::arbitrary(u)?.into()],
        false => [Ipv6Addr::arbitrary(u)?.into(), Ipv6Addr::arbitrary(u)?.into()],
    })
}

fn say_ethernet(u: &mut Unstructured<'_>) -> Result<()> {
    let (destination, source, ethertype) = (mac(u)?, mac(u)?, u.arbitrary()?);
    let is_snap = u.arbitrary()?;
    let framing = if is_snap { ethernet::Framing::Snap } else { ethernet::Framing::EthernetII };
    let header = ethernet::Header { destination, source, ethertype, framing };
    let mut payload = payload(u)?;
    if is_snap {
        // What an 802.3 length can say, LLC and SNAP included (RFC 1042).
        payload = &payload[..payload.len().min(1492)];
    } else if ethertype < 0x0600 {
        // An Ethernet II type below is a length: no such header is sent.
        return Ok(());
    }
    let bytes = emitted(payload, |buffer| header.emit(buffer));
    comes_back(ethernet::Header::parse(&bytes), (header, payload));
    Ok(())
}

fn say_arp(u: &mut Unstructured<'_>) -> Result<()> {
    let packet = arp::Packet {
        hardware_type: if u.arbitrary()? { 1 } else { 6 },
        operation: u.arbitrary()?,
        sender_mac: mac(u)?,
        sender: u.arbitrary()?,
        target_mac: mac(u)?,
        target: u.arbitrary()?,
    };
    comes_back(arp::Packet::parse(&emitted(&[], |buffer| packet.emit(buffer))), packet);
    Ok(())
}

fn say_ipv4(u: &mut Unstructured<'_>) -> Result<()> {
    let length = u.int_in_range(0..=48)?;
    let header = ipv4::Header {
        tos: u.arbitrary()?,
        identification: u.arbitrary()?,
        reserved: u.arbitrary()?,
        dont_fragment: u.arbitrary()?,
        more_fragments: u.arbitrary()?,
        fragment_offset: u.arbitrary()?,
        ttl: u.arbitrary()?,
        protocol: u.arbitrary()?,
        source: u.arbitrary()?,
        destination: u.arbitrary()?,
        options: u.bytes(length)?,
    };
    let payload = payload(u)?;
    // As sent: options are padded with zeros to whole words and cut at 40 bytes, offsets count 8 bytes.
    let mut options = header.options[..length.min(ipv4::MAX_OPTIONS_LEN)].to_vec();
    options.resize(options.len().next_multiple_of(4), 0);
    let as_sent =
        ipv4::Header { fragment_offset: header.fragment_offset & 0xfff8, options: &options, ..header };
    let bytes = emitted(payload, |buffer| header.emit(buffer));
    assert_eq!(header.len(), bytes.len() - payload.len());
    comes_back(ipv4::Header::parse(&bytes), (as_sent, payload));
    Ok(())
}

fn say_ipv6(u: &mut Unstructured<'_>) -> Result<()> {
    let header = ipv6::Header {
        traffic_class: u.arbitrary()?,
        flow_label: u.arbitrary()?,
        next_header: u.arbitrary()?,
        hop_limit: u.arbitrary()?,
        source: u.arbitrary()?,
        destination: u.arbitrary()?,
    };
    let payload = payload(u)?;
    let as_sent = ipv6::Header { flow_label: header.flow_label & 0xf_ffff, ..header };
    comes_back(ipv6::Header::parse(&emitted(payload, |buffer| header.emit(buffer))), (as_sent, payload));
    Ok(())
}

fn say_fragment(u: &mut Unstructured<'_>) -> Result<()> {
    let header = ipv6_ext::Fragment {
        next_header: u.arbitrary()?,
        offset: u.arbitrary()?,
        more: u.arbitrary()?,
        identification: u.arbitrary()?,
    };
    let payload = payload(u)?;
    let as_sent = ipv6_ext::Fragment { offset: header.offset & 0xfff8, ..header };
    let bytes = emitted(payload, |buffer| header.emit(buffer));
    comes_back(ipv6_ext::Fragment::parse(&bytes), (as_sent, payload));
    Ok(())
}

fn say_icmpv4(u: &mut Unstructured<'_>) -> Result<()> {
    let header = icmpv4::Header { kind: u.arbitrary()?, code: u.arbitrary()?, rest: u.arbitrary()? };
    let payload = payload(u)?;
    comes_back(icmpv4::Header::parse(&emitted(payload, |buffer| header.emit(buffer))), (header, payload));
    Ok(())
}

fn say_icmpv6(u: &mut Unstructured<'_>) -> Result<()> {
    let header = icmpv6::Header { kind: u.arbitrary()?, code: u.arbitrary()?, rest: u.arbitrary()? };
    let (source, destination) = (u.arbitrary()?, u.arbitrary()?);
    let payload = payload(u)?;
    let bytes = emitted(payload, |buffer| header.emit(source, destination, buffer));
    comes_back(icmpv6::Header::parse(source, destination, &bytes), (header, payload));
    Ok(())
}

fn ndp_options(u: &mut Unstructured<'_>) -> Result<ndp::Options> {
    let mut options = ndp::Options {
        source_link: u.arbitrary::<Option<[u8; 6]>>()?.map(MacAddress),
        target_link: u.arbitrary::<Option<[u8; 6]>>()?.map(MacAddress),
        mtu: u.arbitrary()?,
        prefixes: Vec::new(),
        nonce: u.arbitrary()?,
        redirected: Vec::new(),
    };
    // As sent, a quote is padded with zeros to units of 8 bytes; so much fits the least MTU.
    let units = u.int_in_range(0..=154)?;
    options.redirected.extend_from_slice(u.bytes(units * 8)?);
    for _ in 0..u.int_in_range(0..=40)? {
        options.prefixes.push(ndp::PrefixInformation {
            prefix: u.arbitrary()?,
            length: u.arbitrary()?,
            on_link: u.arbitrary()?,
            autonomous: u.arbitrary()?,
            valid_lifetime: u.arbitrary()?,
            preferred_lifetime: u.arbitrary()?,
        });
    }
    Ok(options)
}

fn say_ndp(u: &mut Unstructured<'_>) -> Result<()> {
    use ndp::Message;
    let (source, destination) = (u.arbitrary()?, u.arbitrary()?);
    let message = match u.int_in_range(0..=4)? {
        0 => Message::RouterSolicitation(ndp_options(u)?),
        1 => Message::RouterAdvertisement {
            hop_limit: u.arbitrary()?,
            flags: u.arbitrary()?,
            lifetime: u.arbitrary()?,
            reachable_time: u.arbitrary()?,
            retrans_timer: u.arbitrary()?,
            options: ndp_options(u)?,
        },
        2 => Message::NeighbourSolicitation { target: u.arbitrary()?, options: ndp_options(u)? },
        3 => Message::NeighbourAdvertisement {
            router: u.arbitrary()?,
            solicited: u.arbitrary()?,
            override_flag: u.arbitrary()?,
            target: u.arbitrary()?,
            options: ndp_options(u)?,
        },
        _ => Message::Redirect {
            target: u.arbitrary()?,
            destination: u.arbitrary()?,
            options: ndp_options(u)?,
        },
    };
    let bytes = emitted(&[], |buffer| message.emit(source, destination, buffer));
    let parsed = icmpv6::Header::parse(source, destination, &bytes);
    comes_back(parsed.and_then(|(header, body)| Message::parse(&header, body)), message);
    Ok(())
}

fn say_udp(u: &mut Unstructured<'_>) -> Result<()> {
    let header = udp::Header { source_port: u.arbitrary()?, destination_port: u.arbitrary()? };
    let [source, destination] = addresses(u)?;
    let payload = payload(u)?;
    let bytes = emitted(payload, |buffer| header.emit(source, destination, buffer));
    comes_back(udp::Header::parse(source, destination, &bytes), (header, payload));
    Ok(())
}

fn fast_open(u: &mut Unstructured<'_>) -> Result<Option<tcp_options::FastOpen>> {
    let (is_there, experimental) = (u.arbitrary()?, u.arbitrary()?);
    let length = u.int_in_range(0..=20)?;
    let cookie = Cookie::new(u.bytes(length)?).unwrap_or_default();
    Ok(Some(tcp_options::FastOpen { cookie, experimental }).filter(|_| is_there))
}

fn tcp_options(u: &mut Unstructured<'_>) -> Result<tcp_options::Options> {
    let timestamps: Option<(u32, u32)> = u.arbitrary()?;
    let mut sack = SackBlocks::default();
    for _ in 0..u.int_in_range(0..=5)? {
        let (left, right) = (SeqNumber(u.arbitrary()?), SeqNumber(u.arbitrary()?));
        sack.push(SackBlock { left, right });
    }
    Ok(tcp_options::Options {
        mss: u.arbitrary()?,
        window_scale: u.arbitrary()?,
        sack_permitted: u.arbitrary()?,
        timestamps: timestamps.map(|(tsval, tsecr)| Timestamps { tsval, tsecr }),
        sack,
        user_timeout: u.arbitrary()?,
        fast_open: fast_open(u)?,
        layout: if u.arbitrary()? { OptionLayout::Aligned } else { OptionLayout::Packed },
    })
}

fn say_tcp(u: &mut Unstructured<'_>) -> Result<()> {
    let header = tcp::Header {
        source_port: u.arbitrary()?,
        destination_port: u.arbitrary()?,
        seq: SeqNumber(u.arbitrary()?),
        ack: SeqNumber(u.arbitrary()?),
        flags: Flags(u.arbitrary()?),
        wnd: u.arbitrary()?,
        up: u.arbitrary()?,
        options: tcp_options(u)?,
    };
    let [source, destination] = addresses(u)?;
    let payload = payload(u)?;
    let bytes = emitted(payload, |buffer| header.emit(source, destination, buffer));
    assert_eq!(bytes.len() - payload.len(), tcp::HEADER_LEN + header.options.len());
    assert!(tcp::checksum_is_right(source, destination, &bytes));
    let as_sent = tcp::Header { options: options_as_sent(&header.options), ..header };
    comes_back(Segment::parse(&bytes).map(|s| (s.header, s.payload)), (as_sent, payload));
    Ok(())
}

/// A timeout above 32767 s counts whole minutes; a cookie for which there is no room stays away; SACK blocks are as many as
/// find room behind the others; and the layout is not told.
fn options_as_sent(options: &tcp_options::Options) -> tcp_options::Options {
    let mut sent = *options;
    let minutes = |seconds: u32| (seconds / 60).min(0x7fff) * 60;
    sent.user_timeout = options.user_timeout.map(|s| if s > 0x7fff { minutes(s) } else { s });
    let without = tcp_options::Options { sack: SackBlocks::default(), fast_open: None, ..*options };
    let alone = tcp_options::Options { fast_open: options.fast_open, ..Default::default() };
    if without.len() + alone.len() > tcp_options::MAX_LEN {
        sent.fast_open = None;
    }
    let others = tcp_options::Options { fast_open: sent.fast_open, ..without }.len();
    sent.sack.truncate((tcp_options::MAX_LEN - others).saturating_sub(4) / 8);
    sent.layout = OptionLayout::default();
    sent
}
