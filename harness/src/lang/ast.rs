//! What a script says, before it meets a stack: the tree that the parser makes and the engine plays.
//!
//! Nothing here is resolved: addresses may be names, numbers may be expressions over captured values, descriptors
//! are the script's own. Includes are already expanded.

use super::messages::{DhcpBody, DnsBody};
use super::source::Span;
pub use super::tcp_options::{AccEcnCounter, TcpOption, TcpOptions};
use std::time::Duration;

/// A whole script with everything it includes.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// The `//!` head; `None` in an upstream packetdrill script.
    pub head: Option<Head>,
    /// `--name=value` options at the top, in order.
    pub options: Vec<ScriptOption>,
    /// The shell command before the first event.
    pub init: Option<Shell>,
    /// What happens, in order.
    pub events: Vec<Event>,
    /// The shell command after the last event, run whatever the verdict.
    pub cleanup: Option<Shell>,
}

/// `--name=value` at the top of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptOption {
    /// Without the dashes.
    pub name: String,
    /// What stands behind `=`, unquoted.
    pub value: Option<String>,
    /// Where it stands.
    pub span: Span,
}

/// A shell command in back quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shell {
    /// The text between the quotes.
    pub command: String,
    /// Where it stands.
    pub span: Span,
}

/// What the `//!` comments at the top of one of our cases say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Head {
    /// The prose: what the case is about.
    pub about: String,
    /// `requires:` requirement ids.
    pub requires: Vec<Spanned<String>>,
    /// `needs:` capability names.
    pub needs: Vec<Spanned<String>>,
    /// `with:` settings, name and value.
    pub with: Vec<Spanned<(String, String)>>,
    /// `family:` families, empty where the case did not say.
    pub families: Vec<Spanned<String>>,
    /// `twin ID: …` lines.
    pub twins: Vec<Twin>,
    /// `host`, `net`, `route` and `interface` lines.
    pub topology: Vec<Spanned<Topology>>,
    /// `exactly`: nothing is tolerated without mention.
    pub exactly: bool,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// A declaration of what the stack under test is connected to.
#[derive(Clone, Debug, PartialEq)]
pub enum Topology {
    /// `interface eth1 203.0.113.1/24 2001:db8:1::1/64 mtu 1500`: an interface of the stack under test.
    Interface {
        /// Its name.
        name: String,
        /// Addresses with prefix lengths, as text.
        addresses: Vec<String>,
        /// The MTU, where it is not the default.
        mtu: Option<u16>,
        /// `unconfigured`: it has no address until it is given one.
        unconfigured: bool,
    },
    /// `host peer2 192.0.2.3 02:00:00:00:00:03 on eth1`: a neighbour that the harness plays.
    Host {
        /// Its name, usable wherever an address or (as `NAME_MAC`) a hardware address stands.
        name: String,
        /// Its addresses, as text.
        addresses: Vec<String>,
        /// Its hardware address, as text; one is made up where none is given.
        mac: Option<String>,
        /// The interface behind which it lives, the first where none is named.
        interface: Option<String>,
    },
    /// `route 198.51.100.0/24 via 192.0.2.254`: a route of the stack under test.
    Route {
        /// The destination, as text; `default` for all.
        destination: String,
        /// The next hop's address or host name.
        via: Option<String>,
        /// The interface, where it cannot be told from the next hop.
        interface: Option<String>,
    },
    /// `forwarding`: the stack under test is a router.
    Forwarding,
}

/// A deliberate violation of one requirement, made by the harness on a conforming stack's frames or calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Twin {
    /// The requirement that the violation breaks.
    pub requirement: String,
    /// What is done, in order.
    pub actions: Vec<TwinAction>,
    /// `red at @label`: the line at which the case must fail, where it is not the one that follows from the action.
    pub red_at: Option<String>,
    /// Where it stands.
    pub span: Span,
}

/// One thing that a twin does, to the frame or call of the line with that label.
#[derive(Clone, Debug, PartialEq)]
pub enum TwinAction {
    /// `drop @l`: the stack's frame is lost.
    Drop(String),
    /// `delay @l T`: the stack's frame leaves later by this much.
    Delay(String, Duration),
    /// `duplicate @l`: the stack's frame leaves twice.
    Duplicate(String),
    /// `alter @l FIELD += N`: a field of the frame is changed; checksums follow unless they are the field.
    Alter(String, Alteration),
    /// `inject @l PACKET`: the stack seems to send this frame just before what the line expects; behind an inbound
    /// packet or a call, right after it.
    Inject(String, Box<Packet>),
    /// `swallow @l`: the stack never sees the inbound packet.
    Swallow(String),
    /// `answer @l = VALUE [ERRNO]`: the call seems to return this.
    Answer(String, i64, Option<String>),
}

