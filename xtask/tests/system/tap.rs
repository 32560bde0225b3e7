//! Programs of others talk to the reference stack: each row runs a command line in the namespace of `cargo xtask tap` and says
//! what must be in its output.

use crate::witness::wrong_frames;
use crate::{Scratch, find};
use libtest_mimic::{Failed, Trial};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A test: its name, what `tap` is told, the command line, and what is in its output.
struct Row {
    name: &'static str,
    options: &'static [&'static str],
    script: &'static str,
    expected: &'static [&'static str],
}

const fn row(name: &'static str, script: &'static str, expected: &'static [&'static str]) -> Row {
    Row { name, options: &[], script, expected }
}

const NMAP: &str = "nmap -n -Pn --reason --max-retries 3";

const ROWS: &[Row] = &[
    row("ping", "ping -c 3 -i 0.2 192.0.2.2", &["3 received, 0% packet loss"]),
    row(
        "ping_large",
        "ping -c 2 -i 0.2 -s 4000 192.0.2.2",
        &["4008 bytes from", "2 received, 0% packet loss"],
    ),
    row("ping6", "ping -6 -c 3 -i 0.2 2001:db8::2", &["3 received, 0% packet loss"]),
    row("ping6_large", "ping -6 -c 2 -i 0.2 -s 4000 2001:db8::2", &["2 received, 0% packet loss"]),
    row("traceroute", "traceroute -n -q 1 192.0.2.2", &["\n 1  192.0.2.2 "]),
    row("traceroute6", "traceroute -6 -n -q 1 2001:db8::2", &["\n 1  2001:db8::2 "]),
    row("traceroute_by_tcp", "traceroute -T -p 80 -n -q 1 192.0.2.2", &["\n 1  192.0.2.2 "]),
    row(
        "curl",
        "curl -sS -i http://192.0.2.2/ http://192.0.2.2/none",
        &["200 OK", "says hello", "404 Not Found"],
    ),
    row("curl6", "curl -sS http://[2001:db8::2]/", &["says hello"]),
    row(
        "curl_fetches_much",
        "curl -sS http://192.0.2.2/bytes/5000000 | sha256sum",
        &["d9b380b7e7b4216832cfebb75dbef64d95d592bcad101548204a03d9e0ddce70"],
    ),
    row(
        "dig",
        "dig +noall +answer @192.0.2.2 www.example A; dig +noall +comments @192.0.2.2 none.example",
        &["CNAME\tstack.example.", "A\t192.0.2.2", "status: NXDOMAIN"],
    ),
    row("dig6", "dig +noall +answer @2001:db8::2 stack.example AAAA", &["AAAA\t2001:db8::2"]),
    row("dig_by_tcp", "dig +tcp +noall +answer @192.0.2.2 -x 192.0.2.2", &["PTR\tstack.example."]),
    row(
        "dig_turns_to_tcp",
        "dig @192.0.2.2 long.example TXT",
        &["Truncated, retrying in TCP mode", "MSG SIZE  rcvd: 1254"],
    ),
    row("nc", "printf hello | nc -q 1 -w 5 192.0.2.2 7", &["hello"]),
    row("nc_by_udp", "printf hello | nc -u -w 1 2001:db8::2 7", &["hello"]),
    row(
        "nc_is_refused",
        "nc -z -v -w 5 192.0.2.2 81 2>&1; true",
        &["port 81 (tcp) failed: Connection refused"],
    ),
    row("nc_discards_much", "head -c 3000000 /dev/zero | nc -N -w 20 192.0.2.2 9 && echo over", &["over"]),
    row("nmap_syn", "-sS -p 7,80,81", &["7/tcp  open   echo", "80/tcp open", "81/tcp closed", "reset"]),
    row("nmap_connect", "-sT -p 7,81", &["7/tcp  open   echo", "81/tcp closed", "conn-refused"]),
    row("nmap_fin", "-sF -p 7,81", &["7/tcp  open|filtered echo", "81/tcp closed", "reset"]),
    row("nmap_null", "-sN -p 7,81", &["7/tcp  open|filtered echo", "81/tcp closed", "reset"]),
    row("nmap_xmas", "-sX -p 7,81", &["7/tcp  open|filtered echo", "81/tcp closed", "reset"]),
    row("nmap_ack", "-sA -p 7,81", &["7/tcp  unfiltered echo", "81/tcp unfiltered"]),
    row(
        "nmap_udp",
        "-sU -p 7,9,53,54",
        &["7/udp  open ", "9/udp  open|filtered", "53/udp open ", "54/udp closed", "port-unreach"],
    ),
    row(
        "nmap_finds_nobody",
        "nmap -n -sn 192.0.2.77; nmap -n -sn 192.0.2.2",
        &["(0 hosts up)", "(1 host up)"],
    ),
    row("iperf3", "iperf3 -c 192.0.2.2 -n 20M", &["receiver", "iperf Done."]),
    row("iperf3_reverse", "iperf3 -c 2001:db8::2 -n 10M -R -P 2", &["receiver", "iperf Done."]),
    Row {
        name: "loss",
        options: &["--loss", "1%", "--seed", "7"],
        script: "curl -sS --max-time 60 http://192.0.2.2/bytes/5000000 | sha256sum",
        expected: &["d9b380b7e7b4216832cfebb75dbef64d95d592bcad101548204a03d9e0ddce70"],
    },
    Row {
        name: "loss_both_ways",
        options: &["--loss", "1%", "--seed", "7"],
        script: BOTH_WAYS,
        expected: &["the same: True"],
    },
    row("thousand_connections", THOUSAND, &["1000 of 1000"]),
    Row {
        name: "dhcp_and_resolver_with_dnsmasq",
        options: &["--dhcp", "--look-up", "wanted.example"],
        script: "dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --bind-interfaces \
            --interface=tap0 --no-ping --dhcp-range=192.0.2.50,192.0.2.60,1h --user=root --pid-file= \
            --dhcp-host=02:00:00:00:00:02,192.0.2.55 --dhcp-leasefile=/dev/null --address=/wanted.example/192.0.2.99 & \
            until ping -c 1 -W 1 192.0.2.55; do sleep 0.2; done; sleep 2",
        expected: &["1 received", "wanted.example: 192.0.2.99"],
    },
    row("smtp", SMTP, &["{}", "no such mailbox", "sent"]),
    row("pop3", POP3, &["(1, 30)", "b'.from afar'", "over"]),
    row("imap", IMAP, &["Subject: hello", "BYE"]),
];

