//! tshark as a witness of its own: it decodes what `reference` sends in every case, and complains of nothing.

use crate::{Scratch, find, said};
use libtest_mimic::Failed;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Frames that the stack has sent, with a header that cannot be read or a checksum that is wrong.
const WRONG: &str = "frame.packet_flags_direction == 2 && (_ws.malformed || ip.checksum.status == 0 \
    || tcp.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0 \
    || icmpv6.checksum.status == 0 || igmp.checksum.status == 0)";
/// Frames of different captures stand in one file, so fragments are not put together.
const OPTIONS: &[&str] = &[
    "ip.defragment:FALSE",
    "ipv6.defragment:FALSE",
    "ip.check_checksum:TRUE",
    "tcp.check_checksum:TRUE",
    "udp.check_checksum:TRUE",
];

/// What tshark complains of and is right all the same: the folder of the case, what its line says, why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "forwarding",
        "Redirect is at",
        "the quoted datagram is padded, as an option ends on a boundary of 8 bytes (RFC 4861 4.6); to tshark that is data of its own",
    ),
    ("ipv6/headers/cut/hop-by-hop", "Parameter Problem", "what is quoted is cut off, as it was when it came"),
    (
        "ipv6/headers/routing-headers/type-5",
        "Parameter Problem",
        "the type that is quoted is none, as it was when it came",
    ),
];

/// Plays every case on `reference` and shows tshark each frame that it sent.
pub(crate) fn look() -> Result<(), Failed> {
    let scratch = Scratch::new("witness")?;
    let out = scratch.path.join("out");
    let status = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["conformance", "--stack", "reference", "--all", "--pcap", "--out"])
        .arg(&out)
        .output()?
        .status;
    if status.code() == Some(2) {
        return Err("the cases could not be played".into());
    }
    let mut captures = Vec::new();
    find(&out.join("pcap"), &mut captures)?;
    let mut folders: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for capture in captures {
        let folder = capture.parent().unwrap_or(Path::new("")).to_owned();
        folders.entry(folder).or_default().push(capture);
    }
    let mut complaints = Vec::new();
    for (number, (folder, captures)) in folders.iter().enumerate() {
        let all = scratch.path.join(format!("{number}.pcapng"));
        join(captures, &all)?;
        let name = folder.strip_prefix(out.join("pcap")).unwrap_or(folder).display().to_string();
        let excused =
            |line: &str| EXCEPTIONS.iter().any(|(of, text, _)| name.ends_with(of) && line.contains(text));
        let lines = wrong_frames(&all)?;
        complaints.extend(lines.iter().filter(|line| !excused(line)).map(|line| format!("{name}: {line}")));
    }
    if folders.is_empty() || !complaints.is_empty() {
        return Err(format!("{} folders of captures\n{}", folders.len(), complaints.join("\n")).into());
    }
    Ok(())
}

/// Puts captures into one file, one behind the other.
fn join(captures: &[PathBuf], into: &Path) -> Result<(), Failed> {
    let mut command = Command::new("mergecap");
    let output = command.arg("-a").arg("-w").arg(into).args(captures).output();
    said(output, "mergecap", "wireshark-common").map(|_| ())
}

/// The lines of tshark about frames that it finds something wrong with.
pub(crate) fn wrong_frames(capture: &Path) -> Result<Vec<String>, Failed> {
    let mut command = Command::new("tshark");
    for option in OPTIONS {
        command.args(["-o", option]);
    }
    let output = command.args(["-Y", WRONG, "-r"]).arg(capture).output();
    Ok(said(output, "tshark", "tshark")?.lines().map(str::to_owned).collect())
}
