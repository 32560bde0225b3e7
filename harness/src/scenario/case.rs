//! A scenario as a case: what was done to the stack, and what it did then as what is expected.

use super::extras::{ExtraCall, IcmpError};
use super::normalise::{Deeds, Sent, Window, letters};
use super::operation::{Offer, Opening, Start, UserCall, Version};
use super::record::Scenario;
use super::segment::{ACK, RST, Segment, URG};
use super::trace::{Step, Stimulus, Trace};
use std::fmt::Write;
use std::time::Duration;

/// What the head of a case says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// What the case is about, a line each.
    pub about: Vec<String>,
    /// The requirement that it decides.
    pub requirement: String,
}

/// The text of a case that does what `scenario` does and expects what `trace` shows a stack to have done.
///
/// Its twin takes away the last frame that it expects, or adds one where it expects none.
pub fn write(head: &Head, scenario: &Scenario, trace: &Trace) -> String {
    let mut case = Case { is_v6: scenario.opening.version == Version::V6, ..Case::default() };
    let settings = scenario.opening.settings.iter();
    case.lines.extend(settings.map(|(name, value)| format!("0 `sysctl -q {name}=\"{value}\"`")));
    let given = given(&scenario.opening);
    if let Some(given) = &given {
        case.lines.push(given.clone());
        case.accepted =
            scenario.opening.start >= Start::FinWait1 || scenario.opening.start == Start::Established;
    }
    let mut is_opening = true;
    for step in &trace.steps {
        if step.operation.is_some() && is_opening {
            case.lines.push("---".to_owned());
            (case.expected, case.done) = (None, None);
            is_opening = false;
        }
        if step.operation.is_some() || given.is_none() {
            case.step(step);
        }
    }
    let twin = case.label();
    let family = match scenario.opening.version {
        Version::V4 => "ipv4",
        Version::V6 => "ipv6",
    };
    let about: String = head.about.iter().map(|line| format!("//! {line}\n")).collect();
    let id = &head.requirement;
    let head = format!("{about}//! requires: {id}\n//! family: {family}\n//! twin {id}: {twin}\n");
    head + &case.lines.join("\n") + "\n"
}

/// The opening that does what the scenario's does, where there is one.
fn given(opening: &Opening) -> Option<String> {
    let mss = opening.offer.mss?;
    if opening.offer != (Offer { mss: Some(mss), scale: None, sack: false, timestamps: false }) {
        return None;
    }
    let parameters = format!(" (mss {mss}, win {})", opening.window);
    let is_plain = mss == 1460 && opening.window == u16::MAX;
    let (file, parameters) = match opening.start {
        Start::Listen => ("listening", String::new()),
        Start::SynSent => ("syn-sent", String::new()),
        Start::SynReceived => ("syn-received", parameters),
        Start::Established => ("established", parameters),
        Start::FinWait1 if is_plain => ("fin-wait-1", String::new()),
        Start::FinWait2 if is_plain => ("fin-wait-2", String::new()),
        Start::CloseWait if is_plain => ("close-wait", String::new()),
        Start::TimeWait if is_plain => ("time-wait", String::new()),
        _ => return None,
    };
    let parameters = if is_plain { String::new() } else { parameters };
    Some(format!("include \"given/{file}.pkt\"{parameters}"))
}

/// The time of what is done so long after what was before it.
pub fn after(gap: Duration) -> String {
    let seconds = format!("{:.6}", gap.as_secs_f64());
    let seconds = seconds.trim_end_matches('0').trim_end_matches('.').trim_start_matches('0');
    format!("+{}", if seconds.is_empty() { "0" } else { seconds })
}

/// The times at which something may be sent that was sent so long after what was before it: what a timer provokes may come a tenth
/// sooner and an eighth later.
pub fn when(gap: Duration) -> String {
    if gap < Duration::from_millis(2) {
        return "+0~+.002".to_owned();
    }
    let (low, high) = (gap.as_secs_f64() * 0.9, gap.as_secs_f64() * 1.125 + 0.002);
    format!("+{low:.3}~+{high:.3}")
}

#[derive(Default)]
struct Case {
    lines: Vec<String>,
    /// How long after the event before the next one comes.
    after: Duration,
    /// The connection is on 4, since it was accepted.
    accepted: bool,
    /// The text that was sent last: what an error of ICMP is about.
    sent: (i64, usize),
    is_v6: bool,
    /// The last line that expects a frame, and the last that gives something.
    expected: Option<usize>,
    done: Option<usize>,
}

impl Case {
    fn line(&mut self, text: &str) {
        self.done = Some(self.lines.len());
        self.lines.push(format!("{} {text}", after(self.after)));
        self.after = Duration::ZERO;
    }

