//! Frames in one line, as packetdrill and tcpdump write them and as a case could say them.

use super::build_tcp::{ACK, SYN};
use super::checksum;
use super::complete::{Place, is_own};
use super::describe_options as tcp_options;
use super::dissect::{self, Dissection, Part};
use super::fields;
use super::flows::{Direction, Flows, Key};
use super::header_options::{self, Raw, Style};
use super::headers::icmp;
use super::pattern;
use super::{World, dhcp, dns, messages, number};
use crate::lang::ast::LayerKind;
use crate::lang::names;
use crate::sut::{Medium, Rules};
use std::fmt::Write as _;
use std::net::IpAddr;

pub(super) use tcp_options::option_name;

/// As [`super::describe()`].
pub(super) fn describe(world: &World, flows: &Flows, medium: Medium, frame: &[u8]) -> String {
    let dissection = dissect::dissect(medium, frame);
    let direction = direction(world, &dissection, frame);
    let sign = if direction == Direction::Inbound { '<' } else { '>' };
    if let Some(problem) = &dissection.problem {
        return format!("{sign} {problem}: {}", hex(frame));
    }
    let line = Line { world, flows, frame, parts: &dissection.parts, direction, quoted: false };
    let mut text = line.text();
    if !dissection.quote.is_empty() {
        let direction = reverse(direction);
        let quote = Line { world, flows, frame, parts: &dissection.quote, direction, quoted: true };
        let _infallible = write!(text, " [{}]", quote.text());
    }
    format!("{sign} {text}")
}

fn reverse(direction: Direction) -> Direction {
    match direction {
        Direction::Inbound => Direction::Outbound,
        Direction::Outbound => Direction::Inbound,
    }
}

/// Which way a frame goes, by who sent it.
pub(super) fn direction(world: &World, dissection: &Dissection, frame: &[u8]) -> Direction {
    let own_mac = |mac: u128| world.setup.interfaces.iter().any(|i| number::mac_number(i.mac) == mac);
    if let Some(ether) = dissection.first(LayerKind::Ether) {
        let own = ether.get(frame, "src").is_some_and(own_mac);
        return if own { Direction::Outbound } else { Direction::Inbound };
    }
    match dissect::addresses(&dissection.parts[..dissection.parts.len().min(1)], frame) {
        Some((source, destination)) if !is_own(world, source) && is_own(world, destination) => {
            Direction::Inbound
        }
        _ => Direction::Outbound,
    }
}

/// Bytes as hex digits.
fn all_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// Bytes as hex digits; long ones are cut.
pub(super) fn hex(bytes: &[u8]) -> String {
    const MOST: usize = 128;
    let mut text = all_hex(&bytes[..bytes.len().min(MOST)]);
    if bytes.len() > MOST {
        let _infallible = write!(text, "... ({} bytes)", bytes.len());
    }
    text
}

/// Control bits as packetdrill writes them: the dot of ACK is the last.
pub(super) fn flags(bits: u16) -> String {
    const LETTERS: [(u16, char); 9] = [
        (0x01, 'F'),
        (0x02, 'S'),
        (0x04, 'R'),
        (0x08, 'P'),
        (0x20, 'U'),
        (0x40, 'E'),
        (0x80, 'W'),
        (0x100, 'A'),
        (0x10, '.'),
    ];
    let text: String = LETTERS.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, c)| c).collect();
    if text.is_empty() { "-".to_string() } else { text }
}

/// Type and code of an ICMP message by name, or by number where there is none.
pub(super) fn icmp_name(v6: bool, kind: u8, code: u8) -> String {
    match names::icmp_names(v6, kind, code) {
        Some((kind, Some(code))) => format!("{kind} {code}"),
        Some((kind, None)) if code == 0 => kind.to_string(),
        Some((kind, None)) => format!("{kind} code {code}"),
        None => format!("type {kind} code {code}"),
    }
}

/// An option of an IP header or a neighbour discovery message.
pub(super) fn header_option(style: Style, option: &Raw<'_>) -> String {
    let name = style.name(option.kind).map_or_else(|| format!("opt 0x{:02x}", option.kind), str::to_string);
    match option.data {
        [] => name,
        data if data.iter().all(|b| *b == 0) => format!("{name}({})", data.len()),
        data => format!("{name} 0x{}", all_hex(data)),
    }
}

