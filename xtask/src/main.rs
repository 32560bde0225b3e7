//! `cargo xtask VERB`: one thin command per verb.

mod exit;
mod fake;
mod player;
mod pool;
mod progress;
mod protocol;
mod results;
mod worker;

mod conformance;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The commands of wireproof, a conformance suite and fuzzer for TCP/IP stacks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Play cases on stacks and say what each requirement comes to.
    Conformance(conformance::Options),
    /// Play runs that the parent asks for, one line of JSON each.
    #[command(hide = true)]
    Worker,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().verb {
        Verb::Conformance(options) => conformance::run(&options),
        Verb::Worker => worker::run(),
    };
    exit::code(outcome)
}
