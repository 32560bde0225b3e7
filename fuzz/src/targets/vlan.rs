//! Frames with IEEE 802.1Q tags, which this stack has no use for: a tag is a type like any other that it does not know.

use etherparse::SingleVlanSlice;
use stack::config::{Config, InterfaceConfig, Medium};
use stack::wire::MacAddress;
use stack::wire::ethernet::{HEADER_LEN, Header};
use stack::{Cidr, Host, Instant};

const TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];
const OWN: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// The first byte chooses the tag's protocol; the rest follows it: the tag, the inner type, the inner payload.
///
/// # Panics
/// At a finding.
pub fn vlan(data: &[u8]) {
    let Some((choice, tag)) = data.split_first() else { return };
    let protocol = TAGS[usize::from(choice % 3)];
    let frame = [&OWN[..], &[2, 0, 0, 0, 0, 2], &protocol.to_be_bytes(), tag].concat();
    let parsed = Header::parse(&frame).map(|(header, payload)| (header.ethertype, payload));
    assert_eq!(parsed, Ok((protocol, tag)));
    if let Ok(theirs) = SingleVlanSlice::from_slice(&frame[HEADER_LEN..]) {
        assert_eq!(theirs.payload_slice(), &tag[4..]);
    }
    // What is inside is for a VLAN that this host is in none of.
    let mut host = host();
    host.receive(Instant::ZERO, 0, &frame);
    host.poll(Instant::ZERO);
    assert!(host.transmit().is_none(), "an answer to a frame with a tag: {frame:02x?}");
}

fn host() -> Host {
    let address = |address| Cidr { address, length: 24 };
    let interface = InterfaceConfig {
        medium: Medium::Ethernet,
        mtu: 1500,
        mac: MacAddress(OWN),
        addresses: vec![address([192, 0, 2, 1].into())],
    };
    Host::new(Config { interfaces: vec![interface], seed: 7, ..Config::default() })
}
