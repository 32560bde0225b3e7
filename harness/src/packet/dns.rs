//! DNS messages (RFC 1035 section 4): written, taken apart, compared, described.

use super::complete::{self, Place};
use super::describe::hex;
use super::dissect::{self, Part};
use super::matching::{Matcher, Stop, differs};
use super::{World, fields, number};
use crate::lang;
use crate::lang::ast::{Layer, LayerBody, LayerKind};
use crate::lang::messages::{DNS_SECTIONS, DnsBody, DnsData, DnsRecord, dns_type_name};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

const HEADER: usize = 12;
const CLASS_IN: u16 = 1;
const CNAME: u16 = 5;
const SOA: u16 = 6;
const PTR: u16 = 12;
const NS: u16 = 2;
/// Labels that a name may be read through; names of 255 bytes have 127.
const MOST_LABELS: usize = 128;

/// The query that was seen last: what a response repeats where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) id: u16,
    /// The question as it lay in the message.
    pub(super) question: Vec<u8>,
    /// Who asked, by UDP.
    pub(super) client: Option<(IpAddr, u16)>,
    /// Who was asked.
    pub(super) server: Option<IpAddr>,
}

/// Questions and records behind the header, and how many of each there are.
pub(super) fn write(
    world: &World,
    place: &Place,
    query: &Query,
    body: &DnsBody,
) -> Result<(Vec<u8>, [u16; 4]), lang::Error> {
    let mut bytes = Vec::new();
    let mut counts = [0; 4];
    match &body.question {
        Some((name, kind)) => {
            write_name(name, &mut bytes);
            bytes.extend([kind.to_be_bytes(), CLASS_IN.to_be_bytes()].concat());
            counts[0] = 1;
        }
        None if body.response && !query.question.is_empty() => {
            bytes.extend(&query.question);
            counts[0] = 1;
        }
        None => {}
    }
    // Sections have an order on the wire, whatever the script's.
    for section in 0..DNS_SECTIONS.len() {
        for record in body.records.iter().filter(|record| record.section == section) {
            write_record(world, place, record, &mut bytes)?;
            counts[section + 1] += 1;
        }
    }
    Ok((bytes, counts))
}

fn write_record(
    world: &World,
    place: &Place,
    record: &DnsRecord,
    bytes: &mut Vec<u8>,
) -> Result<(), lang::Error> {
    write_name(&record.name, bytes);
    bytes.extend([record.kind.to_be_bytes(), record.class.to_be_bytes()].concat());
    bytes.extend(record.ttl.to_be_bytes());
    let mut data = Vec::new();
    match &record.data {
        DnsData::Bytes(known) => data.extend(known),
        DnsData::Name(name) => write_name(name, &mut data),
        DnsData::Minimum(minimum) => {
            data.extend([0; 2 + 16]);
            data.extend(minimum.to_be_bytes());
        }
        DnsData::Address(name) => match complete::address(world, place, name) {
            Some(IpAddr::V4(address)) => data.extend(address.octets()),
            Some(IpAddr::V6(address)) => data.extend(address.octets()),
            None => {
                let text = format!("no host or address is called `{name}`");
                return Err(lang::Error::new(&record.span, text));
            }
        },
    }
    bytes.extend(record.length.unwrap_or(data.len() as u16).to_be_bytes());
    bytes.extend(data);
    Ok(())
}

/// A name label by label; a label `@12` is a compression pointer to byte 12, and ends the name. Labels that are too long are
/// cut in their length byte, as a script may want.
fn write_name(name: &str, bytes: &mut Vec<u8>) {
    for label in name.trim_end_matches('.').split('.').filter(|label| !label.is_empty()) {
        if let Some(target) = label.strip_prefix('@').and_then(|digits| digits.parse::<u16>().ok()) {
            bytes.extend((0xc000 | target).to_be_bytes());
            return;
        }
        bytes.push(label.len() as u8);
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
}

/// The name at `at`, and where it ends; `None` where it cannot be read.
fn read_name(message: &[u8], at: usize) -> Option<(String, usize)> {
    let (mut labels, mut pos, mut end) = (Vec::new(), at, None);
    for _ in 0..MOST_LABELS {
        match usize::from(*message.get(pos)?) {
            0 => return Some((labels.join("."), end.unwrap_or(pos + 1))),
            length @ 1..64 => {
                let label = message.get(pos + 1..pos + 1 + length)?;
                labels.push(label.escape_ascii().to_string());
                pos += 1 + length;
            }
            high @ 192.. => {
                let low = usize::from(*message.get(pos + 1)?);
                end = end.or(Some(pos + 2));
                pos = (high & 0x3f) << 8 | low;
            }
            _ => return None,
        }
    }
    None
}

/// A record as it lies in a message.
struct Raw {
    section: usize,
    name: String,
    kind: u16,
    class: u16,
    ttl: u32,
    data: Range<usize>,
}

/// A message's question, with its bytes, and its records; `None` where it is no message.
struct View {
    question: Option<(String, u16, Range<usize>)>,
    records: Vec<Raw>,
}

fn view(message: &[u8]) -> Option<View> {
    let word = |at: usize| Some(u16::from_be_bytes([*message.get(at)?, *message.get(at + 1)?]));
    let mut at = HEADER;
    let mut question = None;
    for _ in 0..word(4)? {
        let (name, end) = read_name(message, at)?;
        question = question.or(Some((name, word(end)?, at..end + 4)));
        at = end + 4;
    }
    let mut records = Vec::new();
    for section in 0..3 {
        for _ in 0..word(6 + 2 * section)? {
            let (name, end) = read_name(message, at)?;
            let data = end + 10..end + 10 + usize::from(word(end + 8)?);
            let ttl = u32::from(word(end + 4)?) << 16 | u32::from(word(end + 6)?);
            at = data.end;
            records.push(Raw { section, name, kind: word(end)?, class: word(end + 2)?, ttl, data });
        }
    }
    (at == message.len()).then_some(View { question, records })
}

/// Whether these bytes are a message from their first to their last.
pub(super) fn is_message(bytes: &[u8]) -> bool {
    view(bytes).is_some()
}

/// The message behind the length in a stream, if a segment carries it whole (RFC 1035 section 4.2.2).
pub(super) fn behind_length(frame: &[u8], segment: &Part) -> Option<Part> {
    let bytes = frame.get(segment.start..segment.end)?;
    let length = usize::from(u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]));
    let whole = length == bytes.len() - 2 && is_message(&bytes[2..]);
    let start = segment.start + 2;
    whole.then_some(Part { kind: LayerKind::Dns, start, header_end: segment.end, end: segment.end })
}

