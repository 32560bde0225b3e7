//! The server's side of iperf3, as far as one test of TCP at a time and connection goes, in either direction.
//!
//! Each connection begins with a cookie that names the test. The first with a cookie is the control connection: states are
//! single bytes, parameters and results JSON behind a length of four bytes. The others carry data.

use super::Shared;
use super::dialogue::{Answer, Dialogue};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Bytes of a cookie: 36 characters and a zero.
const COOKIE: usize = 37;
/// Bytes that a sender gives to the stack at once.
const PIECE: usize = 1 << 17;
/// The longest JSON text that is read.
const MOST_JSON: usize = 1 << 16;
/// Tests remembered at one time.
const MOST_TESTS: usize = 64;

/// States of a test, as they stand on the wire.
mod state {
    pub(super) const TEST_START: u8 = 1;
    pub(super) const TEST_RUNNING: u8 = 2;
    pub(super) const TEST_END: u8 = 4;
    pub(super) const PARAM_EXCHANGE: u8 = 9;
    pub(super) const CREATE_STREAMS: u8 = 10;
    pub(super) const EXCHANGE_RESULTS: u8 = 13;
    pub(super) const DISPLAY_RESULTS: u8 = 14;
    pub(super) const IPERF_DONE: u8 = 16;
}

/// Tests under way, by their cookies.
pub(super) type Tests = Rc<RefCell<BTreeMap<Vec<u8>, Test>>>;

/// A test.
#[derive(Debug, Default)]
pub(super) struct Test {
    /// The server sends.
    reverse: bool,
    is_over: bool,
    /// Bytes of each data connection, in the order in which they came.
    bytes: Vec<u64>,
}

/// A connection of some test.
pub(super) fn begin(shared: &Shared) -> Box<dyn Dialogue> {
    Box::new(Connection { tests: Rc::clone(&shared.iperf), bytes: Vec::new(), role: Role::Unknown })
}

enum Role {
    Unknown,
    Control { cookie: Vec<u8>, awaits: Awaited },
    Data { cookie: Vec<u8>, index: usize },
}

/// What a control connection brings next.
enum Awaited {
    Parameters,
    State,
    Results,
}

struct Connection {
    tests: Tests,
    bytes: Vec<u8>,
    role: Role,
}

impl Dialogue for Connection {
    fn heard(&mut self, bytes: &[u8]) -> Answer {
        if let Role::Data { cookie, index } = &self.role {
            count(&self.tests, cookie, *index, bytes.len());
            return Answer::silence();
        }
        self.bytes.extend_from_slice(bytes);
        if let Role::Unknown = self.role {
            return self.cookie();
        }
        let mut answer = Answer::silence();
        while let Some(more) = self.control().filter(|_| !answer.is_last) {
            answer.data.extend(more.data);
            answer.is_last = more.is_last;
        }
        answer
    }

    fn goes_on(&mut self) -> Answer {
        let Role::Data { cookie, index } = &self.role else { return Answer::silence() };
        match self.tests.borrow().get(cookie) {
            // The client may be waiting for the rest of a piece that will never come.
            Some(test) if test.reverse && test.is_over => return Answer::last([]),
            Some(test) if test.reverse => {}
            _ => return Answer::silence(),
        }
        count(&self.tests, cookie, *index, PIECE);
        Answer::say(vec![0; PIECE])
    }

    fn ended(&mut self) -> Answer {
        if let Role::Control { cookie, .. } = &self.role {
            self.tests.borrow_mut().remove(cookie);
        }
        Answer::last([])
    }
}

fn count(tests: &Tests, cookie: &[u8], index: usize, bytes: usize) {
    if let Some(sum) = tests.borrow_mut().get_mut(cookie).and_then(|test| test.bytes.get_mut(index)) {
        *sum += bytes as u64;
    }
}

impl Connection {
    /// Finds out what the connection is for.
    fn cookie(&mut self) -> Answer {
        if self.bytes.len() < COOKIE {
            return Answer::silence();
        }
        let cookie: Vec<u8> = self.bytes.drain(..COOKIE).collect();
        let mut tests = self.tests.borrow_mut();
        let is_full = tests.len() >= MOST_TESTS;
        match tests.get_mut(&cookie) {
            Some(test) => {
                let index = test.bytes.len();
                test.bytes.push(self.bytes.len() as u64);
                self.role = Role::Data { cookie, index };
                drop(tests);
                self.goes_on()
            }
            None if is_full => Answer::last([]),
            None => {
                tests.insert(cookie.clone(), Test::default());
                self.role = Role::Control { cookie, awaits: Awaited::Parameters };
                Answer::say([state::PARAM_EXCHANGE])
            }
        }
    }

