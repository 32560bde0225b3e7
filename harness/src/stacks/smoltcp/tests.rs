use super::*;
use crate::stacks::descriptors::Descriptors;
use crate::sut::{
    Call, Event, Family, Interface, MacAddress, Neighbour, Outcome, Output, Prefix, Rules, SocketAddress,
    StackUnderTest,
};
use ::smoltcp::phy::ChecksumCapabilities;
use ::smoltcp::wire::{
    EthernetProtocol, IpAddress, IpProtocol, IpRepr, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber,
};
use std::net::IpAddr;

const PEER: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);

fn setup(medium: Medium, address: &str) -> Setup {
    let address: IpAddr = address.parse().unwrap();
    let mac = MacAddress([2, 0, 0, 0, 0, 1]);
    let addresses = vec![Prefix { address, length: if address.is_ipv4() { 24 } else { 64 } }];
    Setup {
        rules: Rules::Ours,
        family: if address.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 },
        interfaces: vec![Interface { name: "eth0".into(), medium, mtu: 1500, mac, addresses }],
        routes: Vec::new(),
        neighbours: Vec::new(),
        forwarding: false,
        settings: Default::default(),
        seed: 7,
    }
}

fn segment(control: TcpControl, seq: i32, ack: Option<i32>) -> TcpRepr<'static> {
    TcpRepr {
        src_port: 4000,
        dst_port: 8080,
        control,
        seq_number: TcpSeqNumber(seq),
        ack_number: ack.map(TcpSeqNumber),
        window_len: 1000,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &[],
    }
}

/// A datagram from `from` to `to`.
fn datagram(from: &str, to: &str, tcp: &TcpRepr<'_>) -> Vec<u8> {
    let [from, to] = [from, to].map(|a| IpAddress::from(a.parse::<IpAddr>().unwrap()));
    let ip = IpRepr::new(from, to, IpProtocol::Tcp, tcp.buffer_len(), 64);
    let mut bytes = vec![0; ip.buffer_len()];
    let checksums = ChecksumCapabilities::default();
    ip.emit(&mut bytes, &checksums);
    let mut packet = TcpPacket::new_unchecked(&mut bytes[ip.header_len()..]);
    tcp.emit(&mut packet, &from, &to, &checksums);
    bytes
}

/// Flags, sequence number, acknowledgement number of a datagram.
fn dissect(bytes: &[u8]) -> (bool, bool, bool, i32, i32) {
    let header = if bytes[0] >> 4 == 4 { 20 } else { 40 };
    let tcp = TcpPacket::new_checked(&bytes[header..]).unwrap();
    (tcp.syn(), tcp.ack(), tcp.rst(), tcp.seq_number().0, tcp.ack_number().0)
}

struct Run {
    stack: Descriptors<Smoltcp>,
}

impl Run {
    fn new(setup: &Setup) -> Run {
        let mut stack = Descriptors::new(Smoltcp::default());
        stack.start(setup).unwrap();
        let mut run = Run { stack };
        run.take();
        run
    }

    fn take(&mut self) -> (Vec<Vec<u8>>, Vec<Outcome>) {
        let mut events = Vec::new();
        self.stack.events(&mut events).unwrap();
        let (mut frames, mut outcomes) = (Vec::new(), Vec::new());
        for event in events {
            match event {
                Event::Frame { bytes, .. } => frames.push(bytes),
                Event::Completed { outcome, .. } => outcomes.push(outcome),
            }
        }
        (frames, outcomes)
    }

    fn call(&mut self, call: Call) -> Option<Result<i64, i32>> {
        self.stack.submit(call).unwrap();
        self.take().1.pop().map(|outcome| outcome.result.map_err(|e| e.0))
    }

    fn inject(&mut self, frame: &[u8]) -> Vec<Vec<u8>> {
        self.stack.inject(InterfaceId(0), frame).unwrap();
        self.take().0
    }

    fn listen(&mut self, local: &str) {
        let domain = if local.starts_with('[') { libc::AF_INET6 } else { libc::AF_INET };
        assert_eq!(self.call(Call::Socket { domain, kind: libc::SOCK_STREAM, protocol: 0 }), Some(Ok(3)));
        let address = SocketAddress::Ip(local.parse().unwrap());
        assert_eq!(self.call(Call::Bind { fd: 3, address }), Some(Ok(0)));
        assert_eq!(self.call(Call::Listen { fd: 3, backlog: 1 }), Some(Ok(0)));
    }
}

/// A passive open, by hand: SYN, SYN-ACK, ACK, and a blocked accept returns with the ACK.
fn check_handshake(local: &str, remote: &str, bound: &str) {
    let mut run = Run::new(&setup(Medium::Ip, local));
    run.listen(bound);
    assert_eq!(run.call(Call::Accept { fd: 3 }), None);
    let sent = run.inject(&datagram(remote, local, &segment(TcpControl::Syn, 99, None)));
    let [syn_ack] = sent.as_slice() else { panic!("{} frames for a SYN", sent.len()) };
    let (syn, ack, rst, iss, acked) = dissect(syn_ack);
    assert_eq!((syn, ack, rst, acked), (true, true, false, 100));
    let ack = datagram(remote, local, &segment(TcpControl::None, 100, Some(iss.wrapping_add(1))));
    run.stack.inject(InterfaceId(0), &ack).unwrap();
    let (frames, outcomes) = run.take();
    assert!(frames.is_empty());
    assert_eq!(outcomes.iter().map(|o| o.result).collect::<Vec<_>>(), [Ok(4)]);
}

