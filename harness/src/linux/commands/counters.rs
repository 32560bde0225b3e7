//! `nstat`: the kernel's counters since they were last asked for.

use super::{Commands, Done, Netlink, Operands, files};
use std::collections::BTreeMap;
use std::path::Path;

/// The counters as they were when nstat last ran.
pub(super) type History = BTreeMap<String, i64>;

/// A heading and values in turn, `Tcp: RtoAlgorithm …` over `Tcp: 1 …`.
const PAIRED: [&str; 2] = ["/proc/thread-self/net/netstat", "/proc/thread-self/net/snmp"];
/// A name and a value a line.
const PLAIN: &str = "/proc/thread-self/net/snmp6";
/// How much of each file is read, in bytes.
const MOST: u64 = 64 << 10;

/// `nstat [-az] [-n] [NAMES]`: prints the counters that have changed since it last ran (-a: since the namespace was made; -z: also
/// those that have not), and remembers them. -n: only that.
pub(super) fn nstat(commands: &mut Commands, operands: &Operands<'_>, _: &mut Netlink) -> Option<Done> {
    let (options, names): (Vec<&str>, Vec<&str>) =
        operands.words.iter().partition(|word| word.starts_with('-'));
    let has = |letter: char| options.iter().any(|option| option.contains(letter));
    if !options.iter().all(|option| option[1..].chars().all(|c| matches!(c, 'a' | 'z' | 'n' | 's'))) {
        return None;
    }
    let now = counters();
    let mut said = String::from("#kernel\n");
    for (name, value) in &now {
        let before = if has('a') { 0 } else { commands.counters.get(name).copied().unwrap_or(0) };
        let is_asked_for = names.is_empty() || names.contains(&name.as_str());
        if is_asked_for && (has('z') || *value != before) {
            said += &format!("{name:<32}{:<16}{}\n", value - before, "0.0");
        }
    }
    if !has('s') {
        commands.counters = now;
    }
    Done::saying(if has('n') { String::new() } else { said })
}

fn counters() -> History {
    let mut counters = History::new();
    let text = |path: &str| {
        let bytes = files::read(Path::new(path), MOST).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    PAIRED.iter().for_each(|path| paired(&text(path), &mut counters));
    for line in text(PLAIN).lines() {
        let mut words = line.split_ascii_whitespace();
        if let (Some(name), Some(Ok(value))) = (words.next(), words.next().map(str::parse)) {
            counters.insert(name.to_owned(), value);
        }
    }
    counters
}

/// Reads pairs of lines: `TcpExt: A B` and `TcpExt: 1 2` are TcpExtA and TcpExtB.
fn paired(text: &str, counters: &mut History) {
    let mut lines = text.lines();
    while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
        let Some((group, names)) = names.split_once(": ") else { return };
        let values = values.split_ascii_whitespace().skip(1).map(str::parse);
        for (name, value) in names.split_ascii_whitespace().zip(values) {
            if let Ok(value) = value {
                counters.insert(format!("{group}{name}"), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_stand_in_lines_of_their_own() {
        let mut counters = History::new();
        paired("Tcp: MaxConn InSegs\nTcp: -1 7\nIp: X\nIp: y\nodd", &mut counters);
        let expected = [("TcpInSegs".to_owned(), 7), ("TcpMaxConn".to_owned(), -1)];
        assert_eq!(counters.into_iter().collect::<Vec<_>>(), expected);
    }
}
