//! Scripts' packets made by hand, and a world to play them in.

use super::{Context, Flows, Host, Variables, World, build, describe, matches};
use crate::lang::ast::*;
use crate::lang::{SourceFile, Span};
use crate::sut::{Family, Interface, MacAddress, Medium, Prefix, Rules, Setup};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

pub(super) const LOCAL_MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
pub(super) const REMOTE_MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);

pub(super) fn world(family: Family, medium: Medium, rules: Rules) -> World {
    let v6 = family == Family::Ipv6;
    let address = |v4: &str, v6_text: &str| -> IpAddr { if v6 { v6_text } else { v4 }.parse().unwrap() };
    let (local, remote) = (address("192.0.2.1", "2001:db8::1"), address("192.0.2.2", "2001:db8::2"));
    let interface = Interface {
        name: "eth0".to_string(),
        medium,
        mtu: 1500,
        mac: LOCAL_MAC,
        addresses: vec![Prefix { address: local, length: if v6 { 64 } else { 24 } }],
    };
    let setup = Setup {
        rules,
        family,
        interfaces: vec![interface],
        routes: Vec::new(),
        neighbours: Vec::new(),
        forwarding: false,
        settings: BTreeMap::new(),
        seed: 0,
    };
    let peer = Host { name: "REMOTE".to_string(), addresses: vec![remote], mac: REMOTE_MAC, interface: 0 };
    World { setup, local, remote, hosts: vec![peer], local_port: 8080, remote_port: 40000 }
}

pub(super) fn span() -> Span {
    let text = "+0 > packet".to_string();
    Span { file: Arc::new(SourceFile { path: "test.pkt".into(), text }), start: 3, end: 11 }
}

pub(super) fn is(value: i64) -> Pattern {
    Pattern::Is(Expr::Int(value))
}

pub(super) fn variable(name: &str) -> Pattern {
    Pattern::Is(Expr::Variable(name.to_string()))
}

pub(super) fn field(name: &str, value: Value) -> Field {
    Field { name: name.to_string(), value, span: span() }
}

pub(super) fn number(name: &str, value: i64) -> Field {
    field(name, Value::Number(is(value)))
}

pub(super) fn name(name: &str, value: &str) -> Field {
    field(name, Value::Name(value.to_string()))
}

pub(super) fn layer(kind: LayerKind, fields: Vec<Field>) -> Layer {
    Layer { kind, fields, body: LayerBody::Plain, span: span() }
}

pub(super) fn payload(length: i64) -> Layer {
    Layer { body: LayerBody::Payload(Payload::Length(is(length))), ..layer(LayerKind::Payload, Vec::new()) }
}

/// `flags seq:…(…) ack … win …`; ack and win where they are not negative.
pub(super) fn tcp(flags: u16, seq: i64, ack: i64, win: i64, options: TcpOptions) -> Layer {
    let mut fields = vec![number("seq", seq)];
    fields.extend((ack >= 0).then(|| number("ack", ack)));
    fields.extend((win >= 0).then(|| number("win", win)));
    let flags = Flags { set: flags, open: 0, ace: None };
    Layer { body: LayerBody::Tcp { flags, options, end: None }, ..layer(LayerKind::Tcp, fields) }
}

pub(super) fn packet(layers: Vec<Layer>) -> Packet {
    Packet { interface: None, layers, span: span() }
}

/// A run: what the harness and the stack say to each other.
pub(super) struct Run {
    pub(super) world: World,
    pub(super) variables: Variables,
    pub(super) flows: Flows,
}

impl Run {
    pub(super) fn new(family: Family, medium: Medium, rules: Rules) -> Run {
        Run { world: world(family, medium, rules), variables: Variables::new(), flows: Flows::default() }
    }

    pub(super) fn context(&mut self) -> Context<'_> {
        Context {
            rules: self.world.setup.rules,
            world: &self.world,
            variables: &mut self.variables,
            flows: &mut self.flows,
        }
    }

    pub(super) fn medium(&self) -> Medium {
        self.world.setup.interfaces[0].medium
    }

    #[track_caller]
    pub(super) fn build(&mut self, layers: Vec<Layer>) -> Vec<u8> {
        build(&mut self.context(), &packet(layers)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The frame that the stack would send.
    #[track_caller]
    pub(super) fn outbound(&mut self, layers: Vec<Layer>) -> Vec<u8> {
        super::build_outbound(&mut self.context(), &packet(layers)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The field that differs, with what is expected and found; empty where the frame matches.
    #[track_caller]
    pub(super) fn matching(&mut self, layers: Vec<Layer>, frame: &[u8]) -> String {
        let medium = self.medium();
        match matches(&mut self.context(), &packet(layers), medium, frame) {
            Ok(Ok(())) => String::new(),
            Ok(Err(m)) => format!("{}: {} / {}", m.field, m.expected, m.found),
            Err(error) => panic!("{error}"),
        }
    }

    pub(super) fn describe(&self, frame: &[u8]) -> String {
        describe(&self.world, &self.flows, self.medium(), frame)
    }
}
