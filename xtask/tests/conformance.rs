//! `cargo xtask conformance` from the outside, on stacks that misbehave on purpose.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of its own for a test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    /// Makes the folder with empty packetdrill scripts of these names, whose last part says how the fake stack behaves.
    fn new(test: &str, scripts: &[&str]) -> Folder {
        let folder = std::env::temp_dir().join(format!("wireproof-{}-{test}", std::process::id()));
        for script in scripts {
            let path = folder.join("cases").join(format!("{script}.pkt"));
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
            std::fs::write(path, "+0 < S 0:0(0) win 1000\n").expect("a script can be written");
        }
        Folder(folder)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.env("WIREPROOF_TEST_STACKS", "1").arg("conformance").args(arguments);
        command.arg("--cases").arg(self.0.join("cases")).arg("--out").arg(self.0.join("out"));
        command.output().expect("the program can be started")
    }

    fn results(&self) -> Value {
        let text = std::fs::read_to_string(self.0.join("out/results.json")).expect("results.json is there");
        serde_json::from_str(&text).expect("results.json is JSON")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const VIRTUAL: [&str; 6] = ["--stack", "test-virtual", "--family", "ipv4", "--hang-after", "0.3"];

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The verdict, field and everything else said of each run, by case.
fn verdicts(results: &Value) -> Vec<(String, String, String)> {
    let runs = results["results"].as_array().expect("an array of results");
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    runs.iter()
        .map(|r| (text(&r["case"]), text(&r["verdict"]), text(&r["first_difference"]["field"])))
        .collect()
}

#[test]
fn a_stack_that_misbehaves_costs_that_run_alone() {
    let scripts =
        ["a/abort", "a/exit", "a/flood", "a/memory", "a/panic", "a/pass", "a/skip", "a/spin", "b/pass"];
    let folder = Folder::new("misbehave", &scripts);
    let output = folder.run(&[&VIRTUAL[..], &["--jobs", "1"]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let results = folder.results();
    let expected = [
        ("a/abort", "fail", "crash"),
        ("a/exit", "fail", "crash"),
        ("a/flood", "pass", ""),
        ("a/memory", "fail", "crash"),
        ("a/panic", "fail", "panic"),
        ("a/pass", "pass", ""),
        ("a/skip", "skip", "capability"),
        ("a/spin", "fail", "hang"),
        ("b/pass", "pass", ""),
    ];
    let expected = expected.map(|(c, v, f)| (c.to_owned(), v.to_owned(), f.to_owned()));
    assert_eq!(verdicts(&results), expected);
    let difference = |run: usize| &results["results"][run]["first_difference"];
    assert_eq!(difference(0)["found"], "SIGABRT");
    assert_eq!(difference(1)["found"], "exit status 3");
    let panic = difference(4)["found"].as_str().unwrap_or("");
    assert!(panic.starts_with("a panic on purpose at xtask/src/fake.rs:"), "{panic}");
    assert_eq!(difference(7)["note"], "the last before it: inbound R 1:1(0) win 0");
    assert_eq!(results["totals"]["scheduled"], 9);
    assert_eq!(results["totals"]["reported"], 9);
    let said = stdout(&output);
    assert!(said.contains("\na         2/5/0/1/0\nb         1/0/0/0/0\nall       3/5/0/1/0\n"), "{said}");
    assert!(
        said.contains("cargo xtask conformance a/spin --stack test-virtual --family ipv4 --cases"),
        "{said}"
    );
}

#[test]
fn a_worker_that_waits_for_ever_is_given_up() {
    let folder = Folder::new("silent", &["a/sleep", "b/pass"]);
    let output = folder.run(&[&VIRTUAL[..], &["--silent-after", "0.5"]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let found = verdicts(&folder.results());
    assert_eq!(found[0], ("a/sleep".to_owned(), "fail".to_owned(), "hang".to_owned()));
    assert_eq!(found[1].1, "pass");
}

#[test]
fn two_runs_differ_in_wall_us_alone() {
    let folder = Folder::new("twice", &["a/fail", "a/pass", "a/panic", "b/pass-too"]);
    let strip = |mut results: Value| {
        for run in results["results"].as_array_mut().expect("an array of results") {
            run.as_object_mut().expect("an object").remove("wall_us").expect("wall_us is there");
        }
        results
    };
    let output = folder.run(&["--stack", "test-virtual", "--jobs", "3"]);
    assert_eq!(output.status.code(), Some(1));
    let first = strip(folder.results());
    folder.run(&["--stack", "test-virtual", "--jobs", "1"]);
    assert_eq!(first, strip(folder.results()));
    assert_eq!(first["results"].as_array().map(Vec::len), Some(12), "three families each");
    assert_eq!(first["stacks"][0]["clock"], "virtual");
    assert_eq!(first["suite"], "cases");
    let here = std::env::current_dir().expect("a current folder");
    assert!(!first.to_string().contains(here.to_str().expect("a path")), "no absolute paths");
    let junit = std::fs::read_to_string(folder.0.join("out/junit.xml")).expect("junit.xml is there");
    assert!(junit.contains("tests=\"12\"") && junit.contains("failures=\"6\""), "{junit}");
}

#[test]
fn on_a_real_clock_an_unexpected_result_is_repeated() {
    let folder = Folder::new("real", &["a/fail", "a/flaky", "b/pass"]);
    let output = folder.run(&["--stack", "test-real", "--family", "ipv4", "--jobs", "1", "--all"]);
    let results = folder.results();
    let found = verdicts(&results);
    assert_eq!(found[0], ("a/fail".to_owned(), "fail".to_owned(), "tcp.ack".to_owned()));
    assert_eq!(found[1], ("a/flaky".to_owned(), "inconclusive".to_owned(), "timing".to_owned()));
    assert_eq!(results["results"][1]["first_difference"]["found"], "fail, pass, pass");
    assert_eq!(results["results"][2]["virtual_us"], Value::Null);
    assert!(stdout(&output).contains("1 of 3 runs on the real clock were unsteady, more than 1 %"));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn exit_statuses() {
    let folder = Folder::new("exit", &["a/pass", "a/passing", "b/fail"]);
    let check = |arguments: &[&str], status: i32, said: &str| {
        let output = folder.run(&[&VIRTUAL[..], arguments].concat());
        let text = stdout(&output) + &stderr(&output);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {text}");
        assert!(text.contains(said), "{said:?} is not in {text}");
    };
    check(&["a/"], 0, "2 runs, 0 unexpected");
    check(&["a/pass"], 0, "1 runs, 0 unexpected");
    check(&["b"], 1, "b/fail ipv4 on test-virtual: fail, expected pass");
    check(&["b", "a/pas"], 1, "3 runs, 1 unexpected");
    check(&["a/psas"], 2, "no case begins with \"a/psas\"; the nearest are:\n  a/pass");
    check(&["--family", "ipx"], 2, "ipv4-mapped-ipv6");
    check(&["--stack", "nosuch"], 2, "nosuch");
    check(&["--jobs", "0"], 2, "0");
    check(&["--list"], 0, "a/pass\na/passing\nb/fail\n");
}

#[test]
fn an_unreadable_tree_is_said() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["conformance", "--list", "--cases", "/nonexistent/scripts"])
        .output()
        .expect("the program can be started");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("/nonexistent/scripts: cannot be read"), "{}", stderr(&output));
}

#[test]
fn fakes_are_only_for_tests() {
    let folder = Folder::new("fakes", &["a/pass"]);
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["conformance", "--stack", "test-virtual", "--cases"])
        .arg(Path::new(&folder.0).join("cases"))
        .output()
        .expect("the program can be started");
    assert_eq!(output.status.code(), Some(2));
}
