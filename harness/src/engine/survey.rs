//! What a script talks about, known before it is played: capabilities that it needs, and whether it speaks of address
//! resolution itself.

use crate::lang::ast::{Action, Event, LayerKind, Packet, Pattern, Script, TwinAction, Value};
use crate::sut::{Capability, Family};
use std::collections::BTreeSet;

/// What a script talks about.
#[derive(Clone, Debug, Default)]
pub(super) struct Survey {
    /// What it needs, by its layers and calls alone.
    pub needs: BTreeSet<Capability>,
    /// It has ARP frames or neighbour discovery messages of its own: the harness does not play the neighbours.
    pub speaks_of_resolution: bool,
}

impl Survey {
    pub(super) fn of(script: &Script, family: Family) -> Survey {
        let mut survey = Survey::default();
        match family {
            Family::Ipv4 => survey.needs.extend([Capability::Ipv4]),
            Family::Ipv6 => survey.needs.extend([Capability::Ipv6]),
            Family::Ipv4MappedIpv6 => survey.needs.extend([Capability::Ipv4, Capability::MappedAddresses]),
            Family::None => {}
        }
        script.events.iter().for_each(|event| survey.event(event));
        for action in script.head.iter().flat_map(|h| &h.twins).flat_map(|t| &t.actions) {
            if let TwinAction::Inject(_, packet) = action {
                survey.packet(packet);
            }
        }
        survey
    }

    fn event(&mut self, event: &Event) {
        match &event.action {
            Action::Inbound(p) | Action::Outbound(p) | Action::Maybe(p) => self.packet(p),
            Action::AnyOrder(packets) => packets.iter().for_each(|p| self.packet(p)),
            Action::OneOf(alternatives) => alternatives.iter().flatten().for_each(|p| self.packet(p)),
            Action::For { body, .. } => body.iter().for_each(|e| self.event(e)),
            Action::Call(call) => match call.name.as_str() {
                "listen" => self.needs.extend([Capability::Listen]),
                "connect" => self.needs.extend([Capability::Connect]),
                "reboot" => self.needs.extend([Capability::Reboot]),
                "dhcp" => self.needs.extend([Capability::DhcpClient]),
                "getaddrinfo" | "getnameinfo" => self.needs.extend([Capability::Resolver]),
                "poll" => self.needs.extend([Capability::Poll]),
                _ => {}
            },
            Action::Code(_) => self.needs.extend([Capability::TcpInfo]),
            Action::Shell(_)
            | Action::Assert(_)
            | Action::NothingFor(_)
            | Action::NothingUntil(_)
            | Action::Elapsed(_)
            | Action::NewConnection => {}
        }
    }

    fn packet(&mut self, packet: &Packet) {
        for layer in &packet.layers {
            match layer.kind {
                LayerKind::Ether | LayerKind::Vlan | LayerKind::Snap => {
                    self.needs.extend([Capability::Ethernet])
                }
                LayerKind::Arp => {
                    self.needs.extend([Capability::Ethernet]);
                    self.speaks_of_resolution = true;
                }
                LayerKind::Tcp => self.needs.extend([Capability::Tcp]),
                LayerKind::Dhcp => self.needs.extend([Capability::DhcpClient]),
                LayerKind::Dns => self.needs.extend([Capability::Resolver]),
                LayerKind::Udp => self.needs.extend([Capability::Udp]),
                LayerKind::Icmpv6 if is_neighbour_message(layer) => self.speaks_of_resolution = true,
                LayerKind::Icmpv4 | LayerKind::Icmpv6 | LayerKind::Icmp => {
                    self.needs.extend([Capability::Icmp])
                }
                _ => {}
            }
        }
    }
}

/// Neighbour solicitations and advertisements: types 135 and 136 of RFC 4861.
fn is_neighbour_message(layer: &crate::lang::ast::Layer) -> bool {
    layer.fields.iter().any(|field| match &field.value {
        Value::Number(Pattern::Is(crate::lang::ast::Expr::Int(135 | 136))) => field.name == "type",
        Value::Name(name) => {
            field.name == "type_name" && (name == "neighbor_solicitation" || name == "neighbor_advertisement")
        }
        _ => false,
    })
}
