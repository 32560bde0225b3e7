//! Every packet of the suite: built, matched with its own line, described, and the description read again.

use super::testing::*;
use crate::lang::ast::*;
use crate::lang::{self, FileSystem};
use crate::sut::{Family, Medium, Rules};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn suite() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases")
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "pkt") {
            files.push(path);
        }
    }
    files.sort();
}

fn parse(path: &Path, text: String) -> Result<Script, lang::Error> {
    let options = lang::Options { defines: BTreeMap::new(), loader: &FileSystem, suite: Some(suite()) };
    lang::parse(path, text, &options)
}

/// The packets of events, with whether the harness sends them.
fn packets(events: &[Event]) -> Vec<(bool, &Packet)> {
    let mut all = Vec::new();
    for event in events {
        match &event.action {
            Action::Inbound(p) => all.push((true, p)),
            Action::Outbound(p) | Action::Maybe(p) => all.push((false, p)),
            Action::AnyOrder(packets) => all.extend(packets.iter().map(|p| (false, p))),
            Action::OneOf(alternatives) => all.extend(alternatives.iter().flatten().map(|p| (false, p))),
            _ => {}
        }
    }
    all
}

/// Whether a packet says what can be built: no conditions, no variables, no options that are left open, and no length
/// of what it does not show, no payload of its own (a description gives its length alone).
fn is_concrete(packet: &Packet) -> bool {
    let text = packet.span.text();
    !["*", "..", "$", "not ", "?", "[len ", " data ", "payload 0x"].iter().any(|open| text.contains(open))
}

/// A run in each family of a script.
fn runs(script: &Script) -> Vec<Run> {
    let families = script.head.as_ref().map_or(&[][..], |h| &h.families);
    let all = [(Family::Ipv4, "ipv4"), (Family::Ipv6, "ipv6")];
    let fits = |name: &str| families.is_empty() || families.iter().any(|f| f.value == name);
    let families = all.into_iter().filter(|(_, name)| fits(name)).map(|(family, _)| family);
    families.map(|family| Run::new(family, Medium::Ethernet, Rules::Ours)).collect()
}

#[test]
fn every_packet_of_the_suite_is_built_matched_and_described() {
    let mut files = Vec::new();
    collect(&suite(), &mut files);
    let (mut built, mut described) = (0, 0);
    for path in &files {
        let text = std::fs::read_to_string(path).unwrap();
        let Ok(script) = parse(path, text) else { continue };
        let topology = script.head.as_ref().is_some_and(|h| !h.topology.is_empty());
        for mut run in runs(&script).into_iter().filter(|_| !topology) {
            for (inbound, packet) in packets(&script.events).into_iter().filter(|(_, p)| is_concrete(p)) {
                let place = format!("{}:{}: {}", path.display(), packet.span.line(), packet.span.text());
                if inbound {
                    super::build(&mut run.context(), packet).unwrap_or_else(|e| panic!("{place}\n{e}"));
                    built += 1;
                    continue;
                }
                let frame = super::build_outbound(&mut run.context(), packet)
                    .unwrap_or_else(|e| panic!("{place}\n{e}"));
                let result = super::matches(&mut run.context(), packet, Medium::Ethernet, &frame);
                assert_eq!(result.unwrap_or_else(|e| panic!("{place}\n{e}")), Ok(()), "{place}");
                let line = run.describe(&frame);
                let again = parse(Path::new("again.pkt"), format!("//! requires: RFC791-3.1-1\n+0 {line}\n"));
                let again = again.unwrap_or_else(|e| panic!("{place}\n{line}\n{e}"));
                let [Event { action: Action::Outbound(packet), .. }] = &again.events[..] else {
                    panic!("{line}")
                };
                let result = super::matches(&mut run.context(), packet, Medium::Ethernet, &frame);
                assert_eq!(
                    result.unwrap_or_else(|e| panic!("{place}\n{line}\n{e}")),
                    Ok(()),
                    "{place}\n{line}"
                );
                described += 1;
            }
        }
    }
    assert!(built > 100 && described > 100, "{built} built, {described} described of {} files", files.len());
}
