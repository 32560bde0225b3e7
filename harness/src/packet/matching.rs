//! Comparing a frame with what a script expects, from the outside in.

use super::build::{self, find_row};
use super::complete::{self, Place};
use super::dissect::{self, Part};
use super::fields::{self, Kind, Row};
use super::flows::{Direction, Flows};
use super::header_options::{self, Style};
use super::headers::icmp;
use super::number;
use super::value::{self, Found};
use super::{Context, Mismatch, Variables, World, checksum, describe, dns, messages};
use crate::lang::ast::{Field, HeaderOption, Layer, LayerBody, LayerKind, Packet, Pattern, Payload, Value};
use crate::lang::{self, Span};
use crate::sut::{Medium, Rules};

/// How a comparison stops: the frame differs, or the script cannot be understood.
pub(super) enum Stop {
    Differs(Mismatch),
    Script(lang::Error),
}

impl From<lang::Error> for Stop {
    fn from(error: lang::Error) -> Stop {
        Stop::Script(error)
    }
}

/// Stops with a field that differs.
pub(super) fn differs<T>(
    field: String,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> Result<T, Stop> {
    Err(Stop::Differs(Mismatch { field, expected: expected.into(), found: found.into() }))
}

/// A comparison under way. Captures and bases are copies until the whole packet matches.
pub(super) struct Matcher<'m> {
    pub(super) rules: Rules,
    pub(super) world: &'m World,
    pub(super) variables: Variables,
    pub(super) flows: Flows,
    pub(super) place: Place,
    pub(super) direction: Direction,
    pub(super) quoted: bool,
    pub(super) frame: &'m [u8],
    pub(super) parts: &'m [Part],
    /// Where in its stream or datagram the payload begins.
    pub(super) payload_position: u32,
}

/// As [`super::matches`].
pub(super) fn matches(
    cx: &mut Context<'_>,
    packet: &Packet,
    medium: Medium,
    frame: &[u8],
) -> Result<Result<(), Mismatch>, lang::Error> {
    let place = Place { medium, ..Place::of(cx.world, packet)? };
    let layers = complete::layers(cx.world, cx.flows, &place, (Direction::Outbound, true), packet)?;
    let dissection = dissect::dissect(medium, frame);
    if let Some(problem) = dissection.problem {
        return Ok(Err(Mismatch {
            field: "frame".to_string(),
            expected: packet.span.text().to_string(),
            found: format!("{problem}: {}", describe::hex(frame)),
        }));
    }
    let link = link_fields(cx, &place, &layers);
    let mut matcher = Matcher {
        rules: cx.rules,
        world: cx.world,
        variables: cx.variables.clone(),
        flows: cx.flows.clone(),
        place,
        direction: Direction::Outbound,
        quoted: false,
        frame,
        parts: &dissection.parts,
        payload_position: 0,
    };
    match matcher.packet(&layers, &dissection.quote, &link, medium) {
        Ok(()) => {
            *cx.variables = matcher.variables;
            *cx.flows = matcher.flows;
            Ok(Ok(()))
        }
        Err(Stop::Differs(mismatch)) => Ok(Err(mismatch)),
        Err(Stop::Script(error)) => Err(error),
    }
}

/// The hardware addresses that a frame must have where the script says none.
fn link_fields(cx: &Context<'_>, place: &Place, layers: &[Layer]) -> Vec<(&'static str, u128)> {
    if place.medium != Medium::Ethernet || cx.rules != Rules::Ours {
        return Vec::new();
    }
    let (source, destination) = build::link_addresses(cx, place, Direction::Outbound, &layers[1..]);
    vec![("dst", destination), ("src", source)]
}

