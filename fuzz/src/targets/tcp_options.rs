//! TCP options (RFC 9293 3.1, RFC 7323, RFC 2018).

use crate::decoders::{Decoder, Fields, Value, Verdict};
use etherparse::{TcpOptionElement, TcpOptionReadError, TcpOptionsIterator};
use smoltcp::wire::TcpOption;
use stack::wire::tcp_options::{MAX_LEN, Options, SackBlocks};
use std::collections::BTreeMap;

/// The kinds that are emitted as they were parsed; of those that are not, the values are the same.
const KNOWN: [u8; 5] = [2, 3, 4, 5, 8];

/// `data` is an option area; more than fits a header is cut off.
///
/// # Panics
/// At a finding.
pub fn tcp_options(data: &[u8]) {
    let bytes = &data[..data.len().min(MAX_LEN)];
    let parsed = Options::parse(bytes);
    if let Ok(options) = &parsed {
        emits(bytes, options);
        assert_eq!(Options::parse_leniently(bytes), *options);
    }
    let verdict =
        Verdict { header: "tcp options", bytes, ours: parsed.map(|options| ours(&options).fields()) };
    verdict.agrees_with(Decoder::Etherparse, etherparse(bytes).map(|values| values.fields()));
    verdict.agrees_with(Decoder::Smoltcp, smoltcp(bytes).map(|values| values.fields()));
}

/// What is emitted holds, byte for byte, the last option of each known kind, and nothing else but padding: unknown ones,
/// repetitions, order and padding are lost, and those last SACK blocks that have no room when everything is aligned. A user
/// timeout may be told in seconds instead of minutes, and a Fast Open cookie without room is not told.
fn emits(bytes: &[u8], options: &Options) {
    let mut emitted = vec![0xff; options.len()];
    options.emit(&mut emitted);
    assert!(
        emitted.len().is_multiple_of(4) && emitted.len() <= MAX_LEN,
        "{} bytes of options",
        emitted.len()
    );
    assert_eq!(options.is_empty(), emitted.is_empty());
    let mut expected = last_of_each(bytes);
    let others = Options { sack: SackBlocks::default(), ..*options }.len();
    let mut cut = Vec::new();
    if let Some(sack) = expected.get_mut(&5).filter(|sack| others + sack.len() + 2 > MAX_LEN) {
        let blocks = (MAX_LEN - others).saturating_sub(4) / 8;
        cut.extend([5, 2 + 8 * blocks as u8]);
        cut.extend(&sack[2..2 + 8 * blocks]);
        *sack = &cut;
    }
    // An option without blocks is none.
    expected.retain(|kind, option| *kind != 5 || option.len() > 2);
    assert_eq!(last_of_each(&emitted), expected, "from {bytes:02x?}");
    let again = Options::parse(&emitted);
    let Ok(again) = again else { panic!("{again:?}: {emitted:02x?}") };
    assert_eq!((again.len(), again.user_timeout), (options.len(), options.user_timeout), "{emitted:02x?}");
    let alone = Options { fast_open: options.fast_open, ..Options::default() }.len();
    let without = Options { fast_open: None, sack: SackBlocks::default(), ..*options }.len();
    let told = options.fast_open.filter(|_| alone + without <= MAX_LEN);
    assert_eq!(options.have_room(), told == options.fast_open);
    assert_eq!(again.fast_open, told, "{emitted:02x?}");
    if let Some(option) = again.fast_open {
        assert_eq!(option.cookie.is_empty(), option.cookie.as_slice().is_empty());
    }
}

/// The whole option of each known kind that stands last.
fn last_of_each(bytes: &[u8]) -> BTreeMap<u8, &[u8]> {
    raw_options(bytes).map(|option| (option[0], option)).filter(|(kind, _)| KNOWN.contains(kind)).collect()
}

/// The options in an area, kind and length included, up to the first whose length lies.
pub(crate) fn raw_options(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        while let [1, rest @ ..] = bytes {
            bytes = rest;
        }
        let [kind, length, ..] = bytes else { return None };
        if *kind == 0 || *length < 2 {
            return None;
        }
        let (option, behind) = bytes.split_at_checked((*length).into())?;
        bytes = behind;
        Some(option)
    })
}

/// What the known options say; absent ones are `None`.
#[derive(Default)]
struct Values {
    mss: Option<u16>,
    window_scale: Option<u8>,
    sack_permitted: bool,
    timestamps: Option<(u32, u32)>,
    sack: [Option<(u32, u32)>; 3],
}

impl Values {
    fn fields<'a>(&self) -> Fields<'a> {
        let block = |n: usize| Value::Number(self.sack[n].map_or(u128::MAX, pair));
        Fields::new([
            ("mss", Value::Number(self.mss.map_or(u128::MAX, u128::from))),
            ("window scale", Value::Number(self.window_scale.map_or(u128::MAX, u128::from))),
            ("sack permitted", self.sack_permitted.into()),
            ("timestamps", Value::Number(self.timestamps.map_or(u128::MAX, pair))),
            ("first sack block", block(0)),
            ("second sack block", block(1)),
            ("third sack block", block(2)),
        ])
    }
}

fn pair((high, low): (u32, u32)) -> u128 {
    u128::from(high) << 32 | u128::from(low)
}

fn ours(options: &Options) -> Values {
    let mut sack = [None; 3];
    for (to, block) in sack.iter_mut().zip(options.sack.as_slice()) {
        *to = Some((block.left.0, block.right.0));
    }
    Values {
        mss: options.mss,
        window_scale: options.window_scale,
        sack_permitted: options.sack_permitted,
        timestamps: options.timestamps.map(|t| (t.tsval, t.tsecr)),
        sack,
    }
}

fn etherparse(bytes: &[u8]) -> Result<Values, &'static str> {
    let mut values = Values::default();
    for option in TcpOptionsIterator::from_slice(bytes) {
        let option = option.map_err(|error| match error {
            TcpOptionReadError::UnknownId(_) => "unknown kind",
            _ => "length",
        })?;
        match option {
            TcpOptionElement::Noop => {}
            TcpOptionElement::MaximumSegmentSize(mss) => values.mss = Some(mss),
            TcpOptionElement::WindowScale(shift) => values.window_scale = Some(shift),
            TcpOptionElement::SelectiveAcknowledgementPermitted => values.sack_permitted = true,
            TcpOptionElement::SelectiveAcknowledgement(first, [second, third, _]) => {
                values.sack = [Some(first), second, third];
            }
            TcpOptionElement::Timestamp(tsval, tsecr) => values.timestamps = Some((tsval, tsecr)),
        }
    }
    Ok(values)
}

fn smoltcp(mut bytes: &[u8]) -> Result<Values, &'static str> {
    let mut values = Values::default();
    while !bytes.is_empty() {
        let (rest, option) = TcpOption::parse(bytes).map_err(|_| "length")?;
        match option {
            TcpOption::EndOfList => break,
            TcpOption::NoOperation | TcpOption::Unknown { .. } => {}
            TcpOption::MaxSegmentSize(mss) => values.mss = Some(mss),
            TcpOption::WindowScale(shift) => values.window_scale = Some(shift),
            TcpOption::SackPermitted => values.sack_permitted = true,
            TcpOption::SackRange(blocks) => values.sack = blocks,
            TcpOption::TimeStamp { tsval, tsecr } => values.timestamps = Some((tsval, tsecr)),
        }
        bytes = rest;
    }
    Ok(values)
}
