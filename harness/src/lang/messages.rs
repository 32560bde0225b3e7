//! Messages that UDP carries and that have a language of their own: DHCP and DNS.

use super::ast::Pattern;
use super::source::Span;

/// The options of a DHCP message, those in the fields that are theirs only by overload (RFC 2131, section 4.1) apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DhcpBody {
    /// The message type, option 53, by its name in [`DHCP_MESSAGES`]; without one the message is BOOTP's.
    pub message: Option<u8>,
    /// In the options field.
    pub options: Vec<DhcpOption>,
    /// In the field `file`.
    pub file: Vec<DhcpOption>,
    /// In the field `sname`.
    pub sname: Vec<DhcpOption>,
}

/// `lease-time 3600`, `default-gateway (192.0.2.2, router)`, `opt 200 len 9 (0x01)`, `no server-id`.
#[derive(Clone, Debug, PartialEq)]
pub struct DhcpOption {
    /// Its code.
    pub code: u8,
    /// `no` in front: the message must not have it; in a message that is sent, nothing.
    pub absent: bool,
    /// The length byte, where it was written and may lie.
    pub length: Option<u8>,
    /// What is said of its value.
    pub value: OptionValue,
    /// Where it stands.
    pub span: Span,
}

/// What is said of an option's value.
#[derive(Clone, Debug, PartialEq)]
pub enum OptionValue {
    /// Nothing: it is there.
    Nothing,
    /// A number, as wide as the option's values are.
    Number(Pattern),
    /// Pieces one after the other.
    Pieces(Vec<Piece>),
}

/// A piece of an option's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Bytes.
    Bytes(Vec<u8>),
    /// The address or hardware address with this name.
    Name(String),
}

/// A DHCP option by name: its code, and the bytes of a number that is its value.
pub const DHCP_OPTIONS: &[(&str, u8, usize)] = &[
    ("pad", 0, 0),
    ("subnet-mask", 1, 4),
    ("default-gateway", 3, 4),
    ("domain-name-server", 6, 4),
    ("hostname", 12, 1),
    ("domain-name", 15, 1),
    ("mtu", 26, 2),
    ("broadcast-address", 28, 4),
    ("static-route", 33, 4),
    ("requested-ip", 50, 4),
    ("lease-time", 51, 4),
    ("overload", 52, 1),
    ("message-type", 53, 1),
    ("server-id", 54, 4),
    ("parameter-request", 55, 1),
    ("message", 56, 1),
    ("max-size", 57, 2),
    ("renewal-time", 58, 4),
    ("rebinding-time", 59, 4),
    ("vendor-class", 60, 1),
    ("client-id", 61, 7),
    ("end", 255, 0),
];

/// The message types by name.
pub const DHCP_MESSAGES: &[(&str, u8)] = &[
    ("discover", 1),
    ("offer", 2),
    ("request", 3),
    ("decline", 4),
    ("ack", 5),
    ("nak", 6),
    ("release", 7),
    ("inform", 8),
];

/// A DNS message without its header.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DnsBody {
    /// Whether it was called a response.
    pub response: bool,
    /// What is asked; a response that says nothing repeats the question that it answers.
    pub question: Option<(String, u16)>,
    /// Answers, authorities and additional records.
    pub records: Vec<DnsRecord>,
    /// Behind TCP, without the length in front.
    pub unframed: bool,
}

/// `answer "example.com" A 192.0.2.7 ttl 60`
#[derive(Clone, Debug, PartialEq)]
pub struct DnsRecord {
    /// 0 for answers, 1 for authorities, 2 for additional records.
    pub section: usize,
    /// Its owner.
    pub name: String,
    /// Its type.
    pub kind: u16,
    /// Its class.
    pub class: u16,
    /// Seconds.
    pub ttl: u32,
    /// What it says.
    pub data: DnsData,
    /// The length, where it was written and may lie.
    pub length: Option<u16>,
    /// Where it stands.
    pub span: Span,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq)]
pub enum DnsData {
    /// An address, by name or written out.
    Address(String),
    /// A name.
    Name(String),
    /// SOA with this MINIMUM; everything else in it is nothing.
    Minimum(u32),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// The words for the sections of records, in their order.
pub const DNS_SECTIONS: &[&str] = &["answer", "authority", "additional"];

/// Types of records by name.
pub const DNS_TYPES: &[(&str, u16)] =
    &[("A", 1), ("NS", 2), ("CNAME", 5), ("SOA", 6), ("PTR", 12), ("TXT", 16), ("AAAA", 28), ("ANY", 255)];

/// The number of a record's type: a name, or `TYPE65280`.
pub fn dns_type(word: &str) -> Option<u16> {
    let named = DNS_TYPES.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
    named.or_else(|| word.strip_prefix("TYPE")?.parse().ok())
}

/// The word for a record's type.
pub fn dns_type_name(kind: u16) -> String {
    let named = DNS_TYPES.iter().find(|(_, number)| *number == kind);
    named.map_or_else(|| format!("TYPE{kind}"), |(name, _)| (*name).to_string())
}
