//! A host answers frames: link, IP and ICMP, frame by frame.

use stack::config::{Config, InterfaceConfig, Medium};
use stack::rng::Rng;
use stack::socket::{Call, Domain, Kind};
use stack::wire::ipv6_ext::Fragment;
use stack::wire::{Buffer, MacAddress, arp, ethernet, icmpv4, icmpv6, ipv4, ipv6, ndp, protocol, udp};
use stack::{Cidr, Host, Instant};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

const OWN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const OWN6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const PEER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
const OWN_MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
const PEER_MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);

fn host(medium: Medium) -> Host {
    let addresses = vec![Cidr { address: OWN.into(), length: 24 }, Cidr { address: OWN6.into(), length: 64 }];
    let interfaces = vec![InterfaceConfig { medium, mtu: 1500, mac: OWN_MAC, addresses }];
    Host::new(Config { interfaces, seed: 1, ..Config::default() })
}

fn sent(host: &mut Host) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| host.transmit()).map(|(_, frame)| frame.into_vec()).collect()
}

/// What the host sends when `frame` arrives.
fn answers(host: &mut Host, frame: &[u8]) -> Vec<Vec<u8>> {
    host.receive(Instant::ZERO, 0, frame);
    sent(host)
}

/// The single frame that `frame` draws.
fn answer(host: &mut Host, frame: &[u8]) -> Vec<u8> {
    let mut frames = answers(host, frame);
    assert_eq!(frames.len(), 1, "{frames:02x?}");
    frames.remove(0)
}

fn header4<'a>(protocol: u8) -> ipv4::Header<'a> {
    ipv4::Header {
        tos: 0,
        identification: 7,
        reserved: false,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol,
        source: PEER,
        destination: OWN,
        options: &[],
    }
}

fn header6(next_header: u8) -> ipv6::Header {
    let (source, destination) = (PEER6, OWN6);
    ipv6::Header { traffic_class: 0, flow_label: 0, next_header, hop_limit: 64, source, destination }
}

fn datagram4(header: ipv4::Header<'_>, payload: &[u8]) -> Vec<u8> {
    let mut buffer = Buffer::with_payload(payload);
    header.emit(&mut buffer);
    buffer.into_vec()
}

fn packet6(header: ipv6::Header, payload: &[u8]) -> Vec<u8> {
    let mut buffer = Buffer::with_payload(payload);
    header.emit(&mut buffer);
    buffer.into_vec()
}

fn echo4(data: &[u8]) -> Vec<u8> {
    let mut buffer = Buffer::with_payload(data);
    icmpv4::Header { kind: icmpv4::ECHO_REQUEST, code: 0, rest: [0, 9, 0, 1] }.emit(&mut buffer);
    buffer.into_vec()
}

fn udp_to(port: u16, source: IpAddr, destination: IpAddr) -> Vec<u8> {
    let mut buffer = Buffer::with_payload(b"nobody reads this");
    udp::Header { source_port: 4000, destination_port: port }.emit(source, destination, &mut buffer);
    buffer.into_vec()
}

fn framed(destination: MacAddress, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut buffer = Buffer::with_payload(payload);
    let framing = ethernet::Framing::EthernetII;
    ethernet::Header { destination, source: PEER_MAC, ethertype, framing }.emit(&mut buffer);
    buffer.into_vec()
}

fn arp_request(target: Ipv4Addr) -> Vec<u8> {
    let mut buffer = Buffer::new();
    let (operation, sender_mac, target_mac) = (arp::REQUEST, PEER_MAC, MacAddress::default());
    arp::Packet { hardware_type: 1, operation, sender_mac, sender: PEER, target_mac, target }
        .emit(&mut buffer);
    framed(MacAddress::BROADCAST, ethernet::ARP, &buffer)
}

