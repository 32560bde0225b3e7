//! A whole host: what is around it sends it frames, its user makes calls, and time passes, as fixed-stride records.
//!
//! The first record says how it is set up, each other one is an [`operation`]. Frames are built ([`frames`]) from tables of
//! addresses, protocols, ways to cut a datagram, and then perhaps altered, so most of them get far. [`oracles`] look at every
//! frame that the host sends. A second host may be on the link, which then gets what the first one sends.

mod case;
mod frames;
mod held;
mod memory;
mod operation;
mod oracles;
mod seen;
mod told;
mod user;
mod world;

use harness::scenario::{Stop, Violation};
use harness::sut::{Event, InterfaceId, Medium, Refusal, Setup};
pub use held::Subject;
use operation::{Datagram, HostCall, LinkDestination, Operation, Scenario, What};
use oracles::{Oracles, network};
use stack::Instant;
use std::net::IpAddr;
use std::time::Duration;
pub use told::Told;

/// Frames that two hosts may exchange in one step for each that they are given: one may go to and fro until its time to live is
/// over.
const STORM: usize = 600;
/// So many frames the link between two hosts carries in a run; then it is cut. Without an end a flood that goes to and fro until its
/// time to live is over would be a million frames.
const MOST_CARRIED: usize = 20_000;
/// The most frames that floods of one run have.
const MOST_FLOODED: usize = 3000;

/// Plays `data` on one host, or on two that are on one link, and gives what was found; where `told` is given it is told what
/// happened.
///
/// # Panics
/// Where an adapter fails, or a stack does.
pub fn played(stacks: &mut [&mut dyn Subject], data: &[u8], told: Option<&mut Told>) -> Option<Violation> {
    let scenario = Scenario::decode(data);
    let mut driver = match Driver::new(stacks, &scenario, told) {
        Ok(driver) => driver,
        Err(refusal) => panic!("the stack cannot be used: {refusal}"),
    };
    match driver.play(&scenario) {
        Err(Stop::Refused(refusal)) => panic!("the stack cannot be used: {refusal}"),
        Err(Stop::Violation(violation)) => Some(violation),
        Ok(()) => None,
    }
}

/// A host and what is known of it.
struct Node<'a> {
    stack: &'a mut dyn Subject,
    setup: Setup,
    oracles: Oracles,
    user: user::User,
    /// The last frame that it sent, and where.
    last: Option<(usize, Vec<u8>)>,
}

struct Driver<'a, 'b> {
    nodes: Vec<Node<'a>>,
    has_neighbours: bool,
    now: Instant,
    told: Option<&'b mut Told>,
    /// The identification of the datagram before, and what it was.
    ident: u16,
    datagram: Option<Datagram>,
    flooded: usize,
    /// Frames that went from one host to the other.
    carried: usize,
    /// Frames in the present step, and how many there may be.
    exchanged: usize,
    given: usize,
}

impl<'a, 'b> Driver<'a, 'b> {
    fn new(
        stacks: &'a mut [&mut dyn Subject],
        scenario: &Scenario,
        told: Option<&'b mut Told>,
    ) -> Result<Driver<'a, 'b>, Refusal> {
        let mut nodes = Vec::new();
        for (number, stack) in stacks.iter_mut().enumerate() {
            let setup = world::setup(stack.capabilities(), number as u8, scenario.forwards);
            stack.start(&setup)?;
            let user = user::User::new(*stack)?;
            nodes.push(Node { oracles: Oracles::new(&setup), stack: &mut **stack, setup, user, last: None });
        }
        let has_neighbours = scenario.has_neighbours;
        let now = nodes[0].stack.now();
        Ok(Driver {
            nodes,
            has_neighbours,
            now,
            told,
            ident: 0x100,
            datagram: None,
            flooded: 0,
            carried: 0,
            exchanged: 0,
            given: 1,
        })
    }

    fn play(&mut self, scenario: &Scenario) -> Result<(), Stop> {
        self.settle()?;
        for operation in &scenario.operations {
            (self.exchanged, self.given) = (0, 1);
            self.nodes.iter_mut().for_each(|node| node.oracles.step(Duration::ZERO));
            self.operate(operation)?;
            self.settle()?;
            self.now += operation.pause;
            self.nodes.iter_mut().for_each(|node| node.oracles.step(operation.pause));
            self.settle()?;
        }
        Ok(())
    }

