//! DNS messages (RFC 1035 4).

use smoltcp::wire::{DnsPacket, DnsQuestion};
use stack::wire::dns::{Data, MAX_NAME, Message, Name, query};

/// `data` is a message.
///
/// # Panics
/// At a finding.
pub fn dns(data: &[u8]) {
    let parsed = Message::parse(data);
    if let Ok(message) = &parsed {
        for question in &message.questions {
            name(&question.name);
            let again = Message::parse(&query(message.id, question, true));
            let Ok(again) = again else { panic!("a query that cannot be read: {again:?}") };
            assert_eq!((again.id, again.questions.as_slice()), (message.id, std::slice::from_ref(question)));
            assert!(!again.response && !again.truncated && again.opcode == 0 && again.rcode == 0);
        }
        for record in message.answers.iter().chain(&message.authorities) {
            name(&record.name);
            assert!(record.ttl >> 31 == 0, "a time to live of {}", record.ttl);
            if let Data::Cname(target) | Data::Ptr(target) = &record.data {
                name(target);
            }
        }
    }
    if let Ok(text) = std::str::from_utf8(data) {
        spelled(text);
    }
    same_question(data, parsed.as_ref().ok());
}

/// A name ends, is no longer than names are, is read back, and is the same whatever the case of its letters.
fn name(name: &Name) {
    let bytes = name.as_bytes();
    assert!(bytes.len() <= MAX_NAME && bytes.last() == Some(&0), "{name:?}");
    let again = Name::parse(bytes, 0);
    assert!(
        again.as_ref().is_ok_and(|(again, end)| again.is_spelled_as(name) && *end == bytes.len()),
        "{again:?}"
    );
    // What a person reads of it is it again, where its labels have nothing in them that has to be escaped.
    let text = name.to_string();
    assert_eq!(format!("{name:?}"), format!("{text}."));
    if bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte < 0x20) && bytes.len() > 1 {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
        let again = Name::from_text(&text);
        assert!(!is_plain || again.is_ok_and(|again| again.is_spelled_as(name)), "{text}");
    }
    let upper = name.with_case(|| true);
    assert_eq!(&upper, name);
    assert_eq!(upper.cmp(name), std::cmp::Ordering::Equal);
    assert_eq!(upper.partial_cmp(name), Some(std::cmp::Ordering::Equal));
    assert_eq!(upper.with_case(|| false), *name);
}

/// A text spells a name where its labels have 1 to 63 bytes each and the whole fits (RFC 1035 2.3.4).
fn spelled(text: &str) {
    let whole = text.strip_suffix('.').unwrap_or(text);
    let is_one = whole.len() + 2 <= MAX_NAME && whole.split('.').all(|label| (1..=63).contains(&label.len()));
    let said = Name::from_text(text);
    assert_eq!(said.is_ok(), is_one, "{text:?}: {said:?}");
    if let Ok(said) = &said {
        name(said);
    }
}

/// smoltcp reads the same first question, where both read one. It takes what is no message as a whole for one whose question
/// can be read, and gives up at a name with pointers to pointers, so that alone is no difference.
fn same_question(data: &[u8], ours: Option<&Message>) {
    let Some(question) = ours.and_then(|message| message.questions.first()) else { return };
    let Ok(packet) = DnsPacket::new_checked(data) else { panic!("smoltcp finds {data:02x?} too short") };
    let Ok((_, theirs)) = DnsQuestion::parse(packet.payload()) else { return };
    assert_eq!(u16::from(theirs.type_), question.kind, "{data:02x?}");
    let labels: Result<Vec<&[u8]>, _> = packet.parse_name(theirs.name).collect();
    let Ok(labels) = labels else { return };
    let whole: Vec<u8> =
        labels.iter().flat_map(|label| [&[label.len() as u8], *label].concat()).chain([0]).collect();
    assert_eq!(whole, question.name.as_bytes(), "{data:02x?}");
}
