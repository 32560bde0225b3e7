//! Answers to solicitations for anycast addresses, which other nodes answer as well: they wait for a time drawn by chance,
//! and replace nothing that is known (RFC 4861 7.2.7).

use super::autoconf::random_within;
use super::discovery::Reach;
use super::interface::ALL_NODES;
use crate::network::Network;
use crate::time::Instant;
use crate::wire::ndp::{Message, Options};
use core::time::Duration;
use std::net::Ipv6Addr;

/// MAX_ANYCAST_DELAY_TIME (RFC 4861 10).
const MOST_DELAY: Duration = Duration::from_secs(1);
/// Answers that wait on one interface; further questions are asked again.
const MOST: usize = 64;

#[derive(Debug)]
struct Answer {
    at: Instant,
    target: Ipv6Addr,
    /// Who has asked; the unspecified address is that of a test.
    asker: Ipv6Addr,
}

/// The answers that wait on one interface.
#[derive(Debug, Default)]
pub(crate) struct Answers(Vec<Answer>);

impl Answers {
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.0.iter().map(|answer| answer.at).min()
    }
}

impl Network {
    /// A solicitation for an anycast address is to be answered, a little later.
    pub(super) fn anycast_solicited(
        &mut self,
        now: Instant,
        interface: usize,
        target: Ipv6Addr,
        asker: Ipv6Addr,
    ) {
        let at = now + random_within(&mut self.rng, MOST_DELAY);
        let Some(link) = self.interfaces.get_mut(interface) else { return };
        if link.anycast.0.len() < MOST {
            link.anycast.0.push(Answer { at, target, asker });
        }
    }

    /// Sends the answers that are due.
    pub(crate) fn poll_anycast(&mut self, now: Instant) {
        for interface in 0..self.interfaces.len() {
            let waiting = &mut self.interfaces[interface].anycast.0;
            let due: Vec<Answer> = waiting.extract_if(.., |answer| answer.at <= now).collect();
            due.into_iter().for_each(|answer| self.answer_for_anycast(now, interface, &answer));
        }
    }

    fn answer_for_anycast(&mut self, now: Instant, interface: usize, answer: &Answer) {
        let Some(link) = self.interfaces.get(interface) else { return };
        let (target, solicited) = (answer.target, !answer.asker.is_unspecified());
        // What an anycast address names is no source of a packet that others answer to: an own address is.
        let Some(source) = link.link_local() else { return };
        let options = Options { target_link: Some(link.mac), ..Options::default() };
        let (router, override_flag) = (link.forwards, false);
        let message = Message::NeighbourAdvertisement { router, solicited, override_flag, target, options };
        let destination = if solicited { answer.asker } else { ALL_NODES };
        self.send_discovery(interface, source, destination, &message, Reach::Resolve(now));
    }
}
