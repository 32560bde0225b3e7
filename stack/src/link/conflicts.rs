//! Another station claims an address of this host (RFC 5227 2.4). Addresses are configured and not given up, so policy (c)
//! holds: each is defended, once in [`DEFEND_INTERVAL`].

use crate::time::Instant;
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// RFC 5227 1.1.
const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

/// When each address of an interface was defended last. There is an entry for own addresses alone, so it is bounded.
#[derive(Debug, Default)]
pub(crate) struct Conflicts {
    defended: BTreeMap<Ipv4Addr, Instant>,
}

impl Conflicts {
    /// A conflicting packet has come for `address`, which is this host's: whether to announce it now.
    pub(crate) fn defend(&mut self, now: Instant, address: Ipv4Addr) -> bool {
        let recent =
            self.defended.get(&address).is_some_and(|at| now.saturating_since(*at) < DEFEND_INTERVAL);
        if !recent {
            self.defended.insert(address, now);
        }
        !recent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_in_ten_seconds_for_each_address() {
        let (mut conflicts, a, b) =
            (Conflicts::default(), Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 9));
        let defends = |conflicts: &mut Conflicts, seconds, address| {
            conflicts.defend(Instant::from_secs(seconds), address)
        };
        assert!(defends(&mut conflicts, 1, a));
        assert!(!defends(&mut conflicts, 10, a));
        assert!(defends(&mut conflicts, 10, b));
        assert!(defends(&mut conflicts, 11, a));
    }
}
