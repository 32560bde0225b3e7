//! Taking frames apart and describing them to people.

use crate::input::choices;
use harness::packet::{Dissection, Flows, Host, Part, World, describe, dissect as take_apart};
use harness::sut::{Family, MacAddress, Medium, Rules, Setup};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The first byte chooses the medium and the family; the rest is a frame.
///
/// # Panics
/// At a finding.
pub fn dissect(data: &[u8]) {
    let Some((choice, frame)) = choices(data) else { return };
    let medium = if choice & 1 == 0 { Medium::Ethernet } else { Medium::Ip };
    let dissection = take_apart(medium, frame);
    check(&dissection, frame);
    let flows = Flows::default();
    let line = WORLDS.with(|worlds| describe(&worlds[usize::from(choice >> 1 & 1)], &flows, medium, frame));
    assert!(!line.is_empty() && !line.contains('\n'), "{line:?}");
}

fn check(dissection: &Dissection, frame: &[u8]) {
    for part in dissection.parts.iter().chain(&dissection.quote) {
        inside(part, frame);
    }
    let nested = dissection.parts.windows(2).all(|pair| pair[0].header_end == pair[1].start);
    assert!(nested, "parts that do not follow each other: {dissection:?}");
    assert!(dissection.padding.end <= frame.len());
    assert!(frame.get(dissection.payload()).is_some());
    let _ = dissection.addresses(frame);
}

fn inside(part: &Part, frame: &[u8]) {
    assert!(part.start <= part.header_end && part.header_end <= part.end, "{part:?}");
    assert!(part.end <= frame.len(), "{part:?} in {} bytes", frame.len());
    let options = part.options(frame);
    assert!(options.end <= frame.len(), "{part:?}");
}

thread_local! {
    static WORLDS: [World; 2] = [world(Family::Ipv4), world(Family::Ipv6)];
}

fn world(family: Family) -> World {
    let (local, remote): (IpAddr, IpAddr) = match family {
        Family::Ipv6 => ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into(), [0x2001, 0xdb8, 0, 0, 0, 0, 0, 2].into()),
        _ => ([192, 0, 2, 1].into(), [192, 0, 2, 2].into()),
    };
    let mac = MacAddress([2, 0, 0, 0, 0, 2]);
    let peer = Host { name: "REMOTE".to_owned(), addresses: vec![remote], mac, interface: 0 };
    World { setup: setup(family), local, remote, hosts: vec![peer], local_port: 8080, remote_port: 40_000 }
}

fn setup(family: Family) -> Setup {
    Setup {
        rules: Rules::Ours,
        family,
        interfaces: Vec::new(),
        routes: Vec::new(),
        neighbours: Vec::new(),
        forwarding: false,
        settings: BTreeMap::new(),
        seed: 0,
    }
}
