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
    LABS.iter().map(move |row| Trial::test(name(*row), || play(*row)))
}

/// Every finding is as it should be, and tshark finds nothing wrong in what the reference stack sends.
fn play((lab, nodes): (&str, &str)) -> Result<(), Failed> {
    let scratch = Scratch::new(&format!("lab-{lab}-{nodes}"))?;
    let capture = scratch.path.join("lab.pcapng");
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = command.args(["lab", lab, "--live", nodes, "--pcap"]).arg(&capture).output()?;
    if !output.status.success() {
        let texts = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy);
        return Err(texts.concat().into());
    }
    let told = said(Ok(output), "xtask", "wireproof")?;
    if !told.contains("findings that differ: 0") {
        return Err(told.into());
    }
    let complaints = wrong_frames(&capture)?;
    match complaints.is_empty() {
        true => Ok(()),
        false => Err(complaints.join("\n").into()),
    }
}
