//! Frames made again from the lines that describe them.

use crate::lang::ast::{Action, AlterOperation, Alteration, Expr, LayerKind, Packet, Pattern, Value};
use crate::lang::{FileSystem, Options, parse};
use crate::packet::{self, Context, Flows, TcpSummary, Variables, World};
use crate::sut::{Call, InterfaceId, Medium, Refusal, Rules};
use std::collections::BTreeMap;
use std::path::Path;

const SYN: u16 = 0x02;
const FIN: u16 = 0x01;
const ACK: u16 = 0x10;
/// linux/socket.h.
const MSG_FASTOPEN: i32 = 0x2000_0000;

/// What is needed to make frames: the names of the run, and what the stack was given so far.
#[derive(Clone, Debug)]
pub(super) struct Frames {
    pub(super) world: World,
    flows: Flows,
    /// The last segment that the stack was given.
    segment: Option<TcpSummary>,
    /// The timestamp in it, for an echo that was not recorded.
    timestamp: u32,
    /// Of fragments, where it was drawn by chance.
    identification: u32,
    /// What the last call wrote.
    written: Vec<u8>,
    /// Datagrams that the stack was given, which its ICMP errors quote.
    given: Vec<Vec<u8>>,
    /// A call may have the next SYN open a connection.
    opening: bool,
    /// Connections that the stack has opened.
    opened: u16,
}

/// As many datagrams are kept for errors to quote.
const MOST_GIVEN: usize = 64;

impl Frames {
    pub(super) fn new(world: World) -> Frames {
        Frames {
            world,
            flows: Flows::default(),
            segment: None,
            timestamp: 0,
            identification: 0,
            written: Vec::new(),
            given: Vec::new(),
            opening: false,
            opened: 0,
        }
    }

    /// Ports that go without saying follow from the calls, and the payload of datagrams.
    pub(super) fn called(&mut self, call: &Call) {
        self.flows.called(call);
        self.opening |= match call {
            Call::Connect { .. } => true,
            Call::Sendto { flags, .. } | Call::Sendmsg { flags, .. } => flags & MSG_FASTOPEN != 0,
            _ => false,
        };
        if let Call::Write { data, .. } | Call::Send { data, .. } | Call::Sendto { data, .. } = call {
            self.written.clone_from(data);
        }
    }

    /// The stack was given `frame`, which the recording describes as `text`: the peer's sequence numbers, and what an error
    /// quotes, follow from it. The stack's own numbers begin at 0, so what is relative in the recording stands as it is.
    pub(super) fn received(
        &mut self,
        interface: InterfaceId,
        frame: &[u8],
        text: &str,
    ) -> Result<(), Refusal> {
        let medium = self.medium(interface);
        let dissection = packet::dissect(medium, frame);
        let network = dissection.parts.iter().find(|p| matches!(p.kind, LayerKind::Ipv4 | LayerKind::Ipv6));
        if let Some(datagram) = network.and_then(|part| frame.get(part.start..part.end)) {
            self.given.truncate(MOST_GIVEN - 1);
            self.given.insert(0, datagram.to_vec());
        }
        let Some(segment) = packet::tcp_summary(medium, frame) else { return Ok(()) };
        if let Some(relative) = sequence_number(text) {
            self.set_base(segment, segment.seq.wrapping_sub(relative))?;
        }
        if let Some(options) = dissection.last(LayerKind::Tcp).map(|tcp| tcp.options(frame)) {
            self.timestamp = timestamp(frame.get(options).unwrap_or(&[])).unwrap_or(self.timestamp);
        }
        self.segment = Some(segment);
        Ok(())
    }

    /// What the peer's numbers in the recording are relative to: its SYN says so, and `new connection` that it is another.
    fn set_base(&mut self, segment: TcpSummary, base: u32) -> Result<(), Refusal> {
        let TcpSummary { local: from, remote: to, .. } = segment;
        let (source, destination, sport, dport) = (from.ip(), to.ip(), from.port(), to.port());
        let syn = format!("< [src {source}, dst {destination}] {sport} > {dport} S {base}:{base}(0) win 0");
        let packet = self.read(&syn)?;
        self.flows.new_connection();
        let mut variables = Variables::new();
        let (world, flows) = (&self.world, &mut self.flows);
        let mut cx = Context { rules: Rules::Ours, world, variables: &mut variables, flows };
        packet::build(&mut cx, &packet).map(drop).map_err(refused)
    }

