//! What one end of a connection says to the other.

/// What is said, and whether it was the last word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The bytes; empty to say nothing.
    pub data: Vec<u8>,
    /// The connection is closed behind them.
    pub is_last: bool,
}

impl Answer {
    /// Nothing, and the connection goes on.
    pub fn silence() -> Answer {
        Answer::default()
    }

    /// Bytes, and the connection goes on.
    pub fn say(data: impl Into<Vec<u8>>) -> Answer {
        Answer { data: data.into(), is_last: false }
    }

    /// Bytes, and the connection is closed.
    pub fn last(data: impl Into<Vec<u8>>) -> Answer {
        Answer { data: data.into(), is_last: true }
    }
}

/// One end of a connection. While something is being sent nothing is heard: the peer is held back by the window.
pub trait Dialogue {
    /// The first word, before anything is heard.
    fn begin(&mut self) -> Answer {
        Answer::silence()
    }

    /// The peer has said something.
    fn heard(&mut self, bytes: &[u8]) -> Answer;

    /// What was said last has been sent; what is said next, unheard.
    fn goes_on(&mut self) -> Answer {
        Answer::silence()
    }

    /// The peer has nothing more to say.
    fn ended(&mut self) -> Answer {
        Answer::last([])
    }
}

/// The longest line that is waited for; what is longer ends the connection.
const MAX_LINE: usize = 8192;

/// Bytes that are heard in pieces, taken by the line.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
}

impl Lines {
    /// More bytes; false where a line is too long.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        self.bytes.extend_from_slice(bytes);
        let longest = self.bytes.split(|byte| *byte == b'\n').map(<[u8]>::len).max();
        longest.is_none_or(|longest| longest <= MAX_LINE)
    }

    /// The next whole line without its end, be that CR LF or LF.
    pub(super) fn next(&mut self) -> Option<String> {
        let end = self.bytes.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.bytes.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_and_bounded() {
        let mut lines = Lines::default();
        assert!(lines.push(b"a\r\nb\nc"));
        assert_eq!([lines.next(), lines.next(), lines.next()], [Some("a".into()), Some("b".into()), None]);
        assert!(lines.push(b"d\r\n"));
        assert_eq!(lines.next(), Some("cd".into()));
        assert!(!lines.push(&[b'x'; MAX_LINE + 1]));
    }
}