    /// Gives the deciding line a label, and the twin that names it.
    fn label(&mut self) -> &'static str {
        let at = self.expected.or(self.done);
        let Some(line) = at.and_then(|at| self.lines.get_mut(at)) else { return "drop @last" };
        line.insert_str(0, "@last ");
        if self.expected.is_some() { "drop @last" } else { "inject @last > . 1:1(0) ack 1" }
    }

    fn step(&mut self, step: &Step) {
        let deeds = Deeds::apart(step);
        match &step.stimulus {
            Stimulus::Segment(segment) => self.line(&format!("< {}", inbound(segment, step.bases))),
            Stimulus::Call(call) => self.call(*call, &deeds),
            Stimulus::Icmp(error) => self.line(&self.icmp(error)),
            Stimulus::Time => {}
        }
        let mut at = Duration::ZERO;
        for sent in &deeds.sent {
            let gap = self.after + sent.after.saturating_sub(at);
            at = sent.after.max(at);
            self.after = Duration::ZERO;
            self.expected(sent, gap);
        }
        self.after += step.length.saturating_sub(at);
    }

    /// An error of ICMP, its type and code by their numbers.
    fn icmp(&self, error: &IcmpError) -> String {
        let (kind, code) = if self.is_v6 { error.v6 } else { error.v4 };
        let mtu = if error.word > 0 { format!(" mtu {}", error.word) } else { String::new() };
        let (seq, length) = self.sent;
        format!("< icmp type_{kind} code_{code}{mtu} [{}]", span(seq + i64::from(error.off), length))
    }

    fn expected(&mut self, sent: &Sent, gap: Duration) {
        let text = outbound(sent);
        self.sent = (sent.seq, sent.length);
        self.expected = Some(self.lines.len());
        self.lines.push(format!("{} > {text}", when(gap)));
    }

    fn call(&mut self, call: UserCall, deeds: &Deeds) {
        let fd = if self.accepted { 4 } else { 3 };
        let result = match &deeds.returned {
            Some((Ok(value), _)) => value.to_string(),
            Some((Err(errno), _)) => format!("-1 {errno}"),
            None => "*".to_owned(),
        };
        match call {
            UserCall::Listen => {
                self.line("socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3");
                self.line("setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0");
                self.line("bind(3, ..., ...) = 0");
                self.line(&format!("listen(3, 4) = {result}"));
            }
            UserCall::Connect => {
                self.line("socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3");
                self.line("setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0");
                self.line(&format!("connect(3, ..., ...) = {result}"));
            }
            UserCall::Accept => {
                let is_error = result.starts_with('-');
                self.accepted |= !is_error;
                self.line(&format!("accept(3, ..., ...) = {}", if is_error { &result } else { "4" }));
            }
            UserCall::Extra(call @ ExtraCall::FastConnect(_)) => {
                self.line("socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3");
                self.line(&extra_call(call, 3, &result));
            }
            UserCall::Abort => {
                self.line(&format!("setsockopt({fd}, SOL_SOCKET, SO_LINGER, {{onoff=1, linger=0}}, 8) = 0"));
                self.line(&format!("close({fd}) = {result}"));
            }
            UserCall::CloseListener => self.line(&format!("close(3) = {result}")),
            UserCall::Keepalive => {
                self.line(&format!("setsockopt({fd}, SOL_TCP, TCP_KEEPIDLE, [10], 4) = 0"));
                self.line(&format!("setsockopt({fd}, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = {result}"));
            }
            call => {
                let text = plain_call(call, fd, &result);
                self.line(&text);
            }
        }
    }
}

/// A call that few users make.
fn extra_call(call: ExtraCall, fd: i32, result: &str) -> String {
    let set = |level: i32, name: i32, value: i32| {
        let level = if level == libc::SOL_SOCKET { "SOL_SOCKET" } else { "SOL_TCP" };
        format!("setsockopt({fd}, {level}, {name}, [{value}], 4) = {result}")
    };
    match call {
        ExtraCall::Urgent(length) => {
            format!("send({fd}, ..., {length}, MSG_OOB|MSG_DONTWAIT|MSG_NOSIGNAL) = {result}")
        }
        ExtraCall::More(length) => {
            format!("send({fd}, ..., {length}, MSG_MORE|MSG_DONTWAIT|MSG_NOSIGNAL) = {result}")
        }
        ExtraCall::Record(length) => {
            format!("send({fd}, ..., {length}, MSG_EOR|MSG_DONTWAIT|MSG_NOSIGNAL) = {result}")
        }
        ExtraCall::ReceiveUrgent => format!("recv({fd}, ..., 1, MSG_OOB|MSG_DONTWAIT) = *"),
        ExtraCall::Peek => format!("recv({fd}, ..., 5000, MSG_PEEK|MSG_DONTWAIT) = *"),
        ExtraCall::FastConnect(length) => {
            format!(
                "sendto({fd}, ..., {length}, MSG_FASTOPEN|MSG_DONTWAIT|MSG_NOSIGNAL, ..., ...) = {result}"
            )
        }
        ExtraCall::Disconnect => format!("connect({fd}, {{sa_family = AF_UNSPEC}}, ...) = {result}"),
        ExtraCall::Info => format!("getsockopt({fd}, SOL_TCP, TCP_INFO, ..., ...) = *"),
        ExtraCall::Ask(request) => format!("ioctl({fd}, {request}, [*]) = *"),
        ExtraCall::Set(level, name, value) => set(level, name, value),
        ExtraCall::Congestion(name) => {
            format!("setsockopt({fd}, SOL_TCP, TCP_CONGESTION, \"{name}\", {}) = {result}", name.len())
        }
    }
}

