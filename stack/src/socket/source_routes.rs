//! Source routes of connections (RFC 9293 3.9.2.1): the one that the user has set (MUST-51) or, of a connection that the peer
//! opened, the way back by which its last routed segment came (MUST-53, SHLD-24), never instead of the user's (MUST-52).

use super::options::Options;
use super::sent_options::SentOptions;
use crate::host::Host;
use crate::tcp::ConnectionId;
use crate::time::Instant;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

/// Ways back that are remembered at once.
const MAX_WAYS_BACK: usize = 1024;

/// IP options as they go out, padded, and the address to which the segment goes first.
pub(crate) type Routed = (Vec<u8>, Ipv4Addr);

/// The IP options of connections that have some.
#[derive(Debug, Default)]
pub(super) struct SourceRoutes {
    set: BTreeMap<ConnectionId, SentOptions>,
    back: BTreeMap<ConnectionId, Routed>,
}

impl SourceRoutes {
    pub(super) fn forget(&mut self, id: ConnectionId) {
        self.set.remove(&id);
        self.back.remove(&id);
    }

    fn len(&self, id: ConnectionId) -> usize {
        let back = || self.back.get(&id).map(|(bytes, _)| bytes.len());
        self.set.get(&id).map(|set| set.bytes().len()).or_else(back).unwrap_or(0)
    }
}

impl Host {
    /// Tells the layers below what a socket's options say of its connection's segments.
    pub(super) fn mark_connection(&mut self, id: ConnectionId, options: &Options) {
        self.sockets.mark(id, options);
        let routes = &mut self.sockets.routes;
        if options.sent_options.bytes().is_empty() {
            routes.set.remove(&id);
        } else {
            routes.set.insert(id, options.sent_options.clone());
        }
        self.tcp.carry_ip_options(id, routes.len(id));
    }

    /// A segment came by a source route that ends here.
    pub(crate) fn came_by_route(&mut self, local: SocketAddr, remote: SocketAddr, back: Routed) {
        let Some(id) = self.tcp.opened_by_peer(local, remote) else { return };
        let routes = &mut self.sockets.routes;
        if routes.back.len() >= MAX_WAYS_BACK {
            routes.back.retain(|id, _| self.tcp.exists(*id));
        }
        if routes.back.len() < MAX_WAYS_BACK || routes.back.contains_key(&id) {
            routes.back.insert(id, back);
        }
        self.tcp.carry_ip_options(id, routes.len(id));
    }

    /// The options of a segment between these addresses, where its connection has some.
    pub(crate) fn routed(
        &self,
        now: Instant,
        id: Option<ConnectionId>,
        own: Ipv4Addr,
        to: Ipv4Addr,
    ) -> Option<Routed> {
        let (id, routes) = (id?, &self.sockets.routes);
        if routes.set.is_empty() && routes.back.is_empty() {
            return None;
        }
        match routes.set.get(&id) {
            Some(set) => Some(set.for_datagram(now, own, to)),
            None => routes.back.get(&id).cloned(),
        }
    }
}
