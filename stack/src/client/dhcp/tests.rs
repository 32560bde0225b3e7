use super::*;
use crate::wire::dhcpv4::Header;
use std::collections::BTreeMap;

const MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
const OWN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// A client, its clock, and what it sent.
struct Run {
    client: Client,
    now: Instant,
}

impl Run {
    fn new() -> Run {
        let mut run = Run { client: Client::new(MAC, 1500, 1), now: Instant::ZERO };
        run.client.start(run.now);
        run
    }

    /// Lets time pass until the client does something: when, and what.
    fn next(&mut self) -> (Instant, Vec<Action>) {
        loop {
            let actions = self.client.take_actions();
            if !actions.is_empty() {
                return (self.now, actions);
            }
            self.now = self.client.next_deadline().expect("something is due");
            self.client.poll(self.now);
        }
    }

    /// The next message, with its kind and the address that it goes to.
    fn message(&mut self) -> (Message, Kind, Ipv4Addr) {
        let (_, actions) = self.next();
        let [Action::Send { message, to, .. }] = &actions[..] else { panic!("{actions:?}") };
        (message.clone(), message.kind().unwrap(), *to)
    }

    fn reply(&mut self, kind: Kind, options: &[(u8, &[u8])]) {
        self.reply_for(OWN, kind, options);
    }

    fn reply_for(&mut self, yiaddr: Ipv4Addr, kind: Kind, options: &[(u8, &[u8])]) {
        let none = Ipv4Addr::UNSPECIFIED;
        let header = Header {
            op: REPLY,
            xid: self.client.xid,
            secs: 0,
            broadcast: false,
            ciaddr: none,
            yiaddr,
            siaddr: none,
            giaddr: none,
            chaddr: MAC,
        };
        let mut all = BTreeMap::from([(53, vec![kind as u8]), (54, SERVER.octets().to_vec())]);
        all.extend(options.iter().map(|(code, value)| (*code, value.to_vec())));
        self.client.message_arrives(self.now, &Message { header, options: all });
    }

    /// From the start to BOUND, with a lease of 3600 s.
    fn bind(&mut self) {
        assert_eq!(self.message().1, Kind::Discover);
        self.reply(Kind::Offer, &[]);
        assert_eq!(self.message().1, Kind::Request);
        self.reply(Kind::Ack, &[(51, &[0, 0, 14, 16])]);
        self.become_bound();
    }

    fn become_bound(&mut self) {
        for _ in 0..3 {
            assert_eq!(self.next().1, [Action::Probe(OWN)]);
        }
        let (_, actions) = self.next();
        assert!(matches!(&actions[..], [Action::Configure(_), Action::Announce(OWN)]), "{actions:?}");
        assert_eq!(self.next().1, [Action::Announce(OWN)]);
    }
}

fn seconds(from: Instant, to: Instant) -> f64 {
    to.saturating_since(from).as_secs_f64()
}

#[test]
fn nobody_answers_discover() {
    let mut run = Run::new();
    let (first, _) = run.next();
    assert!((1.0..=10.0).contains(&seconds(Instant::ZERO, first)));
    let mut before = first;
    for expected in [4.0, 8.0, 16.0, 32.0, 64.0, 64.0] {
        let (at, _) = run.next();
        assert!((expected - 1.0..=expected + 1.0).contains(&seconds(before, at)), "{expected}");
        before = at;
    }
}

#[test]
fn nobody_answers_request() {
    let mut run = Run::new();
    run.message();
    run.reply(Kind::Offer, &[]);
    for _ in 0..ATTEMPTS {
        let (message, kind, to) = run.message();
        assert_eq!((kind, to), (Kind::Request, Ipv4Addr::BROADCAST));
        assert_eq!((message.address(50), message.address(54)), (Some(OWN), Some(SERVER)));
    }
    assert_eq!(run.message().1, Kind::Discover);
}

#[test]
fn a_lease_is_renewed_rebound_and_lost() {
    let mut run = Run::new();
    run.bind();
    let (mut kinds, mut last) = (Vec::new(), Vec::new());
    while last.is_empty() {
        let (_, actions) = run.next();
        match &actions[..] {
            [Action::Send { message, from, to }] => {
                assert_eq!((message.header.ciaddr, *from), (OWN, OWN));
                assert_eq!((message.address(50), message.address(54)), (None, None));
                kinds.push(*to);
            }
            _ => last = actions,
        }
    }
    // 1350 s until T2: 675, 337, 168, 84, 60 …; then 450 until the end.
    let rebinding = kinds.iter().position(|to| *to == Ipv4Addr::BROADCAST).unwrap();
    assert!(kinds[..rebinding].iter().all(|to| *to == SERVER), "{kinds:?}");
    assert!((5..8).contains(&rebinding) && kinds.len() - rebinding > 3, "{kinds:?}");
    assert_eq!(last, [Action::Deconfigure]);
    assert_eq!((run.message().1, run.client.lease.is_none()), (Kind::Discover, true));
}

