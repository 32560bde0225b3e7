//! Calls and their arguments.

use super::{ours, parse_with, show, upstream};

#[track_caller]
fn check_upstream(call: &str, expected: &str) {
    assert_eq!(show::action(&upstream(&format!("0 {call}\n")).events[0].action), expected);
}

#[track_caller]
fn check(call: &str, expected: &str) {
    assert_eq!(show::action(&ours(&format!("+0 {call}\n")).events[0].action), expected);
}

#[test]
fn results() {
    check_upstream("close(3) = 0", "close([Number(Int(3))]) = Number(Int(0)) None None");
    check_upstream(
        "...0.2 connect(3, ..., ...) = -1 ETIMEDOUT (Connection timed out)",
        "connect([Number(Int(3)), Ellipsis, Ellipsis]) = Number(Int(-1)) Some(\"ETIMEDOUT\") Some((200ms, 200ms))",
    );
    check(
        "close($fd) = -1 EBADF",
        "close([Number(Variable(\"fd\"))]) = Number(Int(-1)) Some(\"EBADF\") None",
    );
    check(
        "read(4, ..., 9) = 1..9",
        "read([Number(Int(4)), Ellipsis, Number(Int(9))]) = Pattern(Range(Int(1), Int(9))) None None",
    );
    check("link(eth0, down) = *", "link([Word(\"eth0\"), Word(\"down\")]) = Pattern(Any) None None");
}

#[test]
fn expressions() {
    check_upstream(
        "f(A|B|0x4, C = D | E) = 0",
        "f([Or(Word(\"A\"), Or(Word(\"B\"), Number(Int(4)))), Assign(\"C\", Or(Word(\"D\"), Word(\"E\")))]) = Number(Int(0)) None None",
    );
    check_upstream(
        r#"f("a\x00" "b", "c"..., [], [1, 2]) = 0"#,
        "f([String([97, 0, 98]), StringPrefix([99]), Array([]), Array([Number(Int(1)), Number(Int(2))])]) = Number(Int(0)) None None",
    );
    check_upstream(
        r#"f(inet_addr("1.2.3.4"), inet6_addr("::1"), {1, X}) = 0"#,
        "f([InetAddr(\"1.2.3.4\"), Inet6Addr(\"::1\"), Braces([Number(Int(1)), Word(\"X\")])]) = Number(Int(0)) None None",
    );
    // Words that mean something elsewhere are words here.
    check_upstream(
        "f(win, id, off) = 0",
        "f([Word(\"win\"), Word(\"id\"), Word(\"off\")]) = Number(Int(0)) None None",
    );
}

#[test]
fn structures() {
    check_upstream(
        r#"f({sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr("1.2.3.4")}) = 0"#,
        "f([SockAddr { family: \"AF_INET\", port: Int(80), address: \"1.2.3.4\" }]) = Number(Int(0)) None None",
    );
    check_upstream(
        "f({..., 10}, {onoff=1, linger=2}, {scm_sec=3, scm_nsec=4}) = 0",
        "f([IoVec(10), Linger { onoff: 1, linger: 2 }, ScmTimestamping { sec: 3, nsec: 4 }]) = Number(Int(0)) None None",
    );
    check_upstream(
        "f([{fd=3, events=POLLIN}], {events=EPOLLIN, u32=4}) = 1",
        "f([Array([PollFd { fd: Number(Int(3)), events: Word(\"POLLIN\"), revents: Number(Int(0)) }]), EpollEvent { events: Word(\"EPOLLIN\"), data_name: \"u32\", data: Number(Int(4)) }]) = Number(Int(1)) None None",
    );
    check_upstream(
        "f({msg_name(...)=..., msg_iov(1)=[{..., 5}], msg_flags=A|B, msg_control=[{cmsg_level=C, cmsg_type=D, cmsg_data=E}]}) = 5",
        "f([MsgHdr { iov: [IoVec(5)], iov_len: 1, flags: Or(Word(\"A\"), Word(\"B\")), control: [CMsg { level: Word(\"C\"), kind: Word(\"D\"), data: Word(\"E\") }] }]) = Number(Int(5)) None None",
    );
    check_upstream(
        "f({ee_errno=1, ee_origin=2, ee_type=3, ee_code=4, ee_info=5, ee_data=X}, {}) = 0",
        "f([SockExtendedErr { errno: Number(Int(1)), origin: Number(Int(2)), kind: Number(Int(3)), code: Number(Int(4)), info: Number(Int(5)), data: Word(\"X\") }, MplsStack([])]) = Number(Int(0)) None None",
    );
}

#[test]
fn definitions_are_substituted() {
    let script = parse_with(
        "--define=CC=\"reno\"\n0 f(CC, LEVEL, SIZE) = 0\n",
        &[("LEVEL", "SOL_IP"), ("SIZE", "0x10")],
    )
    .unwrap();
    assert_eq!(
        show::action(&script.events[0].action),
        "f([String([114, 101, 110, 111]), Word(\"SOL_IP\"), Number(Int(16))]) = Number(Int(0)) None None"
    );
}
