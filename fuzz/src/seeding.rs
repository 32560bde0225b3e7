//! Seeds for every target, made of the cases: what each case sends and gets on the reference stack, header by header.

mod drawn;
mod scenarios;

use crate::input::be16;
use cases::catalogue::Catalogue;
use cases::suite::{Case, Tree};
use harness::engine::{PlayOptions, play};
use harness::run::TraceEvent;
use harness::scenario::record::RECORD;
use harness::stacks::reference::Reference;
use harness::sut::Medium;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Longer ones make every mutation slower, and say nothing more about headers.
const LONGEST: usize = 600;
/// The targets whose inputs are scenarios.
const MACHINES: [&str; 4] = ["differential", "tcp_machine", "tcp_machine_linux", "tcp_machine_smoltcp"];
/// The host's settings and the kinds of what is done to a host.
const SETTINGS: u8 = 16;
const KINDS: u8 = 13;
/// Openings that a scenario can have.
const OPENINGS: u8 = 16;

/// Seeds by target.
pub type Seeds = BTreeMap<&'static str, BTreeSet<Vec<u8>>>;

/// Plays every case on the reference stack and cuts its frames into inputs.
///
/// # Errors
/// Where the cases cannot be read.
pub fn of_cases() -> Result<Seeds, String> {
    let (tree, catalogue) = (Tree::suite(), Catalogue::load()?);
    let suite = tree.load(&tree.files()?, &catalogue, &BTreeMap::new());
    if let Some(error) = suite.errors.first() {
        return Err(error.to_string());
    }
    let mut seeds = Seeds::new();
    for case in &suite.cases {
        of_case(case, &mut seeds);
    }
    drawn::damaged(&mut seeds);
    drawn::choices(&mut seeds);
    of_openings(&mut seeds);
    drawn::scenarios(&mut seeds);
    Ok(seeds)
}

fn of_case(case: &Case, seeds: &mut Seeds) {
    for family in &case.families {
        let record = play(&mut Reference::default(), &case.script, PlayOptions::new(*family));
        for entry in &record.trace {
            if let TraceEvent::Inbound { medium, bytes, .. } | TraceEvent::Outbound { medium, bytes, .. } =
                &entry.what
            {
                of_frame(*medium, bytes, seeds);
            }
        }
        if let Some(scenario) = scenarios::of_trace(&record.trace) {
            for target in MACHINES {
                seeds.entry(target).or_default().insert(scenario.clone());
            }
        }
    }
}

/// A scenario of each opening, with nothing behind it.
fn of_openings(seeds: &mut Seeds) {
    for target in MACHINES {
        for opening in 0..OPENINGS {
            let mut record = vec![0; RECORD * 2];
            record[0] = opening;
            seeds.entry(target).or_default().insert(record);
        }
        for settings in 0..SETTINGS {
            let mut record = vec![0; RECORD * 2];
            record[7] = settings;
            seeds.entry(target).or_default().insert(record);
        }
    }
    for target in ["host_machine", "host_machine_smoltcp", "host_pair"] {
        for kind in 0..KINDS {
            for choice in 0..20 {
                let mut record = vec![0; RECORD * 2];
                record[RECORD..RECORD + 2].copy_from_slice(&[kind, choice]);
                seeds.entry(target).or_default().insert(record);
            }
        }
    }
}

fn of_frame(medium: Medium, frame: &[u8], seeds: &mut Seeds) {
    let mut add = |target, prefix: &[u8], bytes: &[u8]| {
        if bytes.len() <= LONGEST {
            seeds.entry(target).or_default().insert([prefix, bytes].concat());
        }
    };
    add("dissect", &[u8::from(medium == Medium::Ip)], frame);
    let packet = match medium {
        Medium::Ip => frame,
        Medium::Ethernet => {
            add("ethernet", &[], frame);
            let Some(payload) = frame.get(14..) else { return };
            match be16(frame, 12) {
                0x0806 => return add("arp", &[], payload),
                0x0000..0x0600 => return add("snap", &[3], frame),
                _ => payload,
            }
        }
    };
    match packet.first().map(|first| first >> 4) {
        Some(4) => of_ipv4(packet, &mut add),
        Some(6) => of_ipv6(packet, &mut add),
        _ => {}
    }
}

type Add<'a> = dyn FnMut(&'static str, &[u8], &[u8]) + 'a;