/// A change to one field of a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Alteration {
    /// The layer where the field's name alone is not clear (`ip.ttl`), by the layer's keyword.
    pub layer: Option<String>,
    /// The field, by its name in the field tables; `flags` takes letters; `payload` takes the first byte.
    pub field: String,
    /// What is done with it.
    pub operation: AlterOperation,
}

/// What an alteration does with the value that it finds.
#[derive(Clone, Debug, PartialEq)]
pub enum AlterOperation {
    /// `= VALUE`
    Set(Value),
    /// `+= N`, modulo the field's width; `-=` is an addition of the negative.
    Add(i64),
    /// `^= N`
    Xor(u64),
}

/// Where an event stands with respect to the point of its case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// In an opening, or above a `---` line: a mismatch is `inconclusive`.
    Opening,
    /// A mismatch is a `fail`.
    Point,
}

/// One line of the script, more or less.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// `@name` in front.
    pub label: Option<String>,
    /// When.
    pub time: EventTime,
    /// What.
    pub action: Action,
    /// Opening or point.
    pub phase: Phase,
    /// Where it stands, from its label or time to its end.
    pub span: Span,
}

/// When an event happens or is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventTime {
    /// `1.5`: since the start of the script.
    Absolute(Duration),
    /// `+.1`: since the event before.
    Relative(Duration),
    /// `*`: some time, outbound only.
    Any,
    /// `1~2`, outbound only.
    AbsoluteRange(Duration, Duration),
    /// `+1~+2`, outbound only.
    RelativeRange(Duration, Duration),
    /// A statement that takes no time (`assert`, `nothing`, `new connection`).
    Untimed,
}

/// What an event does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// `< …`: a packet for the stack.
    Inbound(Packet),
    /// `> …`: a packet that the stack must send.
    Outbound(Packet),
    /// `maybe > …`: a packet that the stack may send until the time given.
    Maybe(Packet),
    /// `any order { … }`: packets that the stack must send, in whatever order.
    AnyOrder(Vec<Packet>),
    /// `one of { … }`: exactly one of these exchanges; `nothing` in it is an empty one.
    OneOf(Vec<Vec<Packet>>),
    /// A system call or an administrative call.
    Call(CallSpec),
    /// A shell command.
    Shell(Shell),
    /// `%{ … }%`: assertions in the style of python.
    Code(String),
    /// `assert (EXPR)`
    Assert(Expr),
    /// `nothing for T`, or `nothing for (EXPR) us`: the stack sends nothing for so many microseconds.
    NothingFor(Expr),
    /// `nothing until +T` or `nothing until T`.
    NothingUntil(EventTime),
    /// `elapsed $name`: captures the time between the last two events that happened, in microseconds.
    Elapsed(String),
    /// `new connection`: the next SYN of each direction sets new bases for sequence numbers.
    NewConnection,
    /// `for n in 1 .. 40 { … }`
    For {
        /// The variable, without `$`.
        variable: String,
        /// First value.
        from: Expr,
        /// Last value, included.
        to: Expr,
        /// What is repeated.
        body: Vec<Event>,
    },
}

/// A packet to send or to expect: layers from the outside in. A layer that is missing on the outside is made right by
/// construction, so an upstream `S 0:0(0) win 1000` is one TCP layer and nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    /// The interface, the first one where none is named.
    pub interface: Option<String>,
    /// What is said, from the outside in; the payload, if any, is last.
    pub layers: Vec<Layer>,
    /// Where it stands, from `<` or `>` to its end.
    pub span: Span,
}