    /// The answer to the next whole thing that a control connection has brought; `None` where there is none.
    fn control(&mut self) -> Option<Answer> {
        let Role::Control { cookie, awaits } = &mut self.role else { return None };
        let mut tests = self.tests.borrow_mut();
        let test = tests.get_mut(cookie)?;
        match awaits {
            Awaited::Parameters => {
                let text = take_json(&mut self.bytes)?;
                let squeezed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
                if !squeezed.contains("\"tcp\":true") {
                    return Some(Answer::last([]));
                }
                test.reverse = squeezed.contains("\"reverse\":true");
                *awaits = Awaited::State;
                // The client opens its data connections on the first before it reads the second.
                Some(Answer::say([state::CREATE_STREAMS, state::TEST_START, state::TEST_RUNNING]))
            }
            Awaited::State => {
                let first = (!self.bytes.is_empty()).then(|| self.bytes.remove(0))?;
                match first {
                    state::TEST_END => {
                        test.is_over = true;
                        *awaits = Awaited::Results;
                        Some(Answer::say([state::EXCHANGE_RESULTS]))
                    }
                    state::IPERF_DONE => Some(Answer::last([])),
                    _ => Some(Answer::silence()),
                }
            }
            Awaited::Results => {
                take_json(&mut self.bytes)?;
                *awaits = Awaited::State;
                let text = results(test);
                let length = u32::try_from(text.len()).unwrap_or(0).to_be_bytes();
                Some(Answer::say([&length[..], text.as_bytes(), &[state::DISPLAY_RESULTS]].concat()))
            }
        }
    }
}

/// Takes a text behind its length; one that is too long ends in an empty text.
fn take_json(bytes: &mut Vec<u8>) -> Option<String> {
    let length = bytes.first_chunk().map(|length| u32::from_be_bytes(*length) as usize)?;
    if length > MOST_JSON {
        return Some(String::new());
    }
    let text = String::from_utf8_lossy(bytes.get(4..4 + length)?).into_owned();
    bytes.drain(..4 + length);
    Some(text)
}

/// The server's results. iperf3 numbers streams 1, 3, 4, …
fn results(test: &Test) -> String {
    let stream = |(index, bytes): (usize, &u64)| {
        let id = if index == 0 { 1 } else { index + 2 };
        format!(
            r#"{{"id":{id},"bytes":{bytes},"retransmits":-1,"jitter":0,"errors":0,"packets":0,"start_time":0,"end_time":1}}"#
        )
    };
    let streams: Vec<String> = test.bytes.iter().enumerate().map(stream).collect();
    format!(
        r#"{{"cpu_util_total":0,"cpu_util_user":0,"cpu_util_system":0,"sender_has_retransmits":0,"streams":[{}]}}"#,
        streams.join(",")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Vec<u8> {
        [&(text.len() as u32).to_be_bytes()[..], text.as_bytes()].concat()
    }

    #[test]
    fn a_test_from_its_cookie_to_its_end() {
        let shared = Shared::default();
        let [mut control, mut data, mut other] = [(); 3].map(|()| begin(&shared));
        assert_eq!(control.heard(&[b'a'; 20]), Answer::silence());
        assert_eq!(control.heard(&[b'a'; 17]), Answer::say([state::PARAM_EXCHANGE]));
        assert_eq!(control.heard(&json(r#"{"tcp": true, "time": 1}"#)).data, [10, 1, 2]);
        assert_eq!(data.heard(&[b'a'; 37 + 5]), Answer::silence());
        data.heard(&[0; 100]);
        assert_eq!(other.heard(&[b'b'; 37]), Answer::say([state::PARAM_EXCHANGE]), "a test of its own");
        assert_eq!(control.heard(&[state::TEST_END]).data, [state::EXCHANGE_RESULTS]);
        let said = control.heard(&json("{}")).data;
        assert!(String::from_utf8_lossy(&said).contains(r#""bytes":105"#));
        assert_eq!(said.last(), Some(&state::DISPLAY_RESULTS));
        assert_eq!(control.heard(&[state::IPERF_DONE]), Answer::last([]));
    }

    #[test]
    fn in_reverse_the_server_sends_until_the_end() {
        let shared = Shared::default();
        let [mut control, mut data] = [(); 2].map(|()| begin(&shared));
        control.heard(&[b'a'; 37]);
        control.heard(&json(r#"{"tcp":true,"reverse":true}"#));
        assert_eq!(data.heard(&[b'a'; 37]).data.len(), PIECE);
        assert_eq!(data.goes_on().data.len(), PIECE);
        control.heard(&[state::TEST_END]);
        assert_eq!(data.goes_on(), Answer::last([]));
    }

    #[test]
    fn what_is_not_understood_ends_the_connection() {
        let mut control = begin(&Shared::default());
        control.heard(&[b'a'; 37]);
        assert!(control.heard(&u32::MAX.to_be_bytes()).is_last);
    }
}
