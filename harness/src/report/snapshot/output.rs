//! What a call gave back besides its number, in a few words behind the call's line, and read back from there.

use crate::packet::pattern;
use crate::sut::Output;
use std::fmt::Write as _;

/// ` : pattern 0 (10)`, ` : from 192.0.2.2:8080`, ` : option 6f000000`; empty where nothing came back. Bytes of the
/// suite's pattern are told by their place in its period of 251, others in hexadecimal.
pub(super) fn write(output: &Output) -> String {
    let words = match output {
        Output::None => return String::new(),
        Output::Data(data) if data.is_empty() => return String::new(),
        Output::Data(data) => bytes(data),
        Output::Address(address, data) => {
            let from = address.map_or("from nowhere".to_owned(), |address| format!("from {address}"));
            if data.is_empty() { from } else { format!("{from}, {}", bytes(data)) }
        }
        Output::Option(value) => format!("option {}", hex(value)),
        Output::Integer(value) => format!("stored {value}"),
        Output::Descriptors(first, second) => format!("descriptors {first} {second}"),
        Output::Addresses(addresses) => {
            let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
            format!("addresses {}", addresses.join(" "))
        }
        Output::Name(name) => format!("name {name}"),
        _ => UNTOLD.to_owned(),
    };
    format!(" : {words}")
}

/// Stands for structures that no case of the suite asks for.
const UNTOLD: &str = "a structure";

/// Reads what [`write()`] wrote behind ` : `.
///
/// # Errors
/// Quotes what cannot be read.
pub(crate) fn read(text: &str) -> Result<Output, String> {
    let wrong = || format!("`{text}` is not what a call gave back");
    let (word, rest) = text.split_once(' ').ok_or_else(wrong)?;
    match word {
        "from" => {
            let (address, data) = rest.split_once(", ").unwrap_or((rest, ""));
            let data = if data.is_empty() { Vec::new() } else { read_bytes(data).ok_or_else(wrong)? };
            match address {
                "nowhere" => Ok(Output::Address(None, data)),
                address => Ok(Output::Address(Some(address.parse().map_err(|_| wrong())?), data)),
            }
        }
        "option" => read_hex(rest).map(Output::Option).ok_or_else(wrong),
        "stored" => rest.parse().map(Output::Integer).map_err(|_| wrong()),
        "descriptors" => {
            let (first, second) = rest.split_once(' ').ok_or_else(wrong)?;
            let number = |text: &str| text.parse().map_err(|_| wrong());
            Ok(Output::Descriptors(number(first)?, number(second)?))
        }
        "addresses" => {
            let addresses = rest.split(' ').map(|text| text.parse().map_err(|_| wrong()));
            addresses.collect::<Result<_, _>>().map(Output::Addresses)
        }
        "name" => Ok(Output::Name(rest.to_owned())),
        _ => read_bytes(text).map(Output::Data).ok_or_else(wrong),
    }
}

fn bytes(data: &[u8]) -> String {
    let start = u32::from(data.first().copied().unwrap_or(0));
    let is_pattern = data.iter().zip(start..).all(|(byte, offset)| *byte == pattern::byte(offset));
    if is_pattern { format!("pattern {start} ({})", data.len()) } else { format!("bytes {}", hex(data)) }
}

fn read_bytes(text: &str) -> Option<Vec<u8>> {
    let (word, rest) = text.split_once(' ')?;
    match word {
        "bytes" => read_hex(rest),
        "pattern" => {
            let (start, length) = rest.split_once(' ')?;
            let start: u32 = start.parse().ok()?;
            let length: u32 = length.strip_prefix('(')?.strip_suffix(')')?.parse().ok()?;
            // No call reads more than a case asks for, and no case asks for so much.
            (length <= 1 << 24).then(|| (start..start.saturating_add(length)).map(pattern::byte).collect())
        }
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn read_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        for (output, text) in [
            (Output::Data((0..10).map(pattern::byte).collect()), " : pattern 0 (10)"),
            (Output::Data((250..253).map(pattern::byte).collect()), " : pattern 250 (3)"),
            (Output::Data(vec![0, 0]), " : bytes 0000"),
            (Output::Address(Some(([192, 0, 2, 2], 80).into()), vec![]), " : from 192.0.2.2:80"),
            (Output::Address(None, vec![7, 8]), " : from nowhere, pattern 7 (2)"),
            (Output::Option(vec![0x6f, 0, 0, 0]), " : option 6f000000"),
            (Output::Integer(-1), " : stored -1"),
            (Output::Descriptors(3, 4), " : descriptors 3 4"),
            (
                Output::Addresses(vec![[192, 0, 2, 7].into(), [192, 0, 2, 8].into()]),
                " : addresses 192.0.2.7 192.0.2.8",
            ),
            (Output::Name("www.example.com".into()), " : name www.example.com"),
        ] {
            assert_eq!(write(&output), text);
            assert_eq!(read(&text[3..]), Ok(output), "{text}");
        }
        assert_eq!(write(&Output::None), "");
        for wrong in ["", "pattern", "pattern 1 2", "bytes 0", "bytes é1", "from there", "a structure"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