/// The ICMPv4 message in a bare datagram: header, body, and the datagram's IP header.
fn icmp4(datagram: &[u8]) -> (icmpv4::Header, &[u8], ipv4::Header<'_>) {
    let (ip, payload) = ipv4::Header::parse(datagram).expect("an IPv4 datagram");
    assert_eq!((ip.protocol, ip.source, ip.destination), (protocol::ICMPV4, OWN, PEER));
    let (icmp, body) = icmpv4::Header::parse(payload).expect("an ICMP message");
    (icmp, body, ip)
}

fn icmp6(packet: &[u8]) -> (icmpv6::Header, &[u8]) {
    let (ip, payload) = ipv6::Header::parse(packet).expect("an IPv6 packet");
    assert_eq!((ip.next_header, ip.source, ip.destination), (protocol::ICMPV6, OWN6, PEER6));
    icmpv6::Header::parse(ip.source, ip.destination, payload).expect("an ICMPv6 message")
}

#[test]
fn arp_is_answered_to_the_one_who_asked_and_padded() {
    let mut host = host(Medium::Ethernet);
    let frame = answer(&mut host, &arp_request(OWN));
    assert_eq!(frame.len(), 60);
    assert!(frame[42..].iter().all(|byte| *byte == 0));
    let (ethernet, payload) = ethernet::Header::parse(&frame).unwrap();
    assert_eq!((ethernet.destination, ethernet.source), (PEER_MAC, OWN_MAC));
    let reply = arp::Packet::parse(payload).unwrap();
    assert_eq!((reply.operation, reply.sender, reply.target), (arp::REPLY, OWN, PEER));
    assert_eq!((reply.sender_mac, reply.target_mac), (OWN_MAC, PEER_MAC));
    assert_eq!(answers(&mut host, &arp_request(Ipv4Addr::new(192, 0, 2, 3))), [] as [Vec<u8>; 0]);
    // The request taught the peer's address: an echo is answered without a question.
    let frame = framed(OWN_MAC, ethernet::IPV4, &datagram4(header4(protocol::ICMPV4), &echo4(b"x")));
    assert_eq!(answer(&mut host, &frame)[..6], PEER_MAC.0);
}

#[test]
fn an_unknown_neighbour_is_asked_for_once_a_second_three_times() {
    let mut host = host(Medium::Ethernet);
    let echo = framed(OWN_MAC, ethernet::IPV4, &datagram4(header4(protocol::ICMPV4), &echo4(b"x")));
    let ethertype = |frame: &Vec<u8>| ethernet::Header::parse(frame).unwrap().0.ethertype;
    assert_eq!(answers(&mut host, &echo).iter().map(ethertype).collect::<Vec<_>>(), [ethernet::ARP]);
    assert_eq!(answers(&mut host, &echo), [] as [Vec<u8>; 0], "asked already");
    for second in [1, 2] {
        assert_eq!(host.next_deadline(), Some(Instant::from_secs(second)));
        host.poll(Instant::from_secs(second));
        assert_eq!(sent(&mut host).iter().map(ethertype).collect::<Vec<_>>(), [ethernet::ARP]);
    }
    host.receive(Instant::from_secs(2), 0, &arp_request(OWN));
    let frames = sent(&mut host);
    let kinds: Vec<u16> = frames.iter().map(ethertype).collect();
    assert_eq!(kinds, [ethernet::IPV4, ethernet::IPV4, ethernet::ARP], "what waited, then the reply");
    assert_eq!(host.next_deadline(), None);
}

#[test]
fn frames_for_others_and_broken_ones_are_not_for_us() {
    let mut host = host(Medium::Ethernet);
    let echo = datagram4(header4(protocol::ICMPV4), &echo4(b"x"));
    let silent = |host: &mut Host, frame: &[u8]| assert_eq!(answers(host, frame), [] as [Vec<u8>; 0]);
    silent(&mut host, &framed(MacAddress([2, 0, 0, 0, 0, 9]), ethernet::IPV4, &echo));
    silent(&mut host, &framed(MacAddress::BROADCAST, ethernet::IPV4, &echo));
    silent(&mut host, &framed(OWN_MAC, ethernet::IPV4, &echo[..echo.len() - 1]));
    for (at, value) in
        [(0, 0x55), (10, !echo[10]), (19, 9), (12, 224), (12, 127), (12, 240), (echo.len() - 1, b'y')]
    {
        let mut bad = echo.clone();
        bad[at] = value;
        silent(&mut host, &framed(OWN_MAC, ethernet::IPV4, &bad));
    }
}