/// The kinds of layers, each with a field table in `packet::fields`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LayerKind {
    /// Ethernet II or 802.3 header: `ether[dst …, src …, type …]`.
    Ether,
    /// 802.1Q tag: `vlan[id …]`.
    Vlan,
    /// 802.2 LLC with SNAP: `snap[type …]`.
    Snap,
    /// ARP: `arp who-has …`, `arp reply …`, `arp[…]`.
    Arp,
    /// IPv4: `ip[…]`, or upstream's `ipv4 A > B:` where it encapsulates.
    Ipv4,
    /// IPv6: `ip6[…]`, or upstream's `ipv6 A > B:`.
    Ipv6,
    /// The IP header of the run's family, whichever it is: what upstream's `[ect0]` in front of a TCP segment means.
    Ip,
    /// IPv6 hop-by-hop options: `hbh[…]`.
    HopByHop,
    /// IPv6 destination options: `dst[…]`.
    DestinationOptions,
    /// IPv6 routing header: `rt[…]`.
    Routing,
    /// IPv6 fragment header: `frag[…]`.
    Fragment,
    /// GRE, as upstream writes it.
    Gre,
    /// One MPLS label stack entry, as upstream writes it.
    Mpls,
    /// PSP encapsulation, as upstream writes it.
    Psp,
    /// ICMPv4: `icmp …`.
    Icmpv4,
    /// ICMPv6: `icmp6 …`.
    Icmpv6,
    /// ICMP of the run's family: upstream's `icmp` where the run is IPv6.
    Icmp,
    /// UDP: `udp 4000 > 7 (10)`.
    Udp,
    /// TCP.
    Tcp,
    /// DHCP: `dhcp offer […]`.
    Dhcp,
    /// DNS: `dns query A? "example.com"`.
    Dns,
    /// What no other layer describes: `(20)`, or bytes.
    Payload,
}

/// One header of a packet, or its payload.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Which header.
    pub kind: LayerKind,
    /// What is said of its fields, in the order of the text; names are those of the layer's field table.
    pub fields: Vec<Field>,
    /// What is said beyond fields.
    pub body: LayerBody,
    /// Where it stands.
    pub span: Span,
}

/// The parts of a layer that are not fields of fixed place and width.
#[derive(Clone, Debug, PartialEq)]
pub enum LayerBody {
    /// Nothing.
    Plain,
    /// TCP: flags and options.
    Tcp {
        /// The control bits.
        flags: Flags,
        /// The options.
        options: TcpOptions,
        /// The end of the sequence range as written, `11` in `1:11(10)`; checked against the payload.
        end: Option<Pattern>,
    },
    /// IPv4 options, hop-by-hop, destination or ND options.
    Options(Vec<HeaderOption>),
    /// ICMP errors: the packet quoted, from its IP header inwards; upstream's `[1:1001(1000)]` is one TCP layer.
    Quote(Vec<Layer>),
    /// DHCP: type and options.
    Dhcp(Box<DhcpBody>),
    /// DNS: question and records.
    Dns(Box<DnsBody>),
    /// The payload.
    Payload(Payload),
}

/// `name value` of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name in the field table.
    pub name: String,
    /// What is said of it.
    pub value: Value,
    /// Where it stands.
    pub span: Span,
}

/// What is said of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number, computed, or a condition on one.
    Number(Pattern),
    /// An address, a host's name, or one of LOCAL, REMOTE, GATEWAY, BROADCAST, LOCAL_MAC, REMOTE_MAC ….
    Name(String),
    /// Bytes as hex digits.
    Bytes(Vec<u8>),
    /// `bad`, of a checksum: whatever it should be, not that.
    Bad,
    /// `good`, of a checksum: what it should be, where the layer would otherwise leave it out (UDP over IPv4).
    Good,
}

/// A number in a packet: to build from, or to match with.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// `*`: any value.
    Any,
    /// A value. On the expecting side a variable that has no value yet takes the one found.
    Is(Expr),
    /// `A .. B`, both included.
    Range(Expr, Expr),
    /// `not N`
    Not(Expr),
}

/// Arithmetic on captured values. Values are 64-bit; sequence numbers wrap at 32 bits when they are used.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A number.
    Int(i64),
    /// `$name`
    Variable(String),
    /// `abs`: the raw value of a relative sequence number, `abs($x)`.
    Absolute(Box<Expr>),
    /// `-x`
    Negate(Box<Expr>),
    /// `a op b`
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
}

/// Operators, by increasing precedence in the order of C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum BinaryOp {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    BitOr,
    BitXor,
    BitAnd,
    ShiftLeft,
    ShiftRight,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// TCP control bits: which must be set, and which are left open (`P?`). All others must be clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Bits that are set, as in byte 13 of the header; bit 8 is AE (AccECN's `A`).
    pub set: u16,
    /// Bits that may be set or clear, on the expecting side.
    pub open: u16,
    /// AccECN's ACE counter, where it was written as a digit.
    pub ace: Option<u8>,
}

