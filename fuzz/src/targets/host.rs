//! A whole host, which gets frames and time as fixed-stride records.

use crate::repair;
use stack::config::{Config, InterfaceConfig, Medium, Neighbour};
use stack::wire::MacAddress;
use stack::{Cidr, Host, Instant};
use std::time::Duration;

/// Bytes of a record: what to do, an interface, a number, then a frame's bytes.
const STRIDE: usize = 64;
/// Frames that one event may provoke: more is a storm. Neighbours found release at most their queue.
const MOST_FRAMES: usize = 64;
/// Events in one run.
const MOST_RECORDS: usize = 256;

/// `data` is records of 64 bytes. Byte 0: the event, and what is set right in a frame (see [`repair`]); byte 1: the
/// interface; bytes 2..4: how much is cut off a frame, or time; the rest: a frame, or its next piece.
///
/// # Panics
/// At a finding.
pub fn host(data: &[u8]) {
    let mut host = Host::new(config());
    let mut now = Instant::ZERO;
    let mut frame = Vec::new();
    for record in data.chunks_exact(STRIDE).take(MOST_RECORDS) {
        let (interface, number) = (usize::from(record[1] & 1), u16::from_be_bytes([record[2], record[3]]));
        match record[0] % 8 {
            // A longer frame comes in several records, of which only the last is received.
            0 => {
                frame.extend_from_slice(&record[4..]);
                frame.truncate(9000);
                continue;
            }
            1 => now += Duration::from_millis(number.into()),
            2 => now = host.next_deadline().map_or(now, |deadline| deadline.max(now)),
            3 => {
                host.set_link(now, interface, number & 1 == 0);
            }
            _ => {
                frame.extend_from_slice(&record[4..]);
                frame.truncate(frame.len() - usize::from(record[2]) % 60);
                repair(&mut frame, interface, record[0] >> 3);
                host.receive(now, interface, &frame);
                frame.clear();
            }
        }
        host.poll(now);
        settles(&mut host, now);
    }
}

/// Sets right what a fuzzer hardly finds. Bits of `choice`: 0: the receiver's addresses; 1: lengths; 2: checksums.
fn repair(frame: &mut [u8], interface: usize, choice: u8) {
    let mut ip = 0;
    if interface == 0 {
        ip = 14;
        if choice & 1 == 1 && frame.len() >= ip {
            frame[..6].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
        }
    }
    let Some(packet) = frame.get_mut(ip..) else { return };
    let network = 2 + interface as u8;
    match packet.first().map(|first| first >> 4) {
        Some(4) if packet.len() >= 20 => repair_packet(packet, 16..20, &[192, 0, network, 1], choice),
        Some(6) if packet.len() >= 40 => {
            let own = [0x20, 1, 0xd, 0xb8, 0, network, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
            repair_packet(packet, 24..40, &own, choice);
        }
        _ => {}
    }
}

/// Bits of `choice`: 0: the destination; 1: lengths; 2: checksums.
fn repair_packet(packet: &mut [u8], destination: std::ops::Range<usize>, own: &[u8], choice: u8) {
    if choice & 1 == 1 {
        packet[destination].copy_from_slice(own);
    }
    if choice & 2 == 2 {
        repair::lengths(packet);
    }
    if choice & 4 == 4 {
        repair::checksums(packet);
    }
}

/// What goes out is bounded, has the size of a frame, and nothing is due that has been done.
fn settles(host: &mut Host, now: Instant) {
    let mut frames = 0;
    while let Some((interface, frame)) = host.transmit() {
        frames += 1;
        assert!(frames <= MOST_FRAMES, "more than {MOST_FRAMES} frames at one event");
        assert!(interface < 2, "a frame for interface {interface}");
        let most = if interface == 0 { 1514 } else { 1280 };
        assert!(!frame.is_empty() && frame.len() <= most, "a frame of {} bytes", frame.len());
    }
    if let Some(deadline) = host.next_deadline() {
        assert!(deadline > now, "due at {deadline:?} after everything was done at {now:?}");
        assert!(deadline <= now + Duration::from_secs(86_400), "a timer at {deadline:?}, far beyond {now:?}");
    }
}

fn config() -> Config {
    let addresses = |last: u8, network: u16| {
        [
            Cidr { address: [192, 0, network as u8, last].into(), length: 24 },
            Cidr { address: [0x2001, 0xdb8, network, 0, 0, 0, 0, last.into()].into(), length: 64 },
        ]
        .to_vec()
    };
    let interface = |medium, mtu, mac, addresses| InterfaceConfig {
        medium,
        mtu,
        mac: MacAddress([2, 0, 0, 0, 0, mac]),
        addresses,
    };
    Config {
        interfaces: vec![
            interface(Medium::Ethernet, 1500, 1, addresses(1, 2)),
            interface(Medium::Ip, 1280, 3, addresses(1, 3)),
        ],
        neighbours: vec![Neighbour {
            address: [192, 0, 2, 9].into(),
            mac: MacAddress([2, 0, 0, 0, 0, 9]),
            interface: 0,
        }],
        seed: 7,
        ..Config::default()
    }
}
