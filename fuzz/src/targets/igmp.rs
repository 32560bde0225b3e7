//! IGMP, version 2 (RFC 2236).

use crate::decoders::{Decoder, Fields, Verdict};
use crate::emission::{Loss, same_bytes};
use crate::input::{checksum, choices, put16};
use stack::wire::igmp::{LEN, Message};

const LOSSES: &[Loss] = &[Loss {
    why: "what a later version adds behind the message is ignored (RFC 2236 2.5), and the checksum is computed anew",
    apply: |bytes| {
        bytes.truncate(LEN);
        fill(bytes);
    },
}];

/// The first byte's lowest bit asks for the right checksum; the rest is a message.
///
/// # Panics
/// At a finding.
pub fn igmp(data: &[u8]) {
    let Some((choice, bytes)) = choices(data) else { return };
    let mut bytes = bytes.to_vec();
    if choice & 1 == 1 {
        fill(&mut bytes);
    }
    let parsed = Message::parse(&bytes);
    if let Ok(message) = &parsed {
        let emitted = same_bytes(LOSSES, &bytes, &[], |buffer| message.emit(buffer));
        assert_eq!(Message::parse(&emitted), Ok(*message));
    }
    let ours = parsed.map(|message| {
        Fields::new([
            ("type", message.kind.into()),
            ("max resp time", message.max_response.into()),
            ("group", message.group.into()),
        ])
    });
    let verdict = Verdict { header: "igmp", bytes: &bytes, ours };
    verdict.agrees_with(Decoder::Smoltcp, smoltcp(&bytes));
}

fn fill(bytes: &mut [u8]) {
    put16(bytes, 2, 0);
    let sum = checksum(0, bytes);
    put16(bytes, 2, sum);
}

fn smoltcp(bytes: &[u8]) -> Result<Fields<'_>, &'static str> {
    let packet = smoltcp::wire::IgmpPacket::new_checked(bytes).map_err(|_| "length")?;
    if checksum(0, bytes) != 0 {
        return Err("checksum");
    }
    Ok(Fields::new([
        ("type", u8::from(packet.msg_type()).into()),
        ("max resp time", packet.max_resp_code().into()),
        ("group", packet.group_addr().into()),
    ]))
}
