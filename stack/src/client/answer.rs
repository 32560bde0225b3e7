//! What a response says about what was asked (RFC 1035 7.3, RFC 1034 5.3.3).

use crate::wire::dns::{Data, Message, Name, Record, kind, rcode};
use core::time::Duration;
use std::net::IpAddr;

/// Aliases that one lookup goes through; more are a loop.
pub(super) const MOST_ALIASES: usize = 8;

/// What was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The addresses of a name.
    Addresses(Vec<IpAddr>),
    /// The name of an address.
    Name(String),
}

/// Why there is nothing: the errors of getaddrinfo(3), which are RFC 1123 6.1.4.2's hard and soft ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupError {
    /// There is no such name (EAI_NONAME).
    NoName,
    /// The name has no records of this type (EAI_NODATA).
    NoData,
    /// Nobody could say now; later somebody may (EAI_AGAIN).
    Again,
    /// The servers refuse, or their answer makes no sense (EAI_FAIL).
    Fail,
}

/// What a response means for a lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is over, and may be remembered for so long.
    Over(Result<Found, LookupError>, Duration),
    /// The name is an alias of another one, which the response says nothing about; so many were gone through.
    Alias(Name, usize),
    /// This server cannot help: another may.
    ServerFails(LookupError),
}

/// Reads the response to a question for the records of type `wanted` of `name`, of which `aliases` were gone through
/// before.
pub(super) fn judge(message: &Message, name: &Name, wanted: u16, aliases: usize) -> Verdict {
    match message.rcode {
        rcode::NO_ERROR => {}
        rcode::NAME_ERROR => return Verdict::Over(Err(LookupError::NoName), negative_time(message)),
        rcode::SERVER_FAILURE => return Verdict::ServerFails(LookupError::Again),
        _ => return Verdict::ServerFails(LookupError::Fail),
    }
    let (mut owner, mut ttl, mut steps) = (name, u32::MAX, aliases);
    while let Some((target, own)) = alias(&message.answers, owner) {
        (owner, ttl, steps) = (target, ttl.min(own), steps + 1);
        if steps > MOST_ALIASES {
            return Verdict::Over(Err(LookupError::Fail), Duration::ZERO);
        }
    }
    let records = message.answers.iter().filter(|record| record.name == *owner);
    let used: Vec<&Record> = records.filter(|record| kind_of(&record.data) == Some(wanted)).collect();
    let time = used.iter().map(|record| record.ttl).fold(ttl, u32::min);
    match found(&used) {
        Some(found) => Verdict::Over(Ok(found), Duration::from_secs(time.into())),
        None if owner != name => Verdict::Alias(owner.clone(), steps),
        None => Verdict::Over(Err(LookupError::NoData), negative_time(message)),
    }
}

/// What a name is an alias of, and for how long.
fn alias<'a>(answers: &'a [Record], owner: &Name) -> Option<(&'a Name, u32)> {
    answers.iter().filter(|record| record.name == *owner).find_map(|record| match &record.data {
        Data::Cname(target) => Some((target, record.ttl)),
        _ => None,
    })
}

fn kind_of(data: &Data) -> Option<u16> {
    match data {
        Data::A(_) => Some(kind::A),
        Data::Aaaa(_) => Some(kind::AAAA),
        Data::Ptr(_) => Some(kind::PTR),
        Data::Cname(_) | Data::Soa { .. } | Data::Other => None,
    }
}

fn found(records: &[&Record]) -> Option<Found> {
    let names = records.iter().find_map(|record| match &record.data {
        Data::Ptr(name) => Some(Found::Name(name.to_string())),
        _ => None,
    });
    let addresses = records.iter().filter_map(|record| match record.data {
        Data::A(address) => Some(IpAddr::V4(address)),
        Data::Aaaa(address) => Some(IpAddr::V6(address)),
        _ => None,
    });
    let addresses: Vec<IpAddr> = addresses.collect();
    names.or((!addresses.is_empty()).then_some(Found::Addresses(addresses)))
}

/// How long it may be remembered that there is nothing: what the zone's SOA says, and nothing without one (RFC 2308 5).
fn negative_time(message: &Message) -> Duration {
    let times = message.authorities.iter().filter_map(|record| match record.data {
        Data::Soa { minimum } => Some(minimum.min(record.ttl)),
        _ => None,
    });
    Duration::from_secs(times.min().unwrap_or(0).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn name(text: &str) -> Name {
        Name::from_text(text).unwrap()
    }

    fn record(owner: &str, data: Data, ttl: u32) -> Record {
        Record { name: name(owner), data, ttl }
    }

    fn a(last: u8) -> Data {
        Data::A(Ipv4Addr::new(192, 0, 2, last))
    }

    #[track_caller]
    fn check(rcode: u8, answers: Vec<Record>, authorities: Vec<Record>, expected: Verdict) {
        let (questions, truncated) = (Vec::new(), false);
        let message =
            Message { id: 7, response: true, opcode: 0, truncated, rcode, questions, answers, authorities };
        assert_eq!(judge(&message, &name("example.com"), kind::A, 0), expected);
    }

    fn addresses(last: &[u8], seconds: u64) -> Verdict {
        let found = last.iter().map(|last| IpAddr::from([192, 0, 2, *last])).collect();
        Verdict::Over(Ok(Found::Addresses(found)), Duration::from_secs(seconds))
    }

    #[test]
    fn addresses_and_aliases() {
        let cname = |to: &str| Data::Cname(name(to));
        check(0, vec![record("example.com", a(7), 60), record("EXAMPLE.com", a(8), 30)], vec![], {
            addresses(&[7, 8], 30)
        });
        let chain =
            vec![record("www.example.com", a(7), 60), record("example.com", cname("www.example.com"), 9)];
        check(0, chain, vec![], addresses(&[7], 9));
        check(0, vec![record("example.com", cname("other.example"), 9)], vec![], {
            Verdict::Alias(name("other.example"), 1)
        });
        let circle =
            vec![record("example.com", cname("b.example"), 9), record("b.example", cname("example.com"), 9)];
        check(0, circle, vec![], Verdict::Over(Err(LookupError::Fail), Duration::ZERO));
        // Records of others and of other types are of no use.
        check(0, vec![record("other.example", a(7), 60), record("example.com", Data::Other, 9)], vec![], {
            Verdict::Over(Err(LookupError::NoData), Duration::ZERO)
        });
    }

    #[test]
    fn errors() {
        let soa = || vec![record("example.com", Data::Soa { minimum: 300 }, 60)];
        check(3, vec![], soa(), Verdict::Over(Err(LookupError::NoName), Duration::from_secs(60)));
        check(0, vec![], soa(), Verdict::Over(Err(LookupError::NoData), Duration::from_secs(60)));
        check(2, vec![], soa(), Verdict::ServerFails(LookupError::Again));
        check(5, vec![], vec![], Verdict::ServerFails(LookupError::Fail));
    }
}
