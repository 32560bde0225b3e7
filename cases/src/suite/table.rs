//! Tables that generate cases: rows × columns, each cell a case of its own.
//!
//! `tcp/states.table.toml` makes the cases `tcp/states/ROW/COLUMN`. Every cell says how it ends (an outcome) and which
//! requirements say so; a cell that is missing is an error. The text of a case is the table's `text` with every `{name}`
//! replaced by what the row, the column or the outcome says under that name; `{name+1}` and `{name-1}` are sums.

use crate::nearest::advice;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// How the name of a table's file ends.
pub(super) const EXTENSION: &str = ".table.toml";
/// Names inside names inside names … deeper than this are a loop.
const DEEPEST: usize = 8;

/// The cases that a table makes: the text of each by `ROW/COLUMN`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) cases: BTreeMap<String, String>,
}

/// Tables that were read, by their files. A table is read once, however many of its cases are asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables(Arc<Mutex<BTreeMap<PathBuf, Read>>>);

/// A table, or what is wrong with its file.
type Read = Result<Arc<Table>, String>;

impl Tables {
    /// The table in the file at `path`, which errors call `shown`.
    pub(super) fn read(&self, path: &Path, shown: &Path) -> Read {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = tables.get(path) {
            return table.clone();
        }
        let shown = shown.display().to_string();
        let table = std::fs::read_to_string(path)
            .map_err(|e| format!("{shown}: cannot be read: {e}"))
            .and_then(|text| Table::parse(&shown, &text))
            .map(Arc::new);
        tables.insert(path.to_owned(), table.clone());
        table
    }
}

/// What a row, a column or an outcome says: values by their names.
type Values = BTreeMap<String, Value>;

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Value {
    Number(i64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outcome {
    /// What goes behind `//! twin ID:`, once for each requirement of the cell.
    twins: Vec<String>,
    #[serde(default)]
    values: Values,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    text: String,
    #[serde(default)]
    groups: BTreeMap<String, Vec<String>>,
    rows: BTreeMap<String, Values>,
    columns: BTreeMap<String, Values>,
    outcomes: BTreeMap<String, Outcome>,
    /// By column, then by rows or groups of rows with blanks between them: the outcome and the requirements.
    cells: BTreeMap<String, BTreeMap<String, toml::Spanned<String>>>,
}

impl Table {
    /// Generates the cases of the table `text`, whose file errors call `shown`.
    fn parse(shown: &str, text: &str) -> Result<Table, String> {
        let file: File = crate::catalogue::parse_toml(shown, text)?;
        let mut table = Table::default();
        for column in file.columns.keys() {
            let cells = file.cells.get(column).ok_or_else(|| format!("{shown}: no [cells.{column}]"))?;
            for (rows, cell) in cells {
                let line = text[..cell.span().start.min(text.len())].matches('\n').count() + 1;
                let place = format!("{shown}:{line}");
                for row in file.rows_of(rows).map_err(|e| format!("{place}: {e}"))? {
                    let case = file.case(row, column, cell.get_ref()).map_err(|e| format!("{place}: {e}"))?;
                    if table.cases.insert(format!("{row}/{column}"), case).is_some() {
                        return Err(format!("{place}: {row} in the column {column} stands twice"));
                    }
                }
            }
            if let Some(row) = file.rows.keys().find(|r| !table.cases.contains_key(&format!("{r}/{column}")))
            {
                return Err(format!("{shown}: the cell of {row} in the column {column} is empty"));
            }
        }
        let known: Vec<&str> = file.columns.keys().map(String::as_str).collect();
        match file.cells.keys().find(|column| !file.columns.contains_key(*column)) {
            Some(stray) => Err(format!("{shown}: no column {stray}; {}", advice(stray, known))),
            None => Ok(table),
        }
    }
}

impl File {
    /// The rows that the key of a cell names.
    fn rows_of<'a>(&'a self, key: &'a str) -> Result<Vec<&'a str>, String> {
        let mut rows = Vec::new();
        for name in key.split_whitespace() {
            match self.groups.get(name) {
                Some(group) => rows.extend(group.iter().map(String::as_str)),
                None => rows.push(name),
            }
        }
        let known = || self.rows.keys().chain(self.groups.keys()).map(String::as_str);
        match rows.iter().find(|row| !self.rows.contains_key(**row)) {
            Some(row) => Err(format!("no row {row}; {}", advice(row, known()))),
            None => Ok(rows),
        }
    }

    /// The text of the case in the cell of `row` and `column`.
    fn case(&self, row: &str, column: &str, cell: &str) -> Result<String, String> {
        let (name, requirements) = cell.split_once(' ').ok_or("a cell is an outcome and requirements")?;
        let known = || self.outcomes.keys().map(String::as_str);
        let outcome =
            self.outcomes.get(name).ok_or_else(|| format!("no outcome {name}; {}", advice(name, known())))?;
        let twins = requirements
            .split_whitespace()
            .flat_map(|id| outcome.twins.iter().map(move |twin| format!("//! twin {id}: {twin}")));
        let mut values = Values::from([
            ("requires".to_owned(), Value::Text(requirements.trim().to_owned())),
            ("twins".to_owned(), Value::Text(twins.collect::<Vec<_>>().join("\n"))),
        ]);
        for (name, value) in self.rows[row].iter().chain(&self.columns[column]).chain(&outcome.values) {
            if values.insert(name.clone(), value.clone()).is_some() {
                return Err(format!("{{{name}}} has two meanings in {row}/{column}"));
            }
        }
        expand(&self.text, &values, 0)
    }
}

/// `text` with every `{name}` replaced. Other braces are the case language's.
fn expand(text: &str, values: &Values, depth: usize) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let (before, after) = rest.split_at(start);
        out += before;
        let reference = after.find('}').and_then(|end| Some((end, Reference::parse(&after[1..end])?)));
        let Some((end, reference)) = reference else {
            out.push('{');
            rest = &after[1..];
            continue;
        };
        out += &reference.value(values, depth)?;
        rest = &after[end + 1..];
    }
    Ok(out + rest)
}

