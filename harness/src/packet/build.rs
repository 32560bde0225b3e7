//! Frames built from what a script says. Headers are written from the outside in; lengths and checksums are put right
//! at the end, from the inside out, except those that the script gave.

use super::checksum;
use super::complete::{self, Place};
use super::dissect::{Part, fixed_length};
use super::fields::{self, Row};
use super::flows::{Direction, Key};
use super::header_options::{self, Style};
use super::number::{self, Setting};
use super::pattern;
use super::{Context, dhcp, dns, messages, names};
use crate::lang::ast::{Field, Layer, LayerBody, LayerKind, Packet, Pattern, Payload, Value};
use crate::lang::{self, Span};
use crate::sut::{Medium, Rules};
use std::net::IpAddr;

/// The largest payload that a script may ask for: what an IP datagram can hold.
const MOST_PAYLOAD: i64 = 65535;

/// A frame under construction.
pub(super) struct Writer<'c, 'a> {
    pub(super) cx: &'c mut Context<'a>,
    pub(super) place: Place,
    pub(super) direction: Direction,
    /// Whether what is written is quoted by an ICMP error.
    pub(super) quoted: bool,
    pub(super) bytes: Vec<u8>,
    pub(super) parts: Vec<Part>,
    /// Fields that stay as the script said them: which part, which field.
    keep: Vec<(usize, String)>,
    /// Parts whose checksum is to be wrong.
    bad: Vec<usize>,
    /// Where in its stream or datagram the payload begins.
    pub(super) payload_position: u32,
}

/// Builds the frame of a packet that travels in `direction`.
pub(super) fn build(
    cx: &mut Context<'_>,
    packet: &Packet,
    direction: Direction,
) -> Result<Vec<u8>, lang::Error> {
    let place = Place::of(cx.world, packet)?;
    let layers = complete::layers(cx.world, cx.flows, &place, (direction, false), packet)?;
    let mut writer = Writer::new(cx, place, direction, false);
    writer.layers(&layers)?;
    let mut bytes = writer.finish();
    if place.medium == Medium::Ethernet && bytes.len() < 60 {
        // RFC 894: short frames are padded with zeros.
        bytes.resize(60, 0);
    }
    Ok(bytes)
}

impl<'c, 'a> Writer<'c, 'a> {
    fn new(cx: &'c mut Context<'a>, place: Place, direction: Direction, quoted: bool) -> Writer<'c, 'a> {
        let (bytes, parts, keep, bad) = Default::default();
        Writer { cx, place, direction, quoted, bytes, parts, keep, bad, payload_position: 0 }
    }

    fn layers(&mut self, layers: &[Layer]) -> Result<(), lang::Error> {
        for (index, layer) in layers.iter().enumerate() {
            let inner = &layers[index + 1..];
            if let (LayerKind::Payload, body) = (layer.kind, &layer.body) {
                let payload = self.payload(body, &layer.span)?;
                self.add(LayerKind::Payload, 0, payload);
                continue;
            }
            let header = match layer.kind {
                LayerKind::Tcp => self.tcp(layer)?,
                _ => self.header(layer, inner)?,
            };
            self.frame_message(layer, header.len());
            self.add(layer.kind, header.len(), header);
            if let LayerBody::Quote(quote) = &layer.body {
                let quote = self.quote(layer, quote)?;
                self.bytes.extend(quote);
            }
        }
        Ok(())
    }

    fn add(&mut self, kind: LayerKind, header: usize, bytes: Vec<u8>) {
        let start = self.bytes.len();
        self.bytes.extend(bytes);
        // Where the content ends is known at the end.
        self.parts.push(Part { kind, start, header_end: start + header, end: start });
    }

    /// Puts lengths and checksums right and gives the frame, unpadded.
    fn finish(mut self) -> Vec<u8> {
        let end = self.bytes.len();
        for part in &mut self.parts {
            part.end = end;
        }
        let keep = |index: usize, name: &str| self.keep.iter().any(|(i, n)| *i == index && n == name);
        checksum::refresh(&mut self.bytes, &self.parts, &keep);
        for index in &self.bad {
            let part = self.parts[*index];
            if let Some(right) = checksum::right(&self.bytes, &self.parts, *index) {
                let wrong = wrong_checksum(right);
                let header = &mut self.bytes[part.start..part.header_end];
                let _found = fields::set(part.kind, header, "csum", u128::from(wrong));
            }
        }
        self.bytes
    }

