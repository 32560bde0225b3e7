//! `cargo xtask VERB`: one thin command per verb.

#[macro_use]
mod print;

mod cpu;
mod exit;
mod fake;
mod oracle;
mod packetdrill;
mod player;
mod pool;
mod programs;
mod progress;
mod protocol;
mod settled;
mod worker;

mod bench;
mod ci;
mod conformance;
mod coverage;
mod diff;
mod fuzz;
mod golden;
mod lab;
mod selftest;
mod tap;
mod test;

use cases::results;
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
    /// Run the test suite, under cargo-nextest where it is there.
    Test(test::Options),
    /// Play every twin on the reference stack; fails if one stays green.
    Selftest(selftest::Options),
    /// Compare what the witnesses do with what they did, or write it down.
    #[command(subcommand)]
    Golden(golden::Options),
    /// Say which requirements have a case that can go red.
    #[command(subcommand)]
    Coverage(coverage::Options),
    /// Play generated scenarios on two stacks and say where they differ.
    Diff(diff::Options),
    /// Fuzz whatever reads bytes from outside, and stacks.
    #[command(subcommand)]
    Fuzz(fuzz::Options),
    /// Build Linux kernels that run in virtual time, and list them.
    #[command(subcommand)]
    Oracle(oracle::Options),
    /// Measure what a run costs.
    Bench(bench::Options),
    /// Put the reference stack on a TAP device in a network of its own, with small services, for other programs to talk to.
    Tap(tap::Options),
    /// Play labs: small internets in which hosts ping and trace each other, in memory or beside Linux.
    Lab(lab::Options),
    /// Everything that must hold, step by step.
    Ci,
    /// Play runs that the parent asks for, one line of JSON each.
    #[command(hide = true)]
    Worker {
        /// Which of its parent's workers it is.
        #[arg(long, default_value_t = 0)]
        slot: usize,
    },
    /// Become a kernel in virtual time.
    #[command(hide = true)]
    Boot(oracle::host::Boot),
}

fn main() -> ExitCode {
    if oracle::guest::is_here() {
        return exit::code(oracle::guest::run());
    }
    let outcome = match Arguments::parse().verb {
        Verb::Conformance(options) => conformance::run(&options),
        Verb::Test(options) => test::test(&options),
        Verb::Selftest(options) => selftest::selftest(&options),
        Verb::Golden(options) => golden::golden(&options),
        Verb::Coverage(options) => coverage::coverage(&options),
        Verb::Diff(options) => diff::diff(&options),
        Verb::Fuzz(options) => fuzz::fuzz(&options),
        Verb::Oracle(options) => oracle::oracle(&options),
        Verb::Bench(options) => bench::bench(&options),
        Verb::Tap(options) => tap::tap(&options),
        Verb::Lab(options) => lab::lab(&options),
        Verb::Ci => ci::ci(),
        Verb::Worker { slot } => worker::run(slot),
        Verb::Boot(boot) => oracle::host::become_kernel(&boot),
    };
    exit::code(outcome)
}
