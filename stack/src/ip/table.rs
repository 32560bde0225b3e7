//! The table of configured routes: sorted by prefix, each entry knowing the next shorter prefix around it, so that a
//! look-up is one binary search and a short walk outwards, whatever the number of routes. The search goes through the
//! first addresses alone, which lie close together, and ends at one entry: it is what they take from memory that a large table costs.

use crate::config::Route;
use core::cmp::Reverse;
use std::net::IpAddr;

/// One line of a cache.
#[derive(Debug)]
#[repr(align(64))]
struct Entry {
    route: Route,
    /// Counts up: of equal routes the older is better.
    age: u32,
    /// The entry that is to be tried where this one does not do.
    outer: Option<u32>,
}

impl Entry {
    /// First address of the prefix, then its length: prefixes stand behind those that contain them. The best of equal ones is last.
    fn key(&self) -> ((bool, u128, u8), Reverse<(u32, u32)>) {
        let destination = &self.route.destination;
        (key(destination.network(), destination.length), Reverse((self.route.metric, self.age)))
    }
}

const _: () = assert!(size_of::<Entry>() == 64);

/// Routes by longest prefix, then lowest metric, then age.
#[derive(Debug, Default)]
pub(crate) struct RouteTable {
    entries: Vec<Entry>,
    /// First addresses of the entries: those of IPv4, which come first, and those of IPv6.
    firsts4: Vec<u32>,
    firsts6: Vec<u128>,
    added: u32,
}

impl RouteTable {
    pub(crate) fn new(routes: &[Route]) -> RouteTable {
        let mut table = RouteTable::default();
        routes.iter().for_each(|route| table.push(*route));
        table.settle();
        table
    }

    pub(crate) fn add(&mut self, route: Route) {
        self.push(route);
        self.settle();
    }

    fn push(&mut self, route: Route) {
        self.entries.push(Entry { route, age: self.added, outer: None });
        self.added += 1;
    }

    /// Keeps the routes that `keep` wants; false where all were kept.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Route) -> bool) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| keep(&entry.route));
        self.settle();
        self.entries.len() < before
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.entries.iter().map(|entry| &entry.route)
    }

    /// The routes whose destinations include `address`, the best first.
    pub(crate) fn matching(&self, address: IpAddr) -> impl Iterator<Item = &Route> {
        let behind = match address {
            IpAddr::V4(a) => self.firsts4.partition_point(|first| *first <= u32::from(a)),
            IpAddr::V6(a) => {
                self.firsts4.len() + self.firsts6.partition_point(|first| *first <= u128::from(a))
            }
        };
        let mut next = behind.checked_sub(1);
        core::iter::from_fn(move || {
            loop {
                let entry = self.entries.get(next?)?;
                next = entry.outer.map(|at| at as usize);
                if entry.route.destination.contains(address) {
                    return Some(&entry.route);
                }
            }
        })
    }

    /// Sorts what has been added, and finds each entry's next outer one.
    fn settle(&mut self) {
        self.entries.sort_by_cached_key(Entry::key);
        let mut open: Vec<usize> = Vec::new();
        for at in 0..self.entries.len() {
            let first = self.entries[at].route.destination.address;
            while open.last().is_some_and(|o| !self.entries[*o].route.destination.contains(first)) {
                open.pop();
            }
            self.entries[at].outer = open.last().map(|outer| *outer as u32);
            open.push(at);
        }
        let networks = || self.entries.iter().map(|entry| entry.route.destination.network());
        let of4 = |address| if let IpAddr::V4(a) = address { Some(u32::from(a)) } else { None };
        let of6 = |address| if let IpAddr::V6(a) = address { Some(u128::from(a)) } else { None };
        (self.firsts4, self.firsts6) =
            (networks().filter_map(of4).collect(), networks().filter_map(of6).collect());
    }
}

fn key(address: IpAddr, length: u8) -> (bool, u128, u8) {
    match address {
        IpAddr::V4(a) => (false, u128::from(u32::from(a)), length),
        IpAddr::V6(a) => (true, u128::from(a), length),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Cidr;
    use super::*;

    fn route(prefix: &str, interface: usize, metric: u32) -> Route {
        let (address, length) = prefix.split_once('/').unwrap();
        let destination = Cidr { address: address.parse().unwrap(), length: length.parse().unwrap() };
        Route { destination, gateway: None, interface, metric }
    }

    fn check(routes: &[Route], address: &str, expected: &[usize]) {
        let table = RouteTable::new(routes);
        let found: Vec<usize> = table.matching(address.parse().unwrap()).map(|r| r.interface).collect();
        assert_eq!(found, expected, "{address}");
    }

    #[test]
    fn the_longest_prefix_then_the_metric_then_the_age() {
        let routes = [
            route("0.0.0.0/0", 0, 0),
            route("10.0.0.0/8", 1, 5),
            route("10.1.0.0/16", 2, 0),
            route("10.0.0.0/8", 3, 1),
            route("10.0.0.0/8", 4, 1),
            route("10.1.2.3/32", 5, 9),
            route("::/0", 6, 0),
        ];
        check(&routes, "10.1.2.3", &[5, 2, 3, 4, 1, 0]);
        check(&routes, "10.1.2.4", &[2, 3, 4, 1, 0]);
        check(&routes, "10.2.0.0", &[3, 4, 1, 0]);
        check(&routes, "9.255.255.255", &[0]);
        check(&routes, "2001:db8::1", &[6]);
        check(&[], "10.1.2.3", &[]);
    }

    #[test]
    fn agrees_with_looking_at_all() {
        let mut rng = crate::rng::Rng::new(7);
        let mut random = |bits: u32| rng.next_u32() & bits;
        let routes: Vec<Route> = (0..300)
            .map(|interface| {
                let address = IpAddr::from((random(0xc0c0_c0c0)).to_be_bytes());
                let length = (random(0xff) % 33) as u8;
                Route { destination: Cidr { address, length }, gateway: None, interface, metric: random(3) }
            })
            .collect();
        let table = RouteTable::new(&routes);
        for _ in 0..500 {
            let address = IpAddr::from((random(0xc1c0_c0c0)).to_be_bytes());
            let mut all: Vec<&Route> = routes.iter().filter(|r| r.destination.contains(address)).collect();
            all.sort_by_key(|r| (Reverse(r.destination.length), r.metric, r.interface));
            assert!(table.matching(address).eq(all), "{address}");
        }
    }
}