    /// A header whose fields all stand in tables: the fixed part, what the script says, the options.
    fn header(&mut self, layer: &Layer, inner: &[Layer]) -> Result<Vec<u8>, lang::Error> {
        let kind = layer.kind;
        let mut bytes = vec![0; fields::header(kind).map_or(0, |h| h.length)];
        if matches!(kind, LayerKind::Icmpv4 | LayerKind::Icmpv6) {
            icmp_type(layer, self.cx, &mut bytes)?;
        }
        if kind == LayerKind::Gre {
            gre_bits(layer, &mut bytes);
        }
        bytes.resize(fixed_length(kind, &bytes).max(bytes.len()), 0);
        for (name, value) in self.defaults(layer, inner) {
            let _found = fields::set(kind, &mut bytes, name, value);
        }
        let counts = self.dns_content(layer, &mut bytes)?;
        for (name, value) in counts {
            let _found = fields::set(kind, &mut bytes, name, value);
        }
        for field in &layer.fields {
            if !matches!(field.name.as_str(), "type_name" | "code_name") {
                self.field(kind, &mut bytes, field, 0)?;
            }
        }
        self.late_defaults(layer, &mut bytes);
        match &layer.body {
            LayerBody::Options(options) => {
                let Some(style) = Style::of(kind) else {
                    return Err(lang::Error::new(
                        &layer.span,
                        format!("`{}` has no options", fields::keyword(kind)),
                    ));
                };
                bytes.extend(header_options::write(self.cx.world, &self.place, style, options)?);
            }
            LayerBody::Dhcp(body) => {
                dhcp::write(self.cx.world, &self.place, self.cx.variables, body, &mut bytes)?
            }
            // An options header is a multiple of 8 bytes even when empty.
            _ if Style::of(kind) == Some(Style::Ipv6) => {
                bytes.extend(header_options::write(self.cx.world, &self.place, Style::Ipv6, &[])?)
            }
            _ => {}
        }
        Ok(bytes)
    }

    /// Question and records of a DNS message, behind its header; how many there are.
    fn dns_content(
        &self,
        layer: &Layer,
        bytes: &mut Vec<u8>,
    ) -> Result<Vec<(&'static str, u128)>, lang::Error> {
        let LayerBody::Dns(body) = &layer.body else { return Ok(Vec::new()) };
        let (content, counts) = dns::write(self.cx.world, &self.place, self.cx.flows.query(), body)?;
        bytes.extend(content);
        let names = ["qdcount", "ancount", "nscount", "arcount"];
        Ok(names.into_iter().zip(counts.map(u128::from)).collect())
    }

    /// In a stream, a DNS message stands behind its length (RFC 1035 section 4.2.2).
    fn frame_message(&mut self, layer: &Layer, length: usize) {
        let in_stream = self.parts.last().is_some_and(|outer| outer.kind == LayerKind::Tcp);
        if let LayerBody::Dns(body) = &layer.body
            && in_stream
            && !body.unframed
        {
            self.bytes.extend((length as u16).to_be_bytes());
        }
    }

    /// Sets one field as the script says.
    pub(super) fn field(
        &mut self,
        kind: LayerKind,
        bytes: &mut [u8],
        field: &Field,
        base: u32,
    ) -> Result<(), lang::Error> {
        // It stands behind the frame, and is put there where that is sent.
        if (kind, &field.name[..], &field.value) == (LayerKind::Ether, "fcs", &Value::Bad) {
            return Ok(());
        }
        let row = find_row(kind, bytes, field)?;
        let index = self.parts.len();
        match number::setting(self.cx.world, &self.place, self.cx.variables, field, &row, base)? {
            Setting::Raw(value) => {
                let _found = row.set(bytes, value);
                self.keep.push((index, field.name.clone()));
                if kind == LayerKind::Ether && field.name == "type" {
                    self.keep.push((index, "len".to_string()));
                }
            }
            Setting::Bad => self.bad.push(index),
            Setting::Good => {}
        }
        Ok(())
    }

