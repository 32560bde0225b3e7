//! `cargo xtask lab`: small internets in which hosts look for each other, in memory or on real links.

use crate::exit::{Exit, Outcome};
use harness::lab::{Check, LABS, Lab, Memory, Seen};
use harness::linux::Linux;
use harness::linux::live::{LiveLab, Room};
use harness::suggest::advice;
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

/// What `cargo xtask lab` takes.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// The lab; all where none is named.
    name: Option<String>,
    /// Play on real links: these nodes are the reference stack (`none` for none), the others namespaces of Linux.
    #[arg(long, value_name = "NODE,…", value_delimiter = ',')]
    live: Vec<String>,
    /// Write what the nodes that are the reference stack send and receive to this file; of one lab.
    #[arg(long, value_name = "FILE", requires = "name")]
    pcap: Option<PathBuf>,
    /// Instead of looking, run a program at this node, which is Linux; of one lab with --live.
    #[arg(long, value_name = "NODE", requires = "live", requires = "command")]
    at: Option<String>,
    /// The program.
    #[arg(last = true, value_name = "COMMAND", requires = "at")]
    command: Vec<String>,
}

/// Plays labs, and says of each check what was found.
pub(crate) fn lab(options: &Options) -> Outcome {
    let labs: Vec<&'static Lab> = match &options.name {
        Some(name) => vec![Lab::named(name).ok_or_else(|| unknown(name))?],
        None => LABS.iter().collect(),
    };
    let room = match options.live.is_empty() {
        true => None,
        false => Some(Room::enter(Linux::probe()?)?),
    };
    let mut different = 0;
    for lab in &labs {
        println!("{}: {}", lab.name, lab.about);
        different += match &room {
            Some(room) => play_live(lab, options, room)?,
            None => play_in_memory(lab, options)?,
        };
    }
    println!("labs: {}, findings that differ: {different}", labs.len());
    Ok(if different == 0 { Exit::AsExpected } else { Exit::Unexpected })
}

fn unknown(name: &str) -> String {
    format!("there is no lab {name}; {}", advice(name, LABS.iter().map(|lab| lab.name)))
}

/// Plays a lab in memory: how many findings differ. The capture has what each node sends.
fn play_in_memory(lab: &Lab, options: &Options) -> Result<usize, String> {
    let mut memory = Memory::new(lab)?;
    let seen = memory.play(lab)?;
    if let Some(path) = &options.pcap {
        std::fs::write(path, memory.capture(lab)?).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(lab.checks.iter().zip(&seen).filter(|(check, seen)| !tell(check, seen)).count())
}

/// Plays a lab on real links: how many findings differ.
fn play_live(lab: &'static Lab, options: &Options, room: &Room) -> Result<usize, String> {
    let reference: Vec<&str> =
        options.live.iter().map(String::as_str).filter(|name| *name != "none").collect();
    let mut live = LiveLab::new(lab, &reference, room)?;
    if let Some(path) = &options.pcap {
        let file = File::create(path).map_err(|e| format!("{}: {e}", path.display()))?;
        live.capture(Box::new(BufWriter::new(file)))?;
    }
    if let Some(node) = &options.at {
        print!("{}", live.run_at(node, &options.command)?);
        return Ok(0);
    }
    let mut different = 0;
    for check in lab.checks {
        let seen = live.check(check)?;
        different += usize::from(!tell(check, &seen));
    }
    println!("  {}", live.counts());
    Ok(different)
}

/// Says what was found; false where it differs from what is to be found.
fn tell(check: &Check, seen: &Seen) -> bool {
    let expected = check.finds.words(check.to);
    let is_found = seen.0 == expected;
    match is_found {
        true => println!("  {check}: {seen}"),
        false => println!("  {check}: {seen}\n    expected: {expected}"),
    }
    is_found
}
