//! Where `stack` and other decoders read the same bytes differently, and who is right.

use crate::decoders::Decoder::{self, Etherparse, Pnet, Smoltcp};
use crate::input::be16;
use crate::targets::ndp::options_of;
use crate::targets::tcp_options::raw_options;

/// In what two decoders differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Both accept, and this field has two values.
    Field(&'static str),
    /// `stack` alone accepts; the other one says this word.
    OnlyWeAccept(&'static str),
    /// The other one alone accepts; `stack` finds this field wrong.
    OnlyTheyAccept(&'static str),
}

/// Who is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// `stack`.
    We,
    /// The other decoder; a row with it is a debt.
    They,
    /// Both, as what they are for differs.
    Both,
}

/// A class of differences.
#[derive(Debug)]
pub struct Difference {
    /// The headers, as their targets call them.
    pub headers: &'static [&'static str],
    /// Who differs.
    pub decoders: &'static [Decoder],
    /// In what.
    pub kinds: &'static [Kind],
    /// For which bytes, where that is not all.
    pub when: fn(&[u8]) -> bool,
    /// Who is right.
    pub right: Right,
    /// Why, with the RFC.
    pub why: &'static str,
}

/// The class of a difference, where there is one.
pub fn explanation(header: &str, decoder: Decoder, kind: Kind, bytes: &[u8]) -> Option<&'static Difference> {
    let row = TABLE.iter().find(|row| {
        row.headers.contains(&header)
            && row.decoders.contains(&decoder)
            && row.kinds.contains(&kind)
            && (row.when)(bytes)
    });
    #[cfg(test)]
    tests::note(row, decoder, kind);
    row
}

fn always(_bytes: &[u8]) -> bool {
    true
}

fn is_802_3(frame: &[u8]) -> bool {
    be16(frame, 12) < 0x0600
}

/// A neighbour discovery message with an option of another length than RFC 4861 4.6 and RFC 2464 6 give its kind.
fn has_odd_option(message: &[u8]) -> bool {
    options_of(message).any(|(kind, units)| match kind {
        1 | 2 | 5 => units != 1,
        3 => units != 4,
        4 => units < 6,
        _ => false,
    })
}

use Kind::{Field, OnlyTheyAccept, OnlyWeAccept};

