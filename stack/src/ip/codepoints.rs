//! What the ECN fields of fragments make of the whole (RFC 3168 5.3).

const NOT_ECT: u8 = 0;
const CE: u8 = 3;

/// The codepoints that were seen in the fragments of one datagram.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Codepoints(u8);

impl Codepoints {
    /// Takes note of a fragment's type of service or traffic class.
    pub(crate) fn see(&mut self, tos: u8) {
        self.0 |= 1 << (tos & CE);
    }

    fn has(self, codepoint: u8) -> bool {
        self.0 & 1 << codepoint != 0
    }

    /// The type of service of the whole, `first` being that of the first fragment: a mark is not lost. `None` where
    /// something was marked and something else may not be: the datagram is dropped.
    pub(crate) fn whole(self, first: u8) -> Option<u8> {
        match (self.has(CE), self.has(NOT_ECT)) {
            (true, true) => None,
            (true, false) => Some(first | CE),
            (false, _) => Some(first),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_kept_or_drops_the_datagram() {
        let whole = |fragments: &[u8]| {
            let mut codepoints = Codepoints::default();
            fragments.iter().for_each(|tos| codepoints.see(*tos));
            codepoints.whole(fragments[0])
        };
        assert_eq!(whole(&[0x2a, 0x2a]), Some(0x2a));
        assert_eq!(whole(&[0x2a, 0x2b]), Some(0x2b));
        assert_eq!(whole(&[0x2b, 0x29]), Some(0x2b));
        assert_eq!(whole(&[0x28, 0x2b]), None);
        assert_eq!(whole(&[0x28, 0x2a]), Some(0x28));
    }
}
