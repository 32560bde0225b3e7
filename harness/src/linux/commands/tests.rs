//! Command lines without a network, played in the test's own process.

use super::*;

/// Runs a line whose commands touch nothing but files; gives its status, or what was not understood.
fn check(line: &str, expected: Result<i64, &str>) {
    let mut commands = Commands::default();
    let mut network = Netlink::open().expect("netlink needs no privileges");
    let found = commands.script(line, &mut network, 0).map(|done| done.status);
    assert_eq!(found, expected.map_err(|text| Unknown(text.to_owned())), "{line}");
}

#[test]
fn joints_decide_what_runs() {
    for (line, status) in [
        ("true", 0),
        ("false", 1),
        ("false; true", 0),
        ("false && true", 1),
        ("true && false", 1),
        ("true || false", 0),
        ("false || true", 0),
        ("true || no-such-command", 0),
        ("false && no-such-command", 1),
        ("true || no-such-command | no-such-command ; false", 1),
        ("# nothing\n", 0),
    ] {
        check(line, Ok(status));
    }
}

#[test]
fn what_is_said_goes_through_pipes() {
    check("echo one two | grep 'e t'", Ok(0));
    check("echo one two | grep three", Ok(1));
    check("echo one | grep -v one > /dev/null", Ok(1));
    check("echo one | cat | grep -q one", Ok(0));
    check("grep x /no/such/file", Ok(2));
    check("cat /proc/self/status | grep Pid: | grep -q Name", Ok(1));
}

#[test]
fn what_is_not_understood_is_named() {
    for (line, named) in [
        ("true; make world", "make world"),
        ("grep a.b /proc/net/tcp", "grep a.b /proc/net/tcp"),
        ("rm -rf /home", "rm -rf /home"),
        ("rm /etc/passwd", "rm /etc/passwd"),
        ("dd if=/dev/zero of=/tmp/x bs=1M count=1", "dd if=/dev/zero of=/tmp/x bs=1M count=1"),
        ("ip route show", "ip route show"),
        ("tc qdisc add dev lo root netem delay 1ms", "tc qdisc add dev lo root netem delay 1ms"),
        ("ethtool -K lo colour on", "ethtool -K lo colour on"),
        ("echo \"open", "echo \"open"),
        ("sleep 1 & true", "sleep 1"),
    ] {
        check(line, Err(named));
    }
}

#[test]
fn a_script_that_is_not_there_is_not_found() {
    check("./no-such-script.sh", Ok(127));
    check("./no-such-script.sh || true", Ok(0));
}