    /// What fields are where nothing is said, as far as it does not depend on what is said.
    fn defaults(&self, layer: &Layer, inner: &[Layer]) -> Vec<(&'static str, u128)> {
        let kind = layer.kind;
        let next = inner.first().map(|l| l.kind);
        let hops = self.hop_limit(inner);
        let (source, destination) = self.place.addresses(self.direction);
        let protocol = next.and_then(names::protocol_of).unwrap_or_else(|| {
            let fragment = layer.fields.iter().any(|f| matches!(f.name.as_str(), "mf" | "off"));
            match kind {
                // A fragment of which only bytes are said is one of a UDP datagram, unless `proto` is said.
                _ if fragment => 17,
                LayerKind::Ipv4 => 255,
                _ => 59,
            }
        });
        let ether_type = next.and_then(names::ether_type_of);
        match kind {
            LayerKind::Ether => {
                let (src, dst) = self.macs(inner);
                vec![("type", u128::from(ether_type.unwrap_or(0))), ("src", src), ("dst", dst)]
            }
            LayerKind::Vlan => vec![("type", u128::from(ether_type.unwrap_or(0)))],
            LayerKind::Snap => vec![
                ("dsap", 0xaa),
                ("ssap", 0xaa),
                ("control", 3),
                ("type", u128::from(ether_type.unwrap_or(0))),
            ],
            LayerKind::Arp => vec![("htype", 1), ("ptype", 0x0800), ("hlen", 6), ("plen", 4), ("op", 1)],
            LayerKind::Ipv4 => {
                let mut fields = vec![("version", 4), ("ttl", hops), ("proto", u128::from(protocol))];
                fields.extend(of_version(false, source, destination));
                fields
            }
            LayerKind::Ipv6 => {
                let mut fields = vec![("version", 6), ("hlim", hops), ("next", u128::from(protocol))];
                fields.extend(of_version(true, source, destination));
                fields
            }
            LayerKind::HopByHop
            | LayerKind::DestinationOptions
            | LayerKind::Routing
            | LayerKind::Fragment => {
                vec![("next", u128::from(protocol))]
            }
            LayerKind::Udp => {
                let (sport, dport) = self.ports();
                vec![("sport", u128::from(sport)), ("dport", u128::from(dport))]
            }
            LayerKind::Dhcp | LayerKind::Dns => {
                messages::defaults(self.cx, &self.place, self.direction, layer)
            }
            LayerKind::Gre => vec![("proto", u128::from(ether_type.unwrap_or(0)))],
            LayerKind::Mpls => vec![("s", u128::from(next != Some(LayerKind::Mpls))), ("ttl", hops)],
            _ => Vec::new(),
        }
    }

    /// Packetdrill's 255, 64 in ours; neighbour discovery must have 255 (RFC 4861 section 4), MLD 1 (RFC 2710).
    fn hop_limit(&self, inner: &[Layer]) -> u128 {
        let message = inner.iter().find(|l| l.kind == LayerKind::Icmpv6);
        let kind = message.and_then(|l| icmp_numbers(l, self.cx).ok()).map(|(kind, _)| kind);
        match (kind, self.cx.rules) {
            (Some(133..=137), _) => 255,
            (Some(130..=132 | 143), _) => 1,
            (_, Rules::Packetdrill) => 255,
            (_, Rules::Ours) => 64,
        }
    }

    /// What follows from what the script said of other fields: ARP's addresses.
    fn late_defaults(&self, layer: &Layer, bytes: &mut [u8]) {
        if layer.kind != LayerKind::Arp {
            return;
        }
        let set = |bytes: &mut [u8], name: &str, value: u128| {
            if !layer.fields.iter().any(|f| f.name == name) {
                let _found = fields::set(LayerKind::Arp, bytes, name, value);
            }
        };
        let (source, target) = self.place.addresses(self.direction);
        for (name, address) in [("spa", source), ("tpa", target)] {
            if address.is_ipv4() {
                set(bytes, name, number::address_number(address));
            }
        }
        let owner = |bytes: &[u8], name| {
            let address = fields::get(LayerKind::Arp, bytes, name).unwrap_or(0) as u32;
            number::mac_number(self.place.mac_towards(self.cx.world, IpAddr::from(address.to_be_bytes())))
        };
        set(bytes, "sha", owner(bytes, "spa"));
        if fields::get(LayerKind::Arp, bytes, "op") == Some(2) {
            set(bytes, "tha", owner(bytes, "tpa"));
        }
    }

    /// Source and destination hardware address of a frame with these headers inside.
    pub(super) fn macs(&self, inner: &[Layer]) -> (u128, u128) {
        link_addresses(self.cx, &self.place, self.direction, inner)
    }

    /// Source and destination port of a segment that names none. Until the stack shows the port that it chose, the
    /// default stands in.
    pub(super) fn ports(&self) -> (u16, u16) {
        let (local, remote) = self.cx.flows.ports(self.cx.world);
        let local = local.unwrap_or(self.cx.world.local_port);
        match self.direction {
            Direction::Inbound => (remote, local),
            Direction::Outbound => (local, remote),
        }
    }

