//! DHCP messages (RFC 2131 2, RFC 2132).

use crate::decoders::{Decoder, Fields, Verdict};
use smoltcp::wire::DhcpPacket;
use stack::wire::dhcpv4::{COOKIE, HEADER_LEN, Header, Message};

/// `data` is what a datagram to the client's port carries; the first byte's lowest bit puts hardware and cookie right.
///
/// # Panics
/// At a finding.
pub fn dhcpv4(data: &[u8]) {
    let Some((choice, bytes)) = crate::input::choices(data) else { return };
    let mut bytes = bytes.to_vec();
    if choice & 1 == 1 && bytes.len() >= HEADER_LEN {
        bytes[1..3].copy_from_slice(&[1, 6]);
        bytes[HEADER_LEN - 4..HEADER_LEN].copy_from_slice(&COOKIE);
    }
    let parsed = Message::parse(&bytes);
    let Ok(message) = &parsed else { return };
    // What it means comes back, whatever field it stood in and however it was cut into options.
    let emitted = message.emit();
    assert_eq!(Message::parse(&emitted).as_ref(), Ok(message), "from {bytes:02x?}");
    assert!(message.options.values().map(Vec::len).sum::<usize>() <= bytes.len());
    let verdict = Verdict { header: "dhcpv4", bytes: &bytes, ours: parsed.map(|message| ours(&message.header)) };
    verdict.agrees_with(Decoder::Smoltcp, theirs(&bytes));
}

fn ours(header: &Header) -> Fields<'static> {
    Fields::new([
        ("xid", header.xid.into()),
        ("secs", header.secs.into()),
        ("ciaddr", header.ciaddr.into()),
        ("yiaddr", header.yiaddr.into()),
        ("siaddr", header.siaddr.into()),
        ("giaddr", header.giaddr.into()),
        ("chaddr", header.chaddr.0.into()),
    ])
}

fn theirs(bytes: &[u8]) -> Result<Fields<'static>, &'static str> {
    let packet = DhcpPacket::new_checked(bytes).map_err(|_| "truncated")?;
    Ok(Fields::new([
        ("xid", packet.transaction_id().into()),
        ("secs", packet.secs().into()),
        ("ciaddr", packet.client_ip().into()),
        ("yiaddr", packet.your_ip().into()),
        ("siaddr", packet.server_ip().into()),
        ("giaddr", packet.relay_agent_ip().into()),
        ("chaddr", packet.client_hardware_address().0.into()),
    ]))
}
