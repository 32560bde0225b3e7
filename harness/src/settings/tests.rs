//! Commands as upstream scripts have them.

use super::{UnknownCommand, defaults, parse_command};

/// The settings of a line as `name = value`, with `?` behind what is optional.
fn check(command: &str, expected: &[&str]) {
    let found = parse_command(command).unwrap_or_else(|e| panic!("{command}: {e}"));
    let shown =
        found.iter().map(|s| format!("{} = {}{}", s.name, s.value, if s.optional { "?" } else { "" }));
    assert_eq!(shown.collect::<Vec<_>>(), expected, "{command}");
}

#[test]
fn sysctls() {
    check("sysctl -q net.ipv4.tcp_timestamps=0", &["net.ipv4.tcp_timestamps = 0"]);
    check("sysctl -e -q net/ipv4/tcp_min_tso_segs=2", &["net.ipv4.tcp_min_tso_segs = 2?"]);
    check("sysctl -q net.ipv4.tcp_ecn=2    # server agrees\n", &["net.ipv4.tcp_ecn = 2"]);
    check(
        "sysctl -q \\\n  net.ipv4.tcp_fastopen=0x30403 \\\n  net.ipv4.tcp_fastopen_key=a0bf63f7-ed803d81",
        &["net.ipv4.tcp_fastopen = 0x30403", "net.ipv4.tcp_fastopen_key = a0bf63f7-ed803d81"],
    );
    check(
        "sysctl -q net.ipv4.tcp_rmem=\"4096 540000 $((15*1024*1024))\"",
        &["net.ipv4.tcp_rmem = 4096 540000 15728640"],
    );
    check("sysctl -q a.b='x  y'", &["a.b = x  y"]);
}

#[test]
fn upstreams_own_tools() {
    check(
        "../common/set_sysctls.py /proc/sys/net/ipv4/tcp_wmem=\"4096 50000 4194304\" \\\n\t/proc/sys/net/ipv4/tcp_sack=0\\\n",
        &["net.ipv4.tcp_wmem = 4096 50000 4194304", "net.ipv4.tcp_sack = 0"],
    );
    check("/tmp/sysctl_restore_${PPID}.sh", &["sysctl restore = "]);
    let with_defaults =
        parse_command("../../common/defaults.sh\nsysctl -q net.ipv4.tcp_ecn=1  # fully enabled\n").unwrap();
    assert_eq!(with_defaults.len(), defaults::DEFAULTS.len() + 1);
    assert!(with_defaults[0].optional);
    assert_eq!(
        with_defaults.last().map(|s| (s.name.as_str(), s.value.as_str())),
        Some(("net.ipv4.tcp_ecn", "1"))
    );
}

#[test]
fn routes_queues_and_offloads() {
    check("ip tcp_metrics flush all > /dev/null 2>&1", &["ip tcp_metrics flush = all"]);
    check(
        "ip -6 route change 2001:DB8::1 via fd3d::0 dev tun0 mtu lock 660 initcwnd 11\n ethtool -K tun0 gso off\n",
        &[
            "ip route change = 2001:DB8::1 via fd3d::0 dev tun0 mtu lock 660 initcwnd 11",
            "ethtool -K = tun0 gso off",
        ],
    );
    check(
        "tc qdisc delete dev tun0 root 2>/dev/null ; tc qdisc add dev tun0 root pfifo limit 0",
        &["tc qdisc delete = dev tun0 root", "tc qdisc add = dev tun0 root pfifo limit 0"],
    );
    check(
        "echo 3 > /sys/module/tcp_cubic/parameters/hystart_detect && echo 1 >/proc/sys/net/ipv4/tcp_sack",
        &["/sys/module/tcp_cubic/parameters/hystart_detect = 3", "net.ipv4.tcp_sack = 1"],
    );
}

#[test]
fn an_alternative_makes_what_it_stands_for_optional() {
    check(
        "sysctl -q a.b=1 c.d=2 &> /dev/null ||\\\n  ip tcp_metrics flush all &> /dev/null",
        &["a.b = 1?", "c.d = 2?", "ip tcp_metrics flush = all"],
    );
}

#[test]
fn what_needs_a_shell_is_named() {
    let rows = [
        ("nstat > /dev/null", "nstat > /dev/null"),
        ("sysctl -q a.b=1; nstat | grep TcpExtOutOfWindowIcmps > /dev/null", "nstat"),
        (
            "../../common/defaults.sh\n/bin/rm -f /tmp/testfile\n/bin/dd bs=1 of=/tmp/x",
            "/bin/rm -f /tmp/testfile",
        ),
        ("grep \" 0A \" /proc/net/tcp", "grep \" 0A \" /proc/net/tcp"),
        ("sysctl -n net.ipv4.tcp_sack", "sysctl -n net.ipv4.tcp_sack"),
        ("sysctl -q a.b=$(cat x)", "sysctl -q a.b="),
        ("echo \"open", "echo \"open"),
        ("sleep 1 & true", "sleep 1"),
        ("ip link", "ip link"),
        ("cat < x", "cat"),
        ("sysctl =1", "sysctl =1"),
        ("echo 1 > /proc/sys/", "echo 1 > /proc/sys/"),
    ];
    for (command, named) in rows {
        assert_eq!(parse_command(command), Err(UnknownCommand { command: named.into() }), "{command}");
    }
    assert_eq!(parse_command("# nothing\n \\\n"), Ok(Vec::new()));
}
