//! TCP segments built from what a script says: relative numbers become those of the wire.

use super::build::Writer;
use super::fields;
use super::flows::{Direction, Key, Segment};
use super::options::{self, kind};
use super::value;
use crate::lang::ast::{Flags, Layer, LayerBody, LayerKind, Pattern, TcpOption, TcpOptions, Value};
use crate::lang::{self, Span};
use crate::sut::Rules;

/// SYN and ACK in the control bits, as in byte 13 of the header.
pub(super) const FIN: u16 = 0x01;
pub(super) const SYN: u16 = 0x02;
pub(super) const RST: u16 = 0x04;
pub(super) const PSH: u16 = 0x08;
pub(super) const CWR: u16 = 0x80;
pub(super) const ACK: u16 = 0x10;
/// ECE, CWR and AE: AccECN's counter (RFC 9768 section 3.1.2.1).
pub(super) const ACE: u16 = 0x1c0;

/// The window of a segment that names none.
const DEFAULT_WINDOW: u128 = 65535;

/// The bases that a segment's numbers are relative to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bases {
    /// The sender's: `seq`.
    pub(super) seq: u32,
    /// The receiver's: `ack`, SACK.
    pub(super) ack: u32,
}

/// The control bits to send.
pub(super) fn flag_bits(flags: &Flags) -> u16 {
    let ace = flags.ace.map_or(0, |n| u16::from(n & 7) << 6);
    flags.set | ace
}

impl Writer<'_, '_> {
    /// A TCP header with its options.
    pub(super) fn tcp(&mut self, layer: &Layer) -> Result<Vec<u8>, lang::Error> {
        let (flags, tcp_options) = match &layer.body {
            LayerBody::Tcp { flags, options, .. } => (flag_bits(flags), Some(options)),
            _ => (0, None),
        };
        let key = self.segment(layer, flags)?;
        let bases = self.bases(key, flags);
        let mut bytes = vec![0; 20];
        let defaults = [
            ("sport", u128::from(key.source.1)),
            ("dport", u128::from(key.destination.1)),
            ("flags", u128::from(flags)),
            ("win", DEFAULT_WINDOW),
            // Nothing said is number 0, relative as any other.
            ("seq", u128::from(bases.seq)),
            ("ack", if flags & ACK == 0 { 0 } else { u128::from(bases.ack) }),
        ];
        for (name, value) in defaults {
            let _found = fields::set(LayerKind::Tcp, &mut bytes, name, value);
        }
        for field in &layer.fields {
            let base = match field.name.as_str() {
                "seq" => bases.seq,
                // Without the ACK bit the field means nothing, and what is said stands.
                "ack" if flags & ACK != 0 => bases.ack,
                _ => 0,
            };
            self.field(LayerKind::Tcp, &mut bytes, field, base)?;
        }
        let seq = fields::get(LayerKind::Tcp, &bytes, "seq").unwrap_or(0) as u32;
        self.payload_position = position(seq.wrapping_sub(bases.seq), flags);
        if let Some(tcp_options) = tcp_options {
            let written = self.tcp_options(layer, tcp_options, key, flags, bases)?;
            bytes.extend(written);
        }
        if bytes.len() > 60 {
            let length = bytes.len() - 20;
            return Err(lang::Error::new(
                &layer.span,
                format!("TCP options of {length} bytes do not fit into the header"),
            )
            .help("there is room for 40"));
        }
        Ok(bytes)
    }

    /// The segment's 4-tuple; tells the flows of it, since a SYN sets bases and, upstream, begins a connection.
    fn segment(&mut self, layer: &Layer, flags: u16) -> Result<Key, lang::Error> {
        let seq = match self.said(layer, "seq")? {
            Some(said) => said.value as u32,
            None => 0,
        };
        let segment = Segment { syn: flags & SYN != 0, ack: flags & ACK != 0, seq };
        let sends = self.direction == Direction::Inbound && !self.quoted;
        if sends && self.cx.rules == Rules::Packetdrill {
            self.cx.flows.sockets.sending(self.cx.world, segment);
        }
        let (mut sport, mut dport) = self.ports();
        if let Some(said) = self.said(layer, "sport")?.filter(|s| s.value != 0) {
            sport = said.value as u16;
        }
        if let Some(said) = self.said(layer, "dport")?.filter(|s| s.value != 0) {
            dport = said.value as u16;
        }
        let key = self.key(sport, dport);
        if sends && self.cx.rules == Rules::Ours {
            self.cx.flows.sending(key, segment);
        }
        Ok(key)
    }

    fn said(&self, layer: &Layer, name: &str) -> Result<Option<value::Said>, lang::Error> {
        let Some(field) = layer.fields.iter().find(|f| f.name == name) else { return Ok(None) };
        match &field.value {
            Value::Number(pattern) => value::said(pattern, self.cx.variables, &field.span).map(Some),
            _ => Err(lang::Error::new(&field.span, format!("`{name}` takes a number"))),
        }
    }

    fn bases(&self, key: Key, flags: u16) -> Bases {
        let syn = flags & SYN != 0;
        let other = match self.direction {
            Direction::Inbound => Direction::Outbound,
            Direction::Outbound => Direction::Inbound,
        };
        Bases {
            seq: self.cx.flows.base(self.cx.rules, key, self.direction, syn),
            ack: self.cx.flows.base(self.cx.rules, key.reverse(), other, syn),
        }
    }

