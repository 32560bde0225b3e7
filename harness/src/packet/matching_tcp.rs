//! Comparing TCP segments: numbers relative to the connection's bases, control bits, options.

use super::build_tcp::{ACE, ACK, Bases, SYN, flag_bits, position};
use super::dissect::Part;
use super::fields::{self, Kind};
use super::flows::{Direction, Key, Segment};
use super::matching::{Matcher, Stop, differs};
use super::options::{self, Raw};
use super::value::{self, Found};
use super::{checksum, describe};
use crate::lang::Span;
use crate::lang::ast::{
    AccEcnCounter, Flags, Layer, LayerBody, LayerKind, Pattern, TcpOption, TcpOptions, Value,
};
use crate::sut::Rules;

impl Matcher<'_> {
    pub(super) fn tcp(&mut self, layer: &Layer, part: &Part, index: usize) -> Result<(), Stop> {
        let get = |name: &str| part.get(self.frame, name).unwrap_or(0);
        let (sport, dport, seq) = (get("sport") as u16, get("dport") as u16, get("seq") as u32);
        let found_flags = get("flags") as u16;
        let (source, destination) =
            checksum::ends(self.parts, self.frame).unwrap_or_else(|| self.place.addresses(self.direction));
        let key = Key { source: (source, sport), destination: (destination, dport) };
        let found = Segment { syn: found_flags & SYN != 0, ack: found_flags & ACK != 0, seq };
        if !self.quoted {
            self.introduce(layer, key, found)?;
            self.first_timestamp(part, key);
        }
        self.ports(layer, part)?;
        let truncated = part.header(self.frame).len() < 20;
        if !truncated {
            self.flags(layer, found_flags)?;
        }
        let bases = self.tcp_bases(key, found_flags);
        self.payload_position = position(seq.wrapping_sub(bases.seq), found_flags);
        self.tcp_fields(layer, part, index, found_flags, bases)?;
        match &layer.body {
            LayerBody::Tcp { options, .. } if !truncated && !self.quoted => {
                self.tcp_options(options, layer, part, key, bases)
            }
            _ => Ok(()),
        }
    }

    /// Takes over what a SYN shows: the base, and the port that the stack chose.
    fn introduce(&mut self, layer: &Layer, key: Key, found: Segment) -> Result<(), Stop> {
        if self.rules == Rules::Ours {
            if found.syn && !layer.fields.iter().any(|f| f.name == "sport") {
                self.flows.learn_port(key.source.1);
            }
            self.flows.receiving(key, found);
            return Ok(());
        }
        let flags = match &layer.body {
            LayerBody::Tcp { flags, .. } => flag_bits(flags),
            _ => 0,
        };
        let seq = layer.fields.iter().find(|f| f.name == "seq");
        let seq = match seq.map(|f| (&f.value, &f.span)) {
            Some((Value::Number(pattern @ Pattern::Is(_)), span)) => {
                value::said(pattern, &self.variables, span)?.value as u32
            }
            _ => 0,
        };
        let said = Segment { syn: flags & SYN != 0, ack: flags & ACK != 0, seq };
        self.flows.sockets.expecting(key, said, found);
        Ok(())
    }

    /// In our cases timestamps count from the first that the stack sent, whether or not a line looks at it.
    fn first_timestamp(&mut self, part: &Part, key: Key) {
        let options = options::split(self.frame.get(part.options(self.frame)).unwrap_or(&[]));
        let timestamp = options.iter().find(|o| o.kind == options::kind::TIMESTAMP && o.data.len() == 8);
        if let Some(timestamp) = timestamp.filter(|_| self.rules == Rules::Ours) {
            self.flows.first_timestamp(key, timestamp.long(0));
        }
    }

    fn ports(&mut self, layer: &Layer, part: &Part) -> Result<(), Stop> {
        let defaults = self.port_defaults();
        for (name, default) in ["sport", "dport"].into_iter().zip(defaults) {
            let found = part.get(self.frame, name).unwrap_or(0) as i64;
            match (layer.fields.iter().find(|f| f.name == name), default) {
                // Compared with the other fields.
                (Some(_), _) | (None, None) => {}
                (None, Some(port)) if i64::from(port) != found => {
                    return differs(self.name(LayerKind::Tcp, name), port.to_string(), found.to_string());
                }
                (None, Some(_)) => {}
            }
        }
        Ok(())
    }

    fn tcp_bases(&self, key: Key, flags: u16) -> Bases {
        let syn = flags & SYN != 0;
        let other = match self.direction {
            Direction::Inbound => Direction::Outbound,
            Direction::Outbound => Direction::Inbound,
        };
        Bases {
            seq: self.flows.base(self.rules, key, self.direction, syn),
            ack: self.flows.base(self.rules, key.reverse(), other, syn),
        }
    }

    fn flags(&mut self, layer: &Layer, found: u16) -> Result<(), Stop> {
        let LayerBody::Tcp { flags, .. } = &layer.body else { return Ok(()) };
        let Flags { open, ace, .. } = *flags;
        if let Some(ace) = ace
            && u16::from(ace) != (found & ACE) >> 6
        {
            return differs(
                self.name(LayerKind::Tcp, "ace"),
                ace.to_string(),
                ((found & ACE) >> 6).to_string(),
            );
        }
        let expected = flag_bits(flags);
        if (expected ^ found) & !open != 0 {
            return differs(
                self.name(LayerKind::Tcp, "flags"),
                describe::flags(expected),
                describe::flags(found),
            );
        }
        Ok(())
    }

    fn tcp_fields(
        &mut self,
        layer: &Layer,
        part: &Part,
        index: usize,
        flags: u16,
        bases: Bases,
    ) -> Result<(), Stop> {
        for row in fields::header(LayerKind::Tcp).map_or(&[][..], |h| h.rows) {
            let said = layer.fields.iter().find(|f| f.name == row.name);
            let base = match row.kind {
                Kind::Sequence => bases.seq,
                Kind::Acknowledgement if flags & ACK != 0 => bases.ack,
                _ => 0,
            };
            match said {
                Some(field) if row.kind == Kind::Checksum => self.checksum(field, row, index)?,
                Some(field) => self.field(field, row, part, base)?,
                // What upstream's tool compares without being told.
                None if row.name == "urg" || row.name == "reserved" => self.zero(part, row.name)?,
                None => {}
            }
        }
        for field in &layer.fields {
            super::build::find_row(LayerKind::Tcp, part.header(self.frame), field)?;
        }
        Ok(())
    }

    fn zero(&self, part: &Part, name: &str) -> Result<(), Stop> {
        match part.get(self.frame, name) {
            Some(found) if found != 0 && !self.quoted => {
                differs(self.name(LayerKind::Tcp, name), "0", found.to_string())
            }
            _ => Ok(()),
        }
    }

    fn tcp_options(
        &mut self,
        said: &TcpOptions,
        layer: &Layer,
        part: &Part,
        key: Key,
        bases: Bases,
    ) -> Result<(), Stop> {
        let bytes = self.frame.get(part.options(self.frame)).unwrap_or(&[]);
        let found = options::split(bytes);
        let at = OptionContext { key, bases };
        match said {
            TcpOptions::Any => Ok(()),
            TcpOptions::Exactly(said) => self.exactly(said, &found, layer, &at),
            TcpOptions::Among(said) => self.among(said, &found, layer, &at),
        }
    }

    fn exactly(
        &mut self,
        said: &[TcpOption],
        found: &[Raw<'_>],
        layer: &Layer,
        at: &OptionContext,
    ) -> Result<(), Stop> {
        let kinds = |options: &mut dyn Iterator<Item = u8>| {
            options.map(describe::option_name).collect::<Vec<_>>().join(", ")
        };
        // Zeros that only fill the last word are EOL; a script need not say them.
        let said_eol = said.iter().any(|o| matches!(o, TcpOption::Eol));
        let found: Vec<_> = found.iter().filter(|o| o.kind != options::kind::EOL || said_eol).collect();
        let same =
            said.len() == found.len() && said.iter().zip(&found).all(|(s, f)| options::kind_of(s) == f.kind);
        if !same {
            let expected = kinds(&mut said.iter().map(options::kind_of));
            let found = kinds(&mut found.iter().map(|o| o.kind));
            return differs(
                self.name(LayerKind::Tcp, "options"),
                format!("<{expected}>"),
                format!("<{found}>"),
            );
        }
        for (said, found) in said.iter().zip(found) {
            self.option(said, found, &layer.span, at)?;
        }
        Ok(())
    }

    /// Each option said must be there, in whatever order; of two of a kind the first that fits counts.
    fn among(
        &mut self,
        said: &[TcpOption],
        found: &[Raw<'_>],
        layer: &Layer,
        at: &OptionContext,
    ) -> Result<(), Stop> {
        let mut used = vec![false; found.len()];
        for option in said {
            let kind = options::kind_of(option);
            let mut first = None;
            let before = self.variables.clone();
            for (index, candidate) in found.iter().enumerate() {
                if used[index] || candidate.kind != kind {
                    continue;
                }
                match self.option(option, candidate, &layer.span, at) {
                    Ok(()) => {
                        used[index] = true;
                        first = Some(Ok(()));
                        break;
                    }
                    Err(stop) => {
                        self.variables = before.clone();
                        first = first.or(Some(Err(stop)));
                    }
                }
            }
            match first {
                Some(result) => result?,
                None => {
                    let there =
                        found.iter().map(|o| describe::option_name(o.kind)).collect::<Vec<_>>().join(", ");
                    let expected = format!("<..., {}, ...>", describe::option_name(kind));
                    return differs(self.name(LayerKind::Tcp, "options"), expected, format!("<{there}>"));
                }
            }
        }
        Ok(())
    }

    fn option(
        &mut self,
        said: &TcpOption,
        found: &Raw<'_>,
        span: &Span,
        at: &OptionContext,
    ) -> Result<(), Stop> {
        let name = |field: &str| format!("tcp.{field}");
        if !matches!(said, TcpOption::Raw { .. }) && found.malformed() {
            let expected = format!("a length of {} or less", found.data.len() + 2);
            return differs(
                name(&describe::option_name(found.kind)),
                expected,
                format!("length {}", found.length),
            );
        }
        match said {
            TcpOption::Nop | TcpOption::Eol => Ok(()),
            TcpOption::SackOk => self.length(found, 0, "sackOK"),
            TcpOption::Mss(mss) => {
                self.length(found, 2, "mss")?;
                self.number(name("mss"), mss, Found::plain(found.word(0).into()), span)
            }
            TcpOption::Wscale(shift) => {
                self.length(found, 1, "wscale")?;
                self.number(name("wscale"), shift, Found::plain(found.data[0].into()), span)
            }
            TcpOption::Sack(blocks) => self.sack(blocks, found, span, at),
            TcpOption::Timestamp { val, ecr } => {
                self.length(found, 8, "TS")?;
                self.timestamp(val, ecr, found, span, at)
            }
            TcpOption::Md5(data) | TcpOption::FastOpen(data) => {
                self.bytes(&describe::option_name(found.kind), data, found.data)
            }
            TcpOption::FastOpenCookie(cookie) => {
                self.length(found, 8, "FO")?;
                let value = found.data.iter().fold(0, |value: i64, byte| value << 8 | i64::from(*byte));
                self.number(name("FO"), cookie, Found::plain(value), span)
            }
            TcpOption::FastOpenExperimental(cookie) => {
                self.bytes("FOEXP", &[&options::FAST_OPEN_MAGIC[..], cookie].concat(), found.data)
            }
            TcpOption::AccEcn(counters) => self.accurate_ecn(counters, found, span),
            TcpOption::UserTimeout { minutes, value } => self.user_timeout(*minutes, value, found, span),
            TcpOption::Raw { length, data, .. } => {
                if let Some(length) = length.filter(|l| *l != found.length) {
                    return differs(name("raw.len"), length.to_string(), found.length.to_string());
                }
                self.bytes("raw", data, found.data)
            }
        }
    }

    fn accurate_ecn(
        &mut self,
        counters: &[(AccEcnCounter, Pattern)],
        found: &Raw<'_>,
        span: &Span,
    ) -> Result<(), Stop> {
        self.length(found, counters.len() * 3, "ECN")?;
        for ((_, pattern), bytes) in counters.iter().zip(found.data.chunks(3)) {
            let value = bytes.iter().fold(0, |value, byte| value << 8 | i64::from(*byte));
            self.number("tcp.ECN".to_string(), pattern, Found::plain(value), span)?;
        }
        Ok(())
    }

    fn user_timeout(
        &mut self,
        minutes: bool,
        value: &Pattern,
        found: &Raw<'_>,
        span: &Span,
    ) -> Result<(), Stop> {
        self.length(found, 2, "uto")?;
        let word = found.word(0);
        let unit = |minutes: bool| if minutes { "min" } else { "s" };
        if (word >> 15 == 1) != minutes {
            return differs("tcp.uto.unit".to_string(), unit(minutes), unit(!minutes));
        }
        self.number("tcp.uto".to_string(), value, Found::plain((word & 0x7fff).into()), span)
    }

    fn length(&self, found: &Raw<'_>, expected: usize, option: &str) -> Result<(), Stop> {
        if found.data.len() == expected {
            return Ok(());
        }
        differs(format!("tcp.{option}.len"), (expected + 2).to_string(), found.length.to_string())
    }

    fn bytes(&self, option: &str, expected: &[u8], found: &[u8]) -> Result<(), Stop> {
        if expected == found {
            return Ok(());
        }
        differs(format!("tcp.{option}"), describe::hex(expected), describe::hex(found))
    }

    fn sack(
        &mut self,
        blocks: &[(Pattern, Pattern)],
        found: &Raw<'_>,
        span: &Span,
        at: &OptionContext,
    ) -> Result<(), Stop> {
        self.length(found, blocks.len() * 8, "sack")?;
        for (index, (left, right)) in blocks.iter().enumerate() {
            for (pattern, offset) in [(left, index * 8), (right, index * 8 + 4)] {
                let raw = found.long(offset);
                let relative = i64::from(raw.wrapping_sub(at.bases.ack));
                let edge = Found { relative, raw: raw.into(), wraps: true };
                self.number("tcp.sack".to_string(), pattern, edge, span)?;
            }
        }
        Ok(())
    }

    fn timestamp(
        &mut self,
        val: &Pattern,
        ecr: &Pattern,
        found: &Raw<'_>,
        span: &Span,
        at: &OptionContext,
    ) -> Result<(), Stop> {
        let (live_val, live_ecr) = (found.long(0), found.long(4));
        if self.rules == Rules::Packetdrill {
            return self.upstream_timestamp(val, live_val, span);
        }
        let base = self.flows.first_timestamp(at.key, live_val);
        let relative = i64::from(live_val.wrapping_sub(base));
        self.number(
            "tcp.TS.val".to_string(),
            val,
            Found { relative, raw: live_val.into(), wraps: true },
            span,
        )?;
        let echo = Found { relative: live_ecr.into(), raw: live_ecr.into(), wraps: true };
        self.number("tcp.TS.ecr".to_string(), ecr, echo, span)
    }

    /// Upstream keeps which live value a script's value stood for, and checks values only where a tick is given.
    fn upstream_timestamp(&mut self, val: &Pattern, live: u32, span: &Span) -> Result<(), Stop> {
        let Pattern::Is(_) = val else { return Ok(()) };
        let script = value::said(val, &self.variables, span)?.value as u32;
        let mapped = self.flows.sockets.map_timestamp(script, live);
        let settings = self.flows.timestamps;
        let ticks = (mapped.wrapping_sub(script) as i32).unsigned_abs();
        if settings.tick * ticks > settings.tolerance {
            return differs("tcp.TS.val".to_string(), script.to_string(), mapped.to_string());
        }
        Ok(())
    }
}

/// The segment that an option is in.
struct OptionContext {
    key: Key,
    bases: Bases,
}
