//! What a comparison comes to: classes and how many scenarios each absorbed, what no class knows, and what was reached.

use super::Options;
use super::messages::{Compared, Found, Scenarios};
use crate::exit::Exit;
use crate::protocol::Answer;
use cases::classes::Classes;
use harness::scenario::{Divergence, Event, State, possible_pairs};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// A class that absorbs more than this many per cent of the scenarios says too little.
const WIDEST: u64 = 2;

/// So many kinds of unknown differences are printed.
const LISTED: usize = 60;

/// So many pairs that were not reached are printed.
const UNREACHED: usize = 24;

/// What was found so far.
pub(super) struct Report {
    stacks: Vec<String>,
    classes: Classes,
    seed: u64,
    played: u64,
    raced: u64,
    apart: u64,
    pairs: BTreeSet<(State, Event)>,
    /// How many scenarios each class absorbed.
    absorbed: BTreeMap<usize, u64>,
    /// What no class knows, by its kind: the scenarios' numbers, and what the first was.
    unknown: BTreeMap<String, (Vec<u64>, Divergence)>,
    /// What could not be played, and why.
    broken: Vec<String>,
    pub(super) elapsed: Duration,
}

impl Report {
    pub(super) fn new(stacks: Vec<String>, classes: Classes, seed: u64) -> Report {
        Report {
            stacks,
            classes,
            seed,
            played: 0,
            raced: 0,
            apart: 0,
            pairs: BTreeSet::new(),
            absorbed: BTreeMap::new(),
            unknown: BTreeMap::new(),
            broken: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }

    /// Takes in what came of scenarios.
    pub(super) fn take(&mut self, compared: &Compared) {
        self.played += compared.played;
        self.raced += compared.raced;
        self.apart += compared.apart;
        self.pairs.extend(compared.pairs.iter().copied());
        for found in &compared.found {
            self.found(found);
        }
    }

    /// Remembers what could not be played: `which`, and why not.
    pub(super) fn not_played(&mut self, which: &str, why: &str) {
        self.broken.push(format!("{which}: {why}"));
    }

    fn found(&mut self, found: &Found) {
        // A worker has the stack in memory first, or the one that was named second where both are.
        let divergence = found.divergence.clone();
        let (first, second) = self.played_on();
        match self.classes.of(&first, &second, &divergence) {
            Some(class) => *self.absorbed.entry(class).or_default() += 1,
            None => {
                let kind = kind(&divergence);
                let entry = self.unknown.entry(kind).or_insert_with(|| (Vec::new(), divergence));
                entry.0.push(found.number);
            }
        }
    }

    /// The stacks in the order in which they are compared: one in memory before a kernel.
    fn played_on(&self) -> (String, String) {
        let [first, second] = [0, 1].map(|at| self.stacks.get(at).cloned().unwrap_or_default());
        if super::is_kernel(&first) && !super::is_kernel(&second) { (second, first) } else { (first, second) }
    }

    /// The job that makes a scenario small.
    pub(super) fn shrinking(&self, bytes: Vec<u8>) -> Scenarios {
        let (first, second) = self.played_on();
        Scenarios::Shrink { bytes, classes: self.classes.clone(), names: [first, second] }
    }

    /// Whether a difference is one that no class knows.
    pub(super) fn is_unknown(&self, found: &Found) -> bool {
        let (first, second) = self.played_on();
        self.classes.of(&first, &second, &found.divergence).is_none()
    }

    /// The first numbers of the most frequent unknown kinds.
    pub(super) fn unknown(&self, kinds: usize, examples: usize) -> Vec<(u64, String)> {
        let mut all: Vec<_> = self.unknown.iter().collect();
        all.sort_by_key(|(_, (numbers, _))| std::cmp::Reverse(numbers.len()));
        let of = |(kind, (numbers, _)): &(&String, &(Vec<u64>, Divergence))| {
            numbers.iter().take(examples).map(|number| (*number, (*kind).clone())).collect::<Vec<_>>()
        };
        all.iter().take(kinds).flat_map(of).collect()
    }

    pub(super) fn print(&self) {
        let (first, second) = self.played_on();
        let rate = self.played as f64 / self.elapsed.as_secs_f64().max(0.001);
        println!(
            "{} scenarios of seed {} on {first} and {second}, {rate:.0} a second",
            self.played, self.seed
        );
        println!("  {} end in a race of timers, from where on they were not compared", self.raced);
        println!("  {} end where a segment hung on the edge of windows that are not the same", self.apart);
        self.print_classes();
        self.print_unknown();
        self.print_pairs();
        for broken in &self.broken {
            println!("not played: {broken}");
        }
    }

    fn print_classes(&self) {
        let share = |count: u64| 100.0 * count as f64 / self.played.max(1) as f64;
        for (class, count) in &self.absorbed {
            let Some(class) = self.classes.classes.get(*class) else { continue };
            let about = class.requirement.as_deref().or(class.knob.as_deref()).unwrap_or("");
            let by = class.by.as_deref().unwrap_or("");
            let wide = if self.is_wide(*count) { "  TOO WIDE: split it or mend what it hides" } else { "" };
            println!(
                "  {:6} {:5.2} %  {:9} {by} {} {about}{wide}",
                count,
                share(*count),
                class.verdict.name(),
                class.name
            );
        }
    }

    fn is_wide(&self, count: u64) -> bool {
        count * 100 > self.played * WIDEST
    }

    fn print_unknown(&self) {
        let total: usize = self.unknown.values().map(|(numbers, _)| numbers.len()).sum();
        println!("{total} scenarios differ in a way that no class knows, of {} kinds", self.unknown.len());
        let mut all: Vec<_> = self.unknown.iter().collect();
        all.sort_by_key(|(_, (numbers, _))| std::cmp::Reverse(numbers.len()));
        for (kind, (numbers, example)) in all.iter().take(LISTED) {
            println!("  {:6}  {kind}", numbers.len());
            println!("          {} [{}]: {} | {}", numbers[0], example.given, example.first, example.second);
        }
        if all.len() > LISTED {
            println!("  and {} kinds more, which unknown.txt lists", all.len() - LISTED);
        }
    }

    /// Writes down every difference that no class knows, a line each, with the scenarios that show it.
    pub(super) fn list(&self, folder: &Path) -> Result<(), String> {
        let mut text = String::new();
        for (kind, (numbers, example)) in &self.unknown {
            let Divergence { given, first, second, .. } = example;
            let _infallible = writeln!(text, "{kind}\n    [{given}] {first} | {second}\n    {numbers:?}");
        }
        write(&folder.join("unknown.txt"), text.as_bytes())
    }

    fn print_pairs(&self) {
        let possible: BTreeSet<(State, Event)> = possible_pairs().collect();
        let states: BTreeSet<State> = self.pairs.iter().map(|(state, _)| *state).collect();
        let (reached, all) = (self.pairs.intersection(&possible).count(), possible.len());
        let percent = 100.0 * reached as f64 / all as f64;
        println!(
            "{} of {} states, {reached} of {all} pairs of state and event ({percent:.0} %)",
            states.len(),
            State::ALL.len()
        );
        let missing: Vec<String> =
            possible.difference(&self.pairs).map(|(s, e)| format!("{s} {e}")).collect();
        let more = missing.len().saturating_sub(UNREACHED);
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        if !missing.is_empty() {
            println!("  not reached: {}{rest}", missing[..missing.len() - more].join(", "));
        }
    }

    pub(super) fn exit(&self) -> Exit {
        let is_wide = self.absorbed.values().any(|count| self.is_wide(*count));
        if !self.broken.is_empty() || !self.unknown.is_empty() || is_wide {
            Exit::Unexpected
        } else {
            Exit::AsExpected
        }
    }
}

/// What differences of one kind have in common.
fn kind(found: &Divergence) -> String {
    let word = |text: &str| text.split(' ').next().unwrap_or("").to_owned();
    format!(
        "{} {} {}: {} | {}",
        found.state,
        found.event,
        found.field,
        word(&found.first),
        word(&found.second)
    )
}

/// Shows one scenario, and writes the cases that it makes.
pub(super) fn tell(options: &Options, number: u64, kind: &str, answer: &Answer) -> Result<(), String> {
    let Some(shown) = answer.compared.as_ref().and_then(|compared| compared.shown.as_ref()) else {
        let difference = answer.difference.clone().unwrap_or_default();
        println!("\nscenario {number} {kind}: {} {}", difference.field, difference.found);
        return Ok(());
    };
    println!("\nscenario {number} {kind}");
    if let Some(found) = answer.compared.as_ref().and_then(|compared| compared.found.first()) {
        println!("first: {}\nsecond: {}", found.divergence.first, found.divergence.second);
    }
    for (which, name) in ["first", "second"].iter().enumerate() {
        let path = |ending: &str| options.out.join(format!("{}-{number}-{name}.{ending}", options.seed));
        write(&path("pkt"), shown.cases[which].as_bytes())?;
        write(&path("ladder.txt"), shown.ladders[which].as_bytes())?;
        write(&path("pcapng"), &shown.captures[which])?;
        println!("{}, with a ladder and a capture beside it:", path("pkt").display());
        println!("{}", shown.traces[which]);
    }
    let hex: String = shown.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("cargo xtask diff --stacks {} --bytes {hex}", options.stacks.join(","));
    Ok(())
}

/// Writes a file, and the folders that lead to it.
fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let problem = |e: std::io::Error| format!("{}: {e}", path.display());
    path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(problem)?;
    std::fs::write(path, bytes).map_err(problem)
}