#[test]
fn echo_comes_back_with_its_data_and_type_of_service() {
    let mut host = host(Medium::Ip);
    for (len, ttl) in [(0, 64), (1, 1), (1472, 0)] {
        let data: Vec<u8> = (0..len).map(|n| n as u8).collect();
        let request = datagram4(ipv4::Header { tos: 0x28, ttl, ..header4(protocol::ICMPV4) }, &echo4(&data));
        let reply = answer(&mut host, &request);
        let (icmp, body, ip) = icmp4(&reply);
        assert_eq!((icmp.kind, icmp.rest, ip.tos), (icmpv4::ECHO_REPLY, [0, 9, 0, 1], 0x28));
        assert!(body == data);
    }
    let options = &[7, 7, 4, 0, 0, 0, 0, 0];
    let request = datagram4(ipv4::Header { options, ..header4(protocol::ICMPV4) }, &echo4(b""));
    let reply = answer(&mut host, &request);
    assert_eq!(icmp4(&reply).2.options, [7, 7, 8, 192, 0, 2, 1, 0]);
}

#[test]
fn fragments_are_put_together_and_a_large_reply_is_taken_apart() {
    let mut host = host(Medium::Ip);
    let data: Vec<u8> = (0..4000u32).map(|n| n as u8).collect();
    let message = echo4(&data);
    let mut replies = Vec::new();
    for (n, piece) in message.chunks(1000).enumerate().rev() {
        let (more_fragments, fragment_offset) = ((n + 1) * 1000 < message.len(), n as u16 * 1000);
        let header = ipv4::Header { more_fragments, fragment_offset, ..header4(protocol::ICMPV4) };
        replies.extend(answers(&mut host, &datagram4(header, piece)));
    }
    let mut whole = Vec::new();
    for reply in &replies {
        let (ip, payload) = ipv4::Header::parse(reply).unwrap();
        assert_eq!(usize::from(ip.fragment_offset), whole.len());
        assert_eq!(ip.more_fragments, whole.len() + payload.len() < message.len());
        whole.extend(payload);
    }
    assert_eq!((replies.len(), icmpv4::Header::parse(&whole).unwrap().1), (3, &data[..]));
}

#[test]
fn what_nobody_wants_draws_the_error_that_says_so() {
    let mut host = host(Medium::Ip);
    let to_udp = udp_to(9, PEER.into(), OWN.into());
    for (protocol, payload, code) in
        [(protocol::UDP, &to_udp[..], icmpv4::PORT), (99, b"whatever", icmpv4::PROTOCOL)]
    {
        let datagram = datagram4(header4(protocol), payload);
        let reply = answer(&mut host, &datagram);
        let (icmp, quote, ip) = icmp4(&reply);
        assert_eq!((icmp.kind, icmp.code, icmp.rest, ip.tos), (icmpv4::UNREACHABLE, code, [0; 4], 0));
        assert_eq!(quote, datagram);
    }
    let bad_option = datagram4(ipv4::Header { options: &[1, 7, 9, 4], ..header4(protocol::UDP) }, &to_udp);
    let reply = answer(&mut host, &bad_option);
    let (icmp, _, _) = icmp4(&reply);
    assert_eq!((icmp.kind, icmp.rest[0]), (icmpv4::PARAMETER_PROBLEM, 22));
}

