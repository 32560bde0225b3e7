//! What a script talks about, known before it is played: capabilities that it needs, and whether it speaks of address
//! resolution itself.

use crate::lang::ast::{Action, Event, Expr, Layer, LayerKind, Packet, Pattern, Script, TwinAction, Value};
use crate::sut::{Capability, Family};
use std::collections::BTreeSet;

/// What a script talks about.
#[derive(Clone, Debug, Default)]
pub(super) struct Survey {
    /// What it needs, by its layers and calls alone.
    pub needs: BTreeSet<Capability>,
    /// It has ARP frames or neighbour discovery messages of its own: the harness does not play the neighbours.
    pub speaks_of_resolution: bool,
    /// It expects what a stack may send unasked: what it does not expect of that kind is not tolerated then.
    pub speaks_of: BTreeSet<Unasked>,
}

/// Frames that a stack may send unasked, and that a case can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unasked {
    /// Other than one that tests an address.
    NeighbourSolicitation,
    RouterSolicitation,
    Igmp,
    Mld,
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
                survey.solicitation(packet);
            }
        }
        survey
    }

    fn event(&mut self, event: &Event) {
        match &event.action {
            Action::Inbound(p) => self.packet(p),
            Action::Outbound(p) | Action::Maybe(p) => self.outbound(p),
            Action::AnyOrder(packets) => packets.iter().for_each(|p| self.outbound(p)),
            Action::OneOf(alternatives) => alternatives.iter().flatten().for_each(|p| self.outbound(p)),
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

    fn outbound(&mut self, packet: &Packet) {
        self.packet(packet);
        self.solicitation(packet);
        for layer in &packet.layers {
            let is_icmp6 = layer.kind == LayerKind::Icmpv6;
            if is_icmp6 && is_message(layer, &[133], &["router_solicitation", "rs"]) {
                self.speaks_of.insert(Unasked::RouterSolicitation);
            }
            let mld = ["mld_query", "mld_report", "mld_done", "mld2_report", "mldv2_report"];
            if is_icmp6 && is_message(layer, &[130, 131, 132, 143], &mld) {
                self.speaks_of.insert(Unasked::Mld);
            }
            if is_igmp(layer) {
                self.speaks_of.insert(Unasked::Igmp);
            }
        }
    }

    /// A solicitation from the unspecified address tests an address (RFC 4862 5.4.2); any other asks for a neighbour.
    fn solicitation(&mut self, packet: &Packet) {
        let asks = |layer: &Layer| {
            layer.kind == LayerKind::Icmpv6 && is_message(layer, &[135], &["neighbor_solicitation"])
        };
        let names_nobody = |layer: &Layer| {
            layer.fields.iter().any(|f| f.name == "src" && matches!(&f.value, Value::Name(n) if n == "::"))
        };
        if packet.layers.iter().any(asks) && !packet.layers.iter().any(names_nobody) {
            self.speaks_of.insert(Unasked::NeighbourSolicitation);
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
fn is_neighbour_message(layer: &Layer) -> bool {
    is_message(layer, &[135, 136], &["neighbor_solicitation", "neighbor_advertisement"])
}

/// Whether a layer says that it is a message of one of these types, by number or by name.
fn is_message(layer: &Layer, numbers: &[i64], names: &[&str]) -> bool {
    layer.fields.iter().any(|field| match &field.value {
        Value::Number(Pattern::Is(Expr::Int(number))) => field.name == "type" && numbers.contains(number),
        Value::Name(name) => field.name == "type_name" && names.contains(&name.as_str()),
        _ => false,
    })
}

/// Whether a layer is an IPv4 header that says that IGMP follows.
fn is_igmp(layer: &Layer) -> bool {
    layer.fields.iter().any(|field| match &field.value {
        Value::Number(Pattern::Is(Expr::Int(2))) => field.name == "proto",
        Value::Name(name) => field.name == "proto" && name == "igmp",
        _ => false,
    })
}
