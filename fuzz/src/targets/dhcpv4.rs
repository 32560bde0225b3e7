//! DHCP for IPv4 (RFC 2131, RFC 2132).

use crate::decoders::{Decoder, Fields, Verdict};
use smoltcp::wire::DhcpPacket;
use stack::wire::dhcpv4::{MIN_LEN, Message, option};
use std::collections::BTreeMap;

/// `data` is a message.
///
/// # Panics
/// At a finding.
pub fn dhcpv4(data: &[u8]) {
    let parsed = Message::parse(data);
    if let Ok(message) = &parsed {
        emits(message);
        accessors(message);
    }
    let ours = parsed.as_ref().map(ours).map_err(|error| *error);
    let verdict = Verdict { header: "dhcpv4", bytes: data, ours };
    verdict.agrees_with(Decoder::Smoltcp, smoltcp(data));
}

/// What is emitted means the same. Values that are longer than an option come in pieces, and are put together again.
fn emits(message: &Message) {
    let emitted = message.emit();
    assert!(emitted.len() >= MIN_LEN, "{} bytes", emitted.len());
    assert_eq!(Message::parse(&emitted).as_ref(), Ok(message));
}

fn accessors(message: &Message) {
    for code in message.options.keys().copied() {
        assert!(![option::PAD, option::END, option::OVERLOAD].contains(&code));
        let length = message.options[&code].len();
        assert_eq!(message.address(code).is_some(), length == 4);
        assert_eq!(message.number(code).is_some(), length == 4);
        assert_eq!(message.short(code).is_some(), length == 2);
        assert_eq!(message.addresses(code).len(), if length.is_multiple_of(4) { length / 4 } else { 0 });
    }
    let said = message.options.get(&option::MESSAGE_TYPE);
    assert_eq!(message.kind().is_some(), matches!(said.map(Vec::as_slice), Some([1..=8])));
}

fn ours(message: &Message) -> Fields<'static> {
    let header = &message.header;
    Fields::new([
        ("op", header.op.into()),
        ("xid", header.xid.into()),
        ("secs", header.secs.into()),
        ("broadcast", header.broadcast.into()),
        ("ciaddr", header.ciaddr.into()),
        ("yiaddr", header.yiaddr.into()),
        ("siaddr", header.siaddr.into()),
        ("giaddr", header.giaddr.into()),
        ("chaddr", header.chaddr.into()),
        (
            "options",
            fingerprint(message.options.iter().map(|(code, value)| (*code, value.as_slice()))).into(),
        ),
    ])
}

/// Options as one number, in the order of their codes.
fn fingerprint<'a>(options: impl Iterator<Item = (u8, &'a [u8])>) -> u32 {
    let bytes =
        options.flat_map(|(code, value)| [&[code], &(value.len() as u32).to_be_bytes()[..], value].concat());
    bytes.fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Its iterator stops without a word at an option that runs over the end, and knows no overloaded fields.
fn smoltcp(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = DhcpPacket::new_checked(bytes).map_err(|_| "length")?;
    if (u16::from(packet.hardware_type()), packet.hardware_len()) != (1, 6) {
        return Err("hardware");
    }
    if packet.magic_number() != 0x6382_5363 {
        return Err("cookie");
    }
    let mut options: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    for option in packet.options() {
        options.entry(option.kind).or_default().extend_from_slice(option.data);
    }
    // What it cannot know of it does not say.
    let xid = ("xid", packet.transaction_id().into());
    let all = || fingerprint(options.iter().map(|(code, value)| (*code, value.as_slice())));
    let options = if options.contains_key(&option::OVERLOAD) { xid } else { ("options", all().into()) };
    Ok(Fields::new([
        xid,
        options,
        ("secs", packet.secs().into()),
        ("broadcast", packet.flags().contains(smoltcp::wire::DhcpFlags::BROADCAST).into()),
        ("ciaddr", packet.client_ip().into()),
        ("yiaddr", packet.your_ip().into()),
        ("siaddr", packet.server_ip().into()),
        ("giaddr", packet.relay_agent_ip().into()),
        ("chaddr", packet.client_hardware_address().0.into()),
    ]))
}
