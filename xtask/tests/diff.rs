//! `cargo xtask diff` from the outside, with stacks in memory.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder that is removed at the test's end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        Folder(std::env::temp_dir().join(format!("wireproof-{}-diff-{test}", std::process::id())))
    }

    /// The files with this ending.
    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.0).map(|entries| entries.flatten().collect::<Vec<_>>());
        let paths = entries.unwrap_or_default().into_iter().map(|entry| entry.path());
        paths.filter(|path| path.to_string_lossy().ends_with(ending)).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn diff(out: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("diff").args(arguments).args(["--jobs", "2", "--out"]).arg(out);
    command.output().expect("the program starts")
}

#[test]
fn a_stack_is_like_itself_and_the_faults_are_found() {
    let folder = Folder::new("same");
    let output = diff(&folder.0, &["--stacks", "reference,reference", "--scenarios", "64"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("8 of 8 deliberate faults found"), "{said}");
    assert!(said.contains("0 scenarios differ in a way that no class knows"), "{said}");
}

#[test]
fn an_unknown_difference_is_a_case_with_a_requirement_and_fails() {
    let folder = Folder::new("unknown");
    let arguments =
        ["--stacks", "reference,reference:linux", "--scenarios", "48", "--shrink", "1", "--no-canaries"];
    let output = diff(&folder.0, &arguments);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("cargo xtask diff --stacks reference,reference:linux --bytes "), "{said}");
    for ending in [".pkt", ".ladder.txt", ".pcapng"] {
        assert_eq!(folder.files(ending).len(), 2, "{ending}: {said}");
    }
    let catalogue = cases::catalogue::Catalogue::load().expect("the catalogue");
    for case in folder.files(".pkt") {
        let text = std::fs::read_to_string(&case).expect("a case");
        let id = text.lines().find_map(|line| line.strip_prefix("//! requires: ")).expect("a requirement");
        assert!(catalogue.get(id).is_some(), "{id}");
    }
    assert_eq!(folder.files("unknown.txt").len(), 1);
}

#[test]
fn what_cannot_be_compared_is_said_in_a_line() {
    let folder = Folder::new("wrong");
    for (stacks, expected) in [
        ("reference", "--stacks takes two names"),
        ("reference,no-such-stack", "no-such-stack"),
        ("linux-6.98,linux-6.99", "no kernel of series 6.98"),
    ] {
        let output = diff(&folder.0, &["--stacks", stacks, "--scenarios", "1"]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stacks}: {error}");
        assert!(error.contains(expected), "{stacks}: {error}");
    }
}
