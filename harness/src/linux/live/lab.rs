//! A lab on real links: some nodes are the reference stack, the others namespaces of Linux, and each link is a veth pair.

use super::namespace::Linking;
use super::{Application, Counts, Live, Namespace, Port, Room, Station};
use crate::lab::{Act, Check, Ground, Lab, Seen, check_from_reference};
use crate::linux::os::{Doing, pidfd};
use crate::sut::Interface;
use stack::socket::{CallId, Outcome};
use stack::{Host, Instant};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long anything may take: a program of Linux, or a call of the reference stack.
const LIMIT: Duration = Duration::from_secs(30);
/// How often it is looked whether a call has completed.
const GLANCE: Duration = Duration::from_millis(2);

/// What remembers how the calls of a host have ended.
#[derive(Debug, Default)]
struct Memory {
    done: BTreeMap<CallId, Outcome>,
}

impl Application for Memory {
    fn run(&mut self, host: &mut Host, _: Instant) -> bool {
        let completions = host.completions();
        let any = !completions.is_empty();
        self.done.extend(completions.into_iter().map(|(id, _, outcome)| (id, outcome)));
        any
    }
}

/// A lab with its namespaces and hosts.
pub struct LiveLab {
    lab: &'static Lab,
    live: Live<Memory>,
    /// Of each node: the place of its host among the stations, where it is the reference stack.
    places: Vec<Option<usize>>,
    namespaces: Vec<Namespace>,
    /// The interfaces of the stations, one station after the other.
    interfaces: Vec<Interface>,
}

impl LiveLab {
    /// Builds a lab in which the nodes of `reference` are the reference stack.
    ///
    /// # Errors
    /// There is no such node, or what the kernel refused.
    pub fn new(lab: &'static Lab, reference: &[&str], room: &Room) -> Result<LiveLab, String> {
        if let Some(unknown) = reference.iter().find(|name| lab.node(name).is_none()) {
            return Err(format!("{} has no node {unknown}", lab.name));
        }
        let is_reference = |node: usize| reference.contains(&lab.nodes[node].name);
        let mut namespaces = Vec::new();
        let mut setups = Vec::new();
        for (number, node) in lab.nodes.iter().enumerate() {
            let namespace = room.namespace()?;
            match is_reference(number) {
                true => namespace.be_quiet()?,
                false => namespace.set_forwarding(node.is_router)?,
            }
            namespaces.push(namespace);
            setups.push(lab.setup(number)?);
        }
        let mut ports: BTreeMap<(usize, usize), Port> = BTreeMap::new();
        for ends in lab.links()? {
            let end = |(node, interface): (usize, usize)| Linking {
                namespace: &namespaces[node],
                interface: &setups[node].interfaces[interface],
                is_configured: !is_reference(node),
            };
            let made = super::namespace::join([end(ends[0]), end(ends[1])])?;
            ports.extend(ends.into_iter().zip(made).filter_map(|(end, port)| Some((end, port?))));
        }
        let (mut stations, mut places, mut interfaces) = (Vec::new(), Vec::new(), Vec::new());
        for (node, setup) in setups.iter().enumerate() {
            if is_reference(node) {
                let own = (0..setup.interfaces.len()).filter_map(|at| ports.remove(&(node, at))).collect();
                interfaces.extend(lab.interfaces(node)?);
                places.push(Some(stations.len()));
                stations.push(Station::new(Host::new(lab.config(node)?), own, Memory::default()));
            } else {
                for route in &setup.routes {
                    let device = setup.interfaces.get(route.interface).map_or("", |i| i.name.as_str());
                    namespaces[node].add_route(device, route.destination, route.gateway)?;
                }
                places.push(None);
            }
        }
        Ok(LiveLab { lab, live: Live::new(stations), places, namespaces, interfaces })
    }

    /// Writes what the nodes that are the reference stack send and receive to a pcapng file from now on.
    ///
    /// # Errors
    /// What writing met.
    pub fn capture(&mut self, to: Box<dyn Write + Send>) -> Result<(), String> {
        self.live.capture(&self.interfaces, to)
    }

    /// What the nodes that are the reference stack have sent and received.
    pub fn counts(&self) -> Counts {
        self.live.counts()
    }

    /// Makes a check: what was found.
    ///
    /// # Errors
    /// It could not be made.
    pub fn check(&mut self, check: &Check) -> Result<Seen, String> {
        let node = self.lab.node(check.from).ok_or_else(|| format!("there is no node {}", check.from))?;
        match self.places[node] {
            Some(_) => check_from_reference(self, node, check),
            None => self.check_from_linux(node, check),
        }
    }

