//! Splits a shell command line of the simple kind into commands and words.

use super::arithmetic;

/// What joins a command to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joint {
    /// A line's end, `;`, or nothing before it.
    Then,
    /// `&&`
    And,
    /// `||`
    Else,
    /// `|`
    Pipe,
}

/// A command with its words unquoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) joint: Joint,
    pub(crate) words: Vec<String>,
    /// The file that its output goes to, where that is not /dev/null.
    pub(crate) output: Option<String>,
    /// What is in that file stays, in front.
    pub(crate) appends: bool,
    /// As it was written.
    pub(crate) text: String,
}

/// Splits `line`. What cannot be understood without a shell — substitutions, open quotes, background — gives the text of
/// the command that it is in.
pub(crate) fn split(line: &str) -> Result<Vec<Command>, String> {
    let mut commands = Vec::new();
    let mut rest = line;
    let mut joint = Joint::Then;
    loop {
        let mut reader = Reader { rest, words: Vec::new(), output: None, appends: false };
        let end = reader.command();
        let consumed = &rest[..rest.len() - reader.rest.len()];
        let text = consumed.trim().trim_end_matches([';', '&', '|']).trim().to_string();
        let end = end.ok_or_else(|| text.clone())?;
        if !reader.words.is_empty() {
            let Reader { words, output, appends, .. } = reader;
            commands.push(Command { joint, words, output, appends, text });
        }
        rest = &rest[consumed.len()..];
        joint = match end {
            End::Text => return Ok(commands),
            End::Joint(next) => next,
        };
    }
}

/// How a command ends.
enum End {
    Joint(Joint),
    Text,
}

/// Separators, longer ones first.
const SEPARATORS: &[(&str, Joint)] =
    &[("&&", Joint::And), ("||", Joint::Else), ("|", Joint::Pipe), (";", Joint::Then), ("\n", Joint::Then)];

/// Redirections of outputs, longer ones first, and whether they name a file that matters.
const REDIRECTIONS: &[(&str, bool)] =
    &[("2>&1", false), (">&2", false), ("&>", true), ("2>", false), (">>", true), ("1>", true), (">", true)];

struct Reader<'a> {
    rest: &'a str,
    words: Vec<String>,
    output: Option<String>,
    appends: bool,
}

impl Reader<'_> {
    fn eat(&mut self, prefix: &str) -> bool {
        let after = self.rest.strip_prefix(prefix);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    /// Blanks and continued lines.
    fn skip_blanks(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r']);
            if !self.eat("\\\n") && !self.eat("\\\r\n") {
                return;
            }
        }
    }

    /// Reads one command and what ends it; `None` where a shell would be needed.
    fn command(&mut self) -> Option<End> {
        loop {
            self.skip_blanks();
            if self.rest.is_empty() {
                return Some(End::Text);
            }
            if self.rest.starts_with('#') {
                self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
                continue;
            }
            if let Some((text, matters)) = REDIRECTIONS.iter().find(|(text, _)| self.rest.starts_with(text)) {
                self.eat(text);
                self.redirection(text, *matters)?;
                continue;
            }
            if let Some((text, joint)) = SEPARATORS.iter().find(|(text, _)| self.rest.starts_with(text)) {
                self.eat(text);
                return Some(End::Joint(*joint));
            }
            let word = self.word()?;
            self.words.push(word);
        }
    }

    fn redirection(&mut self, text: &str, matters: bool) -> Option<()> {
        if text.contains(">&") {
            return Some(());
        }
        self.skip_blanks();
        let file = self.word()?;
        if matters && file != "/dev/null" {
            self.output = Some(file);
            self.appends = text == ">>";
        }
        Some(())
    }

    /// A word up to a blank or a separator. `${PPID}` and its like stay as they are.
    fn word(&mut self) -> Option<String> {
        let mut word = String::new();
        let start = self.rest.len();
        while let Some(c) = self.rest.chars().next() {
            match c {
                ' ' | '\t' | '\r' | '\n' | ';' | '|' | '&' | '>' => break,
                '<' | '(' | ')' | '`' => return None,
                '\'' => {
                    let end = self.rest[1..].find('\'')?;
                    word.push_str(&self.rest[1..=end]);
                    self.rest = &self.rest[end + 2..];
                }
                '"' => {
                    self.eat("\"");
                    self.double_quoted(&mut word)?;
                }
                '\\' if self.rest.starts_with("\\\n") || self.rest.starts_with("\\\r\n") => break,
                '\\' => {
                    self.eat("\\");
                    let escaped = self.rest.chars().next()?;
                    word.push(escaped);
                    self.rest = &self.rest[escaped.len_utf8()..];
                }
                '$' => self.dollar(&mut word)?,
                c => {
                    word.push(c);
                    self.rest = &self.rest[c.len_utf8()..];
                }
            }
        }
        (self.rest.len() < start).then_some(word)
    }

    fn double_quoted(&mut self, word: &mut String) -> Option<()> {
        loop {
            let c = self.rest.chars().next()?;
            match c {
                '"' => {
                    self.eat("\"");
                    return Some(());
                }
                '$' => self.dollar(word)?,
                '`' => return None,
                c => {
                    word.push(c);
                    self.rest = &self.rest[c.len_utf8()..];
                }
            }
        }
    }

    /// `$((…))` has a value; a variable keeps its name; `$(…)` would need a shell.
    fn dollar(&mut self, word: &mut String) -> Option<()> {
        if self.eat("$((") {
            let end = self.rest.find("))")?;
            let mut end = end;
            // `$(((1+2)))` closes its own parenthesis first.
            while self.rest[end + 2..].starts_with(')') {
                end += 1;
            }
            let value = arithmetic::evaluate(&self.rest[..end])?;
            word.push_str(&value.to_string());
            self.rest = &self.rest[end + 2..];
            return Some(());
        }
        if self.rest.starts_with("$(") {
            return None;
        }
        self.eat("$");
        word.push('$');
        Some(())
    }
}