    /// The frame that `text` describes.
    pub(super) fn make(&mut self, interface: InterfaceId, text: &str) -> Result<Vec<u8>, Refusal> {
        let name = match interface.0 {
            0 => String::new(),
            index => {
                let interface = self.world.setup.interfaces.get(index);
                interface.map(|i| format!("{} ", i.name)).ok_or_else(|| broken("no such interface"))?
            }
        };
        let text = self.without_stars(text);
        let packet = self.read(&format!("{name}> {text}"))?;
        // Nothing that the stack sends moves a base here.
        let mut flows = self.flows.clone();
        let mut cx = Context {
            rules: Rules::Ours,
            world: &self.world,
            variables: &mut Variables::new(),
            flows: &mut flows,
        };
        let mut frame = packet::build_outbound(&mut cx, &packet).map_err(refused)?;
        self.quote(self.medium(interface), &mut frame)?;
        self.carry(self.medium(interface), &mut frame)?;
        self.tell_apart(self.medium(interface), &text, &mut frame)?;
        Ok(frame)
    }

    /// Connections that the stack opens one after the other have ports of their own, which went without saying.
    fn tell_apart(&mut self, medium: Medium, text: &str, frame: &mut Vec<u8>) -> Result<(), Refusal> {
        let dissection = packet::dissect(medium, frame);
        let Some(tcp) = dissection.last(LayerKind::Tcp).filter(|_| !text.contains(" > ")) else {
            return Ok(());
        };
        let flags = tcp.get(frame, "flags").unwrap_or(0) as u16;
        if flags & (SYN | ACK) == SYN && std::mem::take(&mut self.opening) {
            self.opened += 1;
        }
        let port = tcp.get(frame, "sport").unwrap_or(0) as i64 + i64::from(self.opened.saturating_sub(1));
        if self.opened <= 1 {
            return Ok(());
        }
        self.set(medium, "tcp", "sport", Value::Number(Pattern::Is(Expr::Int(port))), frame)
    }

    /// Numbers that were drawn by chance are stars in the recording: the stack's own are 0 again, the others follow
    /// from what it was given.
    fn without_stars(&mut self, text: &str) -> String {
        // The fragments of one datagram have one identification, the first of the next has another.
        if !text.contains(" off ") {
            self.identification += 1;
        }
        let mut text = text
            .replace("[id *", &format!("[id {}", self.identification))
            .replace("TS val *", "TS val 1")
            .replace("ecr *", &format!("ecr {}", self.timestamp));
        if text.contains("*:*") {
            text = text.replace("*:*", "0:0");
        }
        if let Some(TcpSummary { seq, flags, payload, .. }) = self.segment {
            let length = payload as u32 + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
            text = text.replace("ack *", &format!("ack abs({})", seq.wrapping_add(length)));
        }
        text
    }

    /// An error quotes what the stack was given as it was, of which the recording shows what is unusual.
    fn quote(&self, medium: Medium, frame: &mut Vec<u8>) -> Result<(), Refusal> {
        let dissection = packet::dissect(medium, frame);
        let Some(quote) = dissection.quote.first().copied() else { return Ok(()) };
        let end = frame.len() - dissection.padding.len();
        let addresses = |ip: &packet::Part, bytes: &[u8]| (ip.get(bytes, "src"), ip.get(bytes, "dst"));
        let transport = |bytes: &[u8], parts: &[packet::Part]| {
            parts.get(1).map(|p| (p.kind, p.get(bytes, "sport"), p.get(bytes, "dport"), p.get(bytes, "id")))
        };
        for given in &self.given {
            let own = packet::dissect(Medium::Ip, given);
            let Some(ip) = own.parts.first() else { continue };
            let is_same = ip.kind == quote.kind
                && addresses(ip, given) == addresses(&quote, frame)
                && transport(given, &own.parts) == transport(frame, &dissection.quote);
            if is_same {
                let length = given.len().min(end.saturating_sub(quote.start));
                frame[quote.start..quote.start + length].copy_from_slice(&given[..length]);
                return self.put_right(medium, "icmp", frame);
            }
        }
        Ok(())
    }