    fn operate(&mut self, operation: &Operation) -> Result<(), Stop> {
        match operation.what {
            What::Wait => Ok(()),
            What::Datagram(datagram) => self.datagram(operation, datagram),
            What::Flood(datagram, count) => {
                for number in 0..count {
                    if self.flooded >= MOST_FLOODED {
                        break;
                    }
                    self.flooded += 1;
                    self.given += 1;
                    self.flood(operation, datagram, number)?;
                }
                self.nodes.iter().try_for_each(|node| Ok(held::judge(&*node.stack)?))
            }
            What::Arp { .. } => self.arp(operation),
            What::Discovery { .. } => self.discovery(operation),
            What::Reflect { is_turned } => self.reflect(is_turned),
            What::Call(call) => {
                if let HostCall::Send { length, .. } = call {
                    self.ident = self.ident.wrapping_add(1);
                    self.nodes
                        .iter_mut()
                        .for_each(|node| node.oracles.memory.sends(self.ident, length.into()));
                }
                let node = &mut self.nodes[0];
                let Some(made) = node.user.made(call, self.ident) else { return Ok(()) };
                node.oracles.called(&made);
                if let Some(told) = &mut self.told {
                    told.call(self.now, &made);
                }
                node.user.submit(node.stack, made)?;
                self.take(0)
            }
        }
    }

    fn arp(&mut self, operation: &Operation) -> Result<(), Stop> {
        let What::Arp { kind, sender, target, is_false } = operation.what else { return Ok(()) };
        // The first place of a table of targets is the host itself.
        let [sender, target] = [sender, target ^ 1].map(|at| world::V4[usize::from(at) & 15]);
        let packet = frames::arp(kind, sender, target, is_false);
        let to = if kind % 5 == 1 { operation.to } else { broadcast(operation.to) };
        self.frame(operation, (sender.into(), target.into(), to), 0x0806, packet)
    }

    fn discovery(&mut self, operation: &Operation) -> Result<(), Stop> {
        let What::Discovery { kind, source, target, flags, option, hop_limit } = operation.what else {
            return Ok(());
        };
        let [source, target] = [source, target ^ 1].map(|at| world::V6[usize::from(at) & 15]);
        let (destination, packet) = frames::discovery(kind, (source, target), (flags, option, hop_limit));
        self.frame(operation, (source.into(), destination.into(), operation.to), 0x86dd, packet)
    }

    fn datagram(&mut self, operation: &Operation, asked: Datagram) -> Result<(), Stop> {
        let datagram = match self.datagram.filter(|_| asked.is_again) {
            Some(before) => Datagram { cut: asked.cut, ttl: asked.ttl, ..before },
            None => {
                self.ident = self.ident.wrapping_add(1);
                asked
            }
        };
        self.datagram = Some(datagram);
        self.send(operation, datagram, frames::ends(&datagram))
    }

    /// One of many: every second source is another host, the others send another datagram.
    fn flood(&mut self, operation: &Operation, datagram: Datagram, number: u16) -> Result<(), Stop> {
        self.ident = self.ident.wrapping_add(1);
        self.datagram = Some(datagram);
        let (mut source, destination) = frames::ends(&datagram);
        if datagram.length.is_multiple_of(2) {
            source = match source {
                IpAddr::V4(a) => IpAddr::from((u32::from(a) ^ u32::from(number)).to_be_bytes()),
                IpAddr::V6(a) => IpAddr::from((u128::from(a) ^ u128::from(number) << 4).to_be_bytes()),
            };
        }
        self.send(operation, datagram, (source, destination))
    }

