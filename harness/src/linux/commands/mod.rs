//! The shell commands of upstream scripts, in a kernel that has no programs: what they do is done here, without a shell and
//! without a process.
//!
//! A command line is split as for stacks in memory (`crate::settings`); each command's name is looked up in a table. A command
//! that is not there, or an operand that is not understood, is named, and the run is skipped. Of the messages of the real
//! programs none are printed; statuses are theirs.

mod counters;
mod files;
mod network;
mod sysctl;

use super::netlink::Netlink;
use crate::settings::shell::{self, Command, Joint};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How deep scripts may call each other.
const MOST_DEPTH: usize = 4;
/// How much of a script is read, in bytes.
const MOST_SCRIPT: u64 = 64 << 10;
/// What a shell ends with where there is no such command.
const NOT_FOUND: i64 = 127;

/// What a command cannot be understood in: its own text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unknown(pub(super) String);

/// What came of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Done {
    status: i64,
    said: Vec<u8>,
}

impl Done {
    fn status(status: i64) -> Option<Done> {
        Some(Done { status, said: Vec::new() })
    }

    /// Success or status 1.
    fn of<T, E>(result: Result<T, E>) -> Option<Done> {
        Done::status(i64::from(result.is_err()))
    }

    fn saying(said: impl Into<Vec<u8>>) -> Option<Done> {
        Some(Done { status: 0, said: said.into() })
    }
}

/// The commands of one run, and what they leave behind for the next.
#[derive(Default)]
pub(super) struct Commands {
    directory: PathBuf,
    is_there: bool,
    sysctls: sysctl::Before,
    /// Files outside of the run's namespace, with what was in them.
    outside: BTreeMap<PathBuf, Vec<u8>>,
    /// There may be files in /tmp.
    has_files: bool,
    counters: counters::History,
}

/// The words behind a command's name, and what comes through a pipe.
struct Operands<'a> {
    words: &'a [&'a str],
    input: Option<Vec<u8>>,
}

type Act = fn(&mut Commands, &Operands<'_>, &mut Netlink) -> Option<Done>;

/// Names without folders, and what they do; nothing where the operands are not understood.
const COMMANDS: &[(&str, Act)] = &[
    ("sysctl", sysctl::sysctl),
    ("set_sysctls.py", sysctl::set_sysctls),
    ("ip", network::ip),
    ("tc", network::tc),
    ("ethtool", network::ethtool),
    ("nstat", counters::nstat),
    ("grep", files::grep),
    ("cat", files::cat),
    ("echo", files::echo),
    ("rm", files::rm),
    ("dd", files::dd),
    ("true", |_, _, _| Done::status(0)),
    (":", |_, _, _| Done::status(0)),
    ("false", |_, _, _| Done::status(1)),
];

/// What scripts write to undo their settings, up to the process number in its name.
const RESTORE: &str = "sysctl_restore_";
/// The settings that upstream scripts begin with; a table stands for it where it cannot be reached.
const DEFAULTS: &str = "defaults.sh";

impl Commands {
    /// Commands that start in `directory`.
    pub(super) fn new(directory: Option<PathBuf>) -> Commands {
        Commands { directory: directory.unwrap_or_default(), ..Commands::default() }
    }

    /// Goes where relative paths start. A folder that is not there leaves them nowhere.
    pub(super) fn enter(&mut self) {
        if !self.is_there && !self.directory.as_os_str().is_empty() {
            // What cannot be reached is not found then, and that is told.
            let _ = std::env::set_current_dir(&self.directory);
        }
        self.is_there = true;
    }

    /// A file may be made in /tmp from now on.
    pub(super) fn expect_files(&mut self) {
        self.has_files = true;
    }

    /// Runs a command line; gives its exit status.
    ///
    /// # Errors
    /// Names the first command that is not understood.
    pub(super) fn run(&mut self, line: &str, network: &mut Netlink) -> Result<i64, Unknown> {
        self.enter();
        Ok(self.script(line, network, 0)?.status)
    }

    fn script(&mut self, text: &str, network: &mut Netlink, depth: usize) -> Result<Done, Unknown> {
        let commands = shell::split(text).map_err(Unknown)?;
        let mut last = Done::default();
        let mut is_skipped = false;
        for (index, command) in commands.iter().enumerate() {
            let input = match command.joint {
                Joint::Pipe => Some(std::mem::take(&mut last.said)),
                joint => {
                    is_skipped = match joint {
                        Joint::And => last.status != 0,
                        Joint::Else => last.status == 0,
                        Joint::Then | Joint::Pipe => false,
                    };
                    None
                }
            };
            if is_skipped {
                continue;
            }
            let mut done = self.command(command, input, network, depth)?;
            let is_piped = commands.get(index + 1).is_some_and(|next| next.joint == Joint::Pipe);
            if let Some(file) = &command.output {
                let said = std::mem::take(&mut done.said);
                if self.write(Path::new(file), &said, command.appends).is_err() {
                    done.status = 1;
                }
            } else if !is_piped {
                done.said.clear();
            }
            last = done;
        }
        Ok(last)
    }

    fn command(
        &mut self,
        command: &Command,
        input: Option<Vec<u8>>,
        network: &mut Netlink,
        depth: usize,
    ) -> Result<Done, Unknown> {
        let unknown = || Unknown(command.text.clone());
        let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
        let Some((program, operands)) = words.split_first() else { return Ok(Done::default()) };
        let name = program.rsplit('/').next().unwrap_or(program);
        if let Some((_, act)) = COMMANDS.iter().find(|(known, _)| *known == name) {
            return act(self, &Operands { words: operands, input }, network).ok_or_else(unknown);
        }
        if name.starts_with(RESTORE) {
            return Ok(self.sysctls.restore());
        }
        if !name.ends_with(".sh") || depth >= MOST_DEPTH || !operands.is_empty() {
            return Err(unknown());
        }
        match files::read(Path::new(program), MOST_SCRIPT) {
            Ok(text) => self.script(&String::from_utf8_lossy(&text), network, depth + 1),
            Err(_) if name == DEFAULTS => self.defaults(network),
            Err(_) => Ok(Done { status: NOT_FOUND, said: Vec::new() }),
        }
    }

    /// The table of what [`DEFAULTS`] sets; as there, what this kernel lacks is left out.
    fn defaults(&mut self, network: &mut Netlink) -> Result<Done, Unknown> {
        let settings =
            crate::settings::parse_command(DEFAULTS).map_err(|unknown| Unknown(unknown.command))?;
        for setting in settings {
            let words: Vec<&str> = setting.name.split(' ').chain(setting.value.split(' ')).collect();
            match setting.name.strip_prefix("net.") {
                Some(_) => drop(self.sysctls.write(&setting.name, &setting.value)),
                None => {
                    let operands = Operands { words: &words[1..], input: None };
                    let act = COMMANDS.iter().find(|(known, _)| *known == words[0]);
                    act.and_then(|(_, act)| act(self, &operands, network))
                        .ok_or_else(|| Unknown(words.join(" ")))?;
                }
            }
        }
        Ok(Done::default())
    }

    /// Puts back what is not gone with the run's namespace, and removes its files.
    pub(super) fn undo(&mut self) {
        for (path, content) in std::mem::take(&mut self.outside) {
            // What could be written once can be written again.
            let _ = std::fs::write(path, content);
        }
        if std::mem::take(&mut self.has_files) {
            files::clear_tmp();
        }
    }
}

#[cfg(test)]
mod tests;