#[test]
fn renewal_keeps_the_address_and_another_address_replaces_it() {
    let mut run = Run::new();
    run.bind();
    let (message, _, to) = run.message();
    assert_eq!((to, message.header.ciaddr), (SERVER, OWN));
    run.reply(Kind::Ack, &[(51, &[0, 0, 14, 16])]);
    assert!(matches!(&run.next().1[..], [Action::Configure(_)]));
    run.message();
    let other = Ipv4Addr::new(192, 0, 2, 99);
    run.reply_for(other, Kind::Ack, &[(51, &[0, 0, 14, 16])]);
    assert_eq!(run.next().1, [Action::Deconfigure]);
    assert_eq!(run.next().1, [Action::Probe(other)]);
}

#[test]
fn a_refusal_begins_anew() {
    let mut run = Run::new();
    run.bind();
    run.message();
    run.reply(Kind::Nak, &[]);
    assert_eq!(run.next().1, [Action::Deconfigure]);
    assert_eq!(run.message().1, Kind::Discover);
}

#[test]
fn an_address_in_use_is_declined() {
    let mut run = Run::new();
    run.message();
    run.reply(Kind::Offer, &[]);
    run.message();
    run.reply(Kind::Ack, &[(51, &[0, 0, 14, 16])]);
    run.next();
    let declined = run.now;
    let other = MacAddress([2, 0, 0, 0, 0, 9]);
    let target = Ipv4Addr::UNSPECIFIED;
    let packet =
        Packet { hardware_type: 1, operation: 2, sender_mac: other, sender: OWN, target_mac: MAC, target };
    run.client.hear_arp(run.now, &packet);
    let (message, kind, to) = run.message();
    assert_eq!((kind, to, message.header.ciaddr), (Kind::Decline, Ipv4Addr::BROADCAST, target));
    assert_eq!((message.address(50), message.address(54)), (Some(OWN), Some(SERVER)));
    let (at, _) = run.next();
    assert!(seconds(declined, at) >= 10.0);
}

#[test]
fn the_last_lease_is_asked_for_again() {
    let mut run = Run::new();
    run.bind();
    run.client.stop();
    assert_eq!(run.client.take_actions(), [Action::Deconfigure]);
    run.client.start(run.now);
    for _ in 0..ATTEMPTS {
        let (message, kind, to) = run.message();
        assert_eq!((kind, to), (Kind::Request, Ipv4Addr::BROADCAST));
        assert_eq!((message.address(50), message.address(54)), (Some(OWN), None));
    }
    // Nobody answers: the rest of the lease.
    run.become_bound();
}

#[test]
fn release_goes_to_the_server_and_inform_gives_up() {
    let mut run = Run::new();
    run.bind();
    run.client.release();
    let actions = run.client.take_actions();
    let [Action::Send { message, from, to }, Action::Deconfigure] = &actions[..] else {
        panic!("{actions:?}")
    };
    assert_eq!((*from, *to, message.kind()), (OWN, SERVER, Some(Kind::Release)));
    run.client.inform(run.now, OWN);
    for _ in 0..ATTEMPTS {
        let (message, kind, _) = run.message();
        assert_eq!((kind, message.header.ciaddr, message.address(51)), (Kind::Inform, OWN, None));
    }
    run.client.poll(run.client.next_deadline().unwrap());
    assert!(!run.client.listens());
}

#[test]
fn what_is_not_for_this_client_is_dropped() {
    let mut run = Run::new();
    run.message();
    run.client.xid ^= 1;
    run.reply(Kind::Ack, &[(51, &[0, 0, 14, 16])]);
    run.reply_for(Ipv4Addr::UNSPECIFIED, Kind::Offer, &[]);
    assert!(matches!(run.client.state, State::Selecting { attempt: 0 }));
    run.reply(Kind::Offer, &[]);
    run.message();
    // No time, and a time of nothing: no lease.
    run.reply(Kind::Ack, &[]);
    run.reply(Kind::Ack, &[(51, &[0; 4])]);
    run.reply(Kind::Ack, &[(51, &[0, 0, 14, 16]), (54, &[192, 0, 2, 77])]);
    assert!(matches!(run.client.state, State::Requesting { .. }));
    // For ever.
    run.reply(Kind::Ack, &[(51, &[255; 4])]);
    run.become_bound();
    assert_eq!(run.client.next_deadline(), None);
}
