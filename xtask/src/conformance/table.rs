//! The table at the end: protocols down, stacks across.

use super::play::Run;
use crate::results::StackInfo;
use cases::suite::PROTOCOLS;
use std::collections::BTreeMap;

/// The verdicts in the order of a cell.
const ORDER: [&str; 5] = ["pass", "fail", "inconclusive", "skip", "error"];

/// Prints the table.
pub(super) fn print(stacks: &[StackInfo], runs: &[Run]) {
    let keys: Vec<(&str, &str, &str)> = runs
        .iter()
        .map(|r| (protocol(&r.result.case), r.result.stack.as_str(), r.result.verdict.as_str()))
        .collect();
    let stacks: Vec<(&str, String)> = stacks.iter().map(|s| (s.name.as_str(), heading(s))).collect();
    println!("\n{}", text(&stacks, &keys));
}

fn heading(stack: &StackInfo) -> String {
    format!("{} {}", stack.name, stack.version)
}

fn protocol(case: &str) -> &str {
    case.split_once('/').map_or(".", |(first, _)| first)
}

/// The table of (protocol, stack, verdict).
fn text(stacks: &[(&str, String)], runs: &[(&str, &str, &str)]) -> String {
    let mut counts: BTreeMap<(&str, &str), [usize; 5]> = BTreeMap::new();
    for (protocol, stack, verdict) in runs {
        let place = ORDER.iter().position(|v| v == verdict).unwrap_or(ORDER.len() - 1);
        for row in [*protocol, "all"] {
            counts.entry((row, stack)).or_default()[place] += 1;
        }
    }
    let mut rows: Vec<&str> = runs.iter().map(|(protocol, _, _)| *protocol).collect();
    rows.sort_by_key(|p| (PROTOCOLS.iter().position(|(name, _)| name == p).unwrap_or(usize::MAX), *p));
    rows.dedup();
    rows.push("all");
    let mut lines =
        vec![[""].into_iter().chain(stacks.iter().map(|(_, h)| h.as_str())).map(str::to_owned).collect()];
    for row in rows {
        let cell = |(stack, _): &(&str, String)| {
            counts.get(&(row, *stack)).map_or_else(|| "-".to_owned(), |c| c.map(|n| n.to_string()).join("/"))
        };
        lines.push([row.to_owned()].into_iter().chain(stacks.iter().map(cell)).collect::<Vec<String>>());
    }
    format!("{}\n(runs: {})", aligned(&lines), ORDER.join("/"))
}

/// Columns as wide as their widest cell, the first to the left, the others to the right.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().map(|l| l[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = Vec::new();
    for line in lines {
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        text.push(cells.collect::<Vec<_>>().join("  ").trim_end().to_owned());
    }
    text.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_stand_in_the_order_of_layers() {
        let stacks = [("reference", "reference 0.1.0".to_owned()), ("linux", "linux 6.12".to_owned())];
        let runs = [
            ("tcp", "reference", "pass"),
            ("tcp", "linux", "fail"),
            ("arp", "reference", "pass"),
            ("arp", "reference", "error"),
        ];
        let expected = "     reference 0.1.0  linux 6.12\n\
                        arp        1/0/0/0/1           -\n\
                        tcp        1/0/0/0/0   0/1/0/0/0\n\
                        all        2/0/0/0/1   0/1/0/0/0\n\
                        (runs: pass/fail/inconclusive/skip/error)";
        assert_eq!(text(&stacks, &runs), expected);
    }
}
