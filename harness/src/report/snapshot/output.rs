//! What a call gave back besides its number, in a few words behind the call's line, and read back from there.

use crate::packet::pattern;
use crate::sut::{Message, Output, PollFd};
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
        Output::Poll(fds) => {
            // Descriptors are the stack's own.
            let found: Vec<_> = fds.iter().map(|p| format!("{}:{}", p.events, p.revents)).collect();
            format!("polled {}", found.join(" "))
        }
        Output::Epoll(found) => {
            let found: Vec<_> = found.iter().map(|(events, data)| format!("{events}:{data}")).collect();
            format!("epolled {}", found.join(" ")).trim_end().to_owned()
        }
        Output::Message(message) => self::message(message),
        _ => UNTOLD.to_owned(),
    };
    format!(" : {words}")
}

/// `message from 192.0.2.2:8080 flags 0 bytes 0102 control 0:8:0100…`
fn message(message: &Message) -> String {
    let mut text = "message".to_owned();
    if let Some(name) = message.name {
        let _infallible = write!(text, " from {name}");
    }
    let _infallible = write!(text, " flags {}", message.flags);
    for vector in &message.iov {
        let _infallible = write!(text, " bytes {}", hex(vector));
    }
    for (level, kind, data) in &message.control {
        let _infallible = write!(text, " control {level}:{kind}:{}", hex(data));
    }
    text
}

/// What [`message()`] wrote.
fn read_message(text: &str) -> Option<Message> {
    let mut message = Message::default();
    let mut words = text.split(' ');
    while let Some(word) = words.next() {
        let value = words.next()?;
        match word {
            "from" => message.name = Some(value.parse().ok()?),
            "flags" => message.flags = value.parse().ok()?,
            "bytes" => message.iov.push(read_hex(value)?),
            "control" => {
                let (level, rest) = value.split_once(':')?;
                let (kind, data) = rest.split_once(':')?;
                message.control.push((level.parse().ok()?, kind.parse().ok()?, read_hex(data)?));
            }
            _ => return None,
        }
    }
    Some(message)
}

fn read_polled(text: &str) -> Option<Output> {
    let one = |text: &str| {
        let (events, revents) = text.split_once(':')?;
        Some(PollFd { fd: 0, events: events.parse().ok()?, revents: revents.parse().ok()? })
    };
    text.split(' ').map(one).collect::<Option<_>>().map(Output::Poll)
}

fn read_epolled(text: &str) -> Option<Output> {
    let one = |text: &str| {
        let (events, data) = text.split_once(':')?;
        Some((events.parse().ok()?, data.parse().ok()?))
    };
    text.split(' ').map(one).collect::<Option<_>>().map(Output::Epoll)
}

/// Stands for structures that no case of the suite asks for.
const UNTOLD: &str = "a structure";

/// Reads what [`write()`] wrote behind ` : `.
///
/// # Errors
/// Quotes what cannot be read.
pub(crate) fn read(text: &str) -> Result<Output, String> {
    let wrong = || format!("`{text}` is not what a call gave back");
    if text == "epolled" {
        return Ok(Output::Epoll(Vec::new()));
    }
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
        "polled" => read_polled(rest).ok_or_else(wrong),
        "epolled" => read_epolled(rest).ok_or_else(wrong),
        "message" => read_message(rest).map(Output::Message).ok_or_else(wrong),
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
            (Output::Poll(vec![PollFd { fd: 0, events: 2, revents: 0 }]), " : polled 2:0"),
            (Output::Epoll(vec![]), " : epolled"),
            (Output::Epoll(vec![(1, 4), (5, u64::MAX)]), " : epolled 1:4 5:18446744073709551615"),
            (
                Output::Message(Message {
                    name: Some(([192, 0, 2, 2], 80).into()),
                    iov: vec![vec![1, 2], vec![]],
                    control: vec![(0, 8, vec![7; 2])],
                    flags: 0x20,
                    ..Message::default()
                }),
                " : message from 192.0.2.2:80 flags 32 bytes 0102 bytes  control 0:8:0707",
            ),
        ] {
            assert_eq!(write(&output), text);
            assert_eq!(read(&text[3..]), Ok(output), "{text}");
        }
        assert_eq!(write(&Output::None), "");
        for wrong in [
            "",
            "pattern",
            "pattern 1 2",
            "bytes 0",
            "bytes é1",
            "from there",
            "a structure",
            "polled 4",
            "message of",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
