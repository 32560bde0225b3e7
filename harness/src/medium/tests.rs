//! What happens on a shared cable, with bare frames and with hosts.

use super::*;
use stack::config::{Config, InterfaceConfig, LinkConfig, Medium};
use stack::socket::{Call, Domain, Kind, Value, flags};
use stack::wire::{MacAddress, fcs};
use stack::{Cidr, Host};

fn micros(count: u64) -> Duration {
    Duration::from_micros(count)
}

/// A frame of `len` bytes with its check sequence.
fn frame(fill: u8, len: usize) -> Vec<u8> {
    let frame = vec![fill; len - 4];
    [&frame[..], &fcs::fcs(&frame)].concat()
}

fn cable(duplex: Duplex, places: &[u64], seed: u64) -> Cable {
    let places: Vec<_> = places.iter().map(|at| micros(*at)).collect();
    Cable::new(duplex, &places, seed).expect("the places differ")
}

/// What `station` hears whole, and how many remains of collisions.
fn whole(heard: &[Heard], station: usize) -> (Vec<Vec<u8>>, usize) {
    let here = heard.iter().filter(|h| h.station == station);
    let (whole, broken): (Vec<_>, Vec<_>) = here.partition(|h| fcs::checked(&h.bytes).is_some());
    (whole.into_iter().map(|h| h.bytes.clone()).collect(), broken.len())
}

#[test]
fn one_sender_is_heard_by_all_after_the_way_there() {
    let mut cable = cable(Duplex::Half, &[0, 3, 20], 1);
    cable.send(0, frame(7, 64));
    cable.run_until(Instant::from_millis(1)).expect("it rests");
    let end = Instant::ZERO + Duration::from_nanos(9_600 + 57_600);
    let heard = |station, way| Heard { station, at: end + micros(way), bytes: frame(7, 64) };
    assert_eq!(cable.heard(), [heard(1, 3), heard(2, 20)]);
}

#[test]
fn who_hears_somebody_waits_until_the_gap_is_over() {
    let mut cable = cable(Duplex::Half, &[0, 1], 1);
    cable.send(0, frame(1, 1518));
    cable.run_until(Instant::from_micros(100)).expect("it rests");
    cable.send(1, frame(2, 64));
    cable.run_until(Instant::from_millis(10)).expect("it rests");
    let heard = cable.heard();
    // 9.6 µs of gap, 1220.8 µs of frame, 1 µs of way; then gap, frame and way again.
    assert_eq!(heard[0].at, Instant::from_nanos(1_231_400));
    assert_eq!(heard[1].at, Instant::from_nanos(1_231_400 + 9_600 + 57_600 + 1_000));
    assert_eq!((cable.sent(0).collisions, cable.sent(1).collisions), (0, 0));
}

#[test]
fn two_at_once_collide_jam_back_off_and_both_get_through() {
    for seed in 0..50 {
        let mut cable = cable(Duplex::Half, &[0, 10, 20], seed);
        cable.send(0, frame(1, 64));
        cable.send(2, frame(2, 64));
        cable.run_until(Instant::from_millis(100)).expect("it rests");
        let heard = cable.heard();
        assert!(cable.sent(0).collisions > 0, "seed {seed}");
        assert_eq!((cable.sent(0).late, cable.sent(0).lost, cable.sent(2).lost), (0, 0, 0), "seed {seed}");
        let (mut frames, broken) = whole(&heard, 1);
        frames.sort();
        assert_eq!(frames, [frame(1, 64), frame(2, 64)], "seed {seed}");
        assert!(broken > 0, "what collided was heard, too");
        // No remains are long enough to be taken for a frame.
        assert!(heard.iter().all(|h| fcs::checked(&h.bytes).is_some() || h.bytes.len() < 64));
    }
}

#[test]
fn a_cable_that_is_too_long_has_late_collisions() {
    let mut cable = cable(Duplex::Half, &[0, 60], 1);
    cable.send(0, frame(1, 1518));
    cable.send(1, frame(2, 1518));
    cable.run_until(Instant::from_secs(1)).expect("it rests");
    assert!(cable.sent(0).late + cable.sent(1).late > 0);
}

#[test]
fn full_duplex_never_collides() {
    let mut cable = cable(Duplex::Full, &[0, 20], 1);
    cable.send(0, frame(1, 64));
    cable.send(1, frame(2, 64));
    cable.run_until(Instant::from_millis(1)).expect("it rests");
    let heard = cable.heard();
    assert_eq!((whole(&heard, 0), whole(&heard, 1)), ((vec![frame(2, 64)], 0), (vec![frame(1, 64)], 0)));
    assert_eq!((cable.sent(0).collisions, cable.sent(1).collisions), (0, 0));
}