/// Four megabytes go to the echo service while they come back.
const BOTH_WAYS: &str = "python3 -c '
import socket, threading
data = bytes(i * 7 % 251 for i in range(4000000))
connection = socket.create_connection((\"192.0.2.2\", 7), 60)
def send():
    connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)
threading.Thread(target=send).start()
got = bytearray()
while part := connection.recv(65536):
    got += part
print(\"the same:\", got == data)
'";

/// One connection after the other, IPv4 and IPv6 by turns, each with a word of its own.
const THOUSAND: &str = "python3 -c '
import socket
good = 0
for number in range(1000):
    connection = socket.create_connection(((\"192.0.2.2\", \"2001:db8::2\")[number % 2], 7), 30)
    connection.sendall(b\"%d\" % number)
    connection.shutdown(socket.SHUT_WR)
    got = b\"\"
    while part := connection.recv(100):
        got += part
    connection.close()
    good += got == b\"%d\" % number
print(good, \"of 1000\")
'";

const SMTP: &str = "python3 -c '
import smtplib
server = smtplib.SMTP(\"192.0.2.2\", timeout=10)
print(server.sendmail(\"a@example\", \"b@example\", \"Subject: x\\r\\n\\r\\n.a line with a dot\\r\\n\"))
try:
    server.sendmail(\"a@example\", \"nobody@example\", \"x\")
except smtplib.SMTPRecipientsRefused as refused:
    print(refused)
server.quit()
print(\"sent\")
'";

const POP3: &str = "python3 -c '
import poplib
server = poplib.POP3(\"2001:db8::2\", timeout=10)
server.user(\"a\"), server.pass_(\"b\")
print(server.stat(), server.retr(1))
server.quit()
print(\"over\")
'";

const IMAP: &str = "python3 -c '
import imaplib
server = imaplib.IMAP4(\"192.0.2.2\", timeout=10)
server.login(\"a\", \"b\"), server.select()
print(server.fetch(\"1\", \"(RFC822)\"))
print(server.logout())
'";

/// The tests.
pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let rows = ROWS.iter().map(|row| Trial::test(format!("tap_{}", row.name), || play(row)));
    rows.chain([
        Trial::test("tap_capture_is_read_by_tshark", capture),
        Trial::test("tap_ends_at_a_signal", ends_at_a_signal),
        Trial::test("tap_leaves_nothing_when_it_is_killed", leaves_nothing),
        Trial::test("tap_has_its_programs_exit_status", exit_status),
    ])
}

/// `cargo xtask tap` with these options and a shell's command line.
fn tap(options: &[&str], script: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("tap").args(options).args(["--", "timeout", "90", "sh", "-c", script]);
    command
}

fn text(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
}

fn play(row: &Row) -> Result<(), Failed> {
    let script = match row.script.starts_with('-') {
        true => format!("{NMAP} {} 192.0.2.2", row.script),
        false => row.script.to_owned(),
    };
    let output = tap(row.options, &script).output()?;
    let said = text(&output);
    let missing: Vec<&&str> = row.expected.iter().filter(|part| !said.contains(**part)).collect();
    if !missing.is_empty() {
        return Err(format!("{}: {missing:?} not in the output:\n{said}", output.status).into());
    }
    Ok(())
}

/// What goes over the device in a conversation with everything is found in order by tshark.
fn capture() -> Result<(), Failed> {
    let scratch = Scratch::new("tap")?;
    let path = scratch.path.join("tap.pcapng");
    let script = "ping -c 1 -s 3000 192.0.2.2; ping -c 1 -s 3000 2001:db8::2; curl -s http://192.0.2.2/bytes/100000 >/dev/null; \
        dig @2001:db8::2 www.example; nc -z -w 1 192.0.2.2 81; nmap -n -Pn -sU -p 9,54 192.0.2.2";
    let output = tap(&["--pcap", &path.display().to_string()], script).output()?;
    let complaints = wrong_frames(&path)?;
    if !complaints.is_empty() {
        return Err(complaints.join("\n").into());
    }
    let mut found = Vec::new();
    find(&scratch.path, &mut found)?;
    let length = std::fs::metadata(&path)?.len();
    if found.len() != 1 || length < 100_000 {
        return Err(format!("a capture of {length} bytes:\n{}", text(&output)).into());
    }
    Ok(())
}

/// A signal is given to `tap`, which has nothing to wait for but that, and it ends at once and well.
fn ends_at_a_signal() -> Result<(), Failed> {
    let mut tap = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("tap").stderr(Stdio::piped()).spawn()?;
    let mut said = [0; 64];
    let count = tap.stderr.as_mut().ok_or("no standard error")?.read(&mut said)?;
    let kill = Command::new("kill").args(["-TERM", &tap.id().to_string()]).status()?;
    let start = Instant::now();
    let status = tap.wait()?;
    if count == 0 || !kill.success() || !status.success() || start.elapsed() > Duration::from_secs(5) {
        return Err(format!("{status} after {:?}", start.elapsed()).into());
    }
    Ok(())
}

/// Whether a process runs that has `mark` among its arguments.
fn runs(mark: &str) -> bool {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.into_iter().any(|line| line.split(|byte| *byte == 0).any(|word| word == mark.as_bytes()))
}

fn wait_until(what: &str, condition: impl Fn() -> bool) -> Result<(), Failed> {
    let start = Instant::now();
    while !condition() {
        if start.elapsed() > Duration::from_secs(10) {
            return Err(format!("{what}: not in 10 s").into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Killed without a chance to clean up, it takes the programs of its namespace with it, also those in the background.
fn leaves_nothing() -> Result<(), Failed> {
    let [first, second] = ["86391", "86392"].map(|number| format!("{number}.{}", std::process::id()));
    let mut tap = tap(&[], &format!("setsid sleep {first} & sleep {second}; true")).spawn()?;
    let started = wait_until("the start", || runs(&first) && runs(&second));
    tap.kill()?;
    tap.wait()?;
    started?;
    wait_until("the end", || !runs(&first) && !runs(&second))?;
    match Path::new("/sys/class/net/tap0").exists() {
        true => Err("the device is in the machine's own network".into()),
        false => Ok(()),
    }
}

fn exit_status() -> Result<(), Failed> {
    let codes: Result<Vec<Option<i32>>, std::io::Error> =
        ["true", "false", "exit 3"].map(|s| Ok(tap(&[], s).output()?.status.code())).into_iter().collect();
    let codes = codes?;
    match codes == [Some(0), Some(1), Some(1)] {
        true => Ok(()),
        false => Err(format!("{codes:?}").into()),
    }
}
