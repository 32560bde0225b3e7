//! The labs. Addresses are documentation's: 192.0.2.0/24 (RFC 5737) in four networks, and networks of 2001:db8::/32 (RFC 3849).

use super::Expected::{Path, Reply, Silence, Unreachable};
use super::{Check, Lab, Node, Why};

const fn host(
    name: &'static str,
    addresses: &'static [(usize, &'static [&'static str])],
    routes: &'static [(&'static str, &'static str)],
) -> Node {
    Node { name, is_router: false, interfaces: addresses, routes }
}

const fn router(
    name: &'static str,
    interfaces: &'static [(usize, &'static [&'static str])],
    routes: &'static [(&'static str, &'static str)],
) -> Node {
    Node { name, is_router: true, interfaces, routes }
}

const fn check(from: &'static str, to: &'static str, finds: super::Expected) -> Check {
    Check { from, to, finds }
}

/// a, on the first network.
const A: Node = host(
    "a",
    &[(0, &["192.0.2.1/26", "2001:db8:0:1::1/64"])],
    &[("0.0.0.0/0", "192.0.2.62"), ("::/0", "2001:db8:0:1::62")],
);

/// b, behind two routers.
const FAR_B: Node = host(
    "b",
    &[(2, &["192.0.2.129/26", "2001:db8:0:3::1/64"])],
    &[("0.0.0.0/0", "192.0.2.190"), ("::/0", "2001:db8:0:3::62")],
);

/// The interfaces of the first of two routers, and of the second.
const FIRST: &[(usize, &[&str])] =
    &[(0, &["192.0.2.62/26", "2001:db8:0:1::62/64"]), (1, &["192.0.2.65/26", "2001:db8:0:2::1/64"])];
const SECOND: &[(usize, &[&str])] =
    &[(1, &["192.0.2.126/26", "2001:db8:0:2::62/64"]), (2, &["192.0.2.190/26", "2001:db8:0:3::62/64"])];

/// Every lab.
pub const LABS: &[Lab] = &[
    Lab {
        name: "link",
        about: "a — b: two hosts on one link",
        nodes: &[
            host("a", &[(0, &["192.0.2.1/24", "2001:db8::1/64"])], &[]),
            host("b", &[(0, &["192.0.2.2/24", "2001:db8::2/64"])], &[]),
        ],
        checks: &[
            check("a", "192.0.2.2", Reply),
            check("a", "2001:db8::2", Reply),
            check("b", "192.0.2.1", Reply),
            check("b", "2001:db8::1", Reply),
            check("a", "192.0.2.2", Path(&[])),
            check("b", "2001:db8::1", Path(&[])),
            check("a", "192.0.2.9", Unreachable("192.0.2.1", Why::Host)),
            check("b", "2001:db8::9", Unreachable("2001:db8::2", Why::Host)),
        ],
    },
    Lab {
        name: "router",
        about: "a — r — b: a router between two networks",
        nodes: &[
            A,
            router(
                "r",
                &[
                    (0, &["192.0.2.62/26", "2001:db8:0:1::62/64"]),
                    (1, &["192.0.2.126/26", "2001:db8:0:2::62/64"]),
                ],
                &[],
            ),
            host(
                "b",
                &[(1, &["192.0.2.65/26", "2001:db8:0:2::1/64"])],
                &[("0.0.0.0/0", "192.0.2.126"), ("::/0", "2001:db8:0:2::62")],
            ),
        ],
        checks: &[
            check("a", "192.0.2.65", Reply),
            check("b", "2001:db8:0:1::1", Reply),
            check("a", "192.0.2.126", Reply),
            check("a", "192.0.2.65", Path(&["192.0.2.62"])),
            check("a", "2001:db8:0:2::1", Path(&["2001:db8:0:1::62"])),
            check("b", "192.0.2.1", Path(&["192.0.2.126"])),
            check("b", "2001:db8:0:1::1", Path(&["2001:db8:0:2::62"])),
            check("a", "192.0.2.70", Unreachable("192.0.2.62", Why::Host)),
            check("a", "2001:db8:0:2::70", Unreachable("2001:db8:0:1::62", Why::Host)),
            check("a", "192.0.2.200", Unreachable("192.0.2.62", Why::Network)),
            check("b", "2001:db8:0:9::1", Unreachable("2001:db8:0:2::62", Why::Network)),
        ],
    },
    Lab {
        name: "static-routes",
        about: "a — r — s — b: two routers that know each other's networks",
        nodes: &[
            A,
            router(
                "r",
                FIRST,
                &[("192.0.2.128/26", "192.0.2.126"), ("2001:db8:0:3::/64", "2001:db8:0:2::62")],
            ),
            router("s", SECOND, &[("192.0.2.0/26", "192.0.2.65"), ("2001:db8:0:1::/64", "2001:db8:0:2::1")]),
            FAR_B,
        ],
        checks: &[
            check("a", "192.0.2.129", Reply),
            check("b", "2001:db8:0:1::1", Reply),
            check("a", "192.0.2.129", Path(&["192.0.2.62", "192.0.2.126"])),
            check("a", "2001:db8:0:3::1", Path(&["2001:db8:0:1::62", "2001:db8:0:2::62"])),
            check("b", "192.0.2.1", Path(&["192.0.2.190", "192.0.2.65"])),
            check("b", "2001:db8:0:1::1", Path(&["2001:db8:0:3::62", "2001:db8:0:2::1"])),
            check("a", "192.0.2.140", Unreachable("192.0.2.126", Why::Host)),
            check("a", "2001:db8:0:3::70", Unreachable("2001:db8:0:2::62", Why::Host)),
            check("b", "192.0.2.200", Unreachable("192.0.2.190", Why::Network)),
            check("a", "2001:db8:0:9::1", Unreachable("2001:db8:0:1::62", Why::Network)),
        ],
    },
    Lab {
        name: "no-routes",
        about: "a — r — s — b: two routers that know their own links alone",
        nodes: &[A, router("r", FIRST, &[]), router("s", SECOND, &[]), FAR_B],
        checks: &[
            check("a", "192.0.2.129", Unreachable("192.0.2.62", Why::Network)),
            check("a", "2001:db8:0:3::1", Unreachable("2001:db8:0:1::62", Why::Network)),
            check("b", "192.0.2.1", Unreachable("192.0.2.190", Why::Network)),
            check("b", "2001:db8:0:1::1", Unreachable("2001:db8:0:3::62", Why::Network)),
            check("a", "192.0.2.65", Reply),
            check("b", "192.0.2.126", Reply),
            // It gets there, and the way back is missing.
            check("a", "192.0.2.126", Silence),
            check("a", "2001:db8:0:2::62", Silence),
        ],
    },
];
