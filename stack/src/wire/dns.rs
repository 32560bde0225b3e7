//! DNS messages (RFC 1035 4).
//!
//! ```text
//!   0..2   id
//!   2      QR, opcode (4 bits), AA, TC, RD
//!   3      RA, Z (3 bits), RCODE (4 bits)
//!   4..12  how many questions, answers, authorities, additional records
//!  12..    questions: name, type, class
//!          records: name, type, class, time to live, length, data
//! ```

use super::{Error, Result, array, be16, be32};
use core::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The server's port.
pub const PORT: u16 = 53;
/// Bytes of the header.
pub const HEADER_LEN: usize = 12;
/// The longest name, in its form on the wire (RFC 1035 2.3.4).
pub const MAX_NAME: usize = 255;
/// The longest label.
pub const MAX_LABEL: usize = 63;
/// The Internet.
pub const CLASS_IN: u16 = 1;

/// Types of records.
pub mod kind {
    /// An IPv4 address.
    pub const A: u16 = 1;
    /// The canonical name of an alias.
    pub const CNAME: u16 = 5;
    /// The start of a zone.
    pub const SOA: u16 = 6;
    /// A name, for an address.
    pub const PTR: u16 = 12;
    /// An IPv6 address (RFC 3596).
    pub const AAAA: u16 = 28;
}

/// Response codes.
pub mod rcode {
    /// There is an answer, be it empty.
    pub const NO_ERROR: u8 = 0;
    /// The server could not read the query.
    pub const FORMAT_ERROR: u8 = 1;
    /// The server could not answer now.
    pub const SERVER_FAILURE: u8 = 2;
    /// There is no such name.
    pub const NAME_ERROR: u8 = 3;
}

/// A name as it stands on the wire, uncompressed: each label behind its length, and a zero. Two names are equal
/// whatever the case of their letters (RFC 1035 2.3.3).
#[derive(Clone, Eq)]
pub struct Name(Vec<u8>);

impl Name {
    /// The name that `text` spells, with or without the dot at its end; `\.` and other escapes are not known.
    ///
    /// # Errors
    /// An empty label, one longer than [`MAX_LABEL`] bytes, or a name longer than [`MAX_NAME`].
    pub fn from_text(text: &str) -> Result<Name> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let mut bytes = Vec::new();
        for label in text.split('.') {
            match u8::try_from(label.len()) {
                Ok(len @ 1..=63) => bytes.push(len),
                _ => return Err(Error::length("dns", "label")),
            }
            bytes.extend_from_slice(label.as_bytes());
        }
        bytes.push(0);
        if bytes.len() > MAX_NAME {
            return Err(Error::length("dns", "name"));
        }
        Ok(Name(bytes))
    }

    /// The name at `at` of a message, and where what follows it begins. Compression pointers lead backwards alone, so
    /// that no name has an end that is never reached (RFC 1035 4.1.4).
    ///
    /// # Errors
    /// A name that is cut off or too long, a pointer that leads forwards or to itself, an unknown kind of label.
    pub fn parse(message: &[u8], at: usize) -> Result<(Name, usize)> {
        let (mut name, mut pos, mut end) = (Vec::new(), at, None);
        // Where the run of labels being read began: a pointer must lead before it.
        let mut run = at;
        loop {
            let len = *message.get(pos).ok_or(Error::truncated("dns", "name"))?;
            match len {
                0 => {
                    name.push(0);
                    return Ok((Name(name), end.unwrap_or(pos + 1)));
                }
                1..=0x3f => {
                    let label = message.get(pos..pos + 1 + usize::from(len));
                    name.extend_from_slice(label.ok_or(Error::truncated("dns", "name"))?);
                    if name.len() >= MAX_NAME {
                        return Err(Error::length("dns", "name"));
                    }
                    pos += 1 + usize::from(len);
                }
                0xc0.. => {
                    let low = *message.get(pos + 1).ok_or(Error::truncated("dns", "name"))?;
                    let target = usize::from(len & 0x3f) << 8 | usize::from(low);
                    if target >= run {
                        return Err(Error::value("dns", "pointer"));
                    }
                    end = end.or(Some(pos + 2));
                    (pos, run) = (target, target);
                }
                _ => return Err(Error::value("dns", "label")),
            }
        }
    }

    /// The bytes on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether two names are equal to the letter's case.
    pub fn is_spelled_as(&self, other: &Name) -> bool {
        self.0 == other.0
    }

    /// The name with the case of each letter chosen by `upper`, which draws a bit a letter.
    pub fn with_case(&self, mut upper: impl FnMut() -> bool) -> Name {
        let mut bytes = self.0.clone();
        let mut at = 0;
        while let Some(len) = bytes.get(at).copied().map(usize::from).filter(|len| *len > 0) {
            for byte in bytes.iter_mut().skip(at + 1).take(len).filter(|byte| byte.is_ascii_alphabetic()) {
                *byte = if upper() { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
            }
            at += 1 + len;
        }
        Name(bytes)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        // Lengths are below 64 and no letters, so that the whole can be compared at once.
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Name) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Name) -> core::cmp::Ordering {
        let lower = |name: &Name| name.0.to_ascii_lowercase();
        lower(self).cmp(&lower(other))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_slice();
        let mut first = true;
        while let Some((&len, tail)) = rest.split_first().filter(|(len, _)| **len > 0) {
            if !core::mem::take(&mut first) {
                f.write_str(".")?;
            }
            let (label, tail) = tail.split_at(usize::from(len).min(tail.len()));
            write!(f, "{}", label.escape_ascii())?;
            rest = tail;
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}.")
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The name.
    pub name: Name,
    /// The type of the records wanted.
    pub kind: u16,
    /// Their class.
    pub class: u16,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// A.
    A(Ipv4Addr),
    /// AAAA.
    Aaaa(Ipv6Addr),
    /// CNAME.
    Cname(Name),
    /// PTR.
    Ptr(Name),
    /// SOA, of which only MINIMUM concerns a resolver: how long it may remember that there is nothing (RFC 2308 4).
    Soa {
        /// Seconds.
        minimum: u32,
    },
    /// Another type or class.
    Other,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The name that it belongs to.
    pub name: Name,
    /// What it says.
    pub data: Data,
    /// How long it may be kept, in seconds; values with the first bit set are zero (RFC 2181 8).
    pub ttl: u32,
}

