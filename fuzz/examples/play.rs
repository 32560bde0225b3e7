//! Plays inputs on targets without libFuzzer: `play replay TARGET FILE`, `play all TARGET FOLDER…`, and for state machines
//! `play shrink TARGET FILE SMALLER`, `play transitions TARGET FOLDER…`, `play hunt TARGET SEED COUNT FOLDER`,
//! `play classes FOLDER…` or `play classes SEED COUNT`.
//!
//! Exit statuses: 0; 1 where the input is a finding; 2 where the command is wrong; 3 where an input has no records to
//! leave out.

use fuzz::host_machine::Told;
use fuzz::machine::shrink::{case, shrink};
use fuzz::machine::told::{as_capture, as_ladder};
use fuzz::machine::transitions::Seen;
use fuzz::machine::{played, with_stack};
use fuzz::seeding;
use fuzz::targets::{differential, host_machine};
use harness::scenario::record::RECORD;
use harness::scenario::{Scenario, generate, shrink as shrink_bytes};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// So often a host is asked at most when an input is made small.
const MOST_RUNS: usize = 5000;

/// What is written of a finding.
const CASE: &str = "as a case, which expects what the reference stack does";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["replay", target, file] => replay(target, Path::new(file)),
        ["all", target, folders @ ..] => all(target, folders),
        ["shrink", target, file, smaller] => smaller_one(target, Path::new(file), Path::new(smaller)),
        ["transitions", target, folders @ ..] => transitions(target, folders),
        ["rate", target] => rate(target),
        ["seed", folder] => seed(Path::new(folder)),
        ["classes", seed, count] if seed.parse::<u64>().is_ok() => generated_classes(seed, count),
        ["classes", folders @ ..] => folders_classes(folders),
        ["hunt", target, seed, count, folder] => hunt(target, seed, count, Path::new(folder)),
        _ => Err("play replay | all | shrink | transitions | classes | hunt, each with a target".to_owned()),
    };
    outcome.map_or_else(
        |error| {
            eprintln!("error: {error}");
            ExitCode::from(2)
        },
        ExitCode::from,
    )
}

fn target(name: &str) -> Result<fn(&[u8]), String> {
    let found = fuzz::TARGETS.iter().find(|(target, _)| *target == name);
    found.map(|(_, run)| *run).ok_or_else(|| format!("no target {name:?}"))
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()))
}

fn replay(name: &str, file: &Path) -> Result<u8, String> {
    let (run, input) = (target(name)?, read(file)?);
    println!("{name}: {} bytes of {}", input.len(), file.display());
    if let Some(played) = with_stack(name, |stack| played(stack, &input)) {
        print!("{}", played.trace);
    }
    if std::panic::catch_unwind(|| run(&input)).is_err() {
        println!("{name}: this is a finding");
        return Ok(1);
    }
    println!("{name}: nothing was found");
    Ok(0)
}

/// Leaves out what the finding does not need; exit status 3 where inputs of the target have no records.
fn smaller_one(name: &str, file: &Path, smaller: &Path) -> Result<u8, String> {
    if name.starts_with("host_") {
        return smaller_host(name, file, smaller);
    }
    let input = read(file)?;
    let Some(shrunk) = with_stack(name, |stack| shrink(stack, name, &input)) else { return Ok(3) };
    let (bytes, violation) = shrunk.ok_or_else(|| format!("{} is no finding", file.display()))?;
    std::fs::write(smaller, &bytes).map_err(|e| format!("{}: {e}", smaller.display()))?;
    println!("{name}: {} records: {violation}", bytes.len() / RECORD);
    let trace = with_stack(name, |stack| played(stack, &bytes).trace).unwrap_or_default();
    let version = Scenario::decode(&bytes).opening.version;
    print!("{}", as_ladder(version, &trace));
    beside(smaller, "pcapng", &as_capture(version, &trace), "as a capture")?;
    if let Some(text) = case(name, &bytes, &violation) {
        beside(smaller, "pkt", text.as_bytes(), CASE)?;
    }
    Ok(0)
}

/// The same for a whole host.
fn smaller_host(name: &str, file: &Path, smaller: &Path) -> Result<u8, String> {
    let input = read(file)?;
    let found = |data: &[u8]| host_machine::judged(name, data, None);
    let kind = found(&input).ok_or_else(|| format!("{} is no finding", file.display()))?.oracle;
    let best =
        shrink_bytes(&input, MOST_RUNS, &mut |data| found(data).is_some_and(|found| found.oracle == kind));
    std::fs::write(smaller, &best).map_err(|e| format!("{}: {e}", smaller.display()))?;
    let mut told = Told::default();
    let Some(violation) = host_machine::judged(name, &best, Some(&mut told)) else {
        return Err(format!("{} is a finding only now and then", smaller.display()));
    };
    println!("{name}: {} records: {violation}", best.len() / RECORD);
    print!("{}", told.ladder());
    beside(smaller, "pcapng", &told.capture(), "as a capture")?;
    match host_machine::case(name, &best, &violation) {
        Some(text) => beside(smaller, "pkt", text.as_bytes(), CASE)?,
        None => println!("a case has no words for this"),
    }
    Ok(0)
}

/// Writes something beside an input.
fn beside(input: &Path, extension: &str, bytes: &[u8], what: &str) -> Result<(), String> {
    let path = input.with_extension(extension);
    std::fs::write(&path, bytes).map_err(|e| format!("{}: {e}", path.display()))?;
    println!("{what}: {}", path.display());
    Ok(())
}

