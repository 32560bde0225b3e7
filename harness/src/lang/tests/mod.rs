//! The language as its users meet it: scripts in, trees or errors out.

mod bad_head;
mod bad_ours;
mod bad_upstream;
mod calls;
mod language_md;
mod limits;
mod packets;
mod scripts;
mod show;

use super::ast::Script;
use super::{Error, Loader, Options, parse};
use std::collections::BTreeMap;
use std::path::Path;

/// The suite around every test: the case is `suite/tcp/t.pkt`.
const FILES: &[(&str, &str)] = &[
    (
        "suite/given/established.pkt",
        "//! An opening.\n//! parameter mss = 1460\n+0 < S 0:0(0) win 1000 <mss $mss>\n",
    ),
    ("suite/given/late.pkt", "1 close(3) = 0\n"),
    ("suite/given/headed.pkt", "//! requires: X\n+0 close(3) = 0\n"),
    ("suite/given/small.pkt", "//! parameter size = 500\ninclude \"established.pkt\" (mss ($size+36))\n"),
    ("suite/tcp/beside.pkt", "@first +0 close(3) = 0\n"),
    ("suite/tcp/ping.pkt", "include \"pong.pkt\"\n"),
    ("suite/tcp/pong.pkt", "include \"ping.pkt\"\n"),
];

struct Files;

impl Loader for Files {
    fn load(&self, path: &Path) -> Result<String, String> {
        let found = FILES.iter().find(|(name, _)| Path::new(name) == path);
        found.map(|(_, text)| text.to_string()).ok_or_else(|| "no such file".to_string())
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned());
        let inside = FILES.iter().map(|(path, _)| Path::new(*path)).filter(|p| p.parent() == Some(directory));
        inside.filter_map(name).collect()
    }
}

fn parse_with(text: &str, defines: &[(&str, &str)]) -> Result<Script, Error> {
    let defines: BTreeMap<String, String> =
        defines.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let options = Options { defines, loader: &Files, suite: Some("suite".into()) };
    parse(Path::new("suite/tcp/t.pkt"), text.to_string(), &options)
}

/// A script of packetdrill's, which must be right.
fn upstream(text: &str) -> Script {
    parse_with(text, &[]).unwrap_or_else(|error| panic!("{error}"))
}

/// A case with a short head in front.
fn ours(text: &str) -> Script {
    upstream(&format!("//! requires: X-1\n{text}"))
}

/// What the user sees of a script's first mistake; both texts begin with a line end, so that they stand one below the other.
#[track_caller]
fn check_error(text: &str, expected: &str) {
    match parse_with(&text[1..], &[]) {
        Ok(script) => panic!("no error in {text}\n{script:#?}"),
        Err(error) => assert_eq!(format!("\n{error}\n"), expected),
    }
}