/// A message. What a resolver has no use for is checked and left out: additional records, and the data of other types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What ties a response to its query.
    pub id: u16,
    /// Whether it is a response.
    pub response: bool,
    /// The kind of query; 0 is the standard one.
    pub opcode: u8,
    /// Whether it was cut to fit.
    pub truncated: bool,
    /// How it went.
    pub rcode: u8,
    /// What is asked.
    pub questions: Vec<Question>,
    /// The answer.
    pub answers: Vec<Record>,
    /// Where the answer ends, or why there is none.
    pub authorities: Vec<Record>,
}

impl Message {
    /// The message in a datagram, or behind the length in a stream.
    ///
    /// # Errors
    /// A message that is cut off, a name that cannot be, a record whose length contradicts its data.
    pub fn parse(bytes: &[u8]) -> Result<Message> {
        if bytes.len() < HEADER_LEN {
            return Err(Error::truncated("dns", "header"));
        }
        let [questions, answers, authorities, additional] = [4, 6, 8, 10].map(|at| be16(bytes, at));
        let mut at = HEADER_LEN;
        let mut message = Message {
            id: be16(bytes, 0),
            response: bytes[2] & 0x80 != 0,
            opcode: bytes[2] >> 3 & 0xf,
            truncated: bytes[2] & 2 != 0,
            rcode: bytes[3] & 0xf,
            questions: Vec::new(),
            answers: Vec::new(),
            authorities: Vec::new(),
        };
        for _ in 0..questions {
            message.questions.push(question(bytes, &mut at)?);
        }
        for _ in 0..answers {
            message.answers.push(record(bytes, &mut at)?);
        }
        for _ in 0..authorities {
            message.authorities.push(record(bytes, &mut at)?);
        }
        for _ in 0..additional {
            record(bytes, &mut at)?;
        }
        Ok(message)
    }
}

