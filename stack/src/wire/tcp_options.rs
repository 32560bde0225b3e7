//! TCP options: MSS (RFC 9293 3.7.1), Window Scale and Timestamps (RFC 7323), SACK (RFC 2018), User Timeout (RFC 5482),
//! Fast Open (RFC 7413).
//!
//! ```text
//! kind  length  value
//!  0      -     end of option list
//!  1      -     no-operation
//!  2      4     maximum segment size, 16 bits
//!  3      3     shift count, 8 bits
//!  4      2     SACK permitted
//!  5    8n+2    n blocks: left edge, right edge, 32 bits each
//!  8     10     TSval, TSecr, 32 bits each
//! 28      4     user timeout: 1 bit, set where minutes are counted and not seconds, and 15 bits
//! 34    2, 6-18 a Fast Open cookie of an even number of bytes, or none, which asks for one
//! 254   4, 8-20 0xF989 and the same: what Fast Open was before it had a kind of its own
//! ```
//! An option of another kind is skipped by its length (RFC 9293 MUST-6).

use super::{Error, Result};
use crate::tcp::SeqNumber;

const HEADER: &str = "tcp options";

/// The longest option area: a data offset of 15 words less the fixed header.
pub const MAX_LEN: usize = 40;

/// The most SACK blocks that fit in an option area.
pub const MAX_SACK_BLOCKS: usize = 4;

/// The Timestamps option's two values (RFC 7323 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamps {
    /// The sender's clock.
    pub tsval: u32,
    /// The clock value that is echoed; meaningless without ACK.
    pub tsecr: u32,
}

impl Timestamps {
    /// Those of an option area that has them as RFC 7323 appendix A does, and nothing else: what nearly every segment
    /// carries.
    #[inline]
    pub(super) fn alone_in(area: &[u8]) -> Option<Timestamps> {
        let &[1, 1, 8, 10, a, b, c, d, e, f, g, h] = area else { return None };
        Some(Timestamps::of([a, b, c, d], [e, f, g, h]))
    }

    /// The option as RFC 7323 appendix A has it.
    #[inline]
    pub(super) fn padded(self) -> [u8; 12] {
        let ([a, b, c, d], [e, f, g, h]) = (self.tsval.to_be_bytes(), self.tsecr.to_be_bytes());
        [1, 1, 8, 10, a, b, c, d, e, f, g, h]
    }

    #[inline]
    fn of(tsval: [u8; 4], tsecr: [u8; 4]) -> Timestamps {
        Timestamps { tsval: u32::from_be_bytes(tsval), tsecr: u32::from_be_bytes(tsecr) }
    }
}

/// One block of the SACK option: data held from `left` to just before `right` (RFC 2018 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SackBlock {
    /// The first sequence number of the block.
    pub left: SeqNumber,
    /// The sequence number after its last.
    pub right: SeqNumber,
}

/// Up to [`MAX_SACK_BLOCKS`] blocks, in the order of the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SackBlocks {
    blocks: [SackBlock; MAX_SACK_BLOCKS],
    count: usize,
}

impl SackBlocks {
    /// Adds a block; false where there is no room.
    pub fn push(&mut self, block: SackBlock) -> bool {
        let Some(slot) = self.blocks.get_mut(self.count) else { return false };
        *slot = block;
        self.count += 1;
        true
    }

    /// The blocks.
    pub fn as_slice(&self) -> &[SackBlock] {
        &self.blocks[..self.count]
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Keeps the first `count` blocks.
    pub fn truncate(&mut self, count: usize) {
        self.count = self.count.min(count);
        // What stands behind the last block is compared too: it is nothing.
        self.blocks[self.count..].fill(SackBlock::default());
    }
}

/// A Fast Open cookie (RFC 7413 2): 4 to 16 bytes, an even number of them, or none at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cookie {
    bytes: [u8; MAX_COOKIE],
    len: u8,
}

/// The longest cookie.
const MAX_COOKIE: usize = 16;

