//! What is written, and what must be read.

use super::{Session, failed, with};
use crate::packet::pattern;
use crate::sut::{Call, Family, Message, Outcome, Output, Rules};

/// The bytes that a call carries.
fn written(call: Call) -> Vec<u8> {
    match call {
        Call::Write { data, .. } | Call::Send { data, .. } | Call::Sendto { data, .. } => data,
        Call::Writev { data, .. } => data.concat(),
        Call::Sendmsg { message, .. } => message.iov.concat(),
        Call::NullBuffer(inner) => written(*inner),
        other => panic!("{other:?} carries no bytes"),
    }
}

#[test]
fn the_pattern_goes_on_after_a_partial_write() {
    let mut s = Session::ours();
    let first = s.call("write(4, ..., 300) = 300").unwrap();
    assert_eq!(written(first), pattern::bytes(0, 300));
    s.passes("write(4, ..., 300) = 200", Outcome::value(200));
    s.passes("write(4, ..., 100) = -1 EAGAIN", failed("EAGAIN"));
    let rest = s.call("writev(4, [{..., 60}, {..., 40}], 2) = 100").unwrap();
    assert_eq!(written(rest), pattern::bytes(200, 100));
    // A new connection begins at 0.
    s.passes("accept(3, ..., ...) = 5", Outcome::value(105));
    assert_eq!(written(s.call("write(5, ..., 2) = 2").unwrap()), [0, 1]);
}

#[test]
fn a_datagram_begins_at_0() {
    let mut s = Session::ours();
    s.passes("socket(..., SOCK_DGRAM, IPPROTO_UDP) = 7", Outcome::value(107));
    s.passes("sendto(7, ..., 3, 0, ..., ...) = 3", Outcome::value(3));
    assert_eq!(written(s.call("sendto(7, ..., 3, 0, ..., ...) = 3").unwrap()), [0, 1, 2]);
    s.passes("recv(7, ..., 9, 0) = 2", with(2, Output::Data(vec![0, 1])));
    s.passes("recv(7, ..., 9, 0) = 2", with(2, Output::Data(vec![0, 1])));
}

#[test]
fn upstream_scripts_write_zeros_and_read_anything() {
    let mut s = Session::upstream();
    assert_eq!(written(s.call("write(4, ..., 3) = 3").unwrap()), [0, 0, 0]);
    s.passes("read(4, ..., 3) = 3", with(3, Output::Data(vec![9, 9, 9])));
    s.differs(
        "read(4, \"abc\", 3) = 3",
        with(3, Output::Data(b"abd".to_vec())),
        ("data", "0x63 at offset 2", "0x64 at offset 2"),
    );
}

#[test]
fn what_is_read_is_compared_from_where_the_last_read_ended() {
    let mut s = Session::ours();
    s.passes("read(4, ..., 10) = 2", with(2, Output::Data(vec![0, 1])));
    s.passes("recv(4, ..., 2, MSG_PEEK) = 2", with(2, Output::Data(vec![2, 3])));
    s.passes("readv(4, [{..., 1}, {..., 1}], 2) = 2", with(2, Output::Vectors(vec![vec![2], vec![3]])));
    let message = Message { iov: vec![vec![4, 5, 0, 0]], ..Message::default() };
    s.passes(
        "recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 4}], msg_flags=0}, 0) = 2",
        with(2, Output::Message(message)),
    );
    s.differs(
        "read(4, ..., 10) = 3",
        with(3, Output::Data(vec![6, 7, 9])),
        ("data", "0x08 at offset 8", "0x09 at offset 8"),
    );
}

#[test]
fn bytes_that_do_not_come_are_missed() {
    let mut s = Session::ours();
    s.differs("read(4, ..., 10) = 3", with(3, Output::Data(vec![0])), ("data", "3 bytes", "1 bytes"));
    let mut s = Session::ours();
    s.passes("recv(4, ..., 10, MSG_TRUNC) = 10", Outcome::value(10));
    s.passes("read(4, ..., 1) = 1", with(1, Output::Data(vec![10])));
    s.passes("recv(4, ..., 1, MSG_OOB) = 1", with(1, Output::Data(vec![77])));
}

#[test]
fn strings_are_sent_as_they_are_and_count_in_the_stream() {
    let mut s = Session::ours();
    assert_eq!(written(s.call("write(4, \"hello\", 4) = 4").unwrap()), b"hell");
    s.passes("write(4, \"hello\", 4) = 4", Outcome::value(4));
    assert_eq!(written(s.call("write(4, ..., 1) = 1").unwrap()), [4]);
    s.passes("read(4, \"he\"..., 5) = 5", with(5, Output::Data(b"hello".to_vec())));
    s.differs(
        "read(4, \"he\", 5) = 5",
        with(5, Output::Data(b"hello".to_vec())),
        ("data", "2 bytes", "5 bytes"),
    );
}

#[test]
fn a_socket_that_is_disconnected_begins_anew() {
    let mut s = Session::ours();
    s.passes("write(4, ..., 7) = 7", Outcome::value(7));
    s.passes("connect(4, AF_UNSPEC, ...) = 0", Outcome::value(0));
    assert_eq!(written(s.call("write(4, ..., 1) = 1").unwrap()), [0]);
}

#[test]
fn an_echo_request_has_its_type_in_front() {
    let rows = [(Family::Ipv4, "IPPROTO_ICMP", 8), (Family::Ipv6, "IPPROTO_ICMPV6", 128)];
    for (family, protocol, kind) in rows {
        let mut s = Session::new(Rules::Packetdrill, family);
        s.passes(&format!("socket(..., SOCK_DGRAM, {protocol}) = 3"), Outcome::value(3));
        let data = written(s.call("sendto(3, ..., 10, 0, ..., ...) = 10").unwrap());
        assert_eq!(data, [kind, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(written(s.call("icmp_sendto(3, ..., 7, 0, ..., ...) = -1").unwrap()), [0; 7]);
    }
}
