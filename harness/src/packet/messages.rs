//! What goes without saying of DHCP and DNS messages: who sends them to whom, and their headers.

use super::complete::{Place, plain};
use super::dhcp;
use super::flows::{Direction, Flows};
use super::number;
use super::{Context, World};
use crate::lang::Span;
use crate::lang::ast::{Expr, Field, Layer, LayerBody, LayerKind, Pattern, Value};

/// Puts what a message implies into the headers outside it, where the script says nothing: UDP, ports, and the addresses of a
/// client that has none. `expected` says that the packet is compared with and not built.
pub(super) fn complete(layers: &mut Vec<Layer>, flows: &Flows, direction: Direction, expected: bool) {
    let is_message = |layer: &Layer| matches!(layer.kind, LayerKind::Dhcp | LayerKind::Dns);
    let Some(at) = layers.iter().position(is_message) else { return };
    let (kind, span) = (layers[at].kind, layers[at].span.clone());
    let transport = |layer: &Layer| matches!(layer.kind, LayerKind::Udp | LayerKind::Tcp);
    if !layers[..at].iter().any(transport) {
        layers.insert(at, plain(LayerKind::Udp, &span));
    }
    let implied = match kind {
        LayerKind::Dhcp => dhcp_ends(direction),
        _ => dns_ends(flows, direction, expected),
    };
    for (header, name, value) in implied {
        let outside = layers.iter_mut().find(|layer| match header {
            LayerKind::Ip => matches!(layer.kind, LayerKind::Ipv4 | LayerKind::Ipv6),
            header => layer.kind == header,
        });
        let Some(layer) = outside.filter(|layer| layer.fields.iter().all(|field| field.name != name)) else {
            continue;
        };
        layer.fields.push(implied_field(name, value, &span));
    }
}

/// A resolver's port before it has shown one.
const UNKNOWN_PORT: i64 = 40_000;

type Implied = Vec<(LayerKind, &'static str, Value)>;

fn port(number: i64) -> Value {
    Value::Number(Pattern::Is(Expr::Int(number)))
}

/// RFC 2131 section 4.1: a client without an address broadcasts; what a server sends reaches it by broadcast.
fn dhcp_ends(direction: Direction) -> Implied {
    let to = (LayerKind::Ip, "dst", Value::Name("255.255.255.255".to_string()));
    let ports = |sport, dport| {
        [(LayerKind::Udp, "sport", port(sport)), (LayerKind::Udp, "dport", port(dport))].into_iter()
    };
    match direction {
        Direction::Inbound => ports(67, 68).chain([to]).collect(),
        Direction::Outbound => {
            let from = (LayerKind::Ip, "src", Value::Name("0.0.0.0".to_string()));
            ports(68, 67).chain([from, to]).collect()
        }
    }
}

/// RFC 1035 section 4.2.1. A response goes back where the query came from.
fn dns_ends(flows: &Flows, direction: Direction, expected: bool) -> Implied {
    let query = flows.query();
    match direction {
        Direction::Outbound => {
            let own = match query.client {
                Some((_, client)) if !expected => port(client.into()),
                _ if !expected => port(UNKNOWN_PORT),
                _ => Value::Number(Pattern::Any),
            };
            vec![(LayerKind::Udp, "dport", port(53)), (LayerKind::Udp, "sport", own)]
        }
        Direction::Inbound => {
            let mut implied = vec![(LayerKind::Udp, "sport", port(53))];
            if let Some((address, client)) = query.client {
                implied.push((LayerKind::Udp, "dport", port(client.into())));
                implied.push((LayerKind::Ip, "dst", Value::Name(address.to_string())));
            }
            if let Some(server) = query.server {
                implied.push((LayerKind::Ip, "src", Value::Name(server.to_string())));
            }
            implied
        }
    }
}

fn implied_field(name: &str, value: Value, span: &Span) -> Field {
    Field { name: name.to_string(), value, span: span.clone() }
}

/// The fields of a message's header where nothing is said.
pub(super) fn defaults(
    cx: &Context<'_>,
    place: &Place,
    direction: Direction,
    layer: &Layer,
) -> Vec<(&'static str, u128)> {
    match &layer.body {
        LayerBody::Dhcp(_) => {
            let chaddr = number::mac_number(place.local_mac(cx.world));
            let mut values = usual_dhcp(direction, chaddr);
            values.push(("xid", cx.flows.transaction().into()));
            values
        }
        LayerBody::Dns(body) => {
            let response = u128::from(body.response);
            vec![("id", cx.flows.query().id.into()), ("qr", response), ("rd", 1), ("ra", response)]
        }
        _ => Vec::new(),
    }
}

/// RFC 2131 section 2: a client's message is a request, a server's a reply.
pub(super) fn usual_dhcp(direction: Direction, chaddr: u128) -> Vec<(&'static str, u128)> {
    let op = match direction {
        Direction::Outbound => 1,
        Direction::Inbound => 2,
    };
    vec![("op", op), ("htype", 1), ("hlen", 6), ("cookie", dhcp::COOKIE), ("chaddr", chaddr)]
}

/// What the stack's message must have where nothing is said.
pub(super) fn expected(world: &World, place: &Place, layer: &Layer) -> Vec<(&'static str, u128)> {
    match &layer.body {
        LayerBody::Dhcp(_) => {
            let chaddr = number::mac_number(place.local_mac(world));
            let mut values = usual_dhcp(Direction::Outbound, chaddr);
            values.extend([("hops", 0), ("ciaddr", 0), ("yiaddr", 0), ("siaddr", 0), ("giaddr", 0)]);
            values
        }
        LayerBody::Dns(body) => vec![("qr", u128::from(body.response)), ("opcode", 0), ("qdcount", 1)],
        _ => Vec::new(),
    }
}