impl Cookie {
    /// The cookie of these bytes; `None` where there are too few, too many, or an odd number of them (4.1.1).
    pub fn new(cookie: &[u8]) -> Option<Cookie> {
        let fits = (4..=MAX_COOKIE).contains(&cookie.len()) && cookie.len().is_multiple_of(2);
        let mut bytes = [0; MAX_COOKIE];
        bytes.get_mut(..cookie.len()).filter(|_| fits)?.copy_from_slice(cookie);
        Some(Cookie { bytes, len: cookie.len() as u8 })
    }

    /// Its bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// Whether there is none: a request for one.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// The Fast Open option (RFC 7413 4.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FastOpen {
    /// The cookie; an empty one asks for one.
    pub cookie: Cookie,
    /// Under kind 254 and a magic number, as before RFC 7413 (its section 9 has the kind of today).
    pub experimental: bool,
}

/// What the experimental option begins with.
const FAST_OPEN_MAGIC: [u8; 2] = [0xf9, 0x89];

impl FastOpen {
    /// The option of a value behind its kind; `None` where its length is wrong, which makes it nothing (4.1.1).
    fn parse(value: &[u8], experimental: bool) -> Option<FastOpen> {
        let cookie = if value.is_empty() { Cookie::default() } else { Cookie::new(value)? };
        Some(FastOpen { cookie, experimental })
    }

    /// Bytes with the padding behind it.
    fn len(&self) -> usize {
        let head = if self.experimental { 4 } else { 2 };
        (head + self.cookie.as_slice().len()).next_multiple_of(4)
    }

    fn put(&self, writer: &mut Writer<'_>) {
        let cookie = self.cookie.as_slice();
        let mut option = [1; 20];
        let head = match self.experimental {
            false => &[34, 2 + cookie.len() as u8][..],
            true => &[254, 4 + cookie.len() as u8, FAST_OPEN_MAGIC[0], FAST_OPEN_MAGIC[1]][..],
        };
        option[..head.len()].copy_from_slice(head);
        option[head.len()..head.len() + cookie.len()].copy_from_slice(cookie);
        writer.put(&option[..self.len()]);
    }
}

/// In which order a SYN's options stand, and how they are padded. On other segments there is no choice to make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OptionLayout {
    /// By their kinds, each aligned to 32 bits by no-operations before it (RFC 7323 appendix A for timestamps).
    #[default]
    Aligned,
    /// MSS, then SACK-permitted in the place of the two no-operations before the timestamps, then the window scale:
    /// what Linux sends (tcp_options_write), and 4 bytes less.
    Packed,
}

/// The options of a segment that this stack knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Maximum segment size, in bytes of payload without any options.
    pub mss: Option<u16>,
    /// Window scale: the shift count as it stands on the wire, which may exceed 14.
    pub window_scale: Option<u8>,
    /// SACK permitted.
    pub sack_permitted: bool,
    /// Timestamps.
    pub timestamps: Option<Timestamps>,
    /// SACK blocks.
    pub sack: SackBlocks,
    /// The user timeout that is told, in seconds (RFC 5482 3.3). Above 32767 s it is written in minutes, rounded down.
    pub user_timeout: Option<u32>,
    /// Fast Open.
    pub fast_open: Option<FastOpen>,
    /// How they are written; [`Options::parse`] does not tell.
    pub layout: OptionLayout,
}

impl Options {
    /// Reads an option area. Padding and unknown options are lost; of a repeated option the last counts.
    ///
    /// # Errors
    /// A length that is below 2, reaches past the area, or is not that of its kind.
    pub fn parse(bytes: &[u8]) -> Result<Options> {
        let mut options = Options::default();
        options.read(bytes)?;
        Ok(options)
    }

    /// The same, as far as lengths can be believed.
    pub fn parse_leniently(bytes: &[u8]) -> Options {
        let mut options = Options::default();
        // What is wrong ends the list, and what was read before counts.
        let _broken = options.read(bytes);
        options
    }

