//! Packets, packetdrill's and ours.

use super::{ours, show, upstream};

#[track_caller]
fn check_upstream(packet: &str, expected: &str) {
    let script = upstream(&format!("0 {packet}\n"));
    assert_eq!(show::action(&script.events[0].action), expected);
}

#[track_caller]
fn check(packet: &str, expected: &str) {
    let script = ours(&format!("+0 {packet}\n+0 close(3) = 0\n"));
    assert_eq!(script.events.len(), 2, "{:?}", script.events);
    assert_eq!(show::action(&script.events[0].action), expected);
}

#[test]
fn upstream_segments() {
    check_upstream(
        "< S 0:0(0) win 1000 <mss 1000,nop,wscale 7>",
        "< Tcp seq 0, win 1000 {0x2 end 0 Exactly([Mss(Is(Int(1000))), Nop, Wscale(Is(Int(7)))])}",
    );
    check_upstream(
        "> P. 1:1001(1000) ack 1",
        "> Tcp seq 1, ack 1 {0x18 end 1001 Exactly([])} / Payload {Length(Is(Int(1000)))}",
    );
    check_upstream("> . 1:1(0) ack 1 <...>", "> Tcp seq 1, ack 1 {0x10 end 1 Any}");
    check_upstream("> SEW 0:0(0) urg 3", "> Tcp seq 0, urg 3 {0xc2 end 0 Exactly([])}");
    check_upstream("> P.5 1:1(0)", "> Tcp seq 1 {0x158 end 1 Exactly([])}");
    check_upstream("> SA. 0:0(0)", "> Tcp seq 0 {0x112 end 0 Exactly([])}");
    check_upstream("< - 1:1(0) win 0", "< Tcp seq 1, win 0 {0x0 end 1 Exactly([])}");
    check_upstream(
        "< 1234 > 80 F. 1:1(0) ack 1 win 0",
        "< Tcp sport 1234, dport 80, seq 1, ack 1, win 0 {0x11 end 1 Exactly([])}",
    );
}

#[test]
fn upstream_options() {
    check_upstream(
        "> . 1:1(0) ack 1 <nop,nop,sack 1:2 3:4>",
        "> Tcp seq 1, ack 1 {0x10 end 1 Exactly([Nop, Nop, Sack([(Is(Int(1)), Is(Int(2))), (Is(Int(3)), Is(Int(4)))])])}",
    );
    check_upstream("> S 0:0(0) <FO,nop,nop>", "> Tcp seq 0 {0x2 end 0 Exactly([FastOpen([]), Nop, Nop])}");
    check_upstream(
        "> S 0:0(0) <FOEXP 00112233>",
        "> Tcp seq 0 {0x2 end 0 Exactly([FastOpenExperimental([0, 17, 34, 51])])}",
    );
    check_upstream(
        "> S 0:0(0) <md5 0011,eol,eol,eol,eol>",
        "> Tcp seq 0 {0x2 end 0 Exactly([Md5([0, 17]), Eol, Eol, Eol, Eol])}",
    );
    check_upstream(
        "> . 1:1(0) <ECN e0b 1 ceb 0 e1b 2,nop>",
        "> Tcp seq 1 {0x10 end 1 Exactly([AccEcn([(E0b, Is(Int(1))), (Ceb, Is(Int(0))), (E1b, Is(Int(2)))]), Nop])}",
    );
}

#[test]
fn upstream_ip_and_encapsulation() {
    check_upstream("> [ect01] . 1:1(0)", "> Ip ecn 1..2 / Tcp seq 1 {0x10 end 1 Exactly([])}");
    check_upstream(
        "> (tos 0x10, flowlabel 0x5) . 1:1(0)",
        "> Ip tos 16, flow 5 / Tcp seq 1 {0x10 end 1 Exactly([])}",
    );
    check_upstream(
        "< [ttl 9] udp 5 > 6 (10)",
        "< Ip ttl 9 / Udp sport 5, dport 6 / Payload {Length(Is(Int(10)))}",
    );
    check_upstream(
        "< ipv4 [ce] 1.1.1.1 > 2.2.2.2: gre flags [key present], sum 0, off 0, key=5, seq 2: mpls (label 3, tc 1, [S], ttl 64): udp (1)",
        "< Ipv4 ecn 3, src 1.1.1.1, dst 2.2.2.2 / Gre flags 8192, sum 0, off 0, key 5, seq 2 / Mpls label 3, tc 1, s 1, ttl 64 / Udp / Payload {Length(Is(Int(1)))}",
    );
    check_upstream("> encap psp spi 0x7 . 1:1(0)", "> Psp spi 7 / Tcp seq 1 {0x10 end 1 Exactly([])}");
    check_upstream(
        "< ipv6 ::1 > fe80::2: ipv6 ::3 > ::4: . 1:1(0) win 1",
        "< Ipv6 src ::1, dst fe80::2 / Ipv6 src ::3, dst ::4 / Tcp seq 1, win 1 {0x10 end 1 Exactly([])}",
    );
}

#[test]
fn upstream_icmp() {
    check_upstream(
        "< icmp unreachable frag_needed mtu 800 [1:1001(1000)]",
        "< Icmp type_name unreachable, code_name frag_needed, mtu 800 {Tcp seq 1 {0x0 end 1001 Any}}",
    );
    check_upstream(
        "< icmp echo_request id 5 [raw (20)]",
        "< Icmp type_name echo_request, id 5 / Payload {Length(Is(Int(12)))}",
    );
    check_upstream(
        "< icmp type_13 code_2 [udp (8)]",
        "< Icmp type_name type_13, code_name code_2 {Udp / Payload {Length(Is(Int(8)))}}",
    );
    check_upstream("< icmp packet_too_big", "< Icmp type_name packet_too_big {Tcp seq 0 {0x0 end 0 Any}}");
}

