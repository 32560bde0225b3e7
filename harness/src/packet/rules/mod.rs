//! Passive rules: what every frame that a stack sends must be, whatever the case is about. Each has its requirement,
//! and a twin that shows that it can go red.

mod connections;
mod table;
#[cfg(test)]
mod tests;
mod twins;

pub use twins::{RuleTwin, twins};

use super::World;
use super::dissect::{self, Dissection};
use crate::lang::ast::LayerKind;
use crate::sut::{Call, Medium, Rules};
use connections::Connections;
use std::net::{IpAddr, Ipv4Addr};

/// A frame that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule's name.
    pub rule: &'static str,
    /// The requirement that it stands for.
    pub requirement: &'static str,
    /// The requirement's level, MUST or SHOULD.
    pub level: Level,
    /// What the requirement wants.
    pub expected: String,
    /// What the frame has.
    pub found: String,
}

/// How strong a requirement is; prohibitions count as what they prohibit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// MUST, MUST NOT.
    Must,
    /// SHOULD, SHOULD NOT.
    Should,
}

/// A frame of the stack under a rule's eyes.
struct Seen<'a> {
    medium: Medium,
    frame: &'a [u8],
    d: &'a Dissection,
}

/// The rules, and what they remember of a run.
pub struct PassiveRules {
    world: World,
    rules: Rules,
    /// The device computes checksums and cuts segments: frames are not yet what stands on the wire.
    offload: bool,
    /// The stack's addresses.
    own: Vec<IpAddr>,
    /// A socket was told to send without checksums (RFC 6935 5): what it sends shows in the case alone.
    may_be_unchecked: bool,
    connections: Connections,
}

/// UDP_NO_CHECK6_TX of level SOL_UDP.
const UNCHECKED: (i32, i32) = (17, 101);

impl PassiveRules {
    /// The rules at the start of a run. `offload` says that the stack's device computes checksums and cuts segments.
    pub fn new(world: &World, rules: Rules, offload: bool) -> PassiveRules {
        let configured = world.setup.interfaces.iter().flat_map(|i| &i.addresses).map(|p| p.address);
        let mut own: Vec<_> = configured.collect();
        own.push(world.local);
        let connections = Connections::default();
        PassiveRules { world: world.clone(), rules, offload, own, may_be_unchecked: false, connections }
    }

    /// Tells of a call: an address that is added is the stack's own. One that is removed may still be in what was
    /// on its way.
    pub fn called(&mut self, call: &Call) {
        match call {
            Call::Address { prefix, add: true, .. } => self.own.push(prefix.address),
            Call::Setsockopt { level, name, .. } => self.may_be_unchecked |= (*level, *name) == UNCHECKED,
            _ => {}
        }
    }

    /// Tells of a frame that the stack receives.
    pub fn inbound(&mut self, medium: Medium, frame: &[u8]) {
        let d = dissect::dissect(medium, frame);
        self.own.extend(offered_address(&d, frame));
        self.connections.inbound(&d, frame);
    }

    /// Judges a frame that the stack sent.
    pub fn outbound(&mut self, medium: Medium, frame: &[u8]) -> Vec<Violation> {
        let d = dissect::dissect(medium, frame);
        let seen = Seen { medium, frame, d: &d };
        let violations = table::RULES.iter().filter_map(|rule| {
            let (expected, found) = (rule.check)(self, &seen)?;
            Some(Violation {
                rule: rule.name,
                requirement: rule.requirement,
                level: rule.level,
                expected,
                found,
            })
        });
        let violations = violations.collect();
        self.connections.outbound(&d, frame);
        violations
    }
}

/// The address that a DHCP server gives (RFC 2131 section 2: `yiaddr`), which the stack may then call its own.
fn offered_address(d: &Dissection, frame: &[u8]) -> Option<IpAddr> {
    let udp = d.last(LayerKind::Udp).filter(|u| u.get(frame, "dport") == Some(68))?;
    let yiaddr: [u8; 4] = frame.get(udp.header_end + 16..udp.header_end + 20)?.try_into().ok()?;
    Some(Ipv4Addr::from(yiaddr).into())
}
