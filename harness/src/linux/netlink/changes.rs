//! What the commands of scripts change: routes with metrics, queueing disciplines, cached metrics.

use super::{
    CREATE, EXCLUSIVE, Netlink, REPLACE, RTA_DST, RTA_GATEWAY, RTA_OIF, Request, TC_H_ROOT, TCA_KIND, family,
    octets, terminated,
};
use crate::sut::Prefix;
use std::io;
use std::net::IpAddr;

const RTA_METRICS: u16 = 8;
const RTAX_LOCK: u16 = 1;
const TCA_OPTIONS: u16 = 2;
/// struct genlmsghdr's command and version.
const CTRL_CMD_GETFAMILY: [u8; 4] = [3, 1, 0, 0];
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;
const GENL_ID_CTRL: u16 = 16;
const TCP_METRICS_CMD_DEL: [u8; 4] = [2, 1, 0, 0];

/// What is done with what may be there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::linux) enum Change {
    /// There must be none.
    Add,
    /// There must be one.
    Alter,
    /// There may be one.
    Replace,
    /// It is taken away.
    Delete,
}

impl Change {
    /// The kind of the message and its flags.
    fn message(self, new: u16, delete: u16) -> (u16, u16) {
        match self {
            Change::Add => (new, CREATE | EXCLUSIVE),
            Change::Alter => (new, REPLACE),
            Change::Replace => (new, CREATE | REPLACE),
            Change::Delete => (delete, 0),
        }
    }
}

/// A route with what it says of connections over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::linux) struct Route {
    /// Where it leads.
    pub(in crate::linux) destination: Prefix,
    /// Over which router.
    pub(in crate::linux) gateway: Option<IpAddr>,
    /// Out of which interface, by its index.
    pub(in crate::linux) device: Option<u32>,
    /// RTAX_… and values.
    pub(in crate::linux) metrics: Vec<(u16, u32)>,
    /// A bit for each metric that discovery leaves alone.
    pub(in crate::linux) locked: u32,
}

/// A queueing discipline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::linux) struct Qdisc<'a> {
    /// Its kind; the one that is there where none is named.
    pub(in crate::linux) kind: Option<&'a str>,
    /// Of a simple queue: how much it holds.
    pub(in crate::linux) limit: Option<u32>,
}

impl Netlink {
    /// Changes a route of the main table.
    pub(in crate::linux) fn change_route(&mut self, change: Change, route: &Route) -> io::Result<()> {
        let Route { destination, gateway, device, metrics, locked } = route;
        let (kind, flags) = change.message(libc::RTM_NEWROUTE, libc::RTM_DELROUTE);
        let is_linked = gateway.is_none() && destination.address.is_ipv4();
        // rtm_scope: RT_SCOPE_LINK on the link, else RT_SCOPE_UNIVERSE; what is deleted may have any (RT_SCOPE_NOWHERE). Table main;
        // RTPROT_BOOT and RTN_UNICAST as ip has them.
        let (scope, protocol, route_type) = match change {
            Change::Delete => (255, 0, 0),
            _ => (if is_linked { 253 } else { 0 }, 3, 1),
        };
        let mut header =
            vec![family(destination.address), destination.length, 0, 0, 254, protocol, scope, route_type];
        header.extend_from_slice(&0u32.to_ne_bytes());
        let mut request = Request::new(kind, flags, &header);
        if destination.length > 0 {
            request = request.attribute(RTA_DST, &octets(destination.address));
        }
        if let Some(gateway) = gateway {
            request = request.attribute(RTA_GATEWAY, &octets(*gateway));
        }
        if let Some(device) = device {
            request = request.attribute(RTA_OIF, &device.to_ne_bytes());
        }
        if !metrics.is_empty() {
            request = request.nest(RTA_METRICS, |mut nest| {
                if *locked != 0 {
                    nest = nest.attribute(RTAX_LOCK, &locked.to_ne_bytes());
                }
                metrics.iter().fold(nest, |nest, (name, value)| nest.attribute(*name, &value.to_ne_bytes()))
            });
        }
        self.ask(request)
    }

    /// Changes the queueing discipline at the root of a link.
    pub(in crate::linux) fn change_qdisc(
        &mut self,
        change: Change,
        device: u32,
        qdisc: Qdisc<'_>,
    ) -> io::Result<()> {
        let (kind, flags) = change.message(libc::RTM_NEWQDISC, libc::RTM_DELQDISC);
        let mut header = vec![0; 4];
        header.extend_from_slice(&device.to_ne_bytes());
        header.extend_from_slice(&0u32.to_ne_bytes());
        header.extend_from_slice(&TC_H_ROOT.to_ne_bytes());
        header.extend_from_slice(&0u32.to_ne_bytes());
        let mut request = Request::new(kind, flags, &header);
        if let Some(kind) = qdisc.kind {
            request = request.attribute(TCA_KIND, &terminated(kind));
        }
        // struct tc_fifo_qopt
        if let Some(limit) = qdisc.limit {
            request = request.attribute(TCA_OPTIONS, &limit.to_ne_bytes());
        }
        self.ask(request)
    }

    /// Forgets what the calling thread's namespace remembers of earlier connections.
    pub(in crate::linux) fn flush_tcp_metrics() -> io::Result<()> {
        let mut generic = Netlink::open_protocol(libc::NETLINK_GENERIC)?;
        let name = Request::new(GENL_ID_CTRL, 0, &CTRL_CMD_GETFAMILY)
            .attribute(CTRL_ATTR_FAMILY_NAME, &terminated("tcp_metrics"));
        let answer = generic.ask_for(name)?;
        let family = attribute(answer.get(4..).unwrap_or_default(), CTRL_ATTR_FAMILY_ID);
        let family = family.and_then(|id| Some(u16::from_ne_bytes(id.get(..2)?.try_into().ok()?)));
        let family = family.ok_or_else(|| io::Error::other("tcp_metrics has no number"))?;
        generic.ask(Request::new(family, 0, &TCP_METRICS_CMD_DEL))
    }
}

/// The value of the first attribute of that kind.
fn attribute(mut attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    while let [a, b, c, d, ..] = *attributes {
        let length = usize::from(u16::from_ne_bytes([a, b]));
        let value = attributes.get(4..length)?;
        if u16::from_ne_bytes([c, d]) == wanted {
            return Some(value);
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_and_broken_ones_end_the_search() {
        let request = Request::new(0, 0, &[]).attribute(2, b"abc").attribute(1, &[7, 0]);
        let attributes = &request.bytes[16..];
        assert_eq!(attribute(attributes, 1), Some(&[7, 0][..]));
        assert_eq!(attribute(attributes, 2), Some(&b"abc"[..]));
        assert_eq!(attribute(attributes, 3), None);
        assert_eq!(attribute(&[0, 0, 1, 0, 5], 1), None, "a length below its own");
        assert_eq!(attribute(&[9, 0, 1, 0, 5], 1), None, "a length beyond the end");
    }
}