    /// A datagram carries what was written, which need not be the suite's pattern.
    fn carry(&self, medium: Medium, frame: &mut Vec<u8>) -> Result<(), Refusal> {
        let dissection = packet::dissect(medium, frame);
        let Some(udp) = dissection.last(LayerKind::Udp).copied() else { return Ok(()) };
        let is_fragment = dissection.parts.iter().any(|part| part.get(frame, "mf").unwrap_or(0) != 0);
        if is_fragment {
            let told = udp.get(frame, "len").unwrap_or(0);
            if told != (udp.end - udp.start) as u128 {
                return Ok(());
            }
            // The header tells the length of the whole datagram, of which this is the beginning.
            let length = Expr::Int(self.written.len() as i64 + 8);
            return self.set(medium, "udp", "len", Value::Number(Pattern::Is(length)), frame);
        }
        match frame.get_mut(udp.header_end..udp.end) {
            Some(payload) if payload.len() == self.written.len() && *payload != *self.written => {
                payload.copy_from_slice(&self.written);
                self.put_right(medium, "udp", frame)
            }
            _ => Ok(()),
        }
    }

    /// The checksum of a layer, after what it covers was changed.
    fn put_right(&self, medium: Medium, layer: &str, frame: &mut Vec<u8>) -> Result<(), Refusal> {
        self.set(medium, layer, "csum", Value::Good, frame)
    }

    fn set(
        &self,
        medium: Medium,
        layer: &str,
        field: &str,
        value: Value,
        frame: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let operation = AlterOperation::Set(value);
        let change = Alteration { layer: Some(layer.to_owned()), field: field.to_owned(), operation };
        let (world, flows, variables) = (&self.world, &mut Flows::default(), &mut Variables::new());
        let mut cx = Context { rules: Rules::Ours, world, variables, flows };
        packet::alter(&mut cx, medium, frame, &change).map_err(|error| broken(&error))
    }

    fn read(&self, text: &str) -> Result<Packet, Refusal> {
        let options = Options { defines: BTreeMap::new(), loader: &FileSystem, suite: None };
        // The head makes it one of ours, in which everything can be said.
        let case = format!("//! The recording.\n//! requires: RFC9293-MUST-1\n+0 {text}\n");
        let script = parse(Path::new("recording"), case, &options).map_err(refused)?;
        match script.events.into_iter().next().map(|event| event.action) {
            Some(Action::Outbound(packet) | Action::Inbound(packet)) => Ok(packet),
            _ => Err(broken(text)),
        }
    }

    fn medium(&self, interface: InterfaceId) -> Medium {
        self.world.setup.interfaces.get(interface.0).map_or(Medium::Ethernet, |i| i.medium)
    }
}

/// The relative sequence number in a segment's description, `1001:2001(1000)`; none where it was drawn by chance.
fn sequence_number(text: &str) -> Option<u32> {
    let word = text.split(' ').find(|word| word.ends_with(')') && word.contains(":"))?;
    word.split_once(':')?.0.parse().ok()
}

/// The value of the timestamps option (kind 8, RFC 7323 section 3.2) among these options.
fn timestamp(mut options: &[u8]) -> Option<u32> {
    loop {
        match *options {
            [0, ..] | [] => return None,
            [1, ref rest @ ..] => options = rest,
            [8, 10, a, b, c, d, ..] => return Some(u32::from_be_bytes([a, b, c, d])),
            [_, length, ..] if length >= 2 => options = options.get(usize::from(length)..)?,
            _ => return None,
        }
    }
}

fn refused(error: crate::lang::Error) -> Refusal {
    Refusal::Broken(format!("the recording cannot be played: {error}"))
}

pub(super) fn broken(what: &str) -> Refusal {
    Refusal::Broken(format!("the recording cannot be played: {what}"))
}