impl Matcher<'_> {
    /// The question that a query must have; it is taken over for the response.
    pub(super) fn dns(&mut self, layer: &Layer, part: &Part) -> Result<(), Stop> {
        let LayerBody::Dns(body) = &layer.body else { return Ok(()) };
        let message = part.header(self.frame);
        let found = view(message).and_then(|view| view.question);
        let show = |question: Option<(&str, u16)>| {
            question.map_or("no question".to_string(), |(n, k)| format!("{}? {n:?}", dns_type_name(k)))
        };
        if let Some((name, kind)) = &body.question {
            let same = found.as_ref().is_some_and(|(found_name, found_kind, _)| {
                found_name.eq_ignore_ascii_case(name.trim_end_matches('.')) && found_kind == kind
            });
            if !same {
                let found = found.as_ref().map(|(name, kind, _)| (name.as_str(), *kind));
                return differs("dns.question".to_string(), show(Some((name, *kind))), show(found));
            }
        }
        let ends = dissect::addresses(self.parts, self.frame);
        let udp = self.parts.iter().find(|p| p.kind == LayerKind::Udp);
        let port = udp.and_then(|udp| udp.get(self.frame, "sport")).map(|port| port as u16);
        self.flows.learn_query(Query {
            id: part.get(self.frame, "id").unwrap_or(0) as u16,
            question: found.and_then(|(.., at)| message.get(at)).unwrap_or(&[]).to_vec(),
            client: ends.map(|(source, _)| source).zip(port),
            server: ends.map(|(_, destination)| destination),
        });
        Ok(())
    }
}

/// The message in words: question, what is unusual in its header, records.
pub(super) fn describe(message: &[u8]) -> String {
    let get = |name| fields::get(LayerKind::Dns, message, name).unwrap_or(0);
    let response = get("qr") == 1;
    let mut text = if response { "dns response" } else { "dns query" }.to_string();
    let view = view(message).unwrap_or(View { question: None, records: Vec::new() });
    if let Some((name, kind, _)) = &view.question {
        let _infallible = write!(text, " {}? {name:?}", dns_type_name(*kind));
    }
    let mut words = Vec::new();
    for row in fields::header(LayerKind::Dns).map_or(&[][..], |h| h.rows) {
        let value = row.get(message).unwrap_or(0);
        let usual = match row.name {
            "rd" => 1,
            "ra" => u128::from(response),
            "qr" | "qdcount" | "ancount" | "nscount" | "arcount" => value,
            _ => 0,
        };
        if value != usual || row.name == "id" {
            words.push(format!("{} {}", row.name, number::show(row, value)));
        }
    }
    if fields::get(LayerKind::Dns, message, "qclass").is_some_and(|class| class != u128::from(CLASS_IN)) {
        words.push(format!("qclass {}", get("qclass")));
    }
    words.extend(view.records.iter().map(|record| describe_record(message, record)));
    let _infallible = write!(text, " [{}]", words.join(", "));
    text
}

fn describe_record(message: &[u8], record: &Raw) -> String {
    let data = message.get(record.data.clone()).unwrap_or(&[]);
    let name = || read_name(message, record.data.start).map(|(name, _)| format!("{name:?}"));
    let shown = match (record.kind, data) {
        (1, [a, b, c, d]) => Some(Ipv4Addr::new(*a, *b, *c, *d).to_string()),
        (28, data) => <[u8; 16]>::try_from(data).ok().map(|a| Ipv6Addr::from(a).to_string()),
        (CNAME | PTR | NS, _) => name(),
        (SOA, [.., a, b, c, d]) => Some(u32::from_be_bytes([*a, *b, *c, *d]).to_string()),
        _ => None,
    };
    let shown = shown.unwrap_or_else(|| format!("0x{}", hex(data)));
    let (section, kind) = (DNS_SECTIONS[record.section], dns_type_name(record.kind));
    let class = if record.class == CLASS_IN { String::new() } else { format!(" class {}", record.class) };
    format!("{section} {:?} {kind} {shown} ttl {}{class}", record.name, record.ttl)
}
