//! The transition table of RFC 9293 3.3.2, as the code has it: every state against everything that can happen to it, driven
//! through [`Connections`]. `golden/transitions/tcp.snap` is the table, `tcp.dot` the diagram. With `RECORD=1` in the
//! environment this test writes both.

use super::peer::{PEER, Peer, STACK, plain};
use crate::tcp::control_block::FourTuple;
use crate::tcp::*;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

/// The rows: SYN-RECEIVED twice, for it remembers what it came from (MUST-11).
const ROWS: [(&str, State, &[&str]); 12] = [
    ("CLOSED", State::Closed, &[]),
    ("LISTEN", State::Listen, &["passive OPEN"]),
    ("SYN-SENT", State::SynSent, &["active OPEN"]),
    ("SYN-RECEIVED", State::SynReceived, &["passive OPEN", "rcv SYN"]),
    ("SYN-RECEIVED (active OPEN)", State::SynReceived, &["active OPEN", "rcv SYN"]),
    ("ESTABLISHED", State::Established, &["passive OPEN", "rcv SYN", "rcv ACK"]),
    ("FIN-WAIT-1", State::FinWait1, &["passive OPEN", "rcv SYN", "rcv ACK", "CLOSE"]),
    ("FIN-WAIT-2", State::FinWait2, &["passive OPEN", "rcv SYN", "rcv ACK", "CLOSE", "rcv ACK"]),
    ("CLOSE-WAIT", State::CloseWait, &["passive OPEN", "rcv SYN", "rcv ACK", "rcv FIN"]),
    ("CLOSING", State::Closing, &["passive OPEN", "rcv SYN", "rcv ACK", "CLOSE", "rcv FIN, old ACK"]),
    ("LAST-ACK", State::LastAck, &["passive OPEN", "rcv SYN", "rcv ACK", "rcv FIN", "CLOSE"]),
    ("TIME-WAIT", State::TimeWait, &["passive OPEN", "rcv SYN", "rcv ACK", "CLOSE", "rcv FIN"]),
];

/// Segments by the events' names: flags, sequence number from RCV.NXT, length, and what is acknowledged.
const SEGMENTS: [(&str, &str, i32, u32, Acked); 20] = [
    ("rcv SYN", "S", 0, 0, Acked::All),
    ("rcv SYN, old", "S", -1, 0, Acked::All),
    ("rcv SYN,ACK", "S.", 0, 0, Acked::All),
    ("rcv SYN,ACK, wrong ACK", "S.", 0, 0, Acked::More),
    ("rcv SYN,FIN", "SF", 0, 0, Acked::All),
    ("rcv ACK", ".", 0, 0, Acked::All),
    ("rcv ACK, old", ".", 0, 0, Acked::Nothing),
    ("rcv ACK of the unsent", ".", 0, 0, Acked::More),
    ("rcv ACK, old sequence number", ".", -1, 0, Acked::All),
    ("rcv text", "P.", 0, 10, Acked::All),
    ("rcv text, old ACK", "P.", 0, 10, Acked::Nothing),
    ("rcv text ahead", "P.", 5, 10, Acked::All),
    ("rcv FIN", "F.", 0, 0, Acked::All),
    ("rcv FIN, old ACK", "F.", 0, 0, Acked::Nothing),
    ("rcv FIN ahead", "F.", 5, 0, Acked::All),
    ("rcv FIN again", "F.", -1, 0, Acked::All),
    ("rcv RST", "R", 0, 0, Acked::All),
    ("rcv RST in the window", "R", 5, 0, Acked::All),
    ("rcv RST, old", "R", -1, 0, Acked::All),
    ("rcv RST,ACK", "R.", 0, 0, Acked::All),
];

/// What is not a segment.
const OTHERS: [&str; 8] =
    ["passive OPEN", "active OPEN", "SEND", "RECEIVE", "CLOSE", "ABORT", "time-out", "time-outs to the end"];

