//! A lookup and its transmissions: which server is asked next and when, and which response answers (RFC 1035 7.2, 7.3).

use super::answer::LookupError;
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::Result;
use crate::wire::dns::{self, CLASS_IN, Message, Name, Question};
use core::time::Duration;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

/// RFC 1123 6.1.3.3: no less than 5 s before a server is given up for the next one, and twice as much in each round.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// So often every server is asked.
const ROUNDS: u32 = 3;
/// So long a server has for an answer by TCP.
pub(super) const STREAM_WAIT: Duration = Duration::from_secs(10);

/// A query on its way.
#[derive(Clone, Debug)]
struct Asked {
    server: SocketAddr,
    id: u16,
    /// The question with the case of its letters.
    question: Question,
}

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Transmission {
    pub(super) server: SocketAddr,
    pub(super) bytes: Vec<u8>,
}

/// The search for one name.
#[derive(Debug)]
pub(super) struct Lookup {
    /// Names to try after this one.
    pub(super) candidates: VecDeque<Name>,
    /// What was asked for, before any alias.
    pub(super) origin: Name,
    pub(super) name: Name,
    pub(super) kind: u16,
    pub(super) aliases: usize,
    servers: Vec<SocketAddr>,
    /// Servers that have said that they cannot help.
    failed: Vec<SocketAddr>,
    asked: Vec<Asked>,
    /// How many transmissions there were for the present name, servers that were passed over included.
    turn: usize,
    pub(super) deadline: Instant,
    /// What the user is told where no server helps.
    pub(super) failure: LookupError,
}

impl Lookup {
    /// A lookup of the first of `candidates`; `None` where there is none.
    pub(super) fn new(mut candidates: VecDeque<Name>, kind: u16, servers: &[IpAddr]) -> Option<Lookup> {
        let name = candidates.pop_front()?;
        Some(Lookup {
            candidates,
            origin: name.clone(),
            name,
            kind,
            aliases: 0,
            servers: servers.iter().map(|server| SocketAddr::new(*server, dns::PORT)).collect(),
            failed: Vec::new(),
            asked: Vec::new(),
            turn: 0,
            deadline: Instant::ZERO,
            failure: LookupError::Again,
        })
    }

    /// Goes on with another name, from the first server on.
    pub(super) fn restart(&mut self, name: Name) {
        self.name = name;
        self.failed.clear();
        self.asked.clear();
        self.turn = 0;
    }

    /// The query to send now: to the next server that has not failed; `None` where all have had their turns.
    pub(super) fn transmit(&mut self, now: Instant, rng: &mut Rng) -> Option<Transmission> {
        let turns = self.servers.len() * usize::try_from(ROUNDS).unwrap_or(1);
        while self.turn < turns {
            let server = self.servers[self.turn % self.servers.len()];
            let round = u32::try_from(self.turn / self.servers.len()).unwrap_or(0);
            self.turn += 1;
            if !self.failed.contains(&server) {
                self.deadline = now + FIRST_WAIT * (1 << round);
                return Some(self.query(server, rng));
            }
        }
        None
    }

    /// A query with an id and a spelling that an attacker who does not see it must guess.
    fn query(&mut self, server: SocketAddr, rng: &mut Rng) -> Transmission {
        let id = rng.next_u16();
        let name = self.name.with_case(|| rng.next_u64() & 1 == 1);
        let question = Question { name, kind: self.kind, class: CLASS_IN };
        // RFC 1123 6.1.3.2: not of a group, which would answer many times.
        let bytes = dns::query(id, &question, !server.ip().is_multicast());
        self.asked.push(Asked { server, id, question });
        Transmission { server, bytes }
    }

    /// The same query as the last to `server`, for TCP.
    pub(super) fn last_query(&self, server: SocketAddr) -> Option<Vec<u8>> {
        let asked = self.asked.iter().rev().find(|asked| asked.server == server)?;
        Some(dns::query(asked.id, &asked.question, true))
    }

    /// The response in these bytes, if it answers one of the queries: from where that was sent, with its id and its
    /// question, to the letter's case where `strict` (RFC 1035 7.3, RFC 5452 9). Anything else is as if it had never come.
    pub(super) fn accept(&self, from: SocketAddr, bytes: &[u8], strict: bool) -> Option<Message> {
        let message = Message::parse(bytes).ok()?;
        let [question] = message.questions.as_slice() else { return None };
        let answers = |asked: &Asked| {
            asked.server == from
                && asked.id == message.id
                && asked.question == *question
                && (!strict || asked.question.name.is_spelled_as(&question.name))
        };
        (message.response && message.opcode == 0 && self.asked.iter().any(answers)).then_some(message)
    }

    /// This server cannot help.
    pub(super) fn server_fails(&mut self, server: SocketAddr, failure: LookupError) {
        self.failed.push(server);
        self.failure = failure;
    }
}

