//! Plays a script against a stack and says what came of it.
//!
//! The engine sees the stack through [`StackUnderTest`] alone. It takes the script's events in order: a stimulus first lets
//! the stack run until the event's time, an expectation lets it run until there is a frame or the latest time allowed
//! has passed. On a virtual clock that time is exact, so "nothing was sent" is proved and not waited for.

mod calls;
mod config;
mod expect;
#[cfg(test)]
mod packetdrill_tests;
mod player;
mod stop;
mod survey;
mod tcp_acks;
#[cfg(test)]
mod tests;
mod timing;
mod topology;
mod twin;

pub use config::PacketdrillConfig;
pub use twin::{decided_at, is_red};

use crate::lang;
use crate::lang::ast::{Script, Twin};
use crate::packet::World;
use crate::run::{Record, TraceEntry};
use crate::sut::{Capabilities, Family, StackUnderTest};

/// How a script is to be played.
pub struct PlayOptions<'a> {
    /// The family of the run.
    pub family: Family,
    /// What the stack's random numbers are drawn from.
    pub seed: u64,
    /// The twin that is to break the stack's behaviour.
    pub twin: Option<&'a Twin>,
    /// The configuration of an upstream script, its own options not yet applied.
    pub packetdrill: PacketdrillConfig,
    /// packetdrill options from the command line, which go before the script's own.
    pub command_line: Vec<(String, Option<String>)>,
    /// Told of everything that happens, before the stack sees it.
    pub observer: Option<&'a mut dyn FnMut(&TraceEntry)>,
}

impl PlayOptions<'_> {
    /// The defaults for `family`.
    pub fn new(family: Family) -> Self {
        PlayOptions {
            family,
            seed: 1,
            twin: None,
            packetdrill: PacketdrillConfig::of_runner(family),
            command_line: Vec::new(),
            observer: None,
        }
    }
}

/// What names mean when `script` is played on a stack with these capabilities.
///
/// # Errors
/// Where the script's head says what cannot be.
pub fn world(script: &Script, stack: &Capabilities, options: &PlayOptions<'_>) -> Result<World, lang::Error> {
    match &script.head {
        Some(head) => {
            let survey = survey::Survey::of(script, options.family);
            topology::of_case(head, options.family, stack, &survey, options.seed)
        }
        None => Ok(topology::of_packetdrill(&options.packetdrill, options.family, options.seed)),
    }
}

/// Plays `script` on `stack`.
///
/// The stack is started afresh; whatever happens ends in a record. A panic of the stack passes through: the caller
/// isolates it.
pub fn play<'a>(
    stack: &'a mut (dyn StackUnderTest + 'a),
    script: &'a Script,
    options: PlayOptions<'a>,
) -> Record {
    player::play(stack, script, options)
}