/// `name`, `name+1` or `name-1`.
struct Reference<'a> {
    name: &'a str,
    offset: Option<i64>,
}

impl Reference<'_> {
    fn parse(text: &str) -> Option<Reference<'_>> {
        let end = text.find(['+', '-']).unwrap_or(text.len());
        let (name, offset) = text.split_at(end);
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let offset = if offset.is_empty() { None } else { Some(offset.parse().ok()?) };
        is_name.then_some(Reference { name, offset })
    }

    fn value(&self, values: &Values, depth: usize) -> Result<String, String> {
        let known: BTreeSet<&str> = values.keys().map(String::as_str).collect();
        let name = self.name;
        let value = values
            .get(name)
            .ok_or_else(|| format!("{{{name}}} has no meaning here; {}", advice(name, known)))?;
        let text = match value {
            Value::Number(number) => number.to_string(),
            Value::Text(_) if depth == DEEPEST => return Err(format!("{{{name}}} contains itself")),
            Value::Text(text) => expand(text, values, depth + 1)?,
        };
        let Some(offset) = self.offset else { return Ok(text) };
        let sum = text.trim().parse::<i64>().ok().and_then(|number| number.checked_add(offset));
        sum.map(|sum| sum.to_string()).ok_or_else(|| format!("{{{name}}} is {text:?}, and no number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
text = '''
//! {about}
//! requires: {requires}
{twins}
< R {next+9}:{next-1}(0) win 0
setsockopt(3, {onoff=1}, 8)
{then}'''
[groups]
both = ["open", "shut"]
[rows]
open = { next = 5, answer = "> . {next}" }
shut = { next = 1, answer = "> R {next}" }
[columns]
reset.about = "A reset."
[outcomes.answered]
twins = ["drop @a", "alter @a ack += {next}"]
values.then = "@a {answer}"
[cells.reset]
both = "answered RFC1-1 RFC1-2"
"#;

    fn check(from: &str, to: &str, expected: &str) {
        let error = Table::parse("cases/t.table.toml", &GOOD.replace(from, to)).expect_err("an error");
        assert!(error.contains(expected), "{expected:?} is not in {error}");
    }

    #[test]
    fn a_cell_becomes_a_case() {
        let table = Table::parse("t", GOOD).expect("a table");
        assert_eq!(table.cases.keys().collect::<Vec<_>>(), ["open/reset", "shut/reset"]);
        let expected = "//! A reset.\n//! requires: RFC1-1 RFC1-2\n//! twin RFC1-1: drop @a\n\
                        //! twin RFC1-1: alter @a ack += 5\n//! twin RFC1-2: drop @a\n\
                        //! twin RFC1-2: alter @a ack += 5\n< R 14:4(0) win 0\nsetsockopt(3, {onoff=1}, 8)\n@a > . 5";
        assert_eq!(table.cases["open/reset"], expected);
    }

    #[test]
    fn errors_name_the_cell_and_what_was_meant() {
        check("both = \"answered", "open = \"answered", "the cell of shut in the column reset is empty");
        check(
            "both = \"answered",
            "\"both open\" = \"answered",
            "t.table.toml:20: open in the column reset stands twice",
        );
        check("both = \"answered", "bth = \"answered", "t.table.toml:20: no row bth; nearest: both");
        check("both = \"answered", "both = \"answred", "no outcome answred; nearest: answered");
        check("\"answered RFC1-1 RFC1-2\"", "\"answered\"", "a cell is an outcome and requirements");
        check("[cells.reset]", "[cells.rset]", "no [cells.reset]");
        check("{answer}", "{anser}", "{anser} has no meaning here; nearest: answer");
        check("@a {answer}", "@a {then}", "{then} contains itself");
        check("{next+9}", "{about+9}", "{about} is \"A reset.\", and no number");
        check("reset.about = \"A reset.\"", "reset = { about = \"A\", next = 1 }", "{next} has two meanings");
        check("twins = ", "twin = ", "t.table.toml:17: unknown field `twin`");
    }
}