    fn read(&mut self, mut bytes: &[u8]) -> Result<()> {
        while let [kind, rest @ ..] = bytes {
            match kind {
                0 => break,
                1 => bytes = rest,
                _ => {
                    let length = *rest.first().ok_or(Error::truncated(HEADER, "length"))? as usize;
                    if length < 2 || length > bytes.len() {
                        return Err(Error::length(HEADER, "length"));
                    }
                    let (option, behind) = bytes.split_at(length);
                    self.take(*kind, &option[2..])?;
                    bytes = behind;
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, kind: u8, value: &[u8]) -> Result<()> {
        match (kind, value) {
            (2, &[high, low]) => self.mss = Some(u16::from_be_bytes([high, low])),
            (3, &[shift]) => self.window_scale = Some(shift),
            (4, []) => self.sack_permitted = true,
            (8, &[a, b, c, d, e, f, g, h]) => {
                self.timestamps = Some(Timestamps::of([a, b, c, d], [e, f, g, h]));
            }
            (5, blocks) if !blocks.is_empty() && blocks.len() % 8 == 0 => {
                self.sack = SackBlocks::default();
                for block in blocks.chunks_exact(8) {
                    let (left, right) = (word(&block[..4]), word(&block[4..]));
                    self.sack.push(SackBlock { left, right });
                }
            }
            (28, &[high, low]) => {
                let value = u32::from(u16::from_be_bytes([high, low]));
                self.user_timeout = Some((value & 0x7fff) * if value & 0x8000 == 0 { 1 } else { 60 });
            }
            (34, cookie) => self.fast_open = FastOpen::parse(cookie, false),
            (254, [0xf9, 0x89, cookie @ ..]) => self.fast_open = FastOpen::parse(cookie, true),
            (2 | 3 | 4 | 5 | 8, _) => return Err(Error::length(HEADER, "length")),
            _ => {}
        }
        Ok(())
    }

    /// Bytes that [`Options::emit`] writes: a multiple of 4, at most [`MAX_LEN`]. SACK blocks are as many as find room
    /// behind the other options, the first ones first (RFC 2018 4); a segment of the peer's may hold more of them
    /// unaligned than fit aligned.
    pub fn len(&self) -> usize {
        let others = self.len_without_sack() + self.fast_open_that_fits().map_or(0, |option| option.len());
        if self.sack.is_empty() {
            return others;
        }
        match self.blocks_within(MAX_LEN - others) {
            0 => others,
            blocks => others + 4 + 8 * blocks,
        }
    }

    /// Whether the layout leaves room for the cookie.
    pub fn have_room(&self) -> bool {
        self.fast_open.is_none() || self.fast_open_that_fits().is_some()
    }

    /// A cookie that finds no room behind the other options stays away.
    fn fast_open_that_fits(&self) -> Option<&FastOpen> {
        self.fast_open.as_ref().filter(|option| self.len_without_sack() + option.len() <= MAX_LEN)
    }

    /// At most 28, without Fast Open.
    fn len_without_sack(&self) -> usize {
        let syn = if self.mss.is_some() { 4 } else { 0 } + if self.window_scale.is_some() { 4 } else { 0 };
        let permitted = if self.sack_permitted && !self.shares_a_word() { 4 } else { 0 };
        let timestamps = if self.timestamps.is_some() { 12 } else { 0 };
        let user_timeout = if self.user_timeout.is_some() { 4 } else { 0 };
        syn + permitted + timestamps + user_timeout
    }

    /// Whether SACK-permitted stands where the timestamps' padding would.
    fn shares_a_word(&self) -> bool {
        self.layout == OptionLayout::Packed && self.sack_permitted && self.timestamps.is_some()
    }

    /// How many SACK blocks fit `room` bytes.
    fn blocks_within(&self, room: usize) -> usize {
        (room.saturating_sub(4) / 8).min(self.sack.count)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The timestamps as RFC 7323 appendix A has them, where there is no other option.
    #[inline]
    pub(super) fn only_timestamps(&self) -> Option<[u8; 12]> {
        let none = self.mss.is_none() && self.window_scale.is_none() && self.user_timeout.is_none();
        let none = none && !self.sack_permitted && self.sack.count == 0 && self.fast_open.is_none();
        self.timestamps.filter(|_| none).map(Timestamps::padded)
    }

    /// Writes the options in their layout, a multiple of 32 bits each, into the front of `out`, which must hold
    /// [`Options::len`] bytes; options for which there is no room are left out.
    #[inline]
    pub fn emit(&self, out: &mut [u8]) {
        let mut writer = Writer { out, at: 0 };
        if let Some(mss) = self.mss {
            let [high, low] = mss.to_be_bytes();
            writer.put(&[2, 4, high, low]);
        }
        let scale = self.window_scale.map(|shift| [1, 3, 3, shift]);
        let aligned = self.layout == OptionLayout::Aligned;
        if let Some(option) = scale.filter(|_| aligned) {
            writer.put(&option);
        }
        let shared = self.shares_a_word();
        if self.sack_permitted && !shared {
            writer.put(&[1, 1, 4, 2]);
        }
        if let Some(Timestamps { tsval, tsecr }) = self.timestamps {
            let mut option = [1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0];
            if shared {
                option[..2].copy_from_slice(&[4, 2]);
            }
            option[4..8].copy_from_slice(&tsval.to_be_bytes());
            option[8..12].copy_from_slice(&tsecr.to_be_bytes());
            writer.put(&option);
        }
        if let Some(option) = scale.filter(|_| !aligned) {
            writer.put(&option);
        }
        if let Some(seconds) = self.user_timeout {
            let minutes = 0x8000 | (seconds / 60).min(0x7fff);
            let value = u16::try_from(if seconds <= 0x7fff { seconds } else { minutes }).unwrap_or(u16::MAX);
            let [high, low] = value.to_be_bytes();
            writer.put(&[28, 4, high, low]);
        }
        if let Some(option) = self.fast_open_that_fits() {
            option.put(&mut writer);
        }
        let blocks = self.blocks_within(writer.out.len() - writer.at);
        if blocks > 0 {
            let mut option = [0; 4 + 8 * MAX_SACK_BLOCKS];
            option[..4].copy_from_slice(&[1, 1, 5, (2 + 8 * blocks) as u8]);
            for (block, to) in self.sack.as_slice().iter().zip(option[4..].chunks_exact_mut(8)) {
                to[..4].copy_from_slice(&block.left.0.to_be_bytes());
                to[4..].copy_from_slice(&block.right.0.to_be_bytes());
            }
            writer.put(&option[..4 + 8 * blocks]);
        }
    }
}

fn word(bytes: &[u8]) -> SeqNumber {
    SeqNumber(bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte)))
}

struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn put(&mut self, option: &[u8]) {
        if let Some(to) = self.out.get_mut(self.at..self.at + option.len()) {
            to.copy_from_slice(option);
            self.at += option.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emitted_options_parse_to_themselves() {
        let mut sack = SackBlocks::default();
        for n in 0..3 {
            assert!(sack.push(SackBlock { left: SeqNumber(n), right: SeqNumber(n + 10) }));
        }
        let syn =
            Options { mss: Some(1460), window_scale: Some(7), sack_permitted: true, ..Options::default() };
        let ack = Options { timestamps: Some(Timestamps { tsval: 1, tsecr: 2 }), sack, ..Options::default() };
        let fast_open = |cookie: &[u8], experimental| {
            let cookie = Cookie::new(cookie).unwrap_or_default();
            Options { fast_open: Some(FastOpen { cookie, experimental }), ..syn }
        };
        let with_cookies = [
            fast_open(&[], false),
            fast_open(&[1; 16], false),
            fast_open(&[], true),
            fast_open(&[2; 6], true),
        ];
        let timeouts = [1, 0x7fff, 0x8000 / 60 * 60, 0x7fff * 60];
        let with_timeouts = timeouts.map(|s| Options { user_timeout: Some(s), ..syn });
        for options in [syn, ack, Options::default()].into_iter().chain(with_cookies).chain(with_timeouts) {
            let mut bytes = vec![0; options.len()];
            options.emit(&mut bytes);
            assert_eq!(Options::parse(&bytes), Ok(options), "{bytes:?}");
        }
    }

    #[test]
    fn packed_as_linux_does() {
        let check = |options: Options, expected: &[u8]| {
            let options = Options { layout: OptionLayout::Packed, mss: Some(1460), ..options };
            let mut bytes = vec![0; options.len()];
            options.emit(&mut bytes);
            assert_eq!(bytes, expected);
        };
        let timestamps = Some(Timestamps { tsval: 1, tsecr: 2 });
        let (scale, plain) = (Some(8), Options::default());
        check(
            Options { timestamps, sack_permitted: true, window_scale: scale, ..plain },
            &[2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 8],
        );
        check(Options { timestamps, ..plain }, &[2, 4, 5, 180, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
        check(
            Options { sack_permitted: true, window_scale: scale, ..plain },
            &[2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 8],
        );
    }

    /// Unaligned, all five kinds fit 40 bytes; aligned they would take 44, and the header's data offset would wrap.
    #[test]
    fn options_that_fit_unaligned_alone_lose_the_last_sack_block() {
        let mut bytes = vec![2, 4, 5, 180, 3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 18];
        bytes.extend(1..=16);
        let options = Options::parse(&bytes).unwrap();
        assert_eq!((bytes.len(), options.sack.as_slice().len(), options.len()), (37, 2, 36));
        let mut emitted = vec![0; options.len()];
        options.emit(&mut emitted);
        let mut expected = options;
        expected.sack.truncate(1);
        assert_eq!(Options::parse(&emitted), Ok(expected));
    }

    #[test]
    fn cookies_of_a_wrong_length_are_nothing() {
        let fast_open =
            |bytes: &[u8]| Options::parse(bytes).unwrap().fast_open.map(|option| option.cookie.len);
        let found = [2, 4, 5, 6, 7, 18, 20].map(|len: u8| {
            let mut bytes = vec![34, len];
            bytes.resize(usize::from(len), 9);
            fast_open(&bytes)
        });
        assert_eq!(found, [Some(0), None, None, Some(4), None, Some(16), None]);
        assert_eq!(fast_open(&[254, 4, 0xf9, 0x89]), Some(0));
        assert_eq!(fast_open(&[254, 4, 0xf9, 0x88]), None);
    }

    #[track_caller]
    fn check(bytes: &[u8], mss: Result<Option<u16>>) {
        assert_eq!(Options::parse(bytes).map(|options| options.mss), mss);
    }

    #[test]
    fn layouts() {
        check(&[1, 1, 2, 4, 2, 24, 0], Ok(Some(536)));
        check(&[253, 6, 9, 9, 9, 9, 2, 4, 2, 24], Ok(Some(536)));
        check(&[0, 2, 4, 2, 24], Ok(None));
        check(&[1, 1, 1], Ok(None));
    }

    #[test]
    fn what_stands_before_a_lie_can_be_believed() {
        let mss = |bytes: &[u8]| Options::parse_leniently(bytes).mss;
        assert_eq!(mss(&[2, 4, 2, 24, 5, 1]), Some(536));
        assert_eq!(mss(&[5, 255, 2, 4, 2, 24]), None);
    }

    #[test]
    fn lengths_that_lie() {
        let lie = Err(Error::length(HEADER, "length"));
        check(&[253, 0], lie);
        check(&[253, 1], lie);
        check(&[2, 5, 2, 24], lie);
        check(&[2, 3, 2], lie);
        check(&[5, 9, 0, 0, 0, 0, 0, 0, 0], lie);
        check(&[253, 255, 0], lie);
        check(&[2], Err(Error::truncated(HEADER, "length")));
    }
}