    /// The addresses of the innermost IP header so far, and these ports.
    pub(super) fn key(&self, sport: u16, dport: u16) -> Key {
        let (source, destination) = super::checksum::ends(&self.parts, &self.bytes)
            .unwrap_or_else(|| self.place.addresses(self.direction));
        Key { source: (source, sport), destination: (destination, dport) }
    }

    fn payload(&self, body: &LayerBody, span: &Span) -> Result<Vec<u8>, lang::Error> {
        let pattern = match body {
            LayerBody::Payload(Payload::Bytes(bytes)) => return Ok(bytes.clone()),
            LayerBody::Payload(Payload::Length(length)) => length,
            _ => &Pattern::Any,
        };
        let length = super::value::said(pattern, self.cx.variables, span)?.value;
        if !(0..=MOST_PAYLOAD).contains(&length) {
            return Err(lang::Error::new(span, format!("a payload cannot have {length} bytes"))
                .help(format!("an IP datagram holds {MOST_PAYLOAD} bytes at most")));
        }
        Ok(expected_payload(self.cx.rules, &self.parts, &self.bytes, self.payload_position, length as usize))
    }

    /// What an ICMP error quotes: a packet that went the other way, cut to what errors carry.
    fn quote(&mut self, layer: &Layer, quote: &[Layer]) -> Result<Vec<u8>, lang::Error> {
        let v6 = layer.kind == LayerKind::Icmpv6;
        let layers = complete::network_layers(v6, quote, &layer.span)?;
        let direction = match self.direction {
            Direction::Inbound => Direction::Outbound,
            Direction::Outbound => Direction::Inbound,
        };
        let mut writer = Writer::new(self.cx, self.place, direction, true);
        writer.layers(&layers)?;
        let network = writer.parts.first().map_or(0, |p| p.header_end);
        let mut bytes = writer.finish();
        let most = match (self.cx.rules, v6) {
            // RFC 792: the header and 64 bits, which is what upstream's tool quotes.
            (Rules::Packetdrill, _) => network + 8,
            // RFC 1812 section 4.3.2.3: the whole ICMP datagram has 576 bytes at most; RFC 4443 section 2.4 (c).
            (Rules::Ours, false) => 576 - 28,
            (Rules::Ours, true) => 1280 - 48,
        };
        bytes.truncate(most);
        Ok(bytes)
    }
}

/// The payload that a script means by its length alone.
pub(super) fn expected_payload(
    rules: Rules,
    outside: &[Part],
    frame: &[u8],
    position: u32,
    length: usize,
) -> Vec<u8> {
    match rules {
        Rules::Packetdrill => vec![0; length],
        Rules::Ours => pattern::bytes(position.wrapping_add(fragment_position(outside, frame)), length),
    }
}

/// Where in the transport's payload a fragment that is not the first begins, so that fragments of one datagram join
/// to one pattern; 0 for everything else.
fn fragment_position(outside: &[Part], frame: &[u8]) -> u32 {
    let Some(ip) = outside.last().filter(|p| matches!(p.kind, LayerKind::Ipv4 | LayerKind::Fragment)) else {
        return 0;
    };
    let bytes = ip.get(frame, "off").unwrap_or(0) as u32 * 8;
    let protocol = ip.get(frame, "proto").or_else(|| ip.get(frame, "next"));
    match protocol {
        // Behind the 8 bytes of UDP's and of ICMP's header.
        Some(1 | 17 | 58) => bytes.saturating_sub(8),
        _ => bytes,
    }
}

/// Addresses of the version asked for, as default fields.
fn of_version(v6: bool, source: IpAddr, destination: IpAddr) -> impl Iterator<Item = (&'static str, u128)> {
    let both = [("src", source), ("dst", destination)];
    both.into_iter().filter(move |(_, a)| a.is_ipv6() == v6).map(|(n, a)| (n, number::address_number(a)))
}

