//! DHCP and DNS messages, held against the codec of the `stack` crate.

use super::testing::*;
use crate::lang::ast::{Action, AlterOperation, Alteration, Packet, Value};
use crate::lang::{FileSystem, Options, parse};
use crate::sut::{Family, Medium, Rules};
use stack::wire::{dhcpv4, dns};
use std::collections::BTreeMap;
use std::path::Path;

fn packet(text: &str) -> Packet {
    let options = Options { defines: BTreeMap::new(), loader: &FileSystem, suite: None };
    let case = format!("//! requires: X-1\n+0 {text}\n");
    let script = parse(Path::new("t.pkt"), case, &options).unwrap_or_else(|error| panic!("{error}"));
    match script.events.into_iter().next().map(|event| event.action) {
        Some(Action::Inbound(packet) | Action::Outbound(packet)) => packet,
        other => panic!("{text} is no packet: {other:?}"),
    }
}

fn run() -> Run {
    Run::new(Family::Ipv4, Medium::Ethernet, Rules::Ours)
}

/// What UDP carries in the frame that `text` describes.
fn carried(run: &mut Run, text: &str) -> Vec<u8> {
    let frame = super::build(&mut run.context(), &packet(text)).unwrap_or_else(|error| panic!("{error}"));
    let dissection = super::dissect(Medium::Ethernet, &frame);
    assert_eq!(dissection.problem, None);
    let message = dissection.parts.last().expect("a message");
    frame[message.start..message.end].to_vec()
}

#[test]
fn an_offer_is_what_the_stack_reads() {
    let text = "< dhcp offer [yiaddr LOCAL, xid 7, server-id REMOTE, overload 3, pad, opt 6 (192, 0), \
                lease-time 3600, file[opt 6 (2, 9)], sname[default-gateway (REMOTE, 192.0.2.3)]]";
    let message = dhcpv4::Message::parse(&carried(&mut run(), text)).expect("a message");
    let [own, peer, third] = [1, 2, 3].map(|last| std::net::Ipv4Addr::new(192, 0, 2, last));
    assert_eq!((message.kind(), message.header.op), (Some(dhcpv4::Kind::Offer), dhcpv4::REPLY));
    assert_eq!((message.header.yiaddr, message.header.xid), (own, 7));
    assert_eq!(message.header.chaddr.0, LOCAL_MAC.0);
    assert_eq!((message.address(54), message.number(51)), (Some(peer), Some(3600)));
    assert_eq!(message.addresses(6), [std::net::Ipv4Addr::new(192, 0, 2, 9)]);
    assert_eq!(message.addresses(3), [peer, third]);
}

/// A DISCOVER as the stack emits it.
fn discover() -> Vec<u8> {
    let none = std::net::Ipv4Addr::UNSPECIFIED;
    let header = dhcpv4::Header {
        op: dhcpv4::REQUEST,
        xid: 0x0102_0304,
        secs: 3,
        broadcast: false,
        ciaddr: none,
        yiaddr: none,
        siaddr: none,
        giaddr: none,
        chaddr: stack::wire::MacAddress(LOCAL_MAC.0),
    };
    let options = [(53, vec![1]), (55, vec![1, 3]), (57, vec![5, 220]), (61, vec![1, 2, 0, 0, 0, 0, 1])];
    dhcpv4::Message { header, options: options.into() }.emit()
}