#[test]
fn no_error_is_sent_where_rfc_1122_forbids_it() {
    let mut host = host(Medium::Ip);
    let unknown = header4(99);
    let mut error = Buffer::with_payload(&datagram4(unknown, b"12345678"));
    icmpv4::Header { kind: icmpv4::UNREACHABLE, code: 2, rest: [0; 4] }.emit(&mut error);
    for (header, payload) in [
        (ipv4::Header { destination: [192, 0, 2, 255].into(), ..unknown }, &b"x"[..]),
        (ipv4::Header { destination: [224, 0, 0, 1].into(), ..unknown }, b"x"),
        (ipv4::Header { source: [192, 0, 2, 255].into(), ..unknown }, b"x"),
        (ipv4::Header { source: [0, 0, 0, 0].into(), ..unknown }, b"x"),
        (ipv4::Header { fragment_offset: 8, options: &[7, 2, 4, 0], ..unknown }, b"x"),
        (ipv4::Header { options: &[7, 2, 4, 0], ..header4(protocol::ICMPV4) }, &error),
    ] {
        assert_eq!(answers(&mut host, &datagram4(header, payload)), [] as [Vec<u8>; 0], "{header:?}");
    }
}

#[test]
fn reassembly_that_takes_too_long_is_reported_if_the_first_fragment_came() {
    let mut host = host(Medium::Ip);
    let first = ipv4::Header { more_fragments: true, ..header4(protocol::UDP) };
    let later = ipv4::Header { fragment_offset: 8, identification: 8, ..header4(protocol::UDP) };
    assert_eq!(answers(&mut host, &datagram4(later, b"12345678")), [] as [Vec<u8>; 0]);
    assert_eq!(answers(&mut host, &datagram4(first, b"12345678")), [] as [Vec<u8>; 0]);
    assert_eq!(host.next_deadline(), Some(Instant::from_secs(60)));
    host.poll(Instant::from_secs(60));
    let errors = sent(&mut host);
    assert_eq!(errors.len(), 1);
    let (icmp, _, _) = icmp4(&errors[0]);
    assert_eq!((icmp.kind, icmp.code), (icmpv4::TIME_EXCEEDED, icmpv4::REASSEMBLY));
}

#[test]
fn neighbour_solicitations_are_answered() {
    let mut host = host(Medium::Ethernet);
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 1);
    let ask = |source: Ipv6Addr, source_link: Option<MacAddress>, hop_limit: u8| {
        let mut buffer = Buffer::new();
        let options = ndp::Options { source_link, ..ndp::Options::default() };
        ndp::Message::NeighbourSolicitation { target: OWN6, options }.emit(source, group, &mut buffer);
        ipv6::Header { source, destination: group, hop_limit, ..header6(protocol::ICMPV6) }.emit(&mut buffer);
        framed(MacAddress::of_ipv6_multicast(group), ethernet::IPV6, &buffer)
    };
    for (source, link, destination, solicited) in [
        (PEER6, Some(PEER_MAC), PEER6, true),
        (Ipv6Addr::UNSPECIFIED, None, Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1), false),
    ] {
        let frame = answer(&mut host, &ask(source, link, 255));
        let (_, packet) = ethernet::Header::parse(&frame).unwrap();
        let (ip, payload) = ipv6::Header::parse(packet).unwrap();
        assert_eq!((ip.source, ip.destination, ip.hop_limit), (OWN6, destination, 255));
        let (icmp, body) = icmpv6::Header::parse(ip.source, ip.destination, payload).unwrap();
        let options = ndp::Options { target_link: Some(OWN_MAC), ..ndp::Options::default() };
        let (router, override_flag, target) = (false, true, OWN6);
        let expected =
            ndp::Message::NeighbourAdvertisement { router, solicited, override_flag, target, options };
        assert_eq!(ndp::Message::parse(&icmp, body), Ok(expected));
    }
    assert_eq!(answers(&mut host, &ask(PEER6, Some(PEER_MAC), 254)), [] as [Vec<u8>; 0]);
    assert_eq!(answers(&mut host, &ask(Ipv6Addr::UNSPECIFIED, Some(PEER_MAC), 255)), [] as [Vec<u8>; 0]);
}

