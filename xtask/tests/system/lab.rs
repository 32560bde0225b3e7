//! The labs on real links: the reference stack as host and as router beside Linux, and the other way round.

use crate::witness::wrong_frames;
use crate::{Scratch, said};
use libtest_mimic::{Failed, Trial};
use std::process::Command;

/// A lab, and the nodes that are the reference stack.
const LABS: &[(&str, &str)] = &[
    ("link", "a"),
    ("link", "b"),
    ("router", "a,b"),
    ("router", "r"),
    ("static-routes", "a,b"),
    ("static-routes", "r,s"),
    ("static-routes", "a,s"),
    ("no-routes", "a,b"),
    ("no-routes", "r,s"),
    // Linux alone shows that it is the labs that are right.
    ("static-routes", "none"),
];

/// The tests.
pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let name =
        |(lab, nodes): (&str, &str)| format!("lab_{lab}_reference_is_{nodes}").replace([',', '-'], "_");
    let live = LABS.iter().map(move |row| Trial::test(name(*row), || play(row.0, Some(row.1))));
    let in_memory = ["link", "router", "static-routes", "no-routes"]
        .map(|lab| Trial::test(format!("lab_{lab}_in_memory").replace('-', "_"), || play(lab, None)));
    live.chain(in_memory).chain([
        Trial::test("lab_of_an_ordinary_user", ordinary_user),
        Trial::test("lab_nmap_hears_what_a_router_cannot_reach", unreachable),
    ])
}

/// Without privileges everything happens in a user namespace.
fn ordinary_user() -> Result<(), Failed> {
    let scratch = Scratch::new("ordinary")?;
    // Where the program is built others may not be allowed to look.
    let program = scratch.path.join("xtask");
    std::fs::copy(env!("CARGO_BIN_EXE_xtask"), &program)?;
    let is_root = said(Command::new("id").arg("-u").output(), "id", "coreutils")?.trim() == "0";
    let mut command = match is_root {
        true => Command::new("setpriv"),
        false => Command::new("env"),
    };
    if is_root {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    }
    found(command.arg(&program).args(["lab", "link", "--live", "b"]))
}

/// Every finding is as it should be, and tshark finds nothing wrong in what the reference stack sends.
fn play(lab: &str, reference: Option<&str>) -> Result<(), Failed> {
    let scratch = Scratch::new(&format!("lab-{lab}-{}", reference.unwrap_or("memory")))?;
    let capture = scratch.path.join("lab.pcapng");
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["lab", lab, "--pcap"]).arg(&capture);
    if let Some(nodes) = reference {
        command.args(["--live", nodes]);
    }
    found(&mut command)?;
    let complaints = wrong_frames(&capture)?;
    match complaints.is_empty() {
        true => Ok(()),
        false => Err(complaints.join("\n").into()),
    }
}

/// nmap on a Linux host, behind the reference stack as router: an address that nobody has, and a network without a route.
fn unreachable() -> Result<(), Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["lab", "router", "--live", "r", "--at", "a", "--"]);
    // Longer than the 3 s in which a router finds out that nobody has an address.
    let patience = ["--initial-rtt-timeout", "4s", "--min-rtt-timeout", "4s"];
    let nmap = ["nmap", "-n", "-Pn", "-sS", "--reason", "-p", "7"];
    let output = command.args(nmap).args(patience).args(["192.0.2.200", "192.0.2.70", "192.0.2.65"]).output();
    let told = said(output, "xtask", "wireproof")?;
    let expected = [
        "filtered echo    net-unreach from 192.0.2.62",
        "filtered echo    host-unreach from 192.0.2.62",
        "closed echo    reset",
    ];
    match expected.iter().all(|part| told.contains(part)) {
        true => Ok(()),
        false => Err(told.into()),
    }
}

/// Runs `cargo xtask lab`, whose findings must all be as they should be.
fn found(command: &mut Command) -> Result<(), Failed> {
    let output = command.output()?;
    let told = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    match output.status.success() && told.contains("findings that differ: 0") {
        true => Ok(()),
        false => Err(told.into()),
    }
}