/// The names that `text` may mean, in the order in which they are asked for (RFC 1123 6.1.4.3): one that ends in a dot is
/// complete; one with dots inside is taken for complete, so that the root servers are not asked for
/// `www.example.com.example.com`; any other is tried in each domain of the search list, once, and then as it is.
///
/// # Errors
/// A name that none can be.
pub(super) fn candidates(text: &str, search: &[String]) -> Result<VecDeque<Name>> {
    let own = Name::from_text(text)?;
    let mut names = VecDeque::new();
    if !text.contains('.') {
        let expanded = search.iter().filter_map(|domain| Name::from_text(&format!("{text}.{domain}")).ok());
        names.extend(expanded);
    }
    names.push_back(own);
    Ok(names)
}

/// The name under which an address's name is found (RFC 1035 3.5, RFC 3596 2.5).
pub(super) fn reverse_name(address: IpAddr) -> Option<Name> {
    let text = match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let nibbles = address.octets().into_iter().rev().flat_map(|byte| [byte & 0xf, byte >> 4]);
            let digits: Vec<String> = nibbles.map(|nibble| format!("{nibble:x}")).collect();
            format!("{}.ip6.arpa", digits.join("."))
        }
    };
    Name::from_text(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::dns::kind;

    fn name(text: &str) -> Name {
        Name::from_text(text).unwrap()
    }

    fn lookup(servers: &[&str]) -> Lookup {
        let servers: Vec<IpAddr> = servers.iter().map(|server| server.parse().unwrap()).collect();
        Lookup::new(VecDeque::from([name("example.com")]), kind::A, &servers).unwrap()
    }

    #[test]
    fn every_server_in_every_round() {
        let (mut lookup, mut rng, mut now) =
            (lookup(&["192.0.2.2", "192.0.2.3"]), Rng::new(1), Instant::ZERO);
        let mut sent = Vec::new();
        while let Some(transmission) = lookup.transmit(now, &mut rng) {
            let last = transmission.server.to_string().as_bytes()["192.0.2.".len()];
            sent.push((last, now.as_millis() / 1000));
            now = lookup.deadline;
        }
        assert_eq!(sent, [(b'2', 0), (b'3', 5), (b'2', 10), (b'3', 20), (b'2', 30), (b'3', 50)]);
        assert_eq!(now, Instant::from_secs(70));
    }

    #[test]
    fn servers_that_failed_are_passed_over() {
        let (mut lookup, mut rng) = (lookup(&["192.0.2.2", "192.0.2.3"]), Rng::new(1));
        let first = lookup.transmit(Instant::ZERO, &mut rng).unwrap();
        lookup.server_fails(first.server, LookupError::Fail);
        for _ in 0..ROUNDS {
            assert_ne!(lookup.transmit(Instant::ZERO, &mut rng).unwrap().server, first.server);
        }
        assert_eq!(lookup.transmit(Instant::ZERO, &mut rng), None);
        assert_eq!(lookup.failure, LookupError::Fail);
    }

    #[test]
    fn only_what_answers_a_query_is_a_response() {
        let (mut lookup, mut rng) = (lookup(&["192.0.2.2"]), Rng::new(1));
        let sent = lookup.transmit(Instant::ZERO, &mut rng).unwrap();
        let response = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = sent.bytes.clone();
            bytes[2] |= 0x80;
            change(&mut bytes);
            bytes
        };
        let check = |change: &dyn Fn(&mut Vec<u8>), strict, expected| {
            assert_eq!(lookup.accept(sent.server, &response(change), strict).is_some(), expected);
        };
        check(&|_| (), true, true);
        check(&|bytes| bytes[1] ^= 1, false, false);
        check(&|bytes| bytes[2] ^= 0x80, false, false);
        check(&|bytes| bytes[2] |= 0x08, false, false);
        check(&|bytes| bytes[14] ^= 1, false, false);
        check(&|bytes| bytes[14] ^= 0x20, false, true);
        check(&|bytes| bytes[14] ^= 0x20, true, false);
        check(&|bytes| *bytes.last_mut().unwrap() = 3, false, false);
        check(&|bytes| bytes.truncate(20), false, false);
        let stranger = "192.0.2.9:53".parse().unwrap();
        assert!(lookup.accept(stranger, &response(&|_| ()), false).is_none());
    }

    #[test]
    fn names_that_are_tried() {
        let search = ["example.com".to_owned(), "example.org".to_owned()];
        let check = |text: &str, expected: &[&str]| {
            let names = candidates(text, &search).map(|names| names.iter().map(Name::to_string).collect());
            let expected: Vec<String> = expected.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(names, Ok(expected));
        };
        check("www", &["www.example.com", "www.example.org", "www"]);
        check("www.", &["www"]);
        check("www.example.net", &["www.example.net"]);
        assert!(candidates("a..b", &search).is_err() && candidates(&"a".repeat(64), &[]).is_err());
    }

    #[test]
    fn names_of_addresses() {
        let check = |address: &str, expected: &str| {
            assert_eq!(reverse_name(address.parse().unwrap()).unwrap().to_string(), expected);
        };
        check("192.0.2.7", "7.2.0.192.in-addr.arpa");
        let zeros = "0.".repeat(23);
        check("2001:db8::1", &format!("1.{zeros}8.b.d.0.1.0.0.2.ip6.arpa"));
    }
}
