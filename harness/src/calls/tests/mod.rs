//! Calls as scripts write them, played against outcomes that are made up.

mod data;
mod errors;
mod forms;
mod script;

use super::{CallContext, Descriptors, check, prepare};
use crate::lang::Error;
use crate::packet::{Host, Mismatch, Variables, World};
use crate::sut::{Call, Errno, Family, Interface, MacAddress, Medium, Outcome, Output, Prefix, Rules, Setup};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A run without a stack.
struct Session {
    rules: Rules,
    world: World,
    variables: Variables,
    descriptors: Descriptors,
}

impl Session {
    fn new(rules: Rules, family: Family) -> Session {
        let (local, remote) = match family {
            Family::Ipv6 => ("fd3d:0a0b:17d6::1", "fd3d:fa7b:d17d::1"),
            _ => ("192.168.0.1", "192.0.2.1"),
        };
        let (local, remote): (IpAddr, IpAddr) = (local.parse().unwrap(), remote.parse().unwrap());
        let mac = MacAddress([2, 0, 0, 0, 0, 1]);
        let addresses = vec![Prefix { address: local, length: 16 }];
        let interface =
            Interface { name: "eth0".into(), medium: Medium::Ethernet, mtu: 1500, mac, addresses };
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
        let host = Host { name: "REMOTE".into(), addresses: vec![remote], mac, interface: 0 };
        let world = World { setup, local, remote, hosts: vec![host], local_port: 8080, remote_port: 8080 };
        Session { rules, world, variables: Variables::new(), descriptors: Descriptors::default() }
    }

    /// Our rules, IPv4, a listener on 3 (stack's 103) and a connection on 4 (104).
    fn ours() -> Session {
        Session::new(Rules::Ours, Family::Ipv4).connected()
    }

    /// packetdrill's rules, IPv4, the same descriptors.
    fn upstream() -> Session {
        Session::new(Rules::Packetdrill, Family::Ipv4).connected()
    }

    fn connected(mut self) -> Session {
        self.passes("socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", Outcome::value(103));
        self.passes("listen(3, 1) = 0", Outcome::value(0));
        self.passes("accept(3, ..., ...) = 4", Outcome::value(104));
        self
    }

    fn cx(&mut self) -> CallContext<'_> {
        CallContext {
            rules: self.rules,
            world: &self.world,
            variables: &mut self.variables,
            descriptors: &mut self.descriptors,
        }
    }

    /// The call that a line makes.
    fn call(&mut self, line: &str) -> Result<Call, Error> {
        prepare(&mut self.cx(), &script::parse(line)).map(|p| p.call)
    }

    /// Plays a line and says how its comparison ends.
    fn play(&mut self, line: &str, outcome: &Outcome) -> Result<(), Mismatch> {
        let spec = script::parse(line);
        let mut cx = self.cx();
        let prepared = prepare(&mut cx, &spec).unwrap_or_else(|e| panic!("{line}\n{e}"));
        check(&mut cx, &spec, &prepared, outcome).unwrap_or_else(|e| panic!("{line}\n{e}"))
    }

    fn passes(&mut self, line: &str, outcome: Outcome) {
        if let Err(mismatch) = self.play(line, &outcome) {
            panic!("{line}: {mismatch:?}");
        }
    }

    /// The line fails in this field, as (field, expected, found).
    fn differs(&mut self, line: &str, outcome: Outcome, expected: (&str, &str, &str)) {
        let mismatch = self.play(line, &outcome).expect_err(line);
        let found = (mismatch.field.as_str(), mismatch.expected.as_str(), mismatch.found.as_str());
        assert_eq!(found, expected, "{line}");
    }
}

fn with(value: i64, output: Output) -> Outcome {
    Outcome { result: Ok(value), output }
}

fn failed(name: &str) -> Outcome {
    let errno = crate::abi::errno(name).unwrap_or_else(|| panic!("{name}"));
    Outcome { result: Err(Errno(errno)), output: Output::None }
}