/// Hardware addresses of a frame: from the owner of the source, to the next hop towards the destination.
pub(super) fn link_addresses(
    cx: &Context<'_>,
    place: &Place,
    direction: Direction,
    inner: &[Layer],
) -> (u128, u128) {
    let (mut source, mut destination) = place.addresses(direction);
    let network = inner.iter().find(|l| matches!(l.kind, LayerKind::Ipv4 | LayerKind::Ipv6 | LayerKind::Arp));
    let mut request = false;
    for field in network.map_or(&[][..], |l| &l.fields) {
        let Value::Name(name) = &field.value else { continue };
        match (field.name.as_str(), complete::address(cx.world, place, name)) {
            ("src" | "spa", Some(address)) => source = address,
            ("dst" | "tpa", Some(address)) => destination = address,
            _ => {}
        }
    }
    if let Some(arp) = network.filter(|l| l.kind == LayerKind::Arp) {
        let op = arp.fields.iter().find(|f| f.name == "op").map(|f| &f.value);
        request = match op {
            Some(Value::Number(pattern)) => {
                super::value::said(pattern, cx.variables, &arp.span).is_ok_and(|s| s.value == 1)
            }
            Some(Value::Name(name)) => names::number(fields::Codes::ArpOperation, name) == Some(1),
            _ => true,
        };
    }
    let local = number::mac_number(place.local_mac(cx.world));
    let towards = number::mac_number(place.mac_towards(cx.world, destination));
    let from = number::mac_number(place.mac_towards(cx.world, source));
    let broadcast = number::mac_number(crate::sut::MacAddress::BROADCAST);
    let destination = if request { broadcast } else { towards };
    match direction {
        Direction::Outbound => (local, destination),
        // Forwarding: a frame for somebody behind the stack goes to the stack all the same.
        Direction::Inbound if destination & 1 << 40 != 0 => (from, destination),
        Direction::Inbound => (from, local),
    }
}

/// The field's row, or an error that lists what there is.
pub(super) fn find_row(kind: LayerKind, bytes: &[u8], field: &Field) -> Result<Row, lang::Error> {
    fields::find(kind, bytes, &field.name).ok_or_else(|| {
        let word = fields::keyword(kind);
        let own = fields::header(kind).map_or(&[][..], |h| h.rows).iter();
        let all: Vec<_> =
            own.map(|r| r.name).chain(fields::dependent(kind, bytes).iter().map(|r| r.name)).collect();
        lang::Error::new(&field.span, format!("`{word}` has no field `{}`", field.name))
            .help(format!("it has {}", all.join(", ")))
    })
}

/// A checksum that is wrong, and that is neither UDP's "none" nor the other form of zero.
pub(super) fn wrong_checksum(right: u16) -> u16 {
    match right ^ 0x5555 {
        0 => right ^ 0xaaaa ^ 0x00ff,
        wrong => wrong,
    }
}

/// Type and code of an ICMP message, by number or by name.
pub(super) fn icmp_numbers(layer: &Layer, cx: &Context<'_>) -> Result<(u8, Option<u8>), lang::Error> {
    let text = |name: &str| {
        layer.fields.iter().find(|f| f.name == name).and_then(|f| match &f.value {
            Value::Name(text) => Some(text.as_str()),
            _ => None,
        })
    };
    let v6 = layer.kind == LayerKind::Icmpv6;
    if let Some(type_name) = text("type_name") {
        return lang::names::icmp_type_code(v6, type_name, text("code_name")).ok_or_else(|| {
            let version = if v6 { "ICMPv6" } else { "ICMPv4" };
            let code = text("code_name").unwrap_or("");
            lang::Error::new(&layer.span, format!("{version} has no `{type_name} {code}`"))
                .help("give numbers instead: `type N code N`")
        });
    }
    let number = |name: &str| {
        let field = layer.fields.iter().find(|f| f.name == name)?;
        match &field.value {
            Value::Number(pattern @ Pattern::Is(_)) => {
                Some(super::value::said(pattern, cx.variables, &field.span).map(|s| s.value as u8))
            }
            _ => None,
        }
    };
    let kind = number("type").transpose()?.unwrap_or(0);
    Ok((kind, number("code").transpose()?))
}

fn icmp_type(layer: &Layer, cx: &Context<'_>, bytes: &mut [u8]) -> Result<(), lang::Error> {
    let (kind, code) = icmp_numbers(layer, cx)?;
    bytes[0] = kind;
    bytes[1] = code.unwrap_or(0);
    Ok(())
}

/// The bits of GRE's optional words are set where the words are said.
fn gre_bits(layer: &Layer, bytes: &mut [u8]) {
    for field in &layer.fields {
        bytes[0] |= match field.name.as_str() {
            "sum" | "off" => 0x80,
            "key" => 0x20,
            "seq" => 0x10,
            _ => 0,
        };
        // `flags` is the first word as it stands.
        if let ("flags", Value::Number(Pattern::Is(crate::lang::ast::Expr::Int(value)))) =
            (field.name.as_str(), &field.value)
        {
            bytes[0] |= (*value >> 8) as u8;
        }
    }
}