/// An option of an IP header or a neighbour discovery message: `pad1`, `opt 0x9e(4)`, `router-alert`, `rr(3)`.
#[derive(Clone, Debug, PartialEq)]
pub struct HeaderOption {
    /// Its name, `opt` or `raw` where it has none.
    pub name: String,
    /// Its kind, where it was written as a number.
    pub kind: Option<u8>,
    /// The length byte, where it was written and may lie.
    pub length: Option<u8>,
    /// An address by name at the beginning of its content: `slla LOCAL_MAC`.
    pub address: Option<String>,
    /// Its content: bytes, or so many zeros.
    pub data: Vec<u8>,
    /// Whatever follows the content: it ended with `*`.
    pub open: bool,
    /// Where it stands.
    pub span: Span,
}

impl HeaderOption {
    /// `...`: whatever options follow.
    pub fn others(span: Span) -> HeaderOption {
        let (name, data) = ("...".to_owned(), Vec::new());
        HeaderOption { name, kind: None, length: None, address: None, data, open: true, span }
    }

    /// Whether this stands for whatever options follow.
    pub fn is_others(&self) -> bool {
        self.name == "..."
    }
}

/// What follows the last header.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    /// `(10)`: so many bytes; zeros when sent, not looked at when expected in an upstream script.
    Length(Pattern),
    /// `(5) "hello"` or `data "…"`.
    Bytes(Vec<u8>),
}

/// A call with the result that it must have: `+0...0.2 connect(3, ..., ...) = -1 ETIMEDOUT (Connection timed out)`.
#[derive(Clone, Debug, PartialEq)]
pub struct CallSpec {
    /// The call's name.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// When a blocking call returns, at the earliest and at the latest: `...0.2`, in our cases `...0.2~3`, in the time of
    /// the event (absolute, or since the event before).
    pub end: Option<(Duration, Duration)>,
    /// What it must return.
    pub result: Argument,
    /// The error's name.
    pub errno: Option<String>,
    /// Where the name stands.
    pub span: Span,
}

/// An expression among a call's arguments, in upstream's forms.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields are the C structures' fields by name")]
pub enum Argument {
    /// `...`
    Ellipsis,
    /// A number, computed in our cases.
    Number(Expr),
    /// `*`, as a result: any value; `1..20`: a range, our cases only.
    Pattern(Pattern),
    /// A symbol, `SOCK_STREAM` or `LOCAL`.
    Word(String),
    /// `"text"`, several of them joined; escapes resolved.
    String(Vec<u8>),
    /// `"text"...`: begins with.
    StringPrefix(Vec<u8>),
    /// `A | B`
    Or(Box<Argument>, Box<Argument>),
    /// `NAME = value`
    Assign(String, Box<Argument>),
    /// `[a, b]`
    Array(Vec<Argument>),
    /// `{a, b}`
    Braces(Vec<Argument>),
    /// `inet_addr("192.0.2.1")`
    InetAddr(String),
    /// `inet6_addr("2001:db8::1")`
    Inet6Addr(String),
    /// `{sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("192.0.2.1")}`
    SockAddr { family: String, port: Expr, address: String },
    /// `{msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0, msg_control=[…]}`
    MsgHdr { iov: Vec<Argument>, iov_len: i64, flags: Box<Argument>, control: Vec<Argument> },
    /// `{..., 10}`
    IoVec(i64),
    /// `{cmsg_level=…, cmsg_type=…, cmsg_data=…}`
    CMsg { level: Box<Argument>, kind: Box<Argument>, data: Box<Argument> },
    /// `{scm_sec=0, scm_nsec=1000}`
    ScmTimestamping { sec: i64, nsec: i64 },
    /// `{ee_errno=…, ee_origin=…, ee_type=…, ee_code=…, ee_info=…, ee_data=…}`
    SockExtendedErr {
        errno: Box<Argument>,
        origin: Box<Argument>,
        kind: Box<Argument>,
        code: Box<Argument>,
        info: Box<Argument>,
        data: Box<Argument>,
    },
    /// `{fd=3, events=POLLIN, revents=POLLIN}`
    PollFd { fd: Box<Argument>, events: Box<Argument>, revents: Box<Argument> },
    /// `{events=EPOLLIN, fd=3}`; the last part is `fd`, `ptr`, `u32` or `u64`.
    EpollEvent { events: Box<Argument>, data_name: String, data: Box<Argument> },
    /// `{onoff=1, linger=0}`
    Linger { onoff: i64, linger: i64 },
    /// An MPLS label stack, for MPLS sockets.
    MplsStack(Vec<Layer>),
    /// A GRE header, for GRE sockets.
    Gre(Box<Layer>),
}