#[test]
fn ipv6_echo_errors_and_fragments() {
    let mut host = host(Medium::Ip);
    let mut echo = Buffer::with_payload(b"data");
    icmpv6::Header { kind: icmpv6::ECHO_REQUEST, code: 0, rest: [0, 9, 0, 1] }.emit(PEER6, OWN6, &mut echo);
    let reply = answer(&mut host, &packet6(header6(protocol::ICMPV6), &echo));
    let (icmp, body) = icmp6(&reply);
    assert_eq!((icmp.kind, icmp.rest, body), (icmpv6::ECHO_REPLY, [0, 9, 0, 1], &b"data"[..]));

    let fragment_of = |next_header, offset, more, data: &[u8]| {
        let mut buffer = Buffer::with_payload(data);
        Fragment { next_header, offset, more, identification: 5 }.emit(&mut buffer);
        packet6(header6(protocol::FRAGMENT), &buffer)
    };
    let fragment = |offset, more, data: &[u8]| fragment_of(protocol::ICMPV6, offset, more, data);
    let atomic = answer(&mut host, &fragment(0, false, &echo));
    assert_eq!(icmp6(&atomic).0.kind, icmpv6::ECHO_REPLY);
    assert_eq!(answers(&mut host, &fragment(8, false, &echo[8..])), [] as [Vec<u8>; 0]);
    let whole = answer(&mut host, &fragment(0, true, &echo[..8]));
    assert_eq!(icmp6(&whole).1, b"data");

    let check = |host: &mut Host, packet: &[u8], kind: u8, code: u8, word: u32| {
        let reply = answer(host, packet);
        let (icmp, quote) = icmp6(&reply);
        assert_eq!((icmp.kind, icmp.code, icmp.word(), quote), (kind, code, word, packet));
    };
    let to_udp = udp_to(9, PEER6.into(), OWN6.into());
    check(&mut host, &packet6(header6(protocol::UDP), &to_udp), icmpv6::UNREACHABLE, icmpv6::PORT, 0);
    let problem = icmpv6::PARAMETER_PROBLEM;
    check(&mut host, &packet6(header6(99), b"x"), problem, icmpv6::UNKNOWN_NEXT_HEADER, 6);
    check(&mut host, &fragment_of(protocol::UDP, 0, true, b"123456789"), problem, icmpv6::ERRONEOUS_FIELD, 4);
    let chain = fragment_of(protocol::UDP, 0, true, b"");
    check(&mut host, &chain, problem, icmpv6::INCOMPLETE_CHAIN, 0);
    let option = packet6(header6(protocol::DESTINATION_OPTIONS), &[17, 0, 0x80, 1, 0, 1, 1, 0]);
    check(&mut host, &option, problem, icmpv6::UNKNOWN_OPTION, 42);
}

#[test]
fn a_link_that_is_down_is_silent() {
    let mut host = host(Medium::Ip);
    let echo = datagram4(header4(protocol::ICMPV4), &echo4(b"x"));
    assert!(host.set_link(Instant::ZERO, 0, false));
    assert_eq!(answers(&mut host, &echo), [] as [Vec<u8>; 0]);
    assert!(host.set_link(Instant::ZERO, 0, true));
    assert_eq!(answers(&mut host, &echo).len(), 1);
    assert!(host.remove_address(0, OWN.into()) && !host.remove_address(0, OWN.into()));
    assert_eq!(answers(&mut host, &echo), [] as [Vec<u8>; 0]);
    assert!(!host.set_link(Instant::ZERO, 1, true));
}

/// A host with something open in every layer.
fn busy_host(medium: Medium) -> Host {
    let mut host = host(medium);
    for (kind, fd) in [(Kind::Stream, 3), (Kind::Datagram, 4)] {
        let port = if kind == Kind::Stream { 80 } else { 7 };
        let address = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port);
        host.submit(Instant::ZERO, Call::Socket { domain: Domain::Inet6, kind, nonblocking: true });
        host.submit(Instant::ZERO, Call::Bind { fd, address });
    }
    host.submit(Instant::ZERO, Call::Listen { fd: 3, backlog: 10 });
    assert!(host.completions().iter().all(|(_, _, outcome)| outcome.is_ok()));
    host
}

