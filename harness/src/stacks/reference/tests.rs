use super::*;
use crate::sut::{Errno, Family, Interface, MacAddress, Medium, Output, Rules, SocketAddress};
use std::collections::BTreeMap;

fn setup() -> Setup {
    let addresses = vec![Prefix { address: [192, 0, 2, 1].into(), length: 24 }];
    let (name, mac) = ("tun0".to_owned(), MacAddress([2, 0, 0, 0, 0, 1]));
    Setup {
        rules: Rules::Ours,
        family: Family::Ipv4,
        interfaces: vec![Interface { name, medium: Medium::Ip, mtu: 1500, mac, addresses }],
        routes: Vec::new(),
        neighbours: Vec::new(),
        forwarding: false,
        settings: BTreeMap::new(),
        seed: 1,
    }
}

fn started() -> Reference {
    let mut stack = Reference::default();
    assert_eq!(stack.start(&setup()), Ok(()));
    stack
}

fn events(stack: &mut Reference) -> Vec<Event> {
    let mut events = Vec::new();
    assert_eq!(stack.events(&mut events), Ok(()));
    events
}

/// The outcome of a call that ends at once.
fn outcome(stack: &mut Reference, call: Call) -> Outcome {
    let id = stack.submit(call).unwrap();
    let found = events(stack).into_iter().find_map(|event| match event {
        Event::Completed { id: other, outcome, .. } if other == id => Some(outcome),
        _ => None,
    });
    found.expect("the call waits")
}

#[test]
fn a_syn_leaves_at_once_and_again_a_second_later() {
    let mut stack = started();
    let call = Call::Socket { domain: 2, kind: 1, protocol: 6 };
    assert_eq!(outcome(&mut stack, call), Outcome::value(3));
    let address = SocketAddress::Ip("192.0.2.2:80".parse().unwrap());
    stack.submit(Call::Connect { fd: 3, address }).unwrap();
    let times = |stack: &mut Reference| -> Vec<Instant> { events(stack).iter().map(Event::at).collect() };
    assert_eq!(times(&mut stack), [Instant::ZERO]);
    assert_eq!(stack.next_deadline(), Some(Instant::from_secs(1)));
    stack.run_until(Instant::from_millis(2500)).unwrap();
    assert_eq!((times(&mut stack), stack.now()), (vec![Instant::from_secs(1)], Instant::from_millis(2500)));
}

#[test]
fn forms_of_results() {
    let mut stack = started();
    assert_eq!(outcome(&mut stack, Call::Socket { domain: 2, kind: 2, protocol: 0 }), Outcome::value(3));
    let own: std::net::SocketAddr = "127.0.0.1:7".parse().unwrap();
    assert_eq!(outcome(&mut stack, Call::Bind { fd: 3, address: SocketAddress::Ip(own) }), Outcome::value(0));
    let address = SocketAddress::Ip(own);
    for _ in 0..3 {
        let call = Call::Sendto { fd: 3, data: b"12345".to_vec(), flags: 0, address: address.clone() };
        assert_eq!(outcome(&mut stack, call), Outcome::value(5));
    }
    let check = |stack: &mut Reference, call, number, output| {
        assert_eq!(outcome(stack, call), Outcome { result: Ok(number), output });
    };
    let vectors = Output::Vectors(vec![b"12".to_vec(), b"345".to_vec(), Vec::new()]);
    check(&mut stack, Call::Readv { fd: 3, counts: vec![2, 4, 1] }, 5, vectors);
    let (count, flags) = (3, libc::MSG_TRUNC);
    let from = Output::Address(Some(own), b"123".to_vec());
    check(&mut stack, Call::Recvfrom { fd: 3, count, flags }, 5, from);
    check(&mut stack, Call::Read { fd: 3, count: 9 }, 5, Output::Data(b"12345".to_vec()));
    let again = Call::Recv { fd: 3, count: 1, flags: libc::MSG_DONTWAIT };
    assert_eq!(outcome(&mut stack, again).result, Err(Errno(libc::EAGAIN)));
}

#[test]
fn what_the_stack_cannot_be_set_to_is_named() {
    let mut stack = Reference::default();
    let mut with = |name: &str, value: &str| {
        let settings = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        stack.start(&Setup { settings, ..setup() })
    };
    assert_eq!(with("cc", "reno"), Ok(()));
    assert_eq!(with("iw", "rfc6928"), Ok(()));
    assert_eq!(with("cc", "cubic"), Ok(()));
    assert_eq!(with("cc", "vegas"), Err(Refusal::Unsupported("cc=vegas".to_owned())));
    assert_eq!(with("colour", "blue"), Err(Refusal::Unsupported("colour=blue".to_owned())));
}

#[test]
fn settings_act_until_they_are_restored() {
    let mut stack = Reference::linux();
    assert_eq!(stack.capabilities().name, "reference:linux");
    assert_eq!(stack.start(&setup()), Ok(()));
    let set = |name: &str, value: &str| Call::Set { name: name.to_owned(), value: value.to_owned() };
    assert_eq!(outcome(&mut stack, set("net.ipv4.tcp_sack", "0")), Outcome::value(0));
    assert!(!stack.host.tcp_config().sack);
    assert_eq!(outcome(&mut stack, set("net.ipv4.tcp_sack", "7")), Outcome::error(libc::EINVAL));
    assert_eq!(outcome(&mut stack, set("sysctl restore", "")), Outcome::value(0));
    assert!(stack.host.tcp_config().sack);
    let unknown = Err(Refusal::Unsupported("the setting net.ipv4.tcp_notsent_lowat".to_owned()));
    assert_eq!(stack.submit(set("net.ipv4.tcp_notsent_lowat", "1")), unknown);
}