    fn tcp_options(
        &mut self,
        layer: &Layer,
        options: &TcpOptions,
        key: Key,
        flags: u16,
        bases: Bases,
    ) -> Result<Vec<u8>, lang::Error> {
        if self.quoted && *options == TcpOptions::Any {
            // Nobody looks at the options of a quoted segment, and upstream quotes none.
            return Ok(Vec::new());
        }
        let TcpOptions::Exactly(options) = options else {
            return Err(lang::Error::new(&layer.span, "a segment that is sent needs its options one by one")
                .help("`...` among options is for segments that are expected"));
        };
        let mut bytes = Vec::new();
        for option in options {
            self.tcp_option(&mut bytes, option, &layer.span, key, flags, bases)?;
        }
        // RFC 9293 section 3.1: the header is padded with zeros, which are EOL.
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        Ok(bytes)
    }

    fn tcp_option(
        &mut self,
        bytes: &mut Vec<u8>,
        option: &TcpOption,
        span: &Span,
        key: Key,
        flags: u16,
        bases: Bases,
    ) -> Result<(), lang::Error> {
        let data = match option {
            TcpOption::Raw { kind, length, data } => {
                bytes.push(*kind);
                // NOP and EOL have a length byte only where the script insists.
                if *kind > kind::NOP || length.is_some() {
                    bytes.push(length.unwrap_or((data.len() + 2) as u8));
                }
                bytes.extend_from_slice(data);
                return Ok(());
            }
            TcpOption::Sack(blocks) => {
                let mut data = Vec::new();
                for edge in blocks.iter().flat_map(|(left, right)| [left, right]) {
                    data.extend(self.sequence(edge, bases.ack, span)?.to_be_bytes());
                }
                data
            }
            TcpOption::Timestamp { val, ecr } => {
                let (val, ecr) = (self.sequence(val, 0, span)?, self.sequence(ecr, 0, span)?);
                let (val, ecr) = self.timestamps(val, ecr, key, flags, span)?;
                [val.to_be_bytes(), ecr.to_be_bytes()].concat()
            }
            _ => self.option_data(option, span)?,
        };
        options::push(bytes, options::kind_of(option), &data);
        Ok(())
    }

    /// The content of an option that does not depend on the connection.
    fn option_data(&self, option: &TcpOption, span: &Span) -> Result<Vec<u8>, lang::Error> {
        Ok(match option {
            TcpOption::Mss(mss) => {
                (self.fitting(mss, u16::MAX.into(), "mss", span)? as u16).to_be_bytes().to_vec()
            }
            TcpOption::Wscale(shift) => vec![self.fitting(shift, u8::MAX.into(), "wscale", span)? as u8],
            TcpOption::Md5(bytes) | TcpOption::FastOpen(bytes) => bytes.clone(),
            TcpOption::FastOpenCookie(cookie) => {
                value::said(cookie, self.cx.variables, span)?.value.to_be_bytes().to_vec()
            }
            TcpOption::FastOpenExperimental(cookie) => [&options::FAST_OPEN_MAGIC[..], cookie].concat(),
            TcpOption::AccEcn(counters) => {
                let mut data = Vec::new();
                for (_, counter) in counters {
                    let value = self.fitting(counter, 0xff_ffff, "AccECN counter", span)? as u32;
                    data.extend(&value.to_be_bytes()[1..]);
                }
                data
            }
            TcpOption::UserTimeout { minutes, value } => {
                let value = self.fitting(value, 0x7fff, "uto", span)? as u16;
                (value | u16::from(*minutes) << 15).to_be_bytes().to_vec()
            }
            _ => Vec::new(),
        })
    }

    fn fitting(&self, pattern: &Pattern, max: u64, what: &str, span: &Span) -> Result<u64, lang::Error> {
        let value = value::said(pattern, self.cx.variables, span)?.value;
        u64::try_from(value).ok().filter(|v| *v <= max).ok_or_else(|| {
            lang::Error::new(span, format!("{value} does not fit into `{what}`"))
                .help(format!("it takes 0 to {max}"))
        })
    }

    fn sequence(&self, pattern: &Pattern, base: u32, span: &Span) -> Result<u32, lang::Error> {
        let said = value::said(pattern, self.cx.variables, span)?;
        let base = if said.absolute { 0 } else { base };
        Ok((said.value as u32).wrapping_add(base))
    }

    /// Timestamps on the wire. What the harness says of its own clock stands; what it echoes is a value that the
    /// stack sent.
    fn timestamps(
        &self,
        val: u32,
        ecr: u32,
        key: Key,
        flags: u16,
        span: &Span,
    ) -> Result<(u32, u32), lang::Error> {
        let flows = &self.cx.flows;
        match (self.direction, self.cx.rules) {
            // A segment without ACK echoes nothing (RFC 7323 section 3.2), and what is said stands.
            (Direction::Inbound, _) if flags & ACK == 0 || self.quoted => Ok((val, ecr)),
            (Direction::Inbound, Rules::Ours) => {
                Ok((val, flows.timestamp_base(key.reverse()).map_or(ecr, |base| ecr.wrapping_add(base))))
            }
            (Direction::Inbound, Rules::Packetdrill) => {
                let live = flows.sockets.live_timestamp(ecr, flows.timestamps.ecr_scaled);
                live.map(|ecr| (val, ecr)).ok_or_else(|| {
                    lang::Error::new(span, format!("ecr {ecr} echoes no timestamp that the stack sent"))
                        .help("an outbound packet before must have expected `val` with this value, or say --tcp_ts_ecr_scaled")
                })
            }
            (Direction::Outbound, _) => {
                Ok((flows.timestamp_base(key).map_or(val, |base| val.wrapping_add(base)), ecr))
            }
        }
    }
}

/// Where in the stream a segment's payload begins: the SYN takes the number before the first byte.
pub(super) fn position(relative_seq: u32, flags: u16) -> u32 {
    relative_seq.wrapping_add(u32::from(flags & SYN != 0)).wrapping_sub(1)
}