    fn send(
        &mut self,
        operation: &Operation,
        datagram: Datagram,
        ends: (IpAddr, IpAddr),
    ) -> Result<(), Stop> {
        let node = &self.nodes[0];
        let quoted = node
            .last
            .as_ref()
            .map_or(&[][..], |(interface, frame)| network(node.setup.interfaces[*interface].medium, frame).1);
        let quoted = quoted[..quoted.len().min(576)].to_vec();
        let kind = if ends.0.is_ipv4() { 0x0800 } else { 0x86dd };
        let length = datagram.length.into();
        self.nodes.iter_mut().for_each(|node| node.oracles.memory.sends(self.ident, length));
        for packet in frames::datagrams(&datagram, ends, self.ident, &quoted) {
            self.frame(operation, (ends.0, ends.1, operation.to), kind, packet)?;
        }
        Ok(())
    }

    /// The host is given what an operation made.
    fn frame(
        &mut self,
        operation: &Operation,
        (source, destination, to): (IpAddr, IpAddr, LinkDestination),
        kind: u16,
        mut packet: Vec<u8>,
    ) -> Result<(), Stop> {
        if let Some(alter) = operation.alter {
            frames::alter(&mut packet, alter);
            self.nodes.iter_mut().for_each(|node| node.oracles.memory.is_altered = true);
        }
        let interface = operation.interface.min(self.nodes[0].setup.interfaces.len() - 1);
        let frame = match self.nodes[0].setup.interfaces[interface].medium {
            Medium::Ip => packet,
            Medium::Ethernet => frames::ethernet(interface, source, destination, to, kind, &packet),
        };
        self.give(0, interface, &frame)
    }

    fn reflect(&mut self, is_turned: bool) -> Result<(), Stop> {
        let Some((interface, mut frame)) = self.nodes[0].last.clone() else { return Ok(()) };
        let start = match self.nodes[0].setup.interfaces[interface].medium {
            Medium::Ethernet => 14,
            Medium::Ip => 0,
        };
        if is_turned && start > 0 && frame.len() > start {
            let (to, from) = frame.split_at_mut(6);
            to.swap_with_slice(&mut from[..6]);
        }
        match frame.get(start).map(|first| first >> 4) {
            Some(4) if is_turned && frame.len() >= start + 20 => {
                let (source, rest) = frame[start + 12..].split_at_mut(4);
                source.swap_with_slice(&mut rest[..4]);
            }
            Some(6) if is_turned && frame.len() >= start + 40 => {
                let (source, rest) = frame[start + 8..].split_at_mut(16);
                source.swap_with_slice(&mut rest[..16]);
            }
            _ => {}
        }
        self.give(0, interface, &frame)
    }

    fn give(&mut self, to: usize, interface: usize, frame: &[u8]) -> Result<(), Stop> {
        let node = &mut self.nodes[to];
        let medium = node.setup.interfaces[interface].medium;
        node.oracles.inbound(interface, medium, frame);
        if let Some(told) = &mut self.told {
            told.inbound(to, &node.setup, self.now, interface, frame);
        }
        node.stack.inject(InterfaceId(interface), frame)?;
        self.take(to)
    }

    /// Lets the hosts do what is due until now, and carries what they send.
    fn settle(&mut self) -> Result<(), Stop> {
        for at in 0..self.nodes.len() {
            self.nodes[at].stack.run_until(self.now)?;
            self.take(at)?;
        }
        self.delivered()?;
        for node in &self.nodes {
            if let Some(due) = node.stack.next_deadline().filter(|due| *due <= self.now) {
                let found = format!("due at {due} after everything was done at {}", self.now);
                return Err(Violation { oracle: "deadline", requirement: None, found }.into());
            }
        }
        Ok(())
    }

    /// Takes what host `from` has done, and gives frames to whom they are for.
    fn take(&mut self, from: usize) -> Result<(), Stop> {
        let mut waiting = vec![from];
        let mut events = Vec::new();
        while let Some(from) = waiting.pop() {
            let node = &mut self.nodes[from];
            events.append(&mut node.user.events);
            node.stack.events(&mut events)?;
            for event in std::mem::take(&mut events) {
                let Event::Frame { interface: InterfaceId(interface), at, bytes } = event else { continue };
                for (to, frame) in self.sent(from, interface, at, bytes)? {
                    let node = &mut self.nodes[to];
                    node.oracles.inbound(interface, node.setup.interfaces[interface].medium, &frame);
                    if let Some(told) = &mut self.told {
                        told.inbound(to, &node.setup, self.now, interface, &frame);
                    }
                    node.stack.inject(InterfaceId(interface), &frame)?;
                    waiting.push(to);
                }
            }
        }
        Ok(())
    }