#[test]
fn handshake() {
    check_handshake("192.0.2.1", "192.0.2.2", "0.0.0.0:8080");
    check_handshake("2001:db8::1", "2001:db8::2", "[2001:db8::1]:8080");
}

/// Also where an adapter is used again: a run leaves nothing behind.
#[test]
fn same_seed_same_bytes() {
    let syn = datagram("192.0.2.2", "192.0.2.1", &segment(TcpControl::Syn, 99, None));
    let mut run = Run::new(&setup(Medium::Ip, "192.0.2.1"));
    let mut play = |seed| {
        run.stack.start(&Setup { seed, ..setup(Medium::Ip, "192.0.2.1") }).unwrap();
        run.take();
        run.listen("0.0.0.0:8080");
        run.stack.submit(Call::Accept { fd: 3 }).unwrap();
        run.inject(&syn)
    };
    let first = play(1);
    assert_eq!(play(1), first);
    assert_ne!(play(2), first);
}

/// A repeated SYN belongs to the connection that it opened, also after an older one has gone back to LISTEN: else the
/// ACK that follows would meet a second half-open connection, and none would be accepted.
#[test]
fn repeated_syn_goes_to_its_connection() {
    let mut run = Run::new(&setup(Medium::Ip, "192.0.2.1"));
    run.listen("0.0.0.0:8080");
    let frame = |src_port, control, seq, ack| {
        let tcp = TcpRepr { src_port, ..segment(control, seq, ack) };
        datagram("192.0.2.2", "192.0.2.1", &tcp)
    };
    run.inject(&frame(4000, TcpControl::Syn, 99, None));
    let syn_ack = run.inject(&frame(4001, TcpControl::Syn, 99, None));
    let iss = dissect(&syn_ack[0]).3;
    run.inject(&frame(4000, TcpControl::Rst, 100, None));
    run.inject(&frame(4001, TcpControl::Syn, 99, None));
    run.inject(&frame(4001, TcpControl::None, 100, Some(iss.wrapping_add(1))));
    run.stack.submit(Call::Accept { fd: 3 }).unwrap();
    let peer = Some("192.0.2.2:4001".parse().unwrap());
    let accepted = run.take().1.pop().map(|outcome| outcome.output);
    assert_eq!(accepted, Some(Output::Address(peer, Vec::new())));
}

/// With the neighbour known from the start, the RST for a closed port leaves at once, on both families.
#[test]
fn neighbours_need_no_asking() {
    for (local, remote, kind) in [
        ("192.0.2.1", "192.0.2.2", EthernetProtocol::Ipv4),
        ("2001:db8::1", "2001:db8::2", EthernetProtocol::Ipv6),
    ] {
        let mut setup = setup(Medium::Ethernet, local);
        setup.neighbours.push(Neighbour { address: remote.parse().unwrap(), mac: PEER, interface: 0 });
        let mut run = Run::new(&setup);
        let mut frame = [setup.interfaces[0].mac.0, PEER.0].concat();
        frame.extend(u16::from(kind).to_be_bytes());
        frame.extend(datagram(remote, local, &segment(TcpControl::Syn, 99, None)));
        let sent = run.inject(&frame);
        let [reset] = sent.as_slice() else { panic!("{} frames", sent.len()) };
        assert_eq!(reset[..6], PEER.0);
        assert!(dissect(&reset[14..]).2);
    }
}

/// What smoltcp cannot be configured to is refused by name.
#[test]
fn refusals() {
    let check = |change: &dyn Fn(&mut Setup), expected: Refusal| {
        let mut setup = setup(Medium::Ethernet, "192.0.2.1");
        change(&mut setup);
        assert_eq!(Smoltcp::default().start(&setup), Err(expected));
    };
    let unsupported = |what: &str| Refusal::Unsupported(what.to_owned());
    let broken = |what: &str| Refusal::Broken(what.to_owned());
    check(&|s| s.interfaces.clear(), unsupported("multihomed"));
    check(&|s| s.forwarding = true, unsupported("forwarding"));
    check(&|s| drop(s.settings.insert("iw".into(), "10".into())), unsupported("iw=10"));
    check(
        &|s| s.interfaces[0].mac = MacAddress::BROADCAST,
        broken("ff:ff:ff:ff:ff:ff is not the address of a station"),
    );
    check(&|s| s.interfaces[0].addresses[0].length = 33, broken("192.0.2.1/33 has no such prefix"));
}

#[test]
fn version_is_that_of_the_lock_file() {
    let lock = include_str!("../../../../Cargo.lock");
    let at = lock.find("name = \"smoltcp\"\n").unwrap();
    assert!(lock[at..].lines().nth(1).unwrap().contains(&format!("\"{VERSION}\"")));
}