#[test]
fn a_busy_cable_loses_nothing_and_shares() {
    const EACH: usize = 40;
    let mut cable = cable(Duplex::Half, &[0, 5, 10, 15], 3);
    (0..4).for_each(|station| (0..EACH).for_each(|_| cable.send(station, frame(station as u8, 512))));
    cable.run_until(Instant::from_secs(5)).expect("it rests");
    let heard = cable.heard();
    for station in 0..4 {
        assert_eq!(cable.sent(station).whole + cable.sent(station).lost, EACH as u64);
        let others: u64 = (0..4).filter(|s| *s != station).map(|s| cable.sent(s).whole).sum();
        assert_eq!(whole(&heard, station).0.len() as u64, others);
    }
    assert!((0..4).map(|s| cable.sent(s).whole).sum::<u64>() > 4 * EACH as u64 * 9 / 10);
}

#[test]
fn places_that_cannot_be_are_refused() {
    assert!(Cable::new(Duplex::Half, &[micros(1), micros(1)], 0).is_err());
    assert!(Cable::new(Duplex::Full, &[micros(1), micros(2), micros(3)], 0).is_err());
}

/// Two hosts on a cable, both of whose links carry check sequences.
struct Hosts {
    cable: Cable,
    hosts: [Host; 2],
    now: Instant,
}

impl Hosts {
    fn new(duplex: Duplex) -> Hosts {
        let host = |n: u8| {
            let address = Cidr { address: [192, 0, 2, n].into(), length: 24 };
            let (medium, mac) = (Medium::Ethernet, MacAddress([2, 0, 0, 0, 0, n]));
            let interfaces = vec![InterfaceConfig { medium, mtu: 1500, mac, addresses: vec![address] }];
            let links = vec![LinkConfig { fcs: true, ..LinkConfig::default() }];
            Host::new(Config { interfaces, links, seed: n.into(), ..Config::default() })
        };
        let hosts = [host(1), host(2)];
        Hosts { cable: cable(duplex, &[0, 20], 1), hosts, now: Instant::ZERO }
    }

    /// Lets hosts and cable do what is due until `until`.
    fn run_until(&mut self, until: Instant) {
        loop {
            for (station, host) in self.hosts.iter_mut().enumerate() {
                while let Some((_, frame)) = host.transmit() {
                    self.cable.send(station, frame.into_vec());
                }
            }
            let next = self.hosts.iter().filter_map(Host::next_deadline).chain(self.cable.next_deadline());
            let Some(at) = next.min().filter(|at| *at <= until) else { break };
            self.now = self.now.max(at);
            self.cable.run_until(self.now).expect("it rests");
            self.cable.heard().iter().for_each(|h| self.hosts[h.station].receive(h.at, 0, &h.bytes));
            self.hosts.iter_mut().for_each(|host| host.poll(self.now));
        }
    }

    /// A call that ends at once.
    fn call(&mut self, host: usize, call: Call) -> Value {
        let id = self.hosts[host].submit(self.now, call);
        let done = self.hosts[host].completions();
        let (_, _, outcome) = done.into_iter().find(|(done, ..)| *done == id).expect("it ends at once");
        outcome.expect("it succeeds")
    }
}

#[test]
fn hosts_speak_both_at_once_and_each_hears_all() {
    for duplex in [Duplex::Half, Duplex::Full] {
        let mut hosts = Hosts::new(duplex);
        for host in 0..2 {
            let (domain, kind, nonblocking) = (Domain::Inet, Kind::Datagram, true);
            hosts.call(host, Call::Socket { domain, kind, nonblocking });
            hosts.call(host, Call::Bind { fd: 3, address: ([0, 0, 0, 0], 7).into() });
        }
        // The neighbours know each other from the first exchange on.
        const COUNT: u8 = 30;
        for round in 0..COUNT {
            for host in 0..2 {
                let to = Some(([192, 0, 2, 2 - host as u8], 7).into());
                hosts.call(host, Call::Send { fd: 3, data: vec![round; 400], to, flags: 0 });
            }
            let until = hosts.now + Duration::from_millis(5);
            hosts.run_until(until);
            hosts.now = until;
        }
        for host in 0..2 {
            for round in 0..COUNT {
                let received =
                    hosts.call(host, Call::Receive { fd: 3, room: 1000, flags: flags::MSG_DONTWAIT });
                let Value::Received(received) = received else { panic!("{received:?}") };
                assert_eq!(received.data, [round; 400], "{duplex:?}");
            }
            let collisions = hosts.cable.sent(host).collisions;
            assert_eq!(collisions > 0, duplex == Duplex::Half, "{duplex:?}: {collisions} collisions");
            let damaged = hosts.hosts[host].link_counters(0).expect("there is one").damaged;
            assert_eq!(damaged > 0, duplex == Duplex::Half, "{duplex:?}: {damaged} damaged frames");
        }
    }
}
