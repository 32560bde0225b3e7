//! Every example of `cases/LANGUAGE.md` is a script that parses.

use super::parse_with;
use crate::calls::SIGNATURES;
use crate::lang::ast::LayerKind;
use crate::lang::messages::{DHCP_MESSAGES, DHCP_OPTIONS, DNS_SECTIONS};
use crate::lang::{Loader, Options, names, parse};
use crate::sut::Capability;
use std::path::Path;

const TEXT: &str = include_str!("../../../../cases/LANGUAGE.md");

/// The blocks fenced with this tag, each with the line on which it begins.
fn blocks(tag: &str) -> Vec<(usize, String)> {
    let mut blocks: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for (number, line) in TEXT.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if inside => inside = false,
            Some(info) if info == tag => {
                inside = true;
                blocks.push((number + 2, String::new()));
            }
            _ if inside => {
                let (_, text) = blocks.last_mut().expect("a block was begun");
                text.push_str(line);
                text.push('\n');
            }
            _ => {}
        }
    }
    blocks
}

/// The openings that the examples include, by name.
struct Openings(String);

impl Loader for Openings {
    fn load(&self, path: &Path) -> Result<String, String> {
        match path.to_str() {
            Some("suite/given/established.pkt" | "suite/given/listening.pkt") => {
                Ok("//! parameter mss = 1460\n+0 < S 0:0(0) win 1000 <mss $mss>\n".to_string())
            }
            Some("suite/given/udp-bound.pkt") => {
                Ok("+0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3\n".to_string())
            }
            Some("suite/given/the-example.pkt") => Ok(self.0.clone()),
            _ => Err("no such file".to_string()),
        }
    }
}

fn check(line: usize, text: &str, openings: &Openings) {
    let options = Options { defines: Default::default(), loader: openings, suite: Some("suite".into()) };
    let script = parse(Path::new("suite/tcp/t.pkt"), text.to_string(), &options);
    let script = script.unwrap_or_else(|error| panic!("LANGUAGE.md, the example in line {line}:\n{error}"));
    assert_eq!(script.head.is_some(), text.contains("//! requires:"), "line {line}");
}

#[test]
fn examples_parse() {
    let scripts = blocks("pkt");
    assert!(scripts.len() > 15, "{}", scripts.len());
    for (line, text) in scripts {
        check(line, &text, &Openings(String::new()));
    }
}

#[test]
fn the_included_example_parses() {
    let included = blocks("pkt-included");
    assert_eq!(included.len(), 1);
    let case = "//! requires: X-1\ninclude \"the-example.pkt\" (mss 536, win 1)\n---\n+0 close(3) = 0\n";
    check(included[0].0, case, &Openings(included[0].1.clone()));
    assert!(parse_with(&included[0].1, &[]).is_err(), "an included file is no script");
}

/// Whether the description has a name as a word of its own.
fn is_described(name: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    TEXT.match_indices(name)
        .any(|(at, _)| !TEXT[..at].ends_with(part) && !TEXT[at + name.len()..].starts_with(part))
}

#[test]
fn every_name_that_the_parser_knows_is_described() {
    let mut known: Vec<&str> = Vec::new();
    for v6 in [false, true] {
        for kind in names::icmp_types(v6) {
            known.push(kind);
            known.extend(names::icmp_codes(v6, kind));
        }
    }
    for kind in [LayerKind::Ipv4, LayerKind::HopByHop, LayerKind::Icmpv6] {
        known.extend(names::header_options(kind));
    }
    known.extend(DHCP_OPTIONS.iter().map(|(name, ..)| *name));
    known.extend(DHCP_MESSAGES.iter().map(|(name, _)| *name));
    known.extend(DNS_SECTIONS);
    known.extend(Capability::ALL.iter().map(|(_, name)| *name));
    known.extend(SIGNATURES.iter().map(|signature| signature.name));
    known.extend(crate::packet::field_names());
    let missing: Vec<_> = known.into_iter().filter(|name| !is_described(name)).collect();
    assert_eq!(missing, [""; 0]);
}
