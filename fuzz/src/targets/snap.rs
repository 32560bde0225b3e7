//! IEEE 802.3 with LLC and SNAP (RFC 1042), which none of the other decoders reads: the rules are told again.

use crate::decoders::names_its_field;
use crate::input::{be16, choices, put16};
use stack::wire::ethernet::{Framing, HEADER_LEN, Header};
use stack::wire::llc;

const SNAP: [u8; 6] = [0xaa, 0xaa, 3, 0, 0, 0];

/// The first byte's bits: 0: the length is set right; 1: LLC and SNAP are; the rest is a frame.
///
/// # Panics
/// At a finding.
pub fn snap(data: &[u8]) {
    let Some((choice, frame)) = choices(data) else { return };
    let mut frame = frame.to_vec();
    if choice & 1 == 1 {
        let behind = frame.len().saturating_sub(HEADER_LEN).min(1500);
        put16(&mut frame, 12, behind as u16);
    }
    if choice & 2 == 2 && frame.len() >= HEADER_LEN + SNAP.len() {
        frame[HEADER_LEN..HEADER_LEN + SNAP.len()].copy_from_slice(&SNAP);
    }
    commands(frame.get(HEADER_LEN..).unwrap_or(&[]));
    let parsed = Header::parse(&frame);
    if frame.len() < HEADER_LEN || be16(&frame, 12) >= 0x0600 {
        assert!(!matches!(parsed, Ok((header, _)) if header.framing == Framing::Snap));
        return;
    }
    let expected = told(&frame);
    match (&parsed, expected) {
        (Ok((header, payload)), Some((ethertype, content))) => {
            assert_eq!((header.framing, header.ethertype, *payload), (Framing::Snap, ethertype, content));
        }
        (Err(_), None) => {}
        _ => panic!("{parsed:?}, but by RFC 1042 {expected:?}: {frame:02x?}"),
    }
}

/// XID and TEST, polled for or not, are answered to who sent them (RFC 1042 "IEEE 802.2 Details"); an answer never is.
fn commands(llc: &[u8]) {
    let answered = llc::answer(llc);
    let [dsap @ (0 | 0xaa), ssap, control @ (0xaf | 0xbf | 0xe3 | 0xf3), data @ ..] = llc else {
        return names_its_field(&answered.expect_err("neither XID nor TEST is answered"));
    };
    if ssap & 1 == 1 {
        return assert!(answered.is_err(), "a response is answered: {answered:?}");
    }
    let data = if control & 0x40 == 0 { &[129, 1, 0] } else { data };
    let expected = [&[*ssap, dsap | 1, *control], data].concat();
    assert!(llc::answer(&expected).is_err(), "an answer is answered");
    assert_eq!(answered, Ok(expected));
}

/// The type and the content of a frame whose length field says at most 1500.
fn told(frame: &[u8]) -> Option<(u16, &[u8])> {
    let length = usize::from(be16(frame, 12));
    let content = frame[HEADER_LEN..].get(..length).filter(|_| length <= 1500)?;
    let (snap, rest) = content.split_at_checked(8)?;
    (snap[..6] == SNAP).then(|| (be16(snap, 6), rest))
}
