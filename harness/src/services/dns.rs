//! A name server with a small zone of its own (RFC 1035), over UDP and TCP.

use super::Shared;
use super::dialogue::{Answer, Dialogue};
use stack::wire::dns::{CLASS_IN, HEADER_LEN, Message, Name, kind, rcode};
use std::net::{Ipv4Addr, Ipv6Addr};

/// TXT.
const TXT: u16 = 16;
/// The longest response over UDP (RFC 1035 2.3.4).
const MOST_BY_UDP: usize = 512;
/// How long an answer may be kept, in seconds.
const TIME_TO_LIVE: u32 = 60;
/// QR and AA of the third byte of a header; TC beside them; RD.
const RESPONSE: u8 = 0x84;
const TRUNCATED: u8 = 0x02;
const RECURSION_DESIRED: u8 = 0x01;
/// The name of the question, where it stands in every response.
const QUESTION: [u8; 2] = [0xc0, HEADER_LEN as u8];

/// What a name has.
enum Data {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Cname(&'static str),
    Ptr(&'static str),
    /// As many strings of a hundred bytes.
    Long(usize),
}

const ZONE: &[(&str, Data)] = &[
    ("stack.example", Data::A(Ipv4Addr::new(192, 0, 2, 2))),
    ("stack.example", Data::Aaaa(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2))),
    ("www.example", Data::Cname("stack.example")),
    ("long.example", Data::Long(12)),
    ("2.2.0.192.in-addr.arpa", Data::Ptr("stack.example")),
];

impl Data {
    /// Its type, and its bytes in a record.
    fn record(&self) -> (u16, Vec<u8>) {
        let name = |text| Name::from_text(text).map_or_else(|_| vec![0], |name| name.as_bytes().to_vec());
        match self {
            Data::A(address) => (kind::A, address.octets().to_vec()),
            Data::Aaaa(address) => (kind::AAAA, address.octets().to_vec()),
            Data::Cname(text) => (kind::CNAME, name(text)),
            Data::Ptr(text) => (kind::PTR, name(text)),
            Data::Long(count) => (TXT, [&[100][..], &[b'x'; 100]].concat().repeat(*count)),
        }
    }
}

/// What is answered to a query; `None` to what is none. A response that is longer than `most` says so and has no records.
fn answer(query: &[u8], most: usize) -> Option<Vec<u8>> {
    let id = query.get(..2)?;
    let flags = *query.get(2)?;
    if flags & 0x80 != 0 {
        return None;
    }
    let head = |flags: u8, code: u8, questions: u8, answers: u8| {
        [id, &[flags, code, 0, questions, 0, answers, 0, 0, 0, 0]].concat()
    };
    let parsed = Message::parse(query).ok().filter(|message| message.opcode == 0);
    let question = parsed.and_then(|message| message.questions.into_iter().next());
    let Some(question) = question else { return Some(head(RESPONSE, rcode::FORMAT_ERROR, 0, 0)) };
    let asked =
        [question.name.as_bytes(), &question.kind.to_be_bytes(), &question.class.to_be_bytes()].concat();
    let (exists, records) = records(&question.name, question.kind, &QUESTION);
    let flags = RESPONSE | flags & RECURSION_DESIRED;
    let code = if exists && question.class == CLASS_IN { rcode::NO_ERROR } else { rcode::NAME_ERROR };
    let count = u8::try_from(records.len()).unwrap_or(0);
    let response = [head(flags, code, 1, count), asked.clone(), records.concat()].concat();
    match response.len() <= most {
        true => Some(response),
        false => Some([head(flags | TRUNCATED, code, 1, 0), asked].concat()),
    }
}

/// Whether there is such a name, and its records of a type or those of the name that it is an alias of. `owner` is how the name
/// stands in the response.
fn records(name: &Name, wanted: u16, owner: &[u8]) -> (bool, Vec<Vec<u8>>) {
    let mut exists = false;
    let mut found = Vec::new();
    for (text, data) in ZONE {
        if Name::from_text(text).as_ref() != Ok(name) {
            continue;
        }
        exists = true;
        let (kind, bytes) = data.record();
        let length = u16::try_from(bytes.len()).unwrap_or(0);
        let fixed = [&kind.to_be_bytes()[..], &CLASS_IN.to_be_bytes(), &TIME_TO_LIVE.to_be_bytes()].concat();
        let record = [owner, &fixed, &length.to_be_bytes(), &bytes].concat();
        match data {
            Data::Cname(target) if wanted != kind::CNAME => {
                found.push(record);
                if let Ok(target) = Name::from_text(target) {
                    found.extend(records(&target, wanted, target.as_bytes()).1);
                }
            }
            _ if wanted == kind => found.push(record),
            _ => {}
        }
    }
    (exists, found)
}

/// By UDP.
pub(super) fn datagram(query: &[u8]) -> Option<Vec<u8>> {
    answer(query, MOST_BY_UDP)
}

/// By TCP: each message behind its length (RFC 1035 4.2.2).
pub(super) fn stream(_: &Shared) -> Box<dyn Dialogue> {
    Box::new(Stream::default())
}

#[derive(Default)]
struct Stream {
    bytes: Vec<u8>,
}

impl Dialogue for Stream {
    fn heard(&mut self, bytes: &[u8]) -> Answer {
        self.bytes.extend_from_slice(bytes);
        let mut said = Vec::new();
        while let [high, low, ..] = *self.bytes {
            let end = 2 + usize::from(u16::from_be_bytes([high, low]));
            let Some(query) = self.bytes.get(2..end) else { break };
            if let Some(response) = answer(query, usize::from(u16::MAX)) {
                said.extend(u16::try_from(response.len()).unwrap_or(0).to_be_bytes());
                said.extend(response);
            }
            self.bytes.drain(..end);
        }
        Answer::say(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stack::wire::dns::{Data as Parsed, Question, query};

    fn ask(name: &str, kind: u16) -> Vec<u8> {
        query(7, &Question { name: Name::from_text(name).expect("a name"), kind, class: CLASS_IN }, true)
    }

    #[track_caller]
    fn check(name: &str, kind: u16, code: u8, answers: usize) -> Message {
        let response = answer(&ask(name, kind), MOST_BY_UDP).expect("a response");
        let message = Message::parse(&response).expect("a message");
        assert_eq!((message.id, message.response, message.rcode), (7, true, code));
        assert_eq!(message.answers.len(), answers);
        message
    }

    #[test]
    fn the_zone_is_answered_from() {
        let message = check("Stack.example", kind::A, rcode::NO_ERROR, 1);
        assert_eq!(message.answers[0].data, Parsed::A([192, 0, 2, 2].into()));
        check("www.example", kind::AAAA, rcode::NO_ERROR, 2);
        check("2.2.0.192.in-addr.arpa", kind::PTR, rcode::NO_ERROR, 1);
        check("stack.example", kind::SOA, rcode::NO_ERROR, 0);
        check("none.example", kind::A, rcode::NAME_ERROR, 0);
        assert!(check("long.example", TXT, rcode::NO_ERROR, 0).truncated);
    }

    #[test]
    fn what_is_no_query_gets_an_error_or_nothing() {
        assert_eq!(answer(&[], 512), None);
        assert_eq!(answer(&[0, 7, 0x80], 512), None, "a response is never answered");
        let response = answer(&[0, 7, 0, 0], 512).expect("a response");
        assert_eq!(&response[..4], &[0, 7, RESPONSE, rcode::FORMAT_ERROR]);
    }

    #[test]
    fn by_tcp_long_answers_come_whole_and_queries_in_pieces() {
        let query = ask("long.example", TXT);
        let framed = [&(query.len() as u16).to_be_bytes()[..], &query].concat();
        let mut stream = stream(&Shared::default());
        assert_eq!(stream.heard(&framed[..5]), Answer::silence());
        let said = stream.heard(&framed[5..]).data;
        assert_eq!(usize::from(u16::from_be_bytes([said[0], said[1]])), said.len() - 2);
        assert!(!Message::parse(&said[2..]).expect("a message").truncated);
        assert!(said.len() > 1200);
    }
}