impl<'m> Matcher<'m> {
    fn packet(
        &mut self,
        layers: &[Layer],
        quote: &'m [Part],
        link: &[(&'static str, u128)],
        medium: Medium,
    ) -> Result<(), Stop> {
        let said = layers.iter().filter(|l| l.kind != LayerKind::Payload);
        // Where quite another protocol came, its addresses are not what is worth telling.
        let is_missing = |l: &&Layer| is_protocol(l.kind) && self.parts.iter().all(|p| p.kind != l.kind);
        if !self.quoted
            && let Some(layer) = said.clone().find(is_missing)
        {
            return self.other_layer(layer, medium);
        }
        for (index, layer) in said.enumerate() {
            let part = match self.parts.get(index) {
                Some(part) if part.kind == layer.kind => *part,
                _ => match self.cut_short(layer.kind, index).or_else(|| self.in_stream(layer.kind, index)) {
                    Some(part) => part,
                    None => return self.other_layer(layer, medium),
                },
            };
            if layer.kind == LayerKind::Ether {
                self.values(layer, &part, link)?;
            }
            self.layer(layer, &part, index, quote)?;
        }
        self.payload(layers, medium)
    }

    /// A header of which an ICMP error quotes only the beginning.
    fn cut_short(&self, kind: LayerKind, index: usize) -> Option<Part> {
        let part = self.parts.get(index).filter(|p| self.quoted && p.kind == LayerKind::Payload)?;
        let outer = self.parts.get(index.checked_sub(1)?)?;
        let next = outer.get(self.frame, "proto").or_else(|| outer.get(self.frame, "next"))?;
        let v6 = outer.kind != LayerKind::Ipv4;
        let fits = super::names::layer_of_protocol(v6, next) == Some(kind);
        fits.then_some(Part { kind, start: part.start, header_end: part.end, end: part.end })
    }

    /// A DNS message that a TCP segment carries.
    fn in_stream(&self, kind: LayerKind, index: usize) -> Option<Part> {
        let content = self.parts.get(index).filter(|p| p.kind == LayerKind::Payload)?;
        let outer = self.parts.get(index.checked_sub(1)?)?;
        let fits = kind == LayerKind::Dns && outer.kind == LayerKind::Tcp;
        if fits { dns::behind_length(self.frame, content) } else { None }
    }

    fn other_layer<T>(&self, layer: &Layer, medium: Medium) -> Result<T, Stop> {
        let found = if self.quoted {
            self.parts.iter().map(|p| fields::keyword(p.kind)).collect::<Vec<_>>().join(" / ")
        } else {
            describe::describe(self.world, &self.flows, medium, self.frame)
        };
        differs("protocol".to_string(), fields::keyword(layer.kind), found)
    }

    fn layer(&mut self, layer: &Layer, part: &Part, index: usize, quote: &'m [Part]) -> Result<(), Stop> {
        if layer.kind == LayerKind::Tcp {
            return self.tcp(layer, part, index);
        }
        let defaults = self.defaults(layer, part);
        self.values(layer, part, &defaults)?;
        self.icmp_kind(layer, part)?;
        for field in &layer.fields {
            if matches!(field.name.as_str(), "type_name" | "code_name") {
                continue;
            }
            let row = find_row(layer.kind, part.header(self.frame), field)?;
            if row.kind == Kind::Checksum {
                self.checksum(field, &row, index)?;
            } else if layer.kind == LayerKind::Ipv6
                && field.name == "flow"
                && self.rules == Rules::Packetdrill
            {
                self.flow_label(field, part)?;
            } else {
                self.field(field, &row, part, 0)?;
            }
        }
        match &layer.body {
            LayerBody::Options(said) => self.header_options(said, layer, part),
            LayerBody::Dhcp(_) => self.dhcp(layer, part),
            LayerBody::Dns(_) => self.dns(layer, part),
            LayerBody::Quote(said) if icmp::quotes(part.kind, part.header(self.frame)[0]) => {
                self.quote(said, layer, quote)
            }
            LayerBody::Plain if self.has_no_options(layer) => self.header_options(&[], layer, part),
            _ => Ok(()),
        }
    }

    /// Whether an IPv4 header of which nothing is said has no options: as with TCP's, they are to be mentioned.
    fn has_no_options(&self, layer: &Layer) -> bool {
        let is_open = self.quoted || layer.fields.iter().any(|field| field.name == "ihl");
        layer.kind == LayerKind::Ipv4 && self.rules == Rules::Ours && !is_open
    }

    /// Values that are right by construction, except those that the script says something of.
    fn values(&mut self, layer: &Layer, part: &Part, values: &[(&'static str, u128)]) -> Result<(), Stop> {
        for (name, expected) in values {
            let said = layer.fields.iter().any(|f| f.name == *name);
            let Some(row) = fields::find(part.kind, part.header(self.frame), name).filter(|_| !said) else {
                continue;
            };
            match row.get(part.header(self.frame)) {
                Some(found) if found != *expected => {
                    return differs(
                        self.name(part.kind, name),
                        number::show(&row, *expected),
                        number::show(&row, found),
                    );
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The name of a field in a mismatch.
    pub(super) fn name(&self, kind: LayerKind, field: &str) -> String {
        let quote = if self.quoted { "quote." } else { "" };
        format!("{quote}{}.{field}", fields::keyword(kind))
    }

    /// What a header must have where the script says nothing.
    fn defaults(&mut self, layer: &Layer, part: &Part) -> Vec<(&'static str, u128)> {
        let (source, destination) = self.place.addresses(self.direction);
        let v6 = layer.kind == LayerKind::Ipv6;
        match layer.kind {
            LayerKind::Ipv4 | LayerKind::Ipv6 => {
                let mut values = vec![("version", if v6 { 6 } else { 4 })];
                if source.is_ipv6() == v6 {
                    values.push(("src", number::address_number(source)));
                    values.push(("dst", number::address_number(destination)));
                }
                // A datagram that the script does not call a fragment is none.
                if !v6 && self.rules == Rules::Ours {
                    values.extend([("mf", 0), ("off", 0)]);
                }
                values
            }
            LayerKind::Arp => self.arp_defaults(layer, part),
            LayerKind::Dhcp | LayerKind::Dns => messages::expected(self.world, &self.place, layer),
            LayerKind::Udp => {
                let ports = ["sport", "dport"].map(|n| part.get(self.frame, n).unwrap_or(0) as u16);
                let said = layer.fields.iter().any(|f| f.name == "sport");
                if !said && !self.quoted {
                    self.learn_port(ports[0]);
                }
                let [sport, dport] = self.port_defaults();
                [("sport", sport), ("dport", dport)]
                    .into_iter()
                    .filter_map(|(n, p)| Some((n, u128::from(p?))))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    fn learn_port(&mut self, port: u16) {
        match self.rules {
            Rules::Ours => self.flows.learn_port(port),
            Rules::Packetdrill => self.flows.sockets.learn_port(port),
        }
    }

    /// Source and destination port, where they can be told.
    pub(super) fn port_defaults(&self) -> [Option<u16>; 2] {
        let (local, remote) = self.flows.ports(self.world);
        match self.direction {
            Direction::Inbound => [Some(remote), local],
            Direction::Outbound => [local, Some(remote)],
        }
    }

    fn arp_defaults(&self, layer: &Layer, part: &Part) -> Vec<(&'static str, u128)> {
        let mut values = vec![("htype", 1), ("ptype", 0x0800), ("hlen", 6), ("plen", 4)];
        let said = |name: &str| layer.fields.iter().any(|f| f.name == name);
        if !said("op") {
            values.push(("op", 1));
        }
        let (own, peer) = self.place.addresses(self.direction);
        if own.is_ipv4() {
            values.extend([("spa", number::address_number(own)), ("tpa", number::address_number(peer))]);
        }
        values.push(("sha", number::mac_number(self.place.local_mac(self.world))));
        // RFC 826: the target's hardware address means nothing in a request.
        if part.get(self.frame, "op") == Some(2)
            && let Some(target) = part.get(self.frame, "tpa")
        {
            let target = std::net::IpAddr::from((target as u32).to_be_bytes());
            values.push(("tha", number::mac_number(self.place.mac_towards(self.world, target))));
        }
        values
    }

    fn icmp_kind(&mut self, layer: &Layer, part: &Part) -> Result<(), Stop> {
        if !matches!(layer.kind, LayerKind::Icmpv4 | LayerKind::Icmpv6) {
            return Ok(());
        }
        let cx = Context {
            rules: self.rules,
            world: self.world,
            variables: &mut self.variables.clone(),
            flows: &mut self.flows.clone(),
        };
        let names_type = layer.fields.iter().any(|f| f.name == "type_name");
        if !names_type {
            // Numbers are compared like any field.
            return Ok(());
        }
        let (kind, code) = build::icmp_numbers(layer, &cx)?;
        let header = part.header(self.frame);
        let text = |kind, code| describe::icmp_name(layer.kind == LayerKind::Icmpv6, kind, code);
        let found = (header.first().copied().unwrap_or(0), header.get(1).copied().unwrap_or(0));
        let coded = layer.fields.iter().any(|f| f.name == "code");
        let expected = (kind, code.unwrap_or(if coded { found.1 } else { 0 }));
        if found != expected {
            return differs(
                self.name(layer.kind, "type"),
                text(expected.0, expected.1),
                text(found.0, found.1),
            );
        }
        Ok(())
    }

    /// One field that the script says something of.
    pub(super) fn field(&mut self, field: &Field, row: &Row, part: &Part, base: u32) -> Result<(), Stop> {
        let Some(raw) = row.get(part.header(self.frame)) else {
            // Cut off in a quote.
            return Ok(());
        };
        let name = self.name(part.kind, row.name);
        let relative = (raw as u32).wrapping_sub(base);
        let is_sequence = matches!(row.kind, Kind::Sequence | Kind::Acknowledgement);
        match &field.value {
            Value::Number(pattern) if row.width <= 48 => {
                let value = (raw * u128::from(row.scale)) as i64;
                let found = if is_sequence {
                    Found { relative: i64::from(relative), raw: value, wraps: true }
                } else {
                    Found::plain(value)
                };
                self.number(name, pattern, found, &field.span)
            }
            // An address: any, or its number.
            Value::Number(Pattern::Any) => Ok(()),
            Value::Number(pattern) => {
                let wanted = value::said(pattern, &self.variables, &field.span)?.value;
                if wanted as u128 == raw {
                    Ok(())
                } else {
                    differs(name, wanted.to_string(), number::show(row, raw))
                }
            }
            Value::Name(text) => {
                let wanted = number::named(self.world, &self.place, row, text, &field.span)?;
                if wanted == raw {
                    Ok(())
                } else {
                    differs(name, number::show(row, wanted), number::show(row, raw))
                }
            }
            Value::Bytes(bytes) => {
                let wanted = bytes.iter().fold(0u128, |value, byte| value << 8 | u128::from(*byte));
                if wanted == raw {
                    Ok(())
                } else {
                    differs(name, format!("0x{wanted:x}"), format!("0x{raw:x}"))
                }
            }
            Value::Bad | Value::Good => {
                Err(lang::Error::new(&field.span, format!("`{}` is no checksum", field.name)).into())
            }
        }
    }

    /// One number that the script says something of.
    pub(super) fn number(
        &mut self,
        name: String,
        pattern: &Pattern,
        found: Found,
        span: &Span,
    ) -> Result<(), Stop> {
        match value::differs(pattern, found, &mut self.variables, span)? {
            None => Ok(()),
            Some(expected) => {
                let absolute = matches!(pattern, Pattern::Is(lang::ast::Expr::Absolute(_)));
                let found = if absolute { format!("abs({})", found.raw) } else { found.relative.to_string() };
                differs(name, expected, found)
            }
        }
    }

    /// A checksum: a number, or whether it is the right one.
    pub(super) fn checksum(&mut self, field: &Field, row: &Row, index: usize) -> Result<(), Stop> {
        let part = self.parts[index.min(self.parts.len() - 1)];
        let (Some(found), right) =
            (row.get(part.header(self.frame)), checksum::right(self.frame, self.parts, index))
        else {
            return Ok(());
        };
        let is_right = right.map(u128::from) == Some(found);
        let name = self.name(part.kind, row.name);
        match field.value {
            Value::Good if !is_right => differs(
                name,
                right.map_or("good".to_string(), |r| format!("0x{r:04x}")),
                format!("0x{found:04x}"),
            ),
            Value::Bad if is_right => differs(name, "bad", format!("0x{found:04x}, which is right")),
            Value::Good | Value::Bad => Ok(()),
            _ => self.field(field, row, &part, 0),
        }
    }

    /// Upstream's flow labels are names: the same label where the script has the same number.
    fn flow_label(&mut self, field: &Field, part: &Part) -> Result<(), Stop> {
        let Value::Number(pattern) = &field.value else { return Ok(()) };
        let script = value::said(pattern, &self.variables, &field.span)?.value as u32;
        let live = part.get(self.frame, "flow").unwrap_or(0) as u32;
        if script == 0 || self.flows.sockets.flow_label(script, live) {
            return Ok(());
        }
        let expected = format!("0x{script:x}, a label of its own for every number in the script");
        differs(self.name(part.kind, "flow"), expected, format!("0x{live:x}"))
    }

    fn header_options(&mut self, said: &[HeaderOption], layer: &Layer, part: &Part) -> Result<(), Stop> {
        let Some(style) = Style::of(layer.kind) else {
            return Err(lang::Error::new(
                &layer.span,
                format!("`{}` has no options", fields::keyword(layer.kind)),
            )
            .into());
        };
        let bytes = self.frame.get(part.options(self.frame)).unwrap_or(&[]);
        let (said, others) = match said.split_last() {
            Some((last, before)) if last.is_others() => (before, true),
            _ => (said, false),
        };
        let expected = header_options::write(self.world, &self.place, style, said)?;
        let show = |bytes: &[u8]| -> Vec<String> {
            let options = header_options::split(style, bytes);
            options.iter().map(|o| describe::header_option(style, o)).collect()
        };
        let (mut expected, mut found) = (show(&expected), show(bytes));
        if others {
            found.truncate(expected.len());
        }
        for (at, option) in header_options::split(style, bytes).iter().enumerate() {
            if header_options::is_open(style, said, at, option)? && expected.len() > at && found.len() > at {
                expected[at].clone_from(&found[at]);
            }
        }
        if expected == found {
            return Ok(());
        }
        let listed =
            |options: &[String]| if options.is_empty() { "none".to_owned() } else { options.join(", ") };
        differs(self.name(layer.kind, "options"), listed(&expected), listed(&found))
    }

    /// What an ICMP error quotes: a packet that went the other way.
    fn quote(&mut self, said: &[Layer], layer: &Layer, quote: &'m [Part]) -> Result<(), Stop> {
        if self.rules == Rules::Packetdrill {
            // Upstream's tool does not look at quotes.
            return Ok(());
        }
        let layers = complete::network_layers(layer.kind == LayerKind::Icmpv6, said, &layer.span)?;
        let (parts, direction) = (self.parts, self.direction);
        (self.parts, self.quoted) = (quote, true);
        self.direction = Direction::Inbound;
        let result = self.packet(&layers, &[], &[], self.place.medium);
        (self.parts, self.quoted, self.direction) = (parts, false, direction);
        result
    }

    fn payload(&mut self, layers: &[Layer], medium: Medium) -> Result<(), Stop> {
        let said = layers.last().filter(|l| l.kind == LayerKind::Payload);
        let mut headers = layers.iter().filter(|l| l.kind != LayerKind::Payload);
        let (count, last) = (headers.clone().count(), headers.next_back());
        let Some(last) = last else { return Ok(()) };
        // What the script takes for mere bytes may be a message.
        let is_content = |p: &Part| matches!(p.kind, LayerKind::Payload | LayerKind::Dhcp | LayerKind::Dns);
        if self.parts.get(count).is_some_and(|p| !is_content(p)) && !self.quoted {
            // A header that the script does not mention.
            return self.other_layer(last, medium);
        }
        if !self.looks_at_payload(last, count, said.is_some()) {
            return Ok(());
        }
        let range = self.parts.get(count).map_or(0..0, |p| p.start..p.end);
        let found = self.frame.get(range).unwrap_or(&[]);
        let length = if self.quoted { self.quoted_length(count, found.len()) } else { found.len() };
        let name = self.name(last.kind, "payload");
        let nothing = Payload::Length(Pattern::Is(lang::ast::Expr::Int(0)));
        let (payload, span) = match said.map(|l| (&l.body, &l.span)) {
            Some((LayerBody::Payload(payload), span)) => (payload, span),
            Some(_) => return Ok(()),
            None => (&nothing, &last.span),
        };
        let expected = match payload {
            Payload::Length(pattern) => {
                self.number(format!("{name}.length"), pattern, Found::plain(length as i64), span)?;
                let outside = self.parts.get(..count).unwrap_or(&[]);
                build::expected_payload(self.rules, outside, self.frame, self.payload_position, found.len())
            }
            Payload::Bytes(bytes) if self.quoted => bytes.iter().copied().take(found.len()).collect(),
            Payload::Bytes(bytes) => bytes.clone(),
        };
        compare_payload(name, &expected, found)
    }

    /// Whether what `last`, the innermost of `count` headers, carries is compared.
    fn looks_at_payload(&self, last: &Layer, count: usize, said: bool) -> bool {
        let kind = |p: &Part| p.header(self.frame).first().copied().unwrap_or(0);
        let innermost = count.checked_sub(1).and_then(|index| self.parts.get(index));
        // The quote is looked at by itself.
        let quotes = !self.quoted && innermost.is_some_and(|p| icmp::quotes(p.kind, kind(p)));
        let silent = !said && (self.quoted || last.kind == LayerKind::Ether);
        // Upstream's tool does not look at what ICMP messages carry.
        let upstream =
            self.rules == Rules::Packetdrill && matches!(last.kind, LayerKind::Icmpv4 | LayerKind::Icmpv6);
        let message = matches!(last.kind, LayerKind::Dhcp | LayerKind::Dns);
        !quotes && !silent && !upstream && !message && last.kind != LayerKind::Arp
    }

    /// How long the quoted packet's payload was, by its IP header: errors may cut it short.
    fn quoted_length(&self, count: usize, present: usize) -> usize {
        let ip = self.parts.iter().find(|p| matches!(p.kind, LayerKind::Ipv4 | LayerKind::Ipv6));
        let (Some(ip), Some(last)) = (ip, self.parts.get(count.saturating_sub(1))) else { return present };
        let len = ip.get(self.frame, "len").unwrap_or(0) as usize;
        let total = if ip.kind == LayerKind::Ipv6 { len + 40 } else { len };
        total.saturating_sub(last.header_end - ip.start)
    }
}

/// Whether a header tells by itself what a frame is about.
fn is_protocol(kind: LayerKind) -> bool {
    use LayerKind::{Arp, Icmpv4, Icmpv6, Ipv4, Ipv6, Tcp, Udp};
    matches!(kind, Arp | Ipv4 | Ipv6 | Icmpv4 | Icmpv6 | Tcp | Udp)
}

fn compare_payload(name: String, expected: &[u8], found: &[u8]) -> Result<(), Stop> {
    if expected.len() != found.len() {
        return differs(format!("{name}.length"), expected.len().to_string(), found.len().to_string());
    }
    match expected.iter().zip(found).position(|(a, b)| a != b) {
        None => Ok(()),
        Some(at) => {
            let show = |bytes: &[u8]| describe::hex(&bytes[at..bytes.len().min(at + 8)]);
            differs(format!("{name}[{at}]"), show(expected), show(found))
        }
    }
}
