//! The script's descriptors and the stack's, and what is known of each.

use std::time::Duration;

use stack::Instant;

/// What a descriptor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SOCK_STREAM: bytes have offsets.
    Stream,
    /// SOCK_DGRAM: each datagram stands for itself.
    Datagram,
    /// SOCK_DGRAM with an ICMP protocol: the first bytes are an echo request.
    Ping,
    /// SOCK_RAW and whatever else a socket can be.
    Raw,
    /// An epoll instance.
    Epoll,
    /// An end of a pipe.
    Pipe,
    /// A file.
    File,
}

/// One descriptor of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The script's number.
    pub script: i32,
    /// The stack's number.
    pub stack: i32,
    /// What it is.
    pub kind: Kind,
    /// The address family of a socket, AF_UNSPEC for what is none.
    pub domain: i32,
    /// Whether `listen` succeeded on it.
    pub listening: bool,
    /// The stream offset of the next byte that is read.
    pub read_offset: u64,
    /// The stream offset of the next byte that is written.
    pub write_offset: u64,
    /// Whether it has not been closed.
    pub open: bool,
}

impl Descriptor {
    /// A descriptor before the stack has given it a number.
    pub(super) fn new(kind: Kind, domain: i32) -> Descriptor {
        let (script, stack) = (-1, -1);
        Descriptor {
            script,
            stack,
            kind,
            domain,
            listening: false,
            read_offset: 0,
            write_offset: 0,
            open: true,
        }
    }

    /// Whether it is a socket.
    pub fn is_socket(&self) -> bool {
        matches!(self.kind, Kind::Stream | Kind::Datagram | Kind::Ping | Kind::Raw)
    }
}

/// How times in control messages are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The instant on the stack's clock that is zero in the script.
    pub start: Instant,
    /// By how much a time may differ.
    pub tolerance: Duration,
}

impl Default for Timing {
    /// packetdrill's tolerance.
    fn default() -> Timing {
        Timing { start: Instant::ZERO, tolerance: Duration::from_millis(4) }
    }
}

/// The masks that `cap_set` works on, as in capset(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CapabilitySets {
    pub(super) effective: u64,
    pub(super) permitted: u64,
    pub(super) inheritable: u64,
}

impl Default for CapabilitySets {
    /// Those of root: all up to CAP_CHECKPOINT_RESTORE (40), none inherited.
    fn default() -> CapabilitySets {
        let all = (1 << 41) - 1;
        CapabilitySets { effective: all, permitted: all, inheritable: 0 }
    }
}

/// The descriptors of one run, from its first call on.
#[derive(Clone, Debug, Default)]
pub struct Descriptors {
    /// In the order in which they were opened.
    list: Vec<Descriptor>,
    /// How times in control messages are compared; the engine sets the start.
    pub timing: Timing,
    pub(super) capabilities: CapabilitySets,
}

impl Descriptors {
    /// The open descriptor that the script calls `script`; the newest, where an upstream script accepts twice into one
    /// number.
    pub fn get(&self, script: i32) -> Option<&Descriptor> {
        self.list.iter().rev().find(|d| d.open && d.script == script)
    }

    pub(super) fn get_mut(&mut self, script: i32) -> Option<&mut Descriptor> {
        self.list.iter_mut().rev().find(|d| d.open && d.script == script)
    }

    /// The stack's number of an open descriptor of the script.
    pub fn stack_fd(&self, script: i32) -> Option<i32> {
        self.get(script).map(|d| d.stack)
    }

    /// The script's number of an open descriptor of the stack.
    pub fn script_fd(&self, stack: i32) -> Option<i32> {
        self.list.iter().find(|d| d.open && d.stack == stack).map(|d| d.script)
    }

    /// The stack's number of a descriptor that the script has closed: what a use after close passes.
    pub(super) fn closed_fd(&self, script: i32) -> Option<i32> {
        self.list.iter().rev().find(|d| !d.open && d.script == script).map(|d| d.stack)
    }

    /// The socket that `%{ }%` code is about, by the stack's number: the open one that was made last.
    pub fn under_test(&self) -> Option<i32> {
        self.list.iter().rev().find(|d| d.open && d.is_socket()).map(|d| d.stack)
    }

    /// All that are open, in the order in which they were opened.
    pub fn open(&self) -> impl Iterator<Item = &Descriptor> {
        self.list.iter().filter(|d| d.open)
    }

    /// The script's numbers of what is open, as a sentence has them.
    pub(super) fn listed(&self) -> String {
        let numbers: Vec<String> = self.open().map(|d| d.script.to_string()).collect();
        if numbers.is_empty() {
            "none is open".to_string()
        } else {
            format!("open are {}", numbers.join(", "))
        }
    }

    pub(super) fn add(&mut self, script: i32, stack: i32, like: Descriptor) {
        self.list.push(Descriptor { script, stack, ..like });
    }

    /// The script's number for a descriptor that the script does not number itself.
    pub(super) fn free_number(&self, stack: i32) -> i32 {
        if self.get(stack).is_none() {
            return stack;
        }
        (3..i32::MAX).find(|n| self.get(*n).is_none()).unwrap_or(i32::MAX)
    }
}