#[test]
fn our_segments() {
    check(
        "> P?. ($iss+1):*(*) ack not 5 win 1..65535",
        "> Tcp seq ($iss Add 1), ack not 5, win 1..65535 {0x10?0x8 end * Exactly([])} / Payload {Length(Any)}",
    );
    check(
        "> S. 0:0(0) ack 1 win $w <..., mss $mss>",
        "> Tcp seq 0, ack 1, win $w {0x12 end 0 Among([Mss(Is(Variable(\"mss\")))])}",
    );
    check("> . 1:1(0) ack 1 <>", "> Tcp seq 1, ack 1 {0x10 end 1 Exactly([])}");
    check("> . 1:1(0) ack 1", "> Tcp seq 1, ack 1 {0x10 end 1 Exactly([])}");
    check(
        "< S 0:0(0) <raw 0x05 len 1, uto 2 min>",
        "< Tcp seq 0 {0x2 end 0 Exactly([Raw { kind: 5, length: Some(1), data: [] }, UserTimeout { minutes: true, value: Is(Int(2)) }])}",
    );
    check(
        "< P. 4294967295:1(2) csum bad doff 4 data 0x0102",
        "< Tcp seq 4294967295, csum Bad, doff 4 {0x18 end 1 Exactly([])} / Payload {Bytes([1, 2])}",
    );
    check("> . 1:1(0) ack ($nxt-1)", "> Tcp seq 1, ack ($nxt Subtract 1) {0x10 end 1 Exactly([])}");
    check("> * > 80 R abs($x):*(0)", "> Tcp sport *, dport 80, seq abs $x {0x4 end * Exactly([])}");
}

#[test]
fn layers() {
    check(
        "< arp who-has 192.0.2.1 tell REMOTE [sha 02:00:00:00:00:03]",
        "< Arp op 1, tpa 192.0.2.1, spa REMOTE, sha 02:00:00:00:00:03",
    );
    check("> arp reply 192.0.2.1 is-at LOCAL_MAC", "> Arp op 2, spa 192.0.2.1, sha LOCAL_MAC");
    check(
        "eth1 < [id 7, mf, off 0] udp 4000 > 7 (1480) csum bad",
        "< eth1: Ip id 7, mf 1, off 0 / Udp sport 4000, dport 7, csum Bad / Payload {Length(Is(Int(1480)))}",
    );
    check("< [id 7, csum bad] ip payload (20)", "< Ipv4 id 7, csum Bad / Payload {Length(Is(Int(20)))}");
    check(
        "< ip[ttl 1, rr(3), opt 0x94 len 4 (0x0000)] / udp 1 > 2 (5) \"hello\"",
        "< Ipv4 ttl 1 {rr None None [00, 00, 00], opt Some(148) Some(4) [00, 00]} / Udp sport 1, dport 2 / Payload {Bytes([104, 101, 108, 108, 111])}",
    );
    check(
        "< ip6 hbh[pad1, opt 0x9e(2)] / dst[router-alert 0] / frag[id 5, mf] icmp6 echo_request id 1 seq 1 (8)",
        "< Ipv6 / HopByHop {pad1 None None [], opt Some(158) None [00, 00]} / DestinationOptions {router-alert None None [00, 00]} / Fragment id 5, mf 1 / Icmpv6 type 128, id 1, seq 1 / Payload {Length(Is(Int(8)))}",
    );
    check(
        "< ether[dst BROADCAST_MAC] / snap[type 0x0806] / payload 0x0102",
        "< Ether dst BROADCAST_MAC / Snap type 2054 / Payload {Bytes([1, 2])}",
    );
    check("< ip6 rt[type 0] tcp[sport 5, flags 0x1ff]", "< Ipv6 / Routing type 0 / Tcp sport 5, flags 511");
}

#[test]
fn our_icmp() {
    check(
        "> icmp unreachable port [udp 4000 > 9 (16)]",
        "> Icmp type_name unreachable, code_name port {Udp sport 4000, dport 9 / Payload {Length(Is(Int(16)))}}",
    );
    check(
        "< icmp unreachable frag_needed mtu 576 [[ttl 1] 1 > 2 1:11(10)] csum bad",
        "< Icmpv4 type 3, code 4, mtu 576, csum Bad {Ip ttl 1 / Tcp sport 1, dport 2, seq 1 {0x0 end 11 Any}}",
    );
    check("< icmp parameter_problem pointer 20", "< Icmp type_name parameter_problem, pointer 20");
    check("< icmp type 13 code 0 (12)", "< Icmpv4 type 13, code 0 / Payload {Length(Is(Int(12)))}");
    check(
        "< icmp6 neighbor_advertisement target REMOTE solicited override [tlla LOCAL_MAC]",
        "< Icmpv6 type 136, target REMOTE, solicited 1, override 1 {tlla None None LOCAL_MAC[]}",
    );
    check(
        "> icmp6 neighbor_solicitation target fe80::1 [slla LOCAL_MAC, opt 14 (6)]",
        "> Icmpv6 type 135, target fe80::1 {slla None None LOCAL_MAC[], opt Some(14) None [00, 00, 00, 00, 00, 00]}",
    );
    check(
        "< icmp6 packet_too_big mtu 1280 [ip6[hlim 3] / S 0:0(0)]",
        "< Icmpv6 type 2, mtu 1280 {Ipv6 hlim 3 / Tcp seq 0 {0x2 end 0 Exactly([])}}",
    );
}