/// The bytes of a query: one question, whether recursion is desired, everything else zero (RFC 1123 6.1.2.3).
pub fn query(id: u16, question: &Question, recursion: bool) -> Vec<u8> {
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend([u8::from(recursion), 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    bytes.extend_from_slice(question.name.as_bytes());
    bytes.extend(question.kind.to_be_bytes());
    bytes.extend(question.class.to_be_bytes());
    bytes
}

fn question(bytes: &[u8], at: &mut usize) -> Result<Question> {
    let (name, end) = Name::parse(bytes, *at)?;
    if bytes.len() < end + 4 {
        return Err(Error::truncated("dns", "question"));
    }
    *at = end + 4;
    Ok(Question { name, kind: be16(bytes, end), class: be16(bytes, end + 2) })
}

fn record(bytes: &[u8], at: &mut usize) -> Result<Record> {
    let (name, start) = Name::parse(bytes, *at)?;
    if bytes.len() < start + 10 {
        return Err(Error::truncated("dns", "record"));
    }
    let (kind, class, ttl) = (be16(bytes, start), be16(bytes, start + 2), be32(bytes, start + 4));
    let (data, end) = (start + 10, start + 10 + usize::from(be16(bytes, start + 8)));
    if bytes.len() < end {
        return Err(Error::length("dns", "rdlength"));
    }
    *at = end;
    let data = if class == CLASS_IN { record_data(bytes, kind, data, end)? } else { Data::Other };
    Ok(Record { name, data, ttl: if ttl >> 31 == 0 { ttl } else { 0 } })
}

/// What the record's bytes from `at` to `end` say.
fn record_data(bytes: &[u8], kind: u16, at: usize, end: usize) -> Result<Data> {
    let wrong = Err(Error::length("dns", "rdlength"));
    // A name must end where the record does.
    let name = |at| match Name::parse(bytes, at)? {
        (name, after) if after == end => Ok(name),
        _ => Err(Error::length("dns", "rdlength")),
    };
    match kind {
        kind::A if end - at == 4 => Ok(Data::A(array::<4>(bytes, at).into())),
        kind::AAAA if end - at == 16 => Ok(Data::Aaaa(array::<16>(bytes, at).into())),
        kind::A | kind::AAAA => wrong,
        kind::CNAME => Ok(Data::Cname(name(at)?)),
        kind::PTR => Ok(Data::Ptr(name(at)?)),
        kind::SOA => {
            let (_, after) = Name::parse(bytes, at)?;
            let (_, after) = Name::parse(bytes, after)?;
            if after + 20 == end { Ok(Data::Soa { minimum: be32(bytes, after + 16) }) } else { wrong }
        }
        _ => Ok(Data::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::refuses_short;
    use super::*;

    fn name(text: &str) -> Name {
        Name::from_text(text).unwrap()
    }

    #[test]
    fn names_from_text() {
        let check = |text: &str, expected: Result<&str>| {
            assert_eq!(Name::from_text(text).map(|name| name.to_string()), expected.map(str::to_owned));
        };
        check("www.example.com", Ok("www.example.com"));
        check("example.com.", Ok("example.com"));
        let (long, longest) = ("a".repeat(64), "a".repeat(63));
        check(&longest, Ok(&longest));
        for bad in [&long, "", ".", "a..b", ".a"] {
            check(bad, Err(Error::length("dns", "label")));
        }
        // 255 bytes with lengths and the root.
        let full = [&longest[..], &longest, &longest, &longest[2..]].join(".");
        check(&full, Ok(&full));
        check(&format!("{full}a"), Err(Error::length("dns", "name")));
    }

    #[test]
    fn case_does_not_matter_until_it_is_asked_for() {
        let mixed = name("example.com").with_case({
            let mut upper = false;
            move || {
                upper = !upper;
                upper
            }
        });
        assert_eq!(mixed.to_string(), "ExAmPlE.cOm");
        assert_eq!((mixed == name("EXAMPLE.com"), mixed == name("example.org")), (true, false));
        assert!(!mixed.is_spelled_as(&name("example.com")));
        assert_eq!(mixed.cmp(&name("example.com")), core::cmp::Ordering::Equal);
    }

    /// A name at the end of `bytes`, from `at` on.
    #[track_caller]
    fn check(bytes: &[u8], at: usize, expected: Result<(&str, usize)>) {
        let found = Name::parse(bytes, at).map(|(name, end)| (name.to_string(), end));
        assert_eq!(found, expected.map(|(name, end)| (name.to_owned(), end)));
    }

    #[test]
    fn compression() {
        let bytes = b"\x01a\x00\x01b\xc0\x00\x01c\xc0\x03\xc0\x0b\x80\x40";
        check(bytes, 0, Ok(("a", 3)));
        check(bytes, 3, Ok(("b.a", 7)));
        check(bytes, 7, Ok(("c.b.a", 11)));
        // To itself; to the name that it is part of; kinds that nobody defined.
        check(bytes, 11, Err(Error::value("dns", "pointer")));
        check(bytes, 13, Err(Error::value("dns", "label")));
        check(bytes, 14, Err(Error::value("dns", "label")));
        check(b"\x01a\xc0\x00", 0, Err(Error::value("dns", "pointer")));
        check(b"\x05abc", 0, Err(Error::truncated("dns", "name")));
        check(b"\x01a\xc0", 0, Err(Error::truncated("dns", "name")));
        check(b"", 0, Err(Error::truncated("dns", "name")));
    }

    #[test]
    fn a_name_that_pointers_make_too_long() {
        // Each name is "aaa…" and the one before: the fifth is too long.
        let mut bytes = Vec::new();
        let mut before = None;
        for i in 0..5 {
            let at = bytes.len();
            bytes.push(60);
            bytes.extend([b'a'; 60]);
            match before {
                None => bytes.push(0),
                Some(before) => bytes.extend([0xc0, before]),
            }
            before = u8::try_from(at).ok();
            let found = Name::parse(&bytes, at);
            assert_eq!(found.is_ok(), i < 4, "{i}: {found:?}");
        }
    }

    /// A response to `question` with these records, their names written out.
    fn response(records: &[(&str, u16, u32, &[u8])]) -> Vec<u8> {
        let question = Question { name: name("example.com"), kind: kind::A, class: CLASS_IN };
        let mut bytes = query(7, &question, true);
        bytes[2] |= 0x80;
        bytes[7] = records.len() as u8;
        for (owner, kind, ttl, data) in records {
            bytes.extend_from_slice(name(owner).as_bytes());
            bytes.extend([&kind.to_be_bytes()[..], &[0, 1], &ttl.to_be_bytes()].concat());
            bytes.extend((data.len() as u16).to_be_bytes());
            bytes.extend_from_slice(data);
        }
        bytes
    }

    #[test]
    fn a_response() {
        let records: [(&str, u16, u32, &[u8]); 4] = [
            ("example.com", kind::CNAME, 60, b"\x03www\xc0\x0c"),
            ("www.example.com", kind::A, 1 << 31, &[192, 0, 2, 7]),
            ("example.com", 65280, 5, b"anything"),
            ("example.com", kind::SOA, 5, &[&[0, 0][..], &[0; 16], &[0, 0, 1, 44]].concat()),
        ];
        let bytes = response(&records);
        let message = Message::parse(&bytes).unwrap();
        let data: Vec<_> = message.answers.iter().map(|r| (r.data.clone(), r.ttl)).collect();
        let expected = [
            (Data::Cname(name("www.example.com")), 60),
            (Data::A([192, 0, 2, 7].into()), 0),
            (Data::Other, 5),
            (Data::Soa { minimum: 300 }, 5),
        ];
        assert_eq!((data.as_slice(), message.id, message.response), (&expected[..], 7, true));
        refuses_short(&bytes, bytes.len(), |bytes| Message::parse(bytes).map(|_| ()));
    }

    #[test]
    fn records_that_lie_about_their_length() {
        let check = |kind: u16, data: &[u8], expected| {
            let parsed = Message::parse(&response(&[("a", kind, 1, data)]));
            assert_eq!(parsed.map(|_| ()), expected);
        };
        let wrong = Err(Error::length("dns", "rdlength"));
        check(kind::A, &[1, 2, 3], wrong);
        check(kind::AAAA, &[1, 2, 3, 4], wrong);
        check(kind::CNAME, b"\x01a\x00x", wrong);
        check(kind::PTR, b"\x01a", Err(Error::truncated("dns", "name")));
        check(kind::SOA, &[0; 21], wrong);
        check(kind::SOA, &[0; 22], Ok(()));
    }
}