fn of_ipv4(packet: &[u8], add: &mut Add<'_>) {
    add("ipv4", &[1], packet);
    let header = usize::from(packet[0] & 0xf) * 4;
    let (Some(options), Some(rest)) = (packet.get(20..header), packet.get(header..)) else { return };
    if !options.is_empty() {
        add("ipv4_options", &[], options);
    }
    let Some(protocol) = packet.get(9) else { return };
    if *protocol == 1 {
        add("icmpv4", &[1], rest);
        if let Some(quote) = rest.get(8..).filter(|_| matches!(rest[0], 3 | 4 | 5 | 11 | 12)) {
            add("icmp_quote", &[0], quote);
        }
    }
    if *protocol == 2 {
        add("igmp", &[1], rest);
    }
    of_transport(*protocol, 0, rest, add);
}

fn of_ipv6(packet: &[u8], add: &mut Add<'_>) {
    add("ipv6", &[], packet);
    let (Some(mut next), Some(mut rest)) = (packet.get(6).copied(), packet.get(40..)) else { return };
    for _ in 0..16 {
        let target = match next {
            0 => "ipv6_hop_by_hop",
            43 => "ipv6_routing",
            44 => "ipv6_fragment",
            60 => "ipv6_destination_options",
            _ => break,
        };
        add(target, &[], rest);
        let length =
            if next == 44 { 8 } else { rest.get(1).map_or(0, |units| (usize::from(*units) + 1) * 8) };
        let (Some(after), Some(behind)) = (rest.first(), rest.get(length..)) else { return };
        (next, rest) = (*after, behind);
    }
    if next == 58 {
        add("icmpv6", &[1], rest);
        match rest.first() {
            Some(kind @ 133..=137) if rest.len() > 4 => add("ndp", &[kind - 133, rest[1]], &rest[4..]),
            Some(130) if rest.len() > 4 => add("mld", &[rest[1]], &rest[4..]),
            Some(1..=4) if rest.len() > 8 => add("icmp_quote", &[1], &rest[8..]),
            _ => {}
        }
    }
    of_transport(next, 2, rest, add);
}

fn of_transport(protocol: u8, family: u8, bytes: &[u8], add: &mut Add<'_>) {
    match protocol {
        6 => {
            add("tcp", &[1], bytes);
            let header = bytes.get(12).map_or(0, |offset| usize::from(offset >> 4) * 4);
            if let Some(options) = bytes.get(20..header).filter(|options| !options.is_empty()) {
                add("tcp_options", &[], options);
            }
        }
        17 => {
            add("udp", &[1 | family], bytes);
            let Some(payload) = bytes.get(8..) else { return };
            match [be16(bytes, 0), be16(bytes, 2)] {
                [53, _] | [_, 53] => add("dns", &[], payload),
                [67 | 68, _] | [_, 67 | 68] => add("dhcpv4", &[], payload),
                _ => {}
            }
        }
        _ => {}
    }
}

/// Writes seeds into `folder`/TARGET, and gives how many each target has.
///
/// # Errors
/// Names what cannot be written.
pub fn write(seeds: &Seeds, folder: &Path) -> Result<Vec<(&'static str, usize)>, String> {
    let mut counts = Vec::new();
    for (target, inputs) in seeds {
        let own = folder.join(target);
        let told = |e: std::io::Error| format!("{}: {e}", own.display());
        std::fs::create_dir_all(&own).map_err(told)?;
        for (number, input) in inputs.iter().enumerate() {
            std::fs::write(own.join(format!("case-{number:05}")), input).map_err(told)?;
        }
        counts.push((*target, inputs.len()));
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_cut_into_what_its_targets_read() {
        let mut seeds = Seeds::new();
        // An IPv4 datagram with a no-operation option word, which carries a UDP datagram without data.
        let mut frame = vec![0x46, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 0];
        frame.extend([0, 7, 0, 9, 0, 8, 0, 0]);
        of_frame(Medium::Ip, &frame, &mut seeds);
        let one = |target: &str| seeds[target].iter().next().cloned();
        assert_eq!(one("ipv4_options"), Some(vec![1, 1, 1, 0]));
        assert_eq!(one("udp"), Some(vec![1, 0, 7, 0, 9, 0, 8, 0, 0]));
        let names: Vec<&str> = seeds.keys().copied().collect();
        assert_eq!(names, ["dissect", "ipv4", "ipv4_options", "udp"]);
        of_frame(Medium::Ethernet, &frame[..9], &mut seeds);
    }
}