/// Every class.
pub const TABLE: &[Difference] = &[
    Difference {
        headers: &["ethernet"],
        decoders: &[Etherparse, Pnet, Smoltcp],
        kinds: &[Field("type"), OnlyTheyAccept("type"), OnlyTheyAccept("length"), OnlyTheyAccept("dsap")],
        when: is_802_3,
        right: Right::We,
        why: "they know Ethernet II alone and take an 802.3 length for a type (RFC 1042; RFC 1122 2.3.3)",
    },
    Difference {
        headers: &["ethernet"],
        decoders: &[Etherparse, Smoltcp],
        kinds: &[Field("payload")],
        when: is_802_3,
        right: Right::We,
        why: "the payload of an 802.3 frame begins behind LLC and SNAP and ends where the length says (RFC 1042)",
    },
    Difference {
        headers: &["arp"],
        decoders: &[Etherparse, Smoltcp],
        kinds: &[OnlyWeAccept("not Ethernet and IPv4")],
        when: |bytes| be16(bytes, 0) == 6,
        right: Right::We,
        why: "hardware type 6 is used for IEEE 802 networks, and hosts take it as 1 (RFC 1042 \"ARP\")",
    },
    Difference {
        headers: &["arp"],
        decoders: &[Pnet],
        kinds: &[
            OnlyTheyAccept("hardware type"),
            OnlyTheyAccept("protocol type"),
            OnlyTheyAccept("hardware address length"),
            OnlyTheyAccept("protocol address length"),
        ],
        when: always,
        right: Right::Both,
        why: "pnet reads fields and leaves RFC 826's checks to its user",
    },
    Difference {
        headers: &["ipv4"],
        decoders: &[Etherparse],
        kinds: &[OnlyTheyAccept("checksum")],
        when: always,
        right: Right::We,
        why: "a host must verify the header checksum (RFC 1122 3.2.1.2); etherparse leaves it to its user",
    },
    Difference {
        headers: &["ipv4"],
        decoders: &[Etherparse],
        kinds: &[OnlyWeAccept("content"), Field("payload")],
        when: |bytes| bytes.get(9) == Some(&51),
        right: Right::Both,
        why: "etherparse goes on into the authentication header (RFC 4302), which is IP's payload here",
    },
    Difference {
        headers: &["ipv4"],
        decoders: &[Pnet],
        kinds: &[
            OnlyTheyAccept("version"),
            OnlyTheyAccept("ihl"),
            OnlyTheyAccept("total length"),
            OnlyTheyAccept("checksum"),
        ],
        when: always,
        right: Right::Both,
        why: "pnet reads fields and leaves the checks of RFC 1122 3.2.1 to its user",
    },
    Difference {
        headers: &["icmpv4"],
        decoders: &[Etherparse, Pnet],
        kinds: &[OnlyTheyAccept("checksum")],
        when: always,
        right: Right::Both,
        why: "they leave the checksum (RFC 792) to their user",
    },
    Difference {
        headers: &["icmpv4"],
        decoders: &[Pnet],
        kinds: &[OnlyTheyAccept("identifier")],
        when: |bytes| bytes.len() < 8,
        right: Right::We,
        why: "pnet's header ends behind the checksum, but every message of RFC 792 has 8 bytes",
    },
    Difference {
        headers: &["icmpv4"],
        decoders: &[Etherparse],
        kinds: &[OnlyWeAccept("length")],
        when: |bytes| matches!(bytes[0], 13 | 14) && bytes.len() != 20,
        right: Right::Both,
        why: "etherparse checks a timestamp message's length (RFC 792), here whoever handles that type does",
    },
    Difference {
        headers: &["ipv6"],
        decoders: &[Pnet],
        kinds: &[OnlyTheyAccept("version"), OnlyTheyAccept("payload length")],
        when: always,
        right: Right::Both,
        why: "pnet reads fields and leaves the checks of RFC 8200 3 to its user",
    },
    Difference {
        headers: &["ipv6 extension"],
        decoders: &[Pnet],
        kinds: &[OnlyTheyAccept("length")],
        when: always,
        right: Right::We,
        why: "pnet cuts what is missing off; RFC 8200 4.2 makes the header as long as its length says",
    },
    Difference {
        headers: &["icmpv6"],
        decoders: &[Pnet],
        kinds: &[OnlyTheyAccept("checksum"), OnlyTheyAccept("identifier")],
        when: always,
        right: Right::Both,
        why: "pnet's header is the first 4 bytes, and its user verifies the checksum (RFC 4443 2.3)",
    },
    Difference {
        headers: &["icmpv6"],
        decoders: &[Smoltcp],
        kinds: &[OnlyWeAccept("length by type")],
        when: always,
        right: Right::Both,
        why: "smoltcp knows each type's fixed part, and no type beyond; here the handler of the type does. An unknown \
              error must be passed on (RFC 4443 2.4(a)), so its header must be accepted",
    },
    Difference {
        headers: &["udp", "udp over ipv6"],
        decoders: &[Etherparse, Pnet],
        kinds: &[OnlyTheyAccept("checksum")],
        when: always,
        right: Right::We,
        why: "a wrong checksum must be discarded silently (RFC 1122 4.1.3.4; RFC 8200 8.1); they leave it to their user",
    },
    Difference {
        headers: &["udp"],
        decoders: &[Etherparse],
        kinds: &[OnlyTheyAccept("length")],
        when: |bytes| be16(bytes, 4) == 0,
        right: Right::We,
        why: "a length of 0 means a jumbogram over IPv6 alone (RFC 2675 4); the least is 8 (RFC 768 \"Length\")",
    },
    Difference {
        headers: &["udp", "udp over ipv6"],
        decoders: &[Pnet],
        kinds: &[OnlyTheyAccept("length")],
        when: always,
        right: Right::Both,
        why: "pnet reads fields and leaves the length (RFC 768) to its user",
    },
    Difference {
        headers: &["udp over ipv6"],
        decoders: &[Smoltcp],
        kinds: &[OnlyTheyAccept("checksum")],
        when: |bytes| be16(bytes, 6) == 0,
        right: Right::We,
        why: "over IPv6 a datagram without checksum must be discarded (RFC 8200 8.1; RFC 6935's exception is for tunnels)",
    },
    Difference {
        headers: &["udp over ipv6"],
        decoders: &[Etherparse],
        kinds: &[OnlyTheyAccept("length")],
        when: |bytes| be16(bytes, 4) == 0,
        right: Right::Both,
        why: "a length of 0 is a jumbogram's (RFC 2675 4), which this stack, with payloads below 65536, does not take",
    },
    Difference {
        headers: &["dhcpv4"],
        decoders: &[Smoltcp],
        kinds: &[OnlyTheyAccept("len")],
        when: always,
        right: Right::We,
        why: "an option whose length runs past its field has no end (RFC 2132 2); smoltcp reads what is before it, and no more",
    },
    Difference {
        headers: &["ndp"],
        decoders: &[Smoltcp],
        kinds: &[OnlyTheyAccept("code")],
        when: |bytes| bytes[1] != 0,
        right: Right::We,
        why: "a message whose code is not 0 must be discarded (RFC 4861 6.1.1, 6.1.2, 7.1.1, 7.1.2, 8.1)",
    },
    Difference {
        headers: &["ndp"],
        decoders: &[Etherparse],
        kinds: &[OnlyWeAccept("option")],
        when: has_odd_option,
        right: Right::Both,
        why: "RFC 4861 6.1 and 7.1 discard a message for an option of length 0 alone; one of an odd length is skipped \
              here and refused there",
    },
    Difference {
        headers: &["ndp"],
        decoders: &[Smoltcp],
        kinds: &[OnlyWeAccept("options"), Field("source link"), Field("target link")],
        when: has_odd_option,
        right: Right::We,
        why: "smoltcp refuses some odd lengths and takes the first 6 bytes of a longer link-layer address, which on \
              Ethernet has length 1 (RFC 2464 6)",
    },
    Difference {
        headers: &["tcp"],
        decoders: &[Etherparse, Pnet, Smoltcp],
        kinds: &[OnlyTheyAccept("length")],
        when: |bytes| bytes[12] > 0x50,
        right: Right::Both,
        why: "they read options later; an illegal length (RFC 9293 MUST-7) refuses the whole segment here",
    },
    Difference {
        headers: &["tcp"],
        decoders: &[Pnet],
        kinds: &[OnlyTheyAccept("data offset")],
        when: always,
        right: Right::Both,
        why: "pnet reads fields and leaves the data offset (RFC 9293 3.1) to its user",
    },
    Difference {
        headers: &["tcp options"],
        decoders: &[Etherparse],
        kinds: &[OnlyWeAccept("unknown kind")],
        when: always,
        right: Right::We,
        why: "an option that is not known must be ignored by its length (RFC 9293 MUST-6)",
    },
    Difference {
        headers: &["tcp options"],
        decoders: &[Smoltcp],
        kinds: &[OnlyTheyAccept("length")],
        when: |bytes| raw_options(bytes).any(|option| option[0] == 8 && option.len() != 10),
        right: Right::We,
        why: "timestamps have 10 bytes (RFC 7323 3.2), and another length is illegal (RFC 9293 MUST-7), not unknown",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

    fn name(row: &Difference, decoder: Decoder, kind: Kind) -> String {
        format!("{:?} {decoder:?} {kind:?}: {}", row.headers, row.why)
    }

    pub(super) fn note(row: Option<&Difference>, decoder: Decoder, kind: Kind) {
        if let (Some(row), Ok(mut seen)) = (row, SEEN.lock()) {
            seen.insert(name(row, decoder, kind));
        }
    }

    /// A difference that no seed shows may be one that is gone, or never was.
    #[test]
    fn every_difference_is_shown_by_a_seed() {
        crate::seeds::replay_all();
        let rows = TABLE.iter().flat_map(|row| {
            let pairs = row.decoders.iter().flat_map(|d| row.kinds.iter().map(|k| (*d, *k)));
            pairs.map(|(decoder, kind)| name(row, decoder, kind))
        });
        let seen = SEEN.lock().unwrap();
        let missing: Vec<String> = rows.filter(|row| !seen.contains(row)).collect();
        assert!(missing.is_empty(), "no seed shows\n{}", missing.join("\n"));
    }
}