    /// Judges a frame, and gives the frames that it leads to: itself to the other host, or a neighbour's answer.
    fn sent(
        &mut self,
        from: usize,
        interface: usize,
        at: Instant,
        frame: Vec<u8>,
    ) -> Result<Vec<(usize, Vec<u8>)>, Stop> {
        self.exchanged += 1;
        if self.exchanged > STORM * self.given.max(self.nodes[0].oracles.memory.frames) {
            let found = format!("{} frames in one step", self.exchanged);
            return Err(Violation { oracle: "storm", requirement: None, found }.into());
        }
        let node = &mut self.nodes[from];
        let medium = node.setup.interfaces[interface].medium;
        if let Some(told) = &mut self.told {
            told.outbound(from, &node.setup, at, interface, &frame);
        }
        node.oracles.outbound(interface, medium, &frame)?;
        let mut next = Vec::new();
        if self.has_neighbours && medium == Medium::Ethernet {
            next.extend(user::neighbour(&frame, node.setup.interfaces[interface].mac.0).map(|f| (from, f)));
        }
        if interface == 0 && self.nodes.len() > 1 && self.carried < MOST_CARRIED {
            self.carried += 1;
            next.push((1 - from, frame.clone()));
        }
        self.nodes[from].last = Some((interface, frame));
        Ok(next)
    }

    /// Reads what has arrived for the user.
    fn delivered(&mut self) -> Result<(), Stop> {
        let node = &mut self.nodes[0];
        while let Some((data, is_v4)) = node.user.read(node.stack)? {
            node.oracles.data(&data, is_v4)?;
        }
        Ok(())
    }
}

/// An ARP request is for everybody where nothing else is said.
fn broadcast(to: LinkDestination) -> LinkDestination {
    if to == LinkDestination::Usual { LinkDestination::Broadcast } else { to }
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness::scenario::RECORD;
    use harness::stacks::reference::Reference;
    use stack::rng::Rng;

    /// Records by number, most of their bytes tame.
    fn generated(number: u64) -> Vec<u8> {
        let mut rng = Rng::new(number);
        let length = RECORD * (2 + rng.below(12) as usize);
        let mut byte = |at: usize| {
            let wild = if at % RECORD < 4 { 5 } else { 2 };
            if rng.below(8) < wild { rng.next_u64() as u8 } else { 0 }
        };
        (0..length).map(&mut byte).collect()
    }

    #[test]
    fn generated_records_find_nothing() {
        for number in 0..60 {
            let data = generated(number);
            let stacks: [&mut [&mut dyn Subject]; 2] = [
                &mut [&mut Reference::default()],
                &mut [&mut Reference::default(), &mut Reference::default()],
            ];
            for stacks in stacks {
                let mut told = Told::default();
                if let Some(found) = played(stacks, &data, None) {
                    played(stacks, &data, Some(&mut told));
                    panic!("{number}: {found}\n{}", told.ladder());
                }
            }
        }
    }

    /// A host that is given what `records` say, and how many frames it sent.
    fn check(records: &[[u8; 4]], expected: usize) {
        let data: Vec<u8> = records.iter().flat_map(|r| [&r[..], &[0; 8]].concat()).collect();
        let mut told = Told::default();
        let mut stack = Reference::default();
        let found = played(&mut [&mut stack], &data, Some(&mut told));
        assert_eq!(found, None, "{}", told.ladder());
        let sent = told.ladder().matches("|<-").count();
        assert_eq!(sent, expected, "{}", told.ladder());
    }

    #[test]
    fn a_host_answers_and_a_router_passes_on() {
        // An echo request is answered after the peer's address was asked for.
        check(&[[0; 4], [0; 4]], 2);
        // One for the network behind it is passed on, but not by a host.
        check(&[[0; 4], [0, 0, 0, 1]], 2);
        check(&[[0, 1, 0, 0], [0, 0, 0, 1]], 0);
    }
}
