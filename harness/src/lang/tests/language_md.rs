//! Every example of `cases/LANGUAGE.md` is a script that parses.

use super::parse_with;
use crate::lang::{Loader, Options, parse};
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
