//! `cargo xtask ci`: everything that must hold, step by step, stopping at the first that does not.

use crate::exit::{Exit, Outcome};
use crate::programs::{cargo, root};
use std::process::Command;
use std::time::{Duration, Instant};

/// For how long all fuzz targets run together; the canaries, which are looked for first, take some seconds more.
const FUZZ_TIME: &str = "80s";

/// The fuzzers are a workspace of their own.
const FUZZ: &str = "fuzz/Cargo.toml";

struct Step {
    name: String,
    command: Command,
}

/// Targets that drive another stack, whose faults are many: what is found there is news, and says nothing about this project. What
/// is known of it is data (fuzz/src/machine/known.rs, golden/classes/smoltcp.toml), but not all of it is known.
const OTHERS: &[&str] = &["tcp_machine_smoltcp", "tcp_pair_smoltcp", "host_machine_smoltcp", "differential"];

/// Targets whose oracles have run for minutes so far, and not for hours, and the first of which still has an open finding where a
/// later SYN has no window scale: a check that fails must mean something. Their regressions and generated scenarios are among the tests.
const YOUNG: &[&str] = &["tcp_machine_linux", "host_machine", "host_pair"];

/// Runs the steps.
pub(crate) fn ci() -> Outcome {
    let start = Instant::now();
    let mut times: Vec<(String, Duration)> = Vec::new();
    let mut exit = Exit::AsExpected;
    for mut step in steps()? {
        let start = Instant::now();
        eprint!("{} … ", step.name);
        let output = step.command.output().map_err(|e| format!("{}: {e}", step.name))?;
        times.push((step.name.clone(), start.elapsed()));
        eprintln!("{:.1} s", start.elapsed().as_secs_f64());
        if !output.status.success() {
            println!("{}", String::from_utf8_lossy(&output.stdout));
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
            eprintln!("{} failed with {}", step.name, output.status);
            exit = Exit::Unexpected;
            break;
        }
    }
    println!("\n{:<24} {:>8}", "step", "seconds");
    for (name, time) in &times {
        println!("{name:<24} {:>8.1}", time.as_secs_f64());
    }
    println!("{:<24} {:>8.1}", "all", start.elapsed().as_secs_f64());
    let failed = usize::from(exit != Exit::AsExpected);
    println!("\nsteps: {} passed, {failed} failed", times.len() - failed);
    Ok(exit)
}

fn steps() -> Result<Vec<Step>, String> {
    let mut steps = vec![
        by_cargo("format", &["fmt", "--all", "--check"]),
        by_cargo("lints", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        by_cargo("format of fuzz", &["fmt", "--manifest-path", FUZZ, "--check"]),
        by_cargo(
            "lints of fuzz",
            &["clippy", "--manifest-path", FUZZ, "--all-targets", "--", "-D", "warnings"],
        ),
        by_cargo("tests of fuzz", &["test", "--manifest-path", FUZZ, "--no-default-features"]),
        by_cargo("documentation", &["doc", "--workspace", "--no-deps", "--document-private-items"]),
        own("catalogue", &["coverage", "catalogue"])?,
        own("test", &["test"])?,
        own("test --system", &["test", "--system"])?,
        own("conformance", &["conformance"])?,
        own("selftest", &["selftest"])?,
        own("golden check", &["golden", "check"])?,
    ];
    for step in &mut steps {
        if step.name == "documentation" {
            step.command.env("RUSTDOCFLAGS", "-D warnings");
        }
    }
    // The same mutations each time: what fails here fails again, and hunting is what longer runs are for.
    let mut campaign = vec!["fuzz", "campaign", "--for", FUZZ_TIME, "--seed", "1"];
    OTHERS.iter().chain(YOUNG).for_each(|target| campaign.extend(["--without", target]));
    steps.push(own("fuzz campaign", &campaign)?);
    Ok(steps)
}

fn by_cargo(name: &str, arguments: &[&str]) -> Step {
    let mut command = cargo();
    command.args(arguments);
    Step { name: name.to_owned(), command }
}

/// A step that is a verb of this program.
fn own(name: &str, arguments: &[&str]) -> Result<Step, String> {
    let program = std::env::current_exe().map_err(|e| format!("this program's own path is unknown: {e}"))?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    Ok(Step { name: name.to_owned(), command })
}
