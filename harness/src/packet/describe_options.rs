//! TCP options in words.

use super::describe::hex;
use super::options::{self, Raw, kind};
use crate::lang::ast::AccEcnCounter;

/// What numbers in options are relative to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bases {
    /// The receiver's base, of SACK edges.
    pub(super) ack: u32,
    /// The base of timestamp values.
    pub(super) timestamp: u32,
    /// The base of timestamp echoes.
    pub(super) echo: u32,
}

/// The name of an option's kind.
pub(super) fn option_name(kind: u8) -> String {
    let name = match kind {
        kind::EOL => "eol",
        kind::NOP => "nop",
        kind::MSS => "mss",
        kind::WSCALE => "wscale",
        kind::SACK_OK => "sackOK",
        kind::SACK => "sack",
        kind::TIMESTAMP => "TS",
        kind::MD5 => "md5",
        kind::USER_TIMEOUT => "uto",
        kind::FAST_OPEN => "FO",
        kind::EXPERIMENTAL => "FOEXP",
        kind::ACC_ECN_0 | kind::ACC_ECN_1 => "ECN",
        _ => return format!("raw 0x{kind:02x}"),
    };
    name.to_string()
}

/// ` <…>`, or nothing where there are none but filling zeros.
pub(super) fn options(bytes: &[u8], bases: Bases) -> String {
    let mut options = options::split(bytes);
    options.retain(|o| o.kind != kind::EOL);
    if options.is_empty() {
        return String::new();
    }
    let words: Vec<_> = options.iter().map(|o| option(o, bases)).collect();
    format!(" <{}>", words.join(", "))
}

fn option(option: &Raw<'_>, bases: Bases) -> String {
    let name = option_name(option.kind);
    match (option.kind, option.data.len()) {
        _ if option.malformed() => raw(option),
        (kind::NOP, _) | (kind::SACK_OK, 0) => name,
        (kind::MSS, 2) => format!("{name} {}", option.word(0)),
        (kind::WSCALE, 1) => format!("{name} {}", option.data[0]),
        (kind::SACK, n) if n > 0 && n % 8 == 0 => {
            let edge = |at| option.long(at).wrapping_sub(bases.ack);
            let blocks: Vec<_> =
                (0..n).step_by(8).map(|at| format!("{}:{}", edge(at), edge(at + 4))).collect();
            format!("{name} {}", blocks.join(" "))
        }
        (kind::TIMESTAMP, 8) => {
            let val = option.long(0).wrapping_sub(bases.timestamp);
            let ecr = option.long(4);
            let ecr = if ecr == 0 { 0 } else { ecr.wrapping_sub(bases.echo) };
            format!("{name} val {val} ecr {ecr}")
        }
        (kind::MD5, _) | (kind::FAST_OPEN, _) => {
            format!("{name} {}", hex(option.data)).trim_end().to_string()
        }
        (kind::EXPERIMENTAL, n) if n >= 2 && option.data[..2] == options::FAST_OPEN_MAGIC => {
            format!("{name} {}", hex(&option.data[2..])).trim_end().to_string()
        }
        (kind::USER_TIMEOUT, 2) => {
            let unit = if option.word(0) & 0x8000 != 0 { "min" } else { "s" };
            format!("{name} {} {unit}", option.word(0) & 0x7fff)
        }
        (kind::ACC_ECN_0 | kind::ACC_ECN_1, n) if n % 3 == 0 && n <= 9 => acc_ecn(option, &name),
        _ => raw(option),
    }
}

fn acc_ecn(option: &Raw<'_>, name: &str) -> String {
    let mut text = name.to_string();
    for (counter, bytes) in options::acc_ecn_order(option.kind).iter().zip(option.data.chunks(3)) {
        let counter = match counter {
            AccEcnCounter::E0b => "e0b",
            AccEcnCounter::E1b => "e1b",
            AccEcnCounter::Ceb => "ceb",
        };
        let value = bytes.iter().fold(0u32, |value, byte| value << 8 | u32::from(*byte));
        text.push_str(&format!(" {counter} {value}"));
    }
    text
}

fn raw(option: &Raw<'_>) -> String {
    let lie = if option.malformed() { format!(" len {}", option.length) } else { String::new() };
    let data = if option.data.is_empty() { String::new() } else { format!(" {}", hex(option.data)) };
    format!("raw 0x{:02x}{lie}{data}", option.kind)
}
