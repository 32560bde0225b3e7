//! What the shell commands of upstream scripts mean for a stack in memory, which has no shell: settings by name.
//!
//! A script that does more with its shell than set things cannot be played on such a stack, and [`UnknownCommand`]
//! says which command it was.

mod arithmetic;
mod defaults;
pub(crate) mod shell;

use shell::{Command, Joint};
use std::fmt;

/// Something that a command sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// A sysctl by its dotted name (`net.ipv4.tcp_sack`); else what is done, as the words before its operands (`ip route
    /// change`, `tc qdisc replace`, `ip tcp_metrics flush`, `ethtool -K`), the path of a file under /sys, or
    /// `sysctl restore` for what undoes the sysctls that the script has set.
    pub name: String,
    /// The value, or the operands with a blank between each.
    pub value: String,
    /// Whether the command goes on where there is no such setting.
    pub optional: bool,
}

/// A command that does not act on a stack, or needs a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCommand {
    /// The command, of all that the line may have, as it is written.
    pub command: String,
}

impl fmt::Display for UnknownCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the command `{}` needs a system with a shell", self.command)
    }
}

impl std::error::Error for UnknownCommand {}

/// What a shell command line sets, in order; several lines and `;`, `&&`, `||` between commands are understood.
///
/// # Errors
/// Names the first command that is not understood; nothing of the line is to be applied then.
pub fn parse_command(command: &str) -> Result<Vec<Setting>, UnknownCommand> {
    let commands = shell::split(command).map_err(|command| UnknownCommand { command })?;
    let mut settings = Vec::new();
    for (index, command) in commands.iter().enumerate() {
        let next = commands.get(index + 1).map(|c| c.joint);
        let unknown = || UnknownCommand { command: command.text.clone() };
        if command.joint == Joint::Pipe || next == Some(Joint::Pipe) {
            return Err(unknown());
        }
        let mut found = simple(command).ok_or_else(unknown)?;
        // Where something stands behind `||`, failing is allowed.
        found.iter_mut().for_each(|s| s.optional |= next == Some(Joint::Else));
        settings.append(&mut found);
    }
    Ok(settings)
}

fn simple(command: &Command) -> Option<Vec<Setting>> {
    let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
    let (program, operands) = words.split_first()?;
    let name = program.rsplit('/').next().unwrap_or(program);
    if let Some(file) = &command.output {
        let path = sysctl_of_path(file).filter(|_| name == "echo")?;
        return Some(vec![setting(path, operands.join(" "))]);
    }
    match name {
        "defaults.sh" => Some(defaults()),
        "set_sysctls.py" => operands.iter().map(|o| assignment(o)).collect(),
        "sysctl" => sysctl(operands),
        "ip" => verb("ip", operands, 2),
        "tc" => verb("tc", operands, 2),
        "ethtool" if operands.first() == Some(&"-K") => {
            Some(vec![setting("ethtool -K", operands[1..].join(" "))])
        }
        "true" | ":" => Some(Vec::new()),
        _ if name.starts_with("sysctl_restore_") => Some(vec![setting("sysctl restore", String::new())]),
        _ => None,
    }
}

fn setting(name: impl Into<String>, value: String) -> Setting {
    Setting { name: name.into(), value, optional: false }
}

fn defaults() -> Vec<Setting> {
    let all = defaults::DEFAULTS.iter();
    all.map(|(name, value)| Setting { name: (*name).into(), value: (*value).into(), optional: true })
        .collect()
}

/// `sysctl -q a=1 b=2`; reading a value is nothing that a stack in memory can be asked.
fn sysctl(operands: &[&str]) -> Option<Vec<Setting>> {
    let mut settings = Vec::new();
    let mut optional = false;
    for operand in operands {
        match operand.strip_prefix('-') {
            Some(options) if options.chars().all(|c| matches!(c, 'q' | 'w' | 'e')) => {
                optional |= options.contains('e')
            }
            Some(_) => return None,
            None => settings.push(assignment(operand)?),
        }
    }
    settings.iter_mut().for_each(|s| s.optional = optional);
    (!settings.is_empty()).then_some(settings)
}

/// `net.ipv4.tcp_sack=1`, with slashes or as a path below /proc/sys.
fn assignment(operand: &str) -> Option<Setting> {
    let (path, value) = operand.split_once('=')?;
    Some(setting(sysctl_of_path(path)?, value.to_string()))
}

/// The dotted name of a sysctl; other paths are their own name. `None` where there is no name.
fn sysctl_of_path(path: &str) -> Option<String> {
    let name = match path.strip_prefix("/proc/sys/") {
        Some(name) => name.replace('/', "."),
        None if path.starts_with('/') => path.to_string(),
        None => path.replace('/', "."),
    };
    (!name.is_empty()).then_some(name)
}

/// `ip -6 route change X via Y`: the program and `words` words are the name, the rest is the value. Options before
/// them choose a family, which the operands show, too.
fn verb(program: &str, operands: &[&str], words: usize) -> Option<Vec<Setting>> {
    let options = operands.iter().take_while(|o| matches!(**o, "-4" | "-6" | "-q")).count();
    let operands = &operands[options..];
    if operands.len() < words || operands[..words].iter().any(|w| w.starts_with('-')) {
        return None;
    }
    let name = format!("{program} {}", operands[..words].join(" "));
    Some(vec![setting(name, operands[words..].join(" "))])
}

#[cfg(test)]
mod tests;
