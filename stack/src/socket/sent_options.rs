//! IP_OPTIONS: the options that a socket's IPv4 datagrams carry (RFC 1122 3.2.1.8, 4.1.3.2).
//!
//! A source route is said as BSD has it: the routers in the order in which they are passed. The first is where the datagram
//! goes, the destination takes the last place (RFC 791 3.1).

use super::errno::Errno;
use crate::ip::option_writing::{record, stamp};
use crate::time::Instant;
use crate::wire::ipv4_options::{
    self, END, LOOSE_SOURCE_ROUTE, RECORD_ROUTE, STRICT_SOURCE_ROUTE, TIMESTAMP, options,
};
use std::net::Ipv4Addr;

/// The room that the header's length leaves for options.
const MOST: usize = 40;

/// The options of datagrams to send, as the user said them, padded.
#[derive(Clone, Debug, Default)]
pub(super) struct SentOptions(Vec<u8>);

impl SentOptions {
    /// What setsockopt is given; nothing takes the options away.
    pub(super) fn new(bytes: &[u8]) -> Result<SentOptions, Errno> {
        let mut bytes = bytes.to_vec();
        bytes.resize(bytes.len().next_multiple_of(4), END);
        let routed = |kind| matches!(kind, LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE);
        // A source route begins at its first place, and has at least that one.
        let fresh = options(&bytes).flatten().all(|o| {
            !routed(o.kind) || (o.bytes.get(2) == Some(&4) && o.bytes.len() >= 7 && o.bytes.len() % 4 == 3)
        });
        if bytes.len() > MOST || ipv4_options::check(&bytes).is_err() || !fresh {
            return Err(Errno::EINVAL);
        }
        Ok(SentOptions(bytes))
    }

    /// What getsockopt gives.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The options of a datagram from `own` to `destination`, and where it goes first. The sender's own place in Record
    /// Route and Timestamp is filled in (RFC 1122 3.2.1.8(d), (e)).
    pub(super) fn for_datagram(
        &self,
        now: Instant,
        own: Ipv4Addr,
        destination: Ipv4Addr,
    ) -> (Vec<u8>, Ipv4Addr) {
        let (mut bytes, mut first_hop) = (self.0.clone(), destination);
        for option in options(&self.0).flatten() {
            let place = &mut bytes[option.offset..option.offset + option.bytes.len()];
            match option.kind {
                RECORD_ROUTE => record(place, own),
                TIMESTAMP => stamp(now, place, own, |address| address == own),
                LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE => {
                    let [_, _, _, route @ ..] = place else { continue };
                    let Some([a, b, c, d]) = route.first_chunk().copied() else { continue };
                    first_hop = Ipv4Addr::new(a, b, c, d);
                    route.copy_within(4.., 0);
                    let last = route.len() - 4;
                    route[last..].copy_from_slice(&destination.octets());
                }
                _ => {}
            }
        }
        (bytes, first_hop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const TO: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 9);

    #[test]
    fn what_is_said_and_what_is_sent() {
        let check = |said: &[u8], sent: &[u8], first_hop: Ipv4Addr| {
            let options = SentOptions::new(said).expect("they are right");
            let now = Instant::from_millis(5);
            assert_eq!(options.for_datagram(now, OWN, TO), (sent.to_vec(), first_hop));
        };
        check(&[], &[], TO);
        check(&[136, 4, 1, 2], &[136, 4, 1, 2], TO);
        check(&[7, 7, 4, 0, 0, 0, 0], &[7, 7, 8, 192, 0, 2, 1, 0], TO);
        check(&[68, 8, 5, 0, 0, 0, 0, 0], &[68, 8, 9, 0, 0x80, 0, 0, 5], TO);
        let route = [131, 11, 4, 10, 0, 0, 1, 10, 0, 0, 2];
        check(&route, &[131, 11, 4, 10, 0, 0, 2, 198, 51, 100, 9, 0], Ipv4Addr::new(10, 0, 0, 1));
        check(&[137, 7, 4, 10, 0, 0, 1], &[137, 7, 4, 198, 51, 100, 9, 0], Ipv4Addr::new(10, 0, 0, 1));
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let wrong: [&[u8]; 5] =
            [&[0; 41], &[7, 2], &[131, 7, 8, 10, 0, 0, 1], &[131, 3, 4], &[131, 6, 4, 1, 2, 3]];
        wrong.iter().for_each(|bytes| assert!(SentOptions::new(bytes).is_err(), "{bytes:?}"));
    }
}