/// Data that no header describes is told where it is not the pattern and no longer than this.
const MOST_DATA: usize = 64;

/// A frame, or a quoted packet, about to be written.
struct Line<'a> {
    world: &'a World,
    flows: &'a Flows,
    frame: &'a [u8],
    parts: &'a [Part],
    direction: Direction,
    quoted: bool,
}

impl Line<'_> {
    fn text(&self) -> String {
        let mut words = Vec::new();
        for (index, part) in self.parts.iter().enumerate() {
            let word = match part.kind {
                LayerKind::Ether => self.ether(index, part),
                LayerKind::Arp => self.arp(part),
                LayerKind::Ipv4 | LayerKind::Ipv6 => self.ip(index, part),
                LayerKind::Fragment => self.fragment(part),
                LayerKind::Udp => self.udp(index, part),
                LayerKind::Tcp => self.tcp(index, part),
                LayerKind::Icmpv4 | LayerKind::Icmpv6 => self.icmp(index, part),
                LayerKind::Payload => self.payload(index, part),
                // A quote's length says it all.
                LayerKind::Dhcp | LayerKind::Dns if self.quoted => String::new(),
                LayerKind::Dhcp => {
                    let chaddr = number::mac_number(self.place().local_mac(self.world));
                    dhcp::describe(part.header(self.frame), &messages::usual_dhcp(self.direction, chaddr))
                }
                LayerKind::Dns => dns::describe(part.header(self.frame)),
                _ => self.plain(part),
            };
            words.push(word);
        }
        words.retain(|w| !w.is_empty());
        words.join(" ")
    }

    fn get(&self, part: &Part, name: &str) -> u64 {
        part.get(self.frame, name).unwrap_or(0) as u64
    }

    fn shown(&self, part: &Part, name: &str) -> String {
        let row = fields::find(part.kind, part.header(self.frame), name);
        row.and_then(|row| Some(number::show(&row, row.get(part.header(self.frame))?))).unwrap_or_default()
    }

    /// Where the frame is: its interface is not told, and the first one's addresses are those that go without saying.
    fn place(&self) -> Place {
        let (local, remote) = (self.world.local, self.world.remote);
        Place { interface: 0, medium: Medium::Ethernet, local, remote }
    }

    fn mac_towards(&self, address: IpAddr) -> u128 {
        number::mac_number(self.place().mac_towards(self.world, address))
    }

    fn ipv4(&self, part: &Part, name: &str) -> IpAddr {
        IpAddr::from((self.get(part, name) as u32).to_be_bytes())
    }

    /// The Ethernet header goes without saying where it follows from what it carries.
    fn ether(&self, index: usize, part: &Part) -> String {
        let inner = self.parts.get(index + 1).filter(|p| p.kind != LayerKind::Payload);
        let usual = inner.and_then(|inner| self.usual_macs(inner));
        let mut words = Vec::new();
        for (name, usual) in [("dst", usual.map(|u| u.1)), ("src", usual.map(|u| u.0))] {
            if part.get(self.frame, name) != usual {
                words.push(format!("{name} {}", self.shown(part, name)));
            }
        }
        if inner.is_none() {
            words.push(format!("type 0x{:04x}", self.get(part, "type")));
        }
        if words.is_empty() { String::new() } else { format!("ether[{}] /", words.join(", ")) }
    }

    /// Source and destination hardware address that follow from the header within.
    fn usual_macs(&self, inner: &Part) -> Option<(u128, u128)> {
        let own = number::mac_number(self.place().local_mac(self.world));
        let (source, destination) = match inner.kind {
            LayerKind::Arp => (self.ipv4(inner, "spa"), self.ipv4(inner, "tpa")),
            _ => dissect::addresses(&[*inner], self.frame).unwrap_or(self.place().addresses(self.direction)),
        };
        let broadcast = number::mac_number(crate::sut::MacAddress::BROADCAST);
        let request = inner.kind == LayerKind::Arp && self.get(inner, "op") == 1;
        let towards = if request { broadcast } else { self.mac_towards(destination) };
        Some(match self.direction {
            Direction::Outbound => (own, towards),
            Direction::Inbound if towards & 1 << 40 != 0 => (self.mac_towards(source), towards),
            Direction::Inbound => (self.mac_towards(source), own),
        })
    }

    fn arp(&self, part: &Part) -> String {
        let [spa, tpa, sha] = ["spa", "tpa", "sha"].map(|name| self.shown(part, name));
        let op = self.get(part, "op");
        let mut usual = vec![("htype", 1), ("ptype", 0x0800), ("hlen", 6), ("plen", 4)];
        if op != 2 {
            usual.push(("sha", self.mac_towards(self.ipv4(part, "spa"))));
            usual.push(("tha", 0));
        } else {
            let (_, target) = self.place().addresses(self.direction);
            usual.push(("tpa", number::address_number(target)));
            usual.push(("tha", self.mac_towards(self.ipv4(part, "tpa"))));
        }
        let unusual = usual.into_iter().filter(|(name, usual)| part.get(self.frame, name) != Some(*usual));
        let unusual: Vec<_> = unusual.map(|(name, _)| format!("{name} {}", self.shown(part, name))).collect();
        let behind = if unusual.is_empty() { String::new() } else { format!(" [{}]", unusual.join(", ")) };
        match op {
            1 => format!("arp who-has {tpa} tell {spa}{behind}"),
            2 => format!("arp reply {spa} is-at {sha}{behind}"),
            op => format!("arp[op {op}, spa {spa}, sha {sha}, tpa {tpa}, tha {}]", self.shown(part, "tha")),
        }
    }

    /// What is unusual about an IP header.
    fn ip(&self, index: usize, part: &Part) -> String {
        let mut words = self.address_words(index, part);
        if part.kind == LayerKind::Ipv4 {
            words.extend(self.fragment_words(part));
            if self.get(part, "reserved") != 0 {
                words.push("reserved 1".to_string());
            }
            if self.direction == Direction::Outbound && !self.quoted {
                words.extend(self.chosen_words(part));
            }
            if !self.quoted
                && checksum::right(self.frame, self.parts, index) != Some(self.get(part, "csum") as u16)
            {
                words.push("csum bad".to_string());
            }
        }
        if part.kind == LayerKind::Ipv6 && self.direction == Direction::Outbound && !self.quoted {
            let limit = self.get(part, "hlim");
            if limit != self.usual_hop_limit(index) {
                words.push(format!("hlim {limit}"));
            }
        }
        match self.get(part, "ecn") {
            // One word for both halves of the field.
            _ if self.get(part, "dscp") != 0 => words.push(format!("tos 0x{:02x}", self.get(part, "tos"))),
            1 => words.push("ect1".to_string()),
            2 => words.push("ect0".to_string()),
            3 => words.push("ce".to_string()),
            _ => {}
        }
        let unknown = self.parts.get(index + 1).is_none_or(|p| p.kind == LayerKind::Payload);
        let fragment = part.kind == LayerKind::Ipv4 && self.get(part, "off") != 0;
        if unknown {
            words.push(format!("proto {}", self.shown(part, "proto")));
        }
        let other_version = (part.kind == LayerKind::Ipv6) != self.world.setup.family.is_ipv6_on_wire();
        let keyword = if other_version { fields::keyword(part.kind) } else { "" };
        words.extend(self.options(part));
        let text =
            if words.is_empty() { keyword.to_string() } else { format!("{keyword}[{}]", words.join(", ")) };
        match (unknown || fragment, keyword.is_empty()) {
            (true, true) => format!("{text} {} payload", fields::keyword(part.kind)),
            (true, false) => format!("{text} payload"),
            (false, _) => text,
        }
    }

    /// The addresses of an IP header, where they are not the usual.
    fn address_words(&self, index: usize, part: &Part) -> Vec<String> {
        let (source, destination) = match self.direction {
            Direction::Inbound => (self.world.remote, self.world.local),
            Direction::Outbound => (self.world.local, self.world.remote),
        };
        // The ends of a message follow from others before it, which a reader does not see.
        let implied = self.parts[index..].iter().any(|p| match p.kind {
            LayerKind::Dhcp => true,
            LayerKind::Dns => self.direction == Direction::Inbound,
            _ => false,
        });
        // What goes without saying on the first interface need not on another.
        let elsewhere = self.parts.first().is_some_and(|first| self.is_of_another_interface(first));
        let ends = [("src", source), ("dst", destination)]
            .map(|(name, usual)| (name, self.shown(part, name), usual));
        let told =
            ends.into_iter().filter(|(_, found, usual)| implied || elsewhere || *found != usual.to_string());
        told.map(|(name, found, _)| format!("{name} {found}")).collect()
    }

    /// What a stack chooses of an IPv4 header, where it is not the usual.
    fn chosen_words(&self, part: &Part) -> Vec<String> {
        const USUAL_TTL: u64 = 64;
        let mut words = Vec::new();
        if self.get(part, "df") != 0 {
            words.push("df".to_string());
        }
        if self.get(part, "ttl") != USUAL_TTL {
            words.push(format!("ttl {}", self.get(part, "ttl")));
        }
        // What is passed on for another keeps the identification that was given to it.
        let passed_on = !is_own(self.world, self.ipv4(part, "src"));
        let said = self.get(part, "mf") != 0 || self.get(part, "off") != 0;
        if passed_on && !said && self.get(part, "id") != 0 {
            words.push(format!("id {}", self.get(part, "id")));
        }
        words
    }

    /// The hop limit that goes without saying: what neighbour discovery and MLD require (RFC 4861 4, RFC 2710 3), or 64.
    fn usual_hop_limit(&self, index: usize) -> u64 {
        let message = self.parts[index..].iter().find(|p| p.kind == LayerKind::Icmpv6);
        match message.map(|message| self.get(message, "type")) {
            Some(133..=137) => 255,
            Some(130..=132 | 143) => 1,
            _ => 64,
        }
    }

    /// Whether a frame of the stack's left by another interface than the first.
    fn is_of_another_interface(&self, first: &Part) -> bool {
        let own = number::mac_number(self.place().local_mac(self.world));
        let from = first.get(self.frame, "src").filter(|_| first.kind == LayerKind::Ether);
        self.direction == Direction::Outbound && from.is_some_and(|from| from != own)
    }

    fn fragment(&self, part: &Part) -> String {
        let mut words = self.fragment_words(part);
        if words.is_empty() {
            words.push(format!("id {}", self.get(part, "id")));
        }
        let rest = if self.get(part, "off") != 0 { " ip6 payload" } else { "" };
        format!("[{}]{rest}", words.join(", "))
    }

    fn fragment_words(&self, part: &Part) -> Vec<String> {
        let (mf, off) = (self.get(part, "mf"), self.get(part, "off") * 8);
        if mf == 0 && off == 0 {
            return Vec::new();
        }
        let mut words = vec![format!("id {}", self.get(part, "id"))];
        if mf != 0 {
            words.push("mf".to_string());
        }
        if off != 0 {
            words.push(format!("off {off}"));
        }
        words
    }

    fn options(&self, part: &Part) -> Vec<String> {
        let Some(style) = Style::of(part.kind) else { return Vec::new() };
        let bytes = self.frame.get(part.options(self.frame)).unwrap_or(&[]);
        header_options::split(style, bytes).iter().map(|o| header_option(style, o)).collect()
    }

    /// A header whose fields are simply listed.
    fn plain(&self, part: &Part) -> String {
        let header = part.header(self.frame);
        let own = fields::header(part.kind).map_or(&[][..], |h| h.rows).to_vec();
        let rows = own.into_iter().chain(fields::dependent(part.kind, header));
        let words = rows
            .filter(|r| !matches!(r.name, "next" | "len" | "type" | "proto" | "dsap" | "ssap" | "control"));
        let mut words: Vec<_> = words
            .filter_map(|r| Some((r, r.get(header)?)).filter(|(_, v)| *v != 0))
            .map(|(r, v)| format!("{} {}", r.name, number::show(&r, v)))
            .collect();
        words.extend(self.options(part));
        format!("{}[{}]", fields::keyword(part.kind), words.join(", "))
    }

    /// ` csum bad` where it is; upstream's device leaves checksums to the hardware.
    fn checksum_word(&self, index: usize, part: &Part) -> &'static str {
        let fragment = self.parts[..index].iter().any(|p| p.get(self.frame, "mf").unwrap_or(0) != 0);
        let found = self.get(part, "csum") as u16;
        if self.world.setup.rules == Rules::Packetdrill || self.quoted || fragment {
            return "";
        }
        match checksum::right(self.frame, self.parts, index) {
            Some(_) if part.kind == LayerKind::Udp && found == 0 => " csum 0",
            Some(right) if !checksum::agrees(right, u128::from(found)) => " csum bad",
            _ => "",
        }
    }

    fn payload_length(&self, index: usize) -> usize {
        if self.quoted {
            let ip = self.parts.iter().rev().find(|p| matches!(p.kind, LayerKind::Ipv4 | LayerKind::Ipv6));
            let last = self.parts.get(index).map_or(0, |p| p.header_end);
            let total = ip.map_or(0, |ip| {
                let base = if ip.kind == LayerKind::Ipv6 { ip.start + 40 } else { ip.start };
                base + self.get(ip, "len") as usize
            });
            return total.saturating_sub(last);
        }
        self.parts.get(index + 1).map_or(0, |p| p.end - p.start)
    }

    fn udp(&self, index: usize, part: &Part) -> String {
        let (sport, dport) = (self.get(part, "sport"), self.get(part, "dport"));
        let bad = self.checksum_word(index, part);
        let message =
            self.parts.get(index + 1).is_some_and(|p| matches!(p.kind, LayerKind::Dhcp | LayerKind::Dns));
        if message && !self.quoted {
            return format!("udp {sport} > {dport}{bad}");
        }
        let length = self.payload_length(index);
        // A first fragment says how long the whole datagram is.
        let said = self.get(part, "len");
        let lie = if self.quoted || self.world.setup.rules == Rules::Packetdrill || said == length as u64 + 8
        {
            String::new()
        } else {
            format!("[len {said}]")
        };
        format!("udp{lie} {sport} > {dport}{bad} ({length}){}", self.data_words(index))
    }

    fn icmp(&self, index: usize, part: &Part) -> String {
        let header = part.header(self.frame);
        let (kind, code) = (self.get(part, "type") as u8, self.get(part, "code") as u8);
        let v6 = part.kind == LayerKind::Icmpv6;
        let mut text = format!("{} {}", fields::keyword(part.kind), icmp_name(v6, kind, code));
        let rows = fields::dependent(part.kind, header);
        let always =
            |name: &str| matches!(name, "id" | "target" | "gateway") || (name == "seq" && rows.len() == 2);
        for row in &rows {
            match row.get(header) {
                Some(value) if value != 0 || always(row.name) => {
                    let _infallible = write!(text, " {} {}", row.name, number::show(row, value));
                }
                _ => {}
            }
        }
        text.push_str(self.checksum_word(index, part));
        if icmp::has_nd_options(part.kind, kind) {
            let options = self.options(part);
            if !options.is_empty() {
                let _infallible = write!(text, " [{}]", options.join(", "));
            }
        } else if !icmp::quotes(part.kind, kind) {
            let _infallible = write!(text, " ({}){}", self.payload_length(index), self.data_words(index));
        }
        text
    }

    fn is_fragment(&self, part: &Part) -> bool {
        self.get(part, "mf") != 0 || self.get(part, "off") != 0
    }

    /// The bytes of a whole datagram of ours that are not the pattern, where they are few.
    fn data_words(&self, index: usize) -> String {
        let part = self.parts.get(index + 1).filter(|p| p.kind == LayerKind::Payload);
        let bytes = part.and_then(|p| self.frame.get(p.start..p.end)).unwrap_or(&[]);
        if self.quoted
            || self.world.setup.rules == Rules::Packetdrill
            || bytes.len() > MOST_DATA
            || self.parts[..index].iter().any(|p| self.is_fragment(p))
            || bytes == pattern::bytes(0, bytes.len())
        {
            return String::new();
        }
        format!(" data 0x{}", hex(bytes))
    }

    /// Payload is said with the header in front of it, but for what no header describes.
    fn payload(&self, index: usize, part: &Part) -> String {
        let outer = index.checked_sub(1).and_then(|i| self.parts.get(i)).map(|p| p.kind);
        match outer {
            Some(LayerKind::Tcp | LayerKind::Udp | LayerKind::Icmpv4 | LayerKind::Icmpv6) => String::new(),
            _ => {
                let bytes = self.frame.get(part.start..part.end).unwrap_or(&[]);
                let (rules, length) = (self.world.setup.rules, bytes.len());
                let whole = !self.parts[..index].iter().any(|p| self.is_fragment(p));
                let told = whole && !self.quoted && rules == Rules::Ours && (1..=MOST_DATA).contains(&length);
                match told && bytes != pattern::bytes(0, length) {
                    true => format!("0x{}", hex(bytes)),
                    false => format!("({length})"),
                }
            }
        }
    }

    fn tcp(&self, index: usize, part: &Part) -> String {
        let (source, destination) =
            checksum::ends(self.parts, self.frame).unwrap_or((self.world.local, self.world.remote));
        let (sport, dport) = (self.get(part, "sport") as u16, self.get(part, "dport") as u16);
        let key = Key { source: (source, sport), destination: (destination, dport) };
        let bits = self.get(part, "flags") as u16;
        let rules = self.world.setup.rules;
        let syn = bits & SYN != 0;
        let base = self.flows.base(rules, key, self.direction, syn);
        let seq = (self.get(part, "seq") as u32).wrapping_sub(base);
        let length = self.payload_length(index);
        let mut text = self.port_words(sport, dport);
        let end = seq.wrapping_add(length as u32);
        let _infallible = write!(text, "{} {seq}:{end}({length})", flags(bits));
        let ack = self.get(part, "ack") as u32;
        let other = self.flows.base(rules, key.reverse(), reverse(self.direction), syn);
        if bits & ACK != 0 {
            let _infallible = write!(text, " ack {}", ack.wrapping_sub(other));
        }
        let _infallible = write!(text, " win {}", self.get(part, "win"));
        if self.get(part, "urg") != 0 {
            let _infallible = write!(text, " urg {}", self.get(part, "urg"));
        }
        text.push_str(self.checksum_word(index, part));
        let options = self.frame.get(part.options(self.frame)).unwrap_or(&[]);
        let bases =
            tcp_options::Bases { ack: other, timestamp: self.timestamp_base(key), echo: self.echo_base(key) };
        let _infallible = write!(text, "{}", tcp_options::options(options, bases));
        text
    }

    /// `4000 > 80 ` where the ports are not those that go without saying.
    fn port_words(&self, sport: u16, dport: u16) -> String {
        let (local, remote) = self.flows.ports(self.world);
        let usual = match self.direction {
            Direction::Inbound => (Some(remote), local),
            Direction::Outbound => (local, Some(remote)),
        };
        let fits = |usual: Option<u16>, port| usual.is_none_or(|u| u == port);
        if fits(usual.0, sport) && fits(usual.1, dport) {
            String::new()
        } else {
            format!("{sport} > {dport} ")
        }
    }

    /// What is taken from the stack's timestamp values, which begin at 0 in our cases.
    fn timestamp_base(&self, key: Key) -> u32 {
        match (self.direction, self.world.setup.rules) {
            (Direction::Outbound, Rules::Ours) => self.flows.timestamp_base(key).unwrap_or(0),
            (Direction::Outbound, Rules::Packetdrill) => self.flows.sockets.timestamp_base(),
            _ => 0,
        }
    }

    fn echo_base(&self, key: Key) -> u32 {
        match (self.direction, self.world.setup.rules) {
            (Direction::Inbound, Rules::Ours) => self.flows.timestamp_base(key.reverse()).unwrap_or(0),
            (Direction::Inbound, Rules::Packetdrill) => self.flows.sockets.timestamp_base(),
            _ => 0,
        }
    }
}