    /// Runs a program at a node that is Linux, for half a minute at most: what it writes to its standard output.
    ///
    /// # Errors
    /// There is no such node, it is the reference stack, or the program cannot be started.
    pub fn run_at(&mut self, node: &str, words: &[String]) -> Result<String, String> {
        let of = self.lab.node(node).ok_or_else(|| format!("{} has no node {node}", self.lab.name))?;
        if self.places[of].is_some() {
            return Err(format!("{node} is the reference stack, where no programs run"));
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.said(of, &words)
    }

    fn check_from_linux(&mut self, node: usize, check: &Check) -> Result<Seen, String> {
        let to = check.to;
        match check.finds.act() {
            Act::Ping => Ok(pinged(&self.said(node, &["ping", "-n", "-c", "1", "-W", "5", to])?, to)),
            Act::Trace => {
                let said = self.said(node, &["traceroute", "-n", "-q", "1", "-N", "1", "-m", "8", to])?;
                Ok(traced(&said))
            }
        }
    }

    /// Runs a program of Linux at a node: what it writes to its standard output.
    fn said(&mut self, node: usize, words: &[&str]) -> Result<String, String> {
        let (program, arguments) = words.split_first().ok_or("no program")?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = self.namespaces[node].spawn(&mut command)?;
        let over = pidfd(child.id()).doing("pidfd_open")?;
        let until = self.live.now() + LIMIT;
        if !self.live.run(&[over.as_fd()], Some(until))? {
            child.kill().doing(program)?;
        }
        let mut said = String::new();
        if let Some(output) = child.stdout.as_mut() {
            output.read_to_string(&mut said).doing(program)?;
        }
        child.wait().doing(program)?;
        Ok(said)
    }
}

impl Ground for LiveLab {
    fn host(&mut self, node: usize) -> Result<(&mut Host, Instant), String> {
        let now = self.live.now();
        let place = self.places.get(node).copied().flatten();
        let station = place.and_then(|place| self.live.station(place));
        station.map(|station| (station.host(), now)).ok_or_else(|| format!("node {node} is Linux"))
    }

    fn outcome(&mut self, node: usize, call: CallId) -> Result<Outcome, String> {
        let until = self.live.now() + LIMIT;
        let place = self.places.get(node).copied().flatten().ok_or("the node is Linux")?;
        while self.live.now() < until {
            let next = self.live.now() + GLANCE;
            self.live.run(&[], Some(next))?;
            let outcome = self.live.station(place).and_then(|s| s.application.done.remove(&call));
            if let Some(outcome) = outcome {
                return Ok(outcome);
            }
        }
        Err(format!("the call has not completed after {LIMIT:?}"))
    }
}

/// What ping has found.
fn pinged(said: &str, to: &str) -> Seen {
    let from = |line: &str| line.split(' ').nth(1).unwrap_or("nobody").to_owned();
    for line in said.lines() {
        if line.contains(" bytes from ") {
            return Seen(format!("reply from {to}"));
        }
        let Some(line) = line.strip_prefix("From").map(|_| line) else { continue };
        let why = match line.to_ascii_lowercase() {
            l if l.contains("net unreachable") || l.contains("no route") => "network unreachable",
            l if l.contains("host unreachable") || l.contains("address unreachable") => "host unreachable",
            _ => return Seen(line.to_owned()),
        };
        return Seen(format!("{why}, says {}", from(line)));
    }
    Seen("silence".to_owned())
}

/// What traceroute has found: who answered at each hop. A destination answers that nobody has the port, which it shows by ending
/// there.
fn traced(said: &str) -> Seen {
    let hops = said.lines().skip(1).map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let who = words.next().unwrap_or("?").to_owned();
        let remark = words.find(|word| word.starts_with('!'));
        remark.map_or(who.clone(), |remark| format!("{who} {remark}"))
    });
    Seen(hops.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ping_and_traceroute_say() {
        let ping = |said: &str| pinged(said, "192.0.2.9").0;
        assert_eq!(ping("PING x\n64 bytes from 192.0.2.9: icmp_seq=1\n"), "reply from 192.0.2.9");
        let said = "PING x\nFrom 192.0.2.62 icmp_seq=1 Destination Net Unreachable\n";
        assert_eq!(ping(said), "network unreachable, says 192.0.2.62");
        let said = "PING x\nFrom 2001:db8::1 icmp_seq=1 Destination unreachable: Address unreachable\n";
        assert_eq!(ping(said), "host unreachable, says 2001:db8::1");
        assert_eq!(ping("PING x\n\n1 packets transmitted, 0 received\n"), "silence");
        let said = "traceroute to x\n 1  192.0.2.62  0.1 ms\n 2  *\n 3  192.0.2.9  0.2 ms !N\n";
        assert_eq!(traced(said).0, "192.0.2.62, *, 192.0.2.9 !N");
    }
}
