//! A lab in memory: every node is the reference stack, and time jumps to the next thing that is due.

use super::{Ground, Lab, Seen, check_from_reference};
use crate::report::pcapng::{self, Direction};
use stack::socket::{CallId, Outcome};
use stack::{Host, Instant};
use std::collections::BTreeMap;

/// Frames that a call may take, from all nodes: more is a flood.
const MOST_FRAMES: usize = 100_000;

/// A lab with its hosts.
pub struct Memory {
    now: Instant,
    hosts: Vec<Host>,
    /// The other end of each interface of each node.
    other: BTreeMap<(usize, usize), (usize, usize)>,
    done: BTreeMap<(usize, CallId), Outcome>,
    /// Every frame that was sent: the node, its interface, when, and the bytes.
    pub frames: Vec<(usize, usize, Instant, Vec<u8>)>,
}

impl Memory {
    /// The lab before anything has happened in it.
    ///
    /// # Errors
    /// What the lab's description lacks.
    pub fn new(lab: &Lab) -> Result<Memory, String> {
        let hosts: Result<Vec<Host>, String> =
            (0..lab.nodes.len()).map(|node| Ok(Host::new(lab.config(node)?))).collect();
        let links = lab.links()?;
        let other = links.into_iter().flat_map(|[a, b]| [(a, b), (b, a)]).collect();
        let (done, frames) = (BTreeMap::new(), Vec::new());
        Ok(Memory { now: Instant::ZERO, hosts: hosts?, other, done, frames })
    }

    /// Makes every check of the lab, in order: what was found.
    ///
    /// # Errors
    /// A check could not be made.
    pub fn play(&mut self, lab: &Lab) -> Result<Vec<Seen>, String> {
        let check = |check: &super::Check| {
            let node = lab.node(check.from).ok_or_else(|| format!("there is no node {}", check.from))?;
            check_from_reference(self, node, check)
        };
        lab.checks.iter().map(check).collect()
    }

    /// What the nodes have sent, as a pcapng file with an interface for each of theirs.
    ///
    /// # Errors
    /// What the lab's description lacks.
    pub fn capture(&self, lab: &Lab) -> Result<Vec<u8>, String> {
        let mut interfaces = Vec::new();
        let mut firsts = Vec::new();
        for node in 0..lab.nodes.len() {
            firsts.push(interfaces.len());
            interfaces.extend(lab.interfaces(node)?);
        }
        let mut file = pcapng::head(&interfaces);
        for (node, interface, at, bytes) in &self.frames {
            let number = firsts.get(*node).map_or(0, |first| first + interface);
            file.extend(pcapng::packet(number, *at, bytes, Direction::Outbound, None));
        }
        Ok(file)
    }

    /// Carries frames until nobody sends any more.
    fn exchange(&mut self) -> Result<(), String> {
        let before = self.frames.len();
        loop {
            let mut is_silent = true;
            for node in 0..self.hosts.len() {
                while let Some((interface, frame)) = self.hosts[node].transmit() {
                    is_silent = false;
                    let bytes = frame.to_vec();
                    if let Some((to, at)) = self.other.get(&(node, interface)) {
                        self.hosts[*to].receive(self.now, *at, &bytes);
                    }
                    self.frames.push((node, interface, self.now, bytes));
                }
                let done = self.hosts[node].completions();
                self.done.extend(done.into_iter().map(|(call, _, outcome)| ((node, call), outcome)));
            }
            if is_silent {
                return Ok(());
            }
            if self.frames.len() - before > MOST_FRAMES {
                return Err(format!("the nodes never fall silent at {}", self.now));
            }
        }
    }
}

impl Ground for Memory {
    fn host(&mut self, node: usize) -> Result<(&mut Host, Instant), String> {
        let now = self.now;
        self.hosts.get_mut(node).map(|host| (host, now)).ok_or_else(|| format!("there is no node {node}"))
    }

    fn outcome(&mut self, node: usize, call: CallId) -> Result<Outcome, String> {
        let before = self.frames.len();
        loop {
            self.exchange()?;
            if let Some(outcome) = self.done.remove(&(node, call)) {
                return Ok(outcome);
            }
            let due = self.hosts.iter().filter_map(Host::next_deadline).min();
            let due = due.filter(|_| self.frames.len() - before <= MOST_FRAMES);
            self.now = self.now.max(due.ok_or("the call never completes")?);
            self.hosts.iter_mut().for_each(|host| host.poll(self.now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::LABS;
    use crate::packet::dissect;
    use crate::sut::Medium;

    #[test]
    fn in_every_lab_everything_is_found_and_every_frame_can_be_read() {
        for lab in LABS {
            let mut memory = Memory::new(lab).unwrap_or_else(|why| panic!("{}: {why}", lab.name));
            let seen = memory.play(lab).unwrap_or_else(|why| panic!("{}: {why}", lab.name));
            for (check, seen) in lab.checks.iter().zip(&seen) {
                assert_eq!(seen.0, check.finds.words(check.to), "{}: {check}", lab.name);
            }
            for (node, _, _, bytes) in &memory.frames {
                let problem = dissect(Medium::Ethernet, bytes).problem;
                assert_eq!(problem, None, "{}: {} sends {bytes:02x?}", lab.name, lab.nodes[*node].name);
            }
        }
    }

    #[test]
    fn the_same_lab_gives_the_same_frames() {
        let frames = || {
            let mut memory = Memory::new(&LABS[1]).expect("a lab");
            memory.play(&LABS[1]).expect("it can be played");
            format!("{:?}", memory.frames)
        };
        assert_eq!(frames(), frames());
    }
}
