//! `cargo xtask test`: the test suite, under cargo-nextest where it is there.

use crate::exit::{Exit, Outcome};
use crate::programs::{cargo, find, require, run};

/// Says to tests that need root, a device or foreign programs that they are meant.
const VARIABLE: &str = "WIREPROOF_SYSTEM";
/// What the system tests call, with the Debian packages.
pub(crate) const PROGRAMS: &[(&str, &str)] = &[
    ("curl", "curl"),
    ("dig", "bind9-dnsutils"),
    ("dnsmasq", "dnsmasq-base"),
    ("iperf3", "iperf3"),
    ("nc", "netcat-openbsd"),
    ("nmap", "nmap"),
    ("ping", "iputils-ping"),
    ("python3", "python3"),
    ("traceroute", "traceroute"),
    ("tshark", "tshark"),
    ("unshare", "util-linux"),
];

/// What `cargo xtask test` takes.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// Run the tests that need root, a device or foreign programs.
    #[arg(long)]
    system: bool,
    /// Run the tests whose names contain this; all where nothing is said.
    filters: Vec<String>,
}

/// Runs the tests.
pub(crate) fn test(options: &Options) -> Outcome {
    let has_nextest = find("cargo-nextest").is_some();
    if !has_nextest {
        eprintln!("cargo-nextest is not there: the tests run under cargo test");
    }
    let mut command = cargo();
    if options.system {
        require(PROGRAMS)?;
        command.env(VARIABLE, "1");
    }
    match has_nextest {
        true => command.args(["nextest", "run", "--workspace", "--no-fail-fast"]),
        false => command.args(["test", "--workspace", "--no-fail-fast"]),
    };
    if options.system {
        command.args(["--test", "system*"]);
    }
    // cargo test takes one filter, and everything behind -- more of them.
    if !has_nextest && !options.filters.is_empty() {
        command.arg("--");
    }
    command.args(&options.filters);
    Ok(if run(&mut command)? { Exit::AsExpected } else { Exit::Unexpected })
}