/// Prints the nanoseconds of processor time that an operation of generated scenarios takes.
fn rate(name: &str) -> Result<u8, String> {
    let inputs: Vec<Vec<u8>> = (0..4000).map(|number| generate(1, number)).collect();
    let mut operations = 0;
    let start = processor_time()?;
    for input in &inputs {
        let steps = with_stack(name, |stack| played(stack, input).trace.steps.len());
        operations += steps.ok_or_else(|| format!("{name} is no state machine"))?;
    }
    println!("{}", (processor_time()? - start) / operations.max(1) as f64);
    Ok(0)
}

/// Nanoseconds that this thread has had a processor, as Linux counts them.
fn processor_time() -> Result<f64, String> {
    let path = "/proc/thread-self/schedstat";
    let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    let first = text.split(' ').next().and_then(|number| number.parse().ok());
    first.ok_or_else(|| format!("{path}: {text:?}"))
}

/// Makes seeds of the cases.
fn seed(folder: &Path) -> Result<u8, String> {
    for (target, count) in seeding::write(&seeding::of_cases()?, folder)? {
        println!("{target:<26} {count:>6}");
    }
    Ok(0)
}

/// The transitions that all inputs below the folders see together, and those that none sees.
fn transitions(name: &str, folders: &[&str]) -> Result<u8, String> {
    let mut seen = Seen::default();
    for file in files(folders)? {
        let input = read(&file)?;
        let trace = with_stack(name, |stack| played(stack, &input).trace);
        seen.take(&trace.ok_or_else(|| format!("{name} is no state machine"))?);
    }
    let (reached, all, missing) = seen.told();
    println!("{name}: {reached} of {all} transitions seen");
    if !missing.is_empty() {
        println!("  never seen: {}", missing.join(", "));
    }
    Ok(0)
}

/// How many inputs of `differential` each class of known differences absorbs, the widest first, with what it absorbs most.
fn classes(inputs: impl Iterator<Item = Result<Vec<u8>, String>>) -> Result<u8, String> {
    let mut counted = BTreeMap::<&str, (usize, BTreeMap<String, usize>)>::new();
    let mut all = 0;
    for input in inputs {
        all += 1;
        let Some((found, class)) = differential::absorbed(&input?) else { continue };
        let (count, kinds) = counted.entry(class.unwrap_or("known to no class")).or_default();
        *count += 1;
        *kinds.entry(kind(&found.to_string())).or_default() += 1;
    }
    let mut counted: Vec<_> = counted.into_iter().collect();
    counted.sort_by_key(|(name, (count, _))| (Reverse(*count), *name));
    println!("{all} scenarios of differential");
    for (class, (count, kinds)) in counted {
        let most = kinds.iter().max_by_key(|(text, count)| (**count, Reverse(*text)));
        let (text, of) = most.map_or(("", 0), |(text, count)| (text.as_str(), *count));
        println!("{count:>8}  {class}\n          {of:>8}  {text}");
    }
    Ok(0)
}

/// A text without its numbers.
fn kind(text: &str) -> String {
    let mut kind = String::new();
    for c in text.chars() {
        match (c.is_ascii_digit(), kind.ends_with('#')) {
            (true, true) => {}
            (true, false) => kind.push('#'),
            (false, _) => kind.push(c),
        }
    }
    kind
}

fn folders_classes(folders: &[&str]) -> Result<u8, String> {
    classes(files(folders)?.iter().map(|file| read(file)))
}

fn generated_classes(seed: &str, count: &str) -> Result<u8, String> {
    let (seed, count) = (number(seed)?, number(count)?);
    classes((0..count).map(|number| Ok(generate(seed, number))))
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|e| format!("{text:?}: {e}"))
}

/// Plays generated scenarios and writes the shortest finding of each oracle, shrunk.
fn hunt(name: &str, seed: &str, count: &str, folder: &Path) -> Result<u8, String> {
    let (seed, count) = (number(seed)?, number(count)?);
    let mut found = BTreeMap::<String, usize>::new();
    for scenario in 0..count {
        let input = generate(seed, scenario);
        let shrunk = with_stack(name, |stack| shrink(stack, name, &input));
        let Some((bytes, violation)) = shrunk.ok_or_else(|| format!("{name} is no state machine"))? else {
            continue;
        };
        let kind = violation.to_string().replace(|c: char| c.is_ascii_digit(), "");
        let best = found.entry(kind).or_insert(usize::MAX);
        if bytes.len() < *best {
            *best = bytes.len();
            let file = folder.join(format!("{}-{}", violation.oracle, found.len()));
            std::fs::write(&file, &bytes).map_err(|e| format!("{}: {e}", file.display()))?;
            println!("{} records: {violation}: {}", bytes.len() / RECORD, file.display());
        }
    }
    Ok(u8::from(!found.is_empty()))
}

/// Every file below the folders. All are played, and those that are findings are named.
fn all(name: &str, folders: &[&str]) -> Result<u8, String> {
    let run = target(name)?;
    let mut status = 0;
    for file in &files(folders)? {
        let input = read(file)?;
        if std::panic::catch_unwind(|| run(&input)).is_err() {
            println!("{name}: {} is a finding", file.display());
            status = 1;
        }
    }
    Ok(status)
}

fn files(folders: &[&str]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for folder in folders {
        list(Path::new(folder), &mut files)?;
    }
    Ok(files)
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let told = |e: std::io::Error| format!("{}: {e}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}
