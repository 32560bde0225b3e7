//! DNS messages (RFC 1035 4).

use smoltcp::wire::{DnsPacket, DnsQuestion};
use stack::wire::dns::{HEADER_LEN, MAX_NAME, Message, Name, Question, query};

/// `data` is a message.
///
/// # Panics
/// At a finding.
pub fn dns(data: &[u8]) {
    names(data);
    let Ok(message) = Message::parse(data) else { return };
    let records = message.answers.len() + message.authorities.len();
    // A record has 11 bytes at least, a question 5: what is kept is bounded by what came.
    assert!(HEADER_LEN + 11 * records + 5 * message.questions.len() <= data.len());
    for question in &message.questions {
        comes_back(message.id, question);
    }
    if let Some(question) = message.questions.first() {
        agrees_with_smoltcp(data, question);
    }
}

/// A name at any place is one that can be sent, or an error.
fn names(data: &[u8]) {
    for at in 0..data.len().min(512) {
        let Ok((name, end)) = Name::parse(data, at) else { continue };
        assert!(name.as_bytes().len() <= MAX_NAME && end <= data.len() && end > at);
        assert_eq!(Name::parse(name.as_bytes(), 0), Ok((name.clone(), name.as_bytes().len())));
        let mut upper = false;
        let other = name.with_case(|| {
            upper = !upper;
            upper
        });
        assert_eq!(other, name);
    }
}

/// A query for it is read as it was meant.
fn comes_back(id: u16, question: &Question) {
    let bytes = query(id, question, true);
    let message = Message::parse(&bytes).expect("a query that was written");
    assert_eq!((message.id, message.response, message.questions.as_slice()), (id, false, &[question.clone()][..]));
}

fn agrees_with_smoltcp(data: &[u8], ours: &Question) {
    let Ok(packet) = DnsPacket::new_checked(data) else { return };
    // It knows some types of records alone.
    let Ok((_, question)) = DnsQuestion::parse(packet.payload()) else { return };
    let mut wire = Vec::new();
    for label in packet.parse_name(question.name) {
        let Ok(label) = label else { return };
        wire.push(u8::try_from(label.len()).expect("a label"));
        wire.extend(label);
    }
    wire.push(0);
    assert_eq!(wire, ours.name.as_bytes(), "from {data:02x?}");
    assert_eq!(u16::from(question.type_), ours.kind, "from {data:02x?}");
}