/// Random changes to valid frames, and random bytes: nothing may panic, whatever the host makes of them.
#[test]
fn random_frames_never_panic() {
    let mut rng = Rng::new(42);
    for medium in [Medium::Ethernet, Medium::Ip] {
        let mut host = busy_host(medium);
        let seeds = seed_datagrams();
        for step in 0..20_000u64 {
            let now = Instant::from_millis(step * 20);
            let mut frame = match rng.below(10) {
                0 => (0..rng.below(200)).map(|_| rng.next_u16() as u8).collect(),
                _ => seeds[rng.below(seeds.len() as u32) as usize].clone(),
            };
            for _ in 0..rng.below(4) {
                let at = rng.below(frame.len().max(1) as u32) as usize;
                if let Some(byte) = frame.get_mut(at) {
                    *byte = rng.next_u16() as u8;
                }
            }
            frame.truncate(if rng.below(8) == 0 { rng.below(100) as usize } else { frame.len() });
            fix_checksum(&mut frame);
            if medium == Medium::Ethernet {
                let ethertype = [ethernet::IPV4, ethernet::IPV6, ethernet::ARP][rng.below(3) as usize];
                let version = match frame.first().map(|byte| byte >> 4) {
                    Some(4) => ethernet::IPV4,
                    Some(6) => ethernet::IPV6,
                    _ => ethertype,
                };
                frame = framed(OWN_MAC, version, &frame);
            }
            host.receive(now, 0, &frame);
            host.poll(now + Duration::from_millis(10));
            sent(&mut host);
        }
    }
}

fn seed_datagrams() -> Vec<Vec<u8>> {
    let options = &[7, 7, 4, 0, 0, 0, 0, 68, 8, 5, 0, 0, 0, 0, 0, 131, 7, 8, 1, 2, 3, 4, 0, 0];
    let mut echo6 = Buffer::with_payload(b"data");
    icmpv6::Header { kind: icmpv6::ECHO_REQUEST, code: 0, rest: [0; 4] }.emit(PEER6, OWN6, &mut echo6);
    let mut chain = Buffer::with_payload(&echo6);
    Fragment { next_header: 58, offset: 0, more: true, identification: 1 }.emit(&mut chain);
    chain.prepend(8).copy_from_slice(&[44, 0, 1, 4, 0, 0, 0, 0]);
    let mut error = Buffer::with_payload(&datagram4(ipv4::Header { source: OWN, ..header4(6) }, &[0; 20]));
    icmpv4::Header { kind: icmpv4::UNREACHABLE, code: 4, rest: [0, 0, 2, 0] }.emit(&mut error);
    let syn = [0, 99, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x60, 2, 16, 0, 0, 0, 0, 0, 2, 4, 5, 0xb4];
    vec![
        datagram4(ipv4::Header { options, ..header4(1) }, &echo4(b"1234")),
        datagram4(ipv4::Header { more_fragments: true, fragment_offset: 16, ..header4(17) }, &[1; 24]),
        datagram4(header4(17), &udp_to(7, PEER.into(), OWN.into())),
        datagram4(header4(1), &error),
        datagram4(header4(6), &syn),
        packet6(header6(0), &chain),
        packet6(header6(58), &echo6),
        packet6(header6(17), &udp_to(7, PEER6.into(), OWN6.into())),
    ]
}

/// Makes the IPv4 header's checksum right again where the header is still one, so that changes get past it.
fn fix_checksum(frame: &mut [u8]) {
    let len = frame.first().map_or(0, |byte| usize::from(byte & 0xf) * 4);
    if frame.first().is_some_and(|byte| byte >> 4 == 4) && len >= 20 && frame.len() >= len {
        frame[10..12].fill(0);
        let sum = stack::wire::checksum::checksum(&frame[..len]);
        frame[10..12].copy_from_slice(&sum.to_be_bytes());
    }
}
