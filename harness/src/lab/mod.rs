//! Labs: small internets described as data, in which hosts look for each other. One description is played in memory, where every
//! node is the reference stack and time jumps, and on real links, where some nodes are namespaces of Linux.

mod examples;
mod expectation;
mod memory;
mod prober;

pub use examples::LABS;
pub use expectation::{Act, Check, Expected, Why};
pub use memory::Memory;
pub use prober::{Ground, Seen, check_from_reference};

use crate::stacks::reference;
use crate::sut::{Family, Interface, MacAddress, Medium, Prefix, Route, Rules, Setup};
use stack::Config;
use std::net::IpAddr;

/// Ethernet's (RFC 894).
const MTU: u16 = 1500;

/// A small internet, and what is found out in it.
#[derive(Clone, Copy, Debug)]
pub struct Lab {
    /// How it is called.
    pub name: &'static str,
    /// What it looks like.
    pub about: &'static str,
    /// Hosts and routers.
    pub nodes: &'static [Node],
    /// What the nodes find out.
    pub checks: &'static [Check],
}

/// A host or a router.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// Its name.
    pub name: &'static str,
    /// Whether it forwards.
    pub is_router: bool,
    /// Its interfaces: the link, which joins the two that name it, and the addresses, each with its prefix's length.
    pub interfaces: &'static [(usize, &'static [&'static str])],
    /// Its routes: the destinations, and the router for them.
    pub routes: &'static [(&'static str, &'static str)],
}

impl Lab {
    /// The lab of that name.
    pub fn named(name: &str) -> Option<&'static Lab> {
        LABS.iter().find(|lab| lab.name == name)
    }

    /// A node by its name.
    pub fn node(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// The links: the two ends of each, as node and interface.
    ///
    /// # Errors
    /// Names the link that does not join two interfaces.
    pub fn links(&self) -> Result<Vec<[(usize, usize); 2]>, String> {
        let ends = |link: usize| {
            let all = self.nodes.iter().enumerate().flat_map(move |(node, n)| {
                let here = n.interfaces.iter().enumerate().filter(move |(_, (of, _))| *of == link);
                here.map(move |(interface, _)| (node, interface))
            });
            all.collect::<Vec<_>>()
        };
        let last = self.nodes.iter().flat_map(|node| node.interfaces).map(|(link, _)| link + 1).max();
        let joined = |link| ends(link).try_into().map_err(|ends| format!("link {link} joins {ends:?}"));
        (0..last.unwrap_or(0)).map(joined).collect()
    }

    /// The configuration of a node, as that of a stack under test.
    ///
    /// # Errors
    /// Names the address that is none, or the router that is on no link.
    pub fn setup(&self, node: usize) -> Result<Setup, String> {
        let of = self.nodes.get(node).ok_or("there is no such node")?;
        let mut interfaces = Vec::new();
        for (number, (_, addresses)) in of.interfaces.iter().enumerate() {
            let addresses: Result<Vec<Prefix>, String> = addresses.iter().map(|text| prefix(text)).collect();
            let last = |number: usize| u8::try_from(number + 1).unwrap_or(u8::MAX);
            interfaces.push(Interface {
                name: format!("eth{number}"),
                medium: Medium::Ethernet,
                mtu: MTU,
                mac: MacAddress([2, 0, 0, 0, last(node), last(number)]),
                addresses: addresses?,
            });
        }
        let route = |(destination, gateway): &(&str, &str)| {
            let gateway: IpAddr = gateway.parse().map_err(|_| format!("{gateway} is no address"))?;
            let is_near = |interface: &Interface| interface.addresses.iter().any(|p| contains(*p, gateway));
            let interface = interfaces.iter().position(is_near);
            let interface = interface.ok_or_else(|| format!("{}: {gateway} is on no link", of.name))?;
            Ok(Route { destination: prefix(destination)?, gateway: Some(gateway), interface })
        };
        let routes: Result<Vec<Route>, String> = of.routes.iter().map(route).collect();
        Ok(Setup {
            rules: Rules::Ours,
            family: Family::Ipv4,
            routes: routes?,
            interfaces,
            neighbours: Vec::new(),
            forwarding: of.is_router,
            settings: Default::default(),
            seed: node as u64 + 1,
        })
    }

    /// The interfaces of a node, named after it too.
    ///
    /// # Errors
    /// As of [`Lab::setup`].
    pub fn interfaces(&self, node: usize) -> Result<impl Iterator<Item = Interface>, String> {
        let name = self.nodes.get(node).map_or("", |node| node.name);
        let interfaces = self.setup(node)?.interfaces.into_iter();
        Ok(interfaces.map(move |i| Interface { name: format!("{name} {}", i.name), ..i }))
    }

    /// The configuration of a node that is the reference stack.
    ///
    /// # Errors
    /// As of [`Lab::setup`].
    pub fn config(&self, node: usize) -> Result<Config, String> {
        reference::config(&self.setup(node)?).map_err(|refusal| refusal.to_string())
    }
}

/// An address with its prefix's length.
fn prefix(text: &str) -> Result<Prefix, String> {
    let parsed = text.split_once('/').and_then(|(address, length)| {
        Some(Prefix { address: address.parse().ok()?, length: length.parse().ok()? })
    });
    parsed.ok_or_else(|| format!("{text} is no address with a prefix's length"))
}

fn contains(prefix: Prefix, address: IpAddr) -> bool {
    stack::Cidr { address: prefix.address, length: prefix.length }.contains(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lab_is_whole() {
        for lab in LABS {
            lab.links().unwrap_or_else(|why| panic!("{}: {why}", lab.name));
            for (number, node) in lab.nodes.iter().enumerate() {
                let setup = lab.setup(number).unwrap_or_else(|why| panic!("{}: {why}", lab.name));
                assert_eq!(setup.interfaces.len(), node.interfaces.len());
            }
            for check in lab.checks {
                assert!(lab.node(check.from).is_some(), "{}: {}", lab.name, check.from);
                assert!(check.to.parse::<IpAddr>().is_ok(), "{}: {}", lab.name, check.to);
            }
        }
    }
}
