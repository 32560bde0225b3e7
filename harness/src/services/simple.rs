//! Echo (RFC 862), discard (RFC 863) and the character generator (RFC 864).

use super::Shared;
use super::dialogue::{Answer, Dialogue};

/// What has been heard is said.
pub(super) fn echo(_: &Shared) -> Box<dyn Dialogue> {
    struct Echo;
    impl Dialogue for Echo {
        fn heard(&mut self, bytes: &[u8]) -> Answer {
            Answer::say(bytes)
        }
    }
    Box::new(Echo)
}

/// Nothing is said.
pub(super) fn discard(_: &Shared) -> Box<dyn Dialogue> {
    struct Discard;
    impl Dialogue for Discard {
        fn heard(&mut self, _: &[u8]) -> Answer {
            Answer::silence()
        }
    }
    Box::new(Discard)
}

/// Characters of a line, and the printing characters that lines are taken from.
const LINE: u8 = 72;
const CHARACTERS: u8 = 95;

/// Lines of printing characters without end.
pub(super) fn chargen(_: &Shared) -> Box<dyn Dialogue> {
    struct Chargen(Vec<u8>);
    impl Dialogue for Chargen {
        fn begin(&mut self) -> Answer {
            Answer::say(self.0.clone())
        }
        fn heard(&mut self, _: &[u8]) -> Answer {
            Answer::silence()
        }
        fn goes_on(&mut self) -> Answer {
            Answer::say(self.0.clone())
        }
    }
    Box::new(Chargen(pattern()))
}

/// The lines until they repeat: each begins one character later than the one before.
fn pattern() -> Vec<u8> {
    let line = |first: u8| {
        let characters = (first..first + LINE).map(|at| b' ' + at % CHARACTERS);
        characters.chain(*b"\r\n").collect::<Vec<u8>>()
    };
    (0..CHARACTERS).flat_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_turns_through_all_printing_characters() {
        let pattern = pattern();
        assert_eq!(pattern.len(), 95 * 74);
        assert!(pattern.starts_with(b" !\"#$"));
        assert_eq!(&pattern[74..78], b"!\"#$");
        assert_eq!(&pattern[pattern.len() - 74..][..3], b"~ !", "the last line turns round after its first");
    }
}