/// What a segment acknowledges.
#[derive(Clone, Copy)]
enum Acked {
    /// What was acknowledged before.
    Nothing,
    /// Everything sent.
    All,
    /// More than was sent.
    More,
}

/// A peer in some state, and the numbers that its segments are made from.
struct Run {
    peer: Peer,
    rcv_nxt: u32,
    snd_una: u32,
    snd_nxt: u32,
}

impl Run {
    fn new(path: &[&str]) -> Run {
        let mut run = Run { peer: Peer::new(plain()), rcv_nxt: 0, snd_una: 0, snd_nxt: 0 };
        for event in path {
            run.happen(event);
        }
        run
    }

    fn tuple(&self) -> (SocketAddr, SocketAddr) {
        (SocketAddr::new(STACK, 80), SocketAddr::new(PEER, self.peer.port))
    }

    fn connection(&self) -> Option<ConnectionId> {
        let (local, remote) = self.tuple();
        self.peer.stack.find(FourTuple { local, remote }).or(self.peer.id)
    }

    fn state(&self) -> State {
        let without = self.peer.listener.map_or(State::Closed, |_| State::Listen);
        self.connection().map_or(without, |id| self.peer.stack.state(id))
    }

    /// Makes `event` happen; what is sent because of it.
    fn happen(&mut self, event: &str) -> String {
        if let Some((_, flags, offset, len, acked)) = SEGMENTS.iter().find(|(name, ..)| *name == event) {
            self.segment(flags, *offset, *len, *acked);
        } else if let Err(error) = self.call(event) {
            return format!("error: {error}");
        }
        let sent = self.sent();
        // Whatever a listener has ready is the user's.
        if self.peer.id.is_none()
            && let Some(listener) = self.peer.listener
        {
            self.peer.id = self.peer.stack.accept(listener);
        }
        sent
    }

    fn segment(&mut self, flags: &str, offset: i32, len: u32, acked: Acked) {
        let seq = self.rcv_nxt.wrapping_add_signed(offset);
        let ack = match acked {
            Acked::Nothing => self.snd_una,
            Acked::All => self.snd_nxt,
            Acked::More => self.snd_nxt + 10,
        };
        let ack = if flags.contains('.') { format!(" ack {ack}") } else { String::new() };
        self.peer.send(&format!("{flags} {seq}:{}({len}){ack}", seq.wrapping_add(len)));
        // Only what the rows' paths need: each event there is the one that the state waits for.
        self.rcv_nxt += u32::from(flags.starts_with(['S', 'F']) && offset == 0);
        if flags.contains('.') && matches!(acked, Acked::All) {
            self.snd_una = self.snd_nxt;
        }
    }

    fn call(&mut self, event: &str) -> Result<(), Error> {
        let (local, remote) = self.tuple();
        let Peer { stack, now, .. } = &mut self.peer;
        match event {
            "passive OPEN" => {
                self.peer.listener = Some(stack.open_passive(local, 5, SocketOptions::default())?);
            }
            "active OPEN" => {
                self.peer.id = Some(stack.open_active(*now, local, remote, SocketOptions::default())?);
            }
            "time-out" => self.time_out(),
            "time-outs to the end" => {
                let before = self.state();
                for _ in 0..30 {
                    self.time_out();
                    if self.state() != before {
                        break;
                    }
                    self.sent();
                }
            }
            _ => self.call_on_connection(event)?,
        }
        Ok(())
    }

    fn call_on_connection(&mut self, event: &str) -> Result<(), Error> {
        let Peer { stack, now, id, listener, .. } = &mut self.peer;
        match (event, *id) {
            ("SEND", Some(id)) => stack.send(*now, id, &[1, 2, 3]).map(drop),
            ("RECEIVE", Some(id)) => stack.receive(*now, id, &mut [0; 9], false).map(drop),
            ("CLOSE", Some(id)) => {
                stack.shutdown_send(*now, id);
                if stack.state(id) == State::SynSent {
                    stack.close(*now, id);
                }
                Ok(())
            }
            ("ABORT", Some(id)) => {
                stack.abort(*now, id);
                Ok(())
            }
            ("CLOSE" | "ABORT", None) => {
                let listener = listener.take().ok_or(Error::NotConnected)?;
                stack.close_listener(*now, listener);
                Ok(())
            }
            _ => Err(Error::NotConnected),
        }
    }