/// How the frame with `message` from port `sport` to `dport` differs from `text`; nothing where it does not.
#[track_caller]
fn check(ports: (u16, u16), from_none: bool, message: &[u8], text: &str, expected: &str) {
    let mut run = run();
    let ends = if from_none { "src 0.0.0.0, dst 255.255.255.255" } else { "src LOCAL, dst REMOTE" };
    let bytes: String = message.iter().map(|byte| format!("{byte:02x}")).collect();
    let sent = format!("> [{ends}] udp {} > {} data 0x{bytes}", ports.0, ports.1);
    let frame = super::build_outbound(&mut run.context(), &packet(&sent)).expect("a frame");
    let matched = super::matches(&mut run.context(), &packet(text), Medium::Ethernet, &frame);
    let found = match matched.unwrap_or_else(|error| panic!("{error}")) {
        Ok(()) => String::new(),
        Err(mismatch) => format!("{}: {} but {}", mismatch.field, mismatch.expected, mismatch.found),
    };
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_discover_is_matched_option_by_option() {
    let check = |text: &str, expected| check((68, 67), true, &discover(), text, expected);
    check("> dhcp discover", "");
    check("> dhcp [xid 0x01020304, secs 3, max-size 576..1500, no server-id, message-type 1]", "");
    check("> dhcp discover [parameter-request (1, 3), client-id (1, LOCAL_MAC), client-id $id]", "");
    check("> dhcp request", "dhcp.message-type: request but discover");
    check("> dhcp discover [server-id REMOTE]", "dhcp.server-id: server-id REMOTE but none");
    check("> dhcp discover [no max-size]", "dhcp.max-size: none but 1500");
    check("> dhcp discover [parameter-request (1, 6)]", "dhcp.parameter-request: (1, 6) but (1, 3)");
    check("> dhcp discover [client-id 5]", "dhcp.client-id: 5 but 283673999966209");
    check("> dhcp discover [secs 4]", "dhcp.secs: 4 but 3");
    check("> dhcp discover [ciaddr LOCAL]", "dhcp.ciaddr: 192.0.2.1 but 0.0.0.0");
    check("> [src LOCAL] dhcp discover", "ip.src: 192.0.2.1 but 0.0.0.0");
}

#[test]
fn options_can_be_changed_and_taken_out() {
    let mut run = run();
    let text = "> dhcp request [server-id REMOTE, lease-time 60]";
    let alter = |run: &mut Run, field: &str, operation| {
        let mut frame = super::build_outbound(&mut run.context(), &packet(text)).expect("a frame");
        let change = Alteration { layer: None, field: field.to_string(), operation };
        super::alter(&mut run.context(), Medium::Ethernet, &mut frame, &change).expect("an option");
        run.describe(&frame)
    };
    let set = |name: &str| AlterOperation::Set(Value::Name(name.to_string()));
    let start = "> [src 0.0.0.0, dst 255.255.255.255] udp 68 > 67 dhcp request";
    assert_eq!(alter(&mut run, "server-id", set("absent")), format!("{start} [lease-time 60]"));
    assert_eq!(
        alter(&mut run, "server-id", set("192.0.2.9")),
        format!("{start} [server-id (192.0.2.9), lease-time 60]")
    );
    assert_eq!(
        alter(&mut run, "lease-time", AlterOperation::Add(5)),
        format!("{start} [server-id (192.0.2.2), lease-time 65]")
    );
}

fn question(name: &str, kind: u16) -> dns::Question {
    dns::Question { name: dns::Name::from_text(name).expect("a name"), kind, class: dns::CLASS_IN }
}

#[test]
fn a_query_is_matched_whatever_the_case() {
    let bytes = dns::query(7, &question("eXample.com", dns::kind::A), true);
    let check = |text: &str, expected| check((40000, 53), false, &bytes, text, expected);
    check("> dns query A? \"Example.com\" [id 7, rd, qclass 1, arcount 0]", "");
    check("> udp 40000 > 53 / dns query", "");
    check("> udp 40000 > 53 data 0x00070100000100000000000007655861", "udp.payload.length: 16 but 29");
    check("> dns query AAAA? \"example.com\"", "dns.question: AAAA? \"example.com\" but A? \"eXample.com\"");
    check("> dns query A? \"example.com\" [rd 0]", "dns.rd: 0 but 1");
    check("> udp 40000 > 54 / dns query", "udp.dport: 54 but 53");
}

#[test]
fn a_response_repeats_the_query_and_goes_back() {
    let mut run = run();
    let query = "> udp 40000 > 53 / dns query A? \"eXample.com\" [id 9]";
    let frame = super::build_outbound(&mut run.context(), &packet(query)).expect("a frame");
    let seen = "> dns query A? \"example.com\"";
    let matched = super::matches(&mut run.context(), &packet(seen), Medium::Ethernet, &frame);
    assert_eq!(matched.expect("a script"), Ok(()));
    let text = "< dns response [answer \"example.com\" CNAME \"www.@12\" ttl 60, authority \"@20\" SOA 300, \
                answer \"www.example.com\" A 192.0.2.7]";
    let bytes = carried(&mut run, text);
    let message = dns::Message::parse(&bytes).expect("a message");
    assert_eq!((message.id, message.response, message.questions.len()), (9, true, 1));
    assert!(message.questions[0].name.is_spelled_as(&question("eXample.com", 1).name));
    let www = dns::Name::from_text("www.example.com").expect("a name");
    assert_eq!(message.answers[0].data, dns::Data::Cname(www));
    assert_eq!(message.answers[1].data, dns::Data::A([192, 0, 2, 7].into()));
    assert_eq!(message.authorities[0].data, dns::Data::Soa { minimum: 300 });
    let frame = super::build(&mut run.context(), &packet(text)).expect("a frame");
    assert_eq!(
        run.describe(&frame),
        "< [src 192.0.2.2, dst 192.0.2.1] udp 53 > 40000 dns response A? \"eXample.com\" [id 9, answer \"example.com\" CNAME \
         \"www.eXample.com\" ttl 60, answer \"www.example.com\" A 192.0.2.7 ttl 3600, authority \"com\" SOA 300 \
         ttl 3600]"
    );
}