fn plain_call(call: UserCall, fd: i32, result: &str) -> String {
    match call {
        UserCall::Extra(call) => extra_call(call, fd, result),
        UserCall::Send(length) => format!("send({fd}, ..., {length}, MSG_DONTWAIT|MSG_NOSIGNAL) = {result}"),
        UserCall::Receive(count) => format!("recv({fd}, ..., {count}, MSG_DONTWAIT) = {result}"),
        UserCall::ShutdownWrite => format!("shutdown({fd}, SHUT_WR) = {result}"),
        UserCall::ShutdownRead => format!("shutdown({fd}, SHUT_RD) = {result}"),
        UserCall::ShutdownBoth => format!("shutdown({fd}, SHUT_RDWR) = {result}"),
        UserCall::Close => format!("close({fd}) = {result}"),
        UserCall::Nodelay => format!("setsockopt({fd}, SOL_TCP, TCP_NODELAY, [1], 4) = {result}"),
        UserCall::ReceiveBuffer(bytes) => {
            format!("setsockopt({fd}, SOL_SOCKET, SO_RCVBUF, [{bytes}], 4) = {result}")
        }
        // The error itself is what the call gives.
        _ => format!("getsockopt({fd}, SOL_SOCKET, SO_ERROR, [{result}], [4]) = 0"),
    }
}

fn relative(number: u32, base: u32) -> i64 {
    i64::from(number.wrapping_sub(base) as i32)
}

/// A number as the language has it, in 32 bits.
fn number(value: i64) -> String {
    (value as u32).to_string()
}

fn span(seq: i64, length: usize) -> String {
    format!("{}:{}({length})", number(seq), number(seq + length as i64))
}

/// A segment of the stack's as it stands on the wire, its numbers relative.
pub(super) fn outbound_frame(segment: &Segment, (stack, peer): (u32, u32)) -> String {
    inbound(segment, (peer, stack))
}

/// A segment of the peer's, its numbers relative to those of the stack and its own.
pub(super) fn inbound(segment: &Segment, (stack, peer): (u32, u32)) -> String {
    let mut text =
        format!("{} {}", letters(segment.flags), span(relative(segment.seq, peer), segment.payload.len()));
    if segment.has(ACK) {
        let _ = write!(text, " ack {}", number(relative(segment.ack, stack)));
    }
    let _ = write!(text, " win {}", segment.window);
    if segment.has(URG) {
        let _ = write!(text, " urg {}", segment.urgent);
    }
    let mut options = Vec::new();
    let o = &segment.options;
    options.extend(o.mss.map(|mss| format!("mss {mss}")));
    options.extend(o.sack_permitted.then(|| "sackOK".to_owned()));
    options.extend(o.timestamps.map(|(value, echo)| format!("TS val {value} ecr {echo}")));
    options.extend(o.scale.map(|scale| format!("wscale {scale}")));
    options.extend(
        o.sack
            .iter()
            .map(|(a, b)| format!("sack {}:{}", number(relative(*a, stack)), number(relative(*b, stack)))),
    );
    if let [kind, length, data @ ..] = o.raw.as_slice() {
        let data: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
        let data = if data.is_empty() { data } else { format!(" 0x{data}") };
        options.push(format!("raw {kind} len {length}{data}"));
    }
    if !options.is_empty() {
        let _ = write!(text, " <{}>", options.join(", "));
    }
    text
}

fn outbound(sent: &Sent) -> String {
    let flags = letters(sent.flags);
    // PSH is the stack's affair.
    let flags = if sent.length > 0 { flags.replace('.', "P?.") } else { flags };
    let mut text = format!("{flags} {}", span(sent.seq, sent.length));
    if let Some(ack) = sent.ack {
        let _ = write!(text, " ack {}", number(ack));
    }
    if sent.flags & RST == 0 {
        text.push_str(match sent.window {
            Window::Closed => " win 0",
            Window::Open => " win 1..65535",
        });
    }
    text.push_str(" <...>");
    text
}