    fn time_out(&mut self) {
        if let Some(at) = self.peer.stack.next_deadline() {
            self.peer.now = self.peer.now.max(at);
            self.peer.stack.poll(self.peer.now);
        }
    }

    /// What the stack sends, by its flags.
    fn sent(&mut self) -> String {
        let mut sent = Vec::new();
        while let Some(segment) = self.peer.next() {
            let flags = segment.split(' ').next().unwrap_or_default();
            sent.push(name(flags, !segment.contains("(0)")));
            if !flags.contains('R') && flags.contains(['S', 'F']) {
                self.snd_nxt = if flags.contains('S') { 1 } else { 2 };
            }
        }
        if sent.is_empty() { "-".to_string() } else { format!("snd {}", sent.join(", ")) }
    }
}

/// The flags as the RFC writes them.
fn name(flags: &str, has_text: bool) -> String {
    let names = [('S', "SYN"), ('F', "FIN"), ('R', "RST"), ('.', "ACK")];
    let control: Vec<&str> = names.iter().filter(|(f, _)| flags.contains(*f)).map(|(_, n)| *n).collect();
    if has_text { format!("text with {}", control.join(",")) } else { control.join(",") }
}

/// The table, and the edges of the diagram: from, to, and what leads there.
fn drive() -> (String, BTreeMap<(String, String), Vec<String>>) {
    let (mut table, mut edges) = (String::new(), BTreeMap::<_, Vec<String>>::new());
    for (row, state, path) in ROWS {
        assert_eq!(Run::new(path).state(), state, "{row}: not what its path leads to");
        let _infallible = writeln!(table, "{row}");
        for event in OTHERS.into_iter().chain(SEGMENTS.map(|(name, ..)| name)) {
            let mut run = Run::new(path);
            let sent = run.happen(event);
            let after = run.state();
            let _infallible = writeln!(table, "  {event:30}{sent:36}{after}");
            if after != state {
                let label = if sent == "-" { event.to_string() } else { format!("{event} / {sent}") };
                edges.entry((state.to_string(), after.to_string())).or_default().push(label);
            }
        }
    }
    (table, edges)
}

fn dot(edges: &BTreeMap<(String, String), Vec<String>>) -> String {
    let mut text =
        String::from("// The transitions of RFC 9293 3.3.2 as stack/src/tcp has them; dot -Tsvg draws it.\n");
    text +=
        "digraph tcp {\n  node [shape=box, fontname=monospace];\n  edge [fontname=monospace, fontsize=9];\n";
    for ((from, to), labels) in edges {
        let unique = |(n, label): &(usize, &String)| !labels[..*n].contains(label);
        let labels: Vec<&str> = labels.iter().enumerate().filter(unique).map(|(_, l)| l.as_str()).collect();
        let _infallible = writeln!(text, "  \"{from}\" -> \"{to}\" [label=\"{}\"];", labels.join("\\n"));
    }
    text + "}\n"
}

fn check(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/transitions").join(name);
    if std::env::var_os("RECORD").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        std::fs::write(&path, found).expect("a file can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let first = expected.lines().zip(found.lines()).position(|(a, b)| a != b).map_or(0, |line| line + 1);
    assert!(
        expected == found,
        "golden/transitions/{name} differs from line {first} on; with RECORD=1 it is written anew. It is now:\n{found}"
    );
}

#[test]
fn the_transitions_are_those_recorded() {
    let (table, edges) = drive();
    check("tcp.snap", &table);
    check("tcp.dot", &dot(&edges));
}
