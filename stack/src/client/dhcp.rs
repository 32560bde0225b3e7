//! The states of a DHCP client (RFC 2131 4.4, figure 5).

use super::dhcp_messages::Fields;
use super::lease::{Lease, Parameters};
use super::probe::{self, Probe, random};
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::MacAddress;
use crate::wire::arp::Packet;
use crate::wire::dhcpv4::{Kind, Message, REPLY, option};
use core::time::Duration;
use std::net::Ipv4Addr;

/// RFC 2131 4.4.1: before the first DISCOVER pass 1 to 10 s, by chance.
const FIRST_WAIT: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];
/// RFC 2131 4.1: 4 s before the first retransmission, twice as much before each further one, up to 64 s.
const FIRST_RETRANSMISSION: Duration = Duration::from_secs(4);
const LAST_DOUBLING: u32 = 4;
/// Each of these differs by up to so much either way.
const JITTER: Duration = Duration::from_secs(1);
/// RFC 2131 3.1: so often a REQUEST is sent, which takes 60 s, and so often an INFORM (4.4.3).
const ATTEMPTS: u32 = 4;
/// RFC 2131 3.1: so long a client waits after an address was in use.
const AFTER_DECLINE: Duration = Duration::from_secs(10);
/// RFC 2131 4.4.5: renewals are not closer together.
const LEAST_RENEWAL_GAP: Duration = Duration::from_secs(60);

/// What the client asks its host to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Send a message from the client's port to the server's.
    Send { message: Message, from: Ipv4Addr, to: Ipv4Addr },
    /// Ask by ARP who has the address, as one who has none.
    Probe(Ipv4Addr),
    /// Tell by ARP that this host has the address.
    Announce(Ipv4Addr),
    /// Use the lease, in place of the one before.
    Configure(Lease),
    /// Use no lease any more. What still uses its address ends without another packet.
    Deconfigure,
    /// Use parameters with the address that there is.
    Inform(Parameters),
}

/// An offer that was chosen.
#[derive(Clone, Copy, Debug)]
struct Offer {
    address: Ipv4Addr,
    server: Ipv4Addr,
}

/// RFC 2131 figure 5, and what it leaves out.
#[derive(Debug)]
enum State {
    /// The client has not been started.
    Stopped,
    /// INIT, waiting to begin.
    Init,
    Selecting {
        attempt: u32,
    },
    Requesting {
        offer: Offer,
        attempt: u32,
    },
    Rebooting {
        attempt: u32,
    },
    /// Between the ACK and BOUND: the address is probed for.
    Checking {
        probe: Probe,
    },
    /// BOUND; so many announcements are still due.
    Bound {
        announcements: u32,
    },
    Renewing,
    Rebinding,
    /// INFORM was sent from this address.
    Informing {
        address: Ipv4Addr,
        attempt: u32,
    },
}

/// The client of one interface.
#[derive(Debug)]
pub(super) struct Client {
    mac: MacAddress,
    mtu: u16,
    rng: Rng,
    state: State,
    /// When something is due.
    deadline: Option<Instant>,
    /// The lease in use, or the last one, which a client that begins again asks for.
    lease: Option<Lease>,
    /// The address of a lease that has ended, which the client suggests to servers (RFC 2131 3.1).
    former: Option<Ipv4Addr>,
    xid: u32,
    /// When the client began to look for an address.
    began: Instant,
    /// `secs` of the last DISCOVER, which the REQUEST repeats (RFC 2131 3.1).
    secs: u16,
    /// When the request that is under way was first sent: a lease counts from there.
    asked: Instant,
    conflicts: u32,
    actions: Vec<Action>,
}

impl Client {
    pub(super) fn new(mac: MacAddress, mtu: u16, seed: u64) -> Client {
        Client {
            mac,
            mtu,
            rng: Rng::new(seed),
            state: State::Stopped,
            deadline: None,
            lease: None,
            former: None,
            xid: 0,
            began: Instant::ZERO,
            secs: 0,
            asked: Instant::ZERO,
            conflicts: 0,
            actions: Vec::new(),
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadline
    }

    pub(super) fn take_actions(&mut self) -> Vec<Action> {
        core::mem::take(&mut self.actions)
    }

    /// Whether the client waits for messages.
    pub(super) fn listens(&self) -> bool {
        !matches!(self.state, State::Stopped)
    }

    /// Begins, with the last lease where it has not ended (INIT-REBOOT), or without one (INIT).
    pub(super) fn start(&mut self, now: Instant) {
        self.halt();
        self.began = now;
        match self.lease.take_if(|lease| !lease.holds(now)) {
            None if self.lease.is_some() => {
                self.xid = self.rng.next_u32();
                self.asked = now;
                self.secs = 0;
                self.reboot(now, 0);
            }
            _ => self.init(now, Duration::ZERO),
        }
    }

    /// Ends without a word; the lease is remembered.
    pub(super) fn stop(&mut self) {
        self.halt();
        self.state = State::Stopped;
        self.deadline = None;
    }

    /// Gives the lease back (RFC 2131 4.4.6) and ends.
    pub(super) fn release(&mut self) {
        let xid = self.rng.next_u32();
        if let Some(lease) = self.lease.take().filter(|_| self.is_configured()) {
            let mut fields = Fields::new(Kind::Release, xid);
            (fields.ciaddr, fields.server) = (lease.address, Some(lease.server));
            self.send(fields, lease.address, lease.server);
        }
        self.stop();
    }

    /// Asks for parameters only, from an address that the host has (RFC 2131 4.4.3).
    pub(super) fn inform(&mut self, now: Instant, address: Ipv4Addr) {
        self.halt();
        self.xid = self.rng.next_u32();
        self.ask_to_inform(now, address, 0);
    }

    /// The link has come back: the network may be another one (RFC 2131 3.7).
    pub(super) fn link_came_up(&mut self, now: Instant) {
        match self.state {
            State::Stopped => {}
            State::Informing { address, .. } => self.inform(now, address),
            _ => self.start(now),
        }
    }

    /// Does what is due.
    pub(super) fn poll(&mut self, now: Instant) {
        while self.deadline.is_some_and(|deadline| deadline <= now) {
            self.due(now);
        }
    }

    fn due(&mut self, now: Instant) {
        match self.state {
            State::Stopped => self.deadline = None,
            State::Init => {
                self.xid = self.rng.next_u32();
                self.discover(now, 0);
            }
            State::Selecting { attempt } => self.discover(now, attempt + 1),
            State::Requesting { attempt, .. } if attempt + 1 == ATTEMPTS => self.init(now, Duration::ZERO),
            State::Requesting { offer, attempt } => self.request(now, offer, attempt + 1),
            State::Rebooting { attempt } if attempt + 1 == ATTEMPTS => self.go_on_with_the_last_lease(now),
            State::Rebooting { attempt } => self.reboot(now, attempt + 1),
            State::Checking { .. } => self.check(now),
            State::Bound { .. } => self.bound(now),
            State::Renewing | State::Rebinding => self.extend(now),
            // RFC 2131 4.4.3: the host goes on with defaults.
            State::Informing { attempt, .. } if attempt + 1 == ATTEMPTS => self.stop(),
            State::Informing { address, attempt } => self.ask_to_inform(now, address, attempt + 1),
        }
    }

    /// A message has come to the client's port. What is not for this client or not meant for its state is dropped.
    pub(super) fn message_arrives(&mut self, now: Instant, message: &Message) {
        let header = &message.header;
        if header.op != REPLY || header.xid != self.xid || header.chaddr != self.mac {
            return;
        }
        match message.kind() {
            Some(Kind::Offer) => self.offer(now, message),
            Some(Kind::Ack) => self.acknowledged(now, message),
            Some(Kind::Nak) => self.refused(now, message),
            _ => {}
        }
    }

    /// An ARP packet has come to the interface.
    pub(super) fn hear_arp(&mut self, now: Instant, packet: &Packet) {
        let State::Checking { probe } = &self.state else { return };
        if !probe.conflicts(packet, self.mac) {
            return;
        }
        self.conflicts += 1;
        if let Some(lease) = self.lease.take() {
            // RFC 2131 4.4.4: broadcast, as the client does not use the address.
            let mut fields = Fields::new(Kind::Decline, self.rng.next_u32());
            (fields.requested, fields.server) = (Some(lease.address), Some(lease.server));
            self.send(fields, Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST);
        }
        let wait = match self.conflicts {
            0..probe::MAX_CONFLICTS => AFTER_DECLINE,
            _ => probe::RATE_LIMIT_INTERVAL,
        };
        self.init(now, wait);
    }
}

/// Before BOUND.
impl Client {
    /// INIT, for at least `least`.
    fn init(&mut self, now: Instant, least: Duration) {
        let [from, to] = FIRST_WAIT;
        self.began = now;
        self.state = State::Init;
        self.deadline = Some(now + least + from + random(&mut self.rng, to - from));
    }

    fn discover(&mut self, now: Instant, attempt: u32) {
        let seconds = now.saturating_since(self.began).as_secs();
        self.secs = u16::try_from(seconds).unwrap_or(u16::MAX);
        let requested = self.former;
        let fields = Fields { secs: self.secs, requested, ..Fields::new(Kind::Discover, self.xid) };
        self.send(fields, Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST);
        self.state = State::Selecting { attempt };
        self.back_off(now, attempt);
    }

    /// The first usable offer is taken (RFC 2131 4.4.1). One that names no server cannot be asked for.
    fn offer(&mut self, now: Instant, message: &Message) {
        let State::Selecting { .. } = self.state else { return };
        let Some(server) = message.address(option::SERVER_ID) else { return };
        let address = message.header.yiaddr;
        if address.is_unspecified() {
            return;
        }
        self.asked = now;
        self.request(now, Offer { address, server }, 0);
    }

    fn request(&mut self, now: Instant, offer: Offer, attempt: u32) {
        let mut fields = Fields { secs: self.secs, ..Fields::new(Kind::Request, self.xid) };
        (fields.requested, fields.server) = (Some(offer.address), Some(offer.server));
        self.send(fields, Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST);
        self.state = State::Requesting { offer, attempt };
        self.back_off(now, attempt);
    }

    /// INIT-REBOOT: asks for the last address.
    fn reboot(&mut self, now: Instant, attempt: u32) {
        let mut fields = Fields::new(Kind::Request, self.xid);
        fields.requested = self.lease.as_ref().map(|lease| lease.address);
        self.send(fields, Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST);
        self.state = State::Rebooting { attempt };
        self.back_off(now, attempt);
    }

    /// RFC 2131 3.2: without an answer, the rest of the lease may be used.
    fn go_on_with_the_last_lease(&mut self, now: Instant) {
        match self.lease.take_if(|lease| lease.holds(now)) {
            Some(lease) => self.take(now, lease),
            None => self.init(now, Duration::ZERO),
        }
    }

    /// A lease is taken once nobody else has its address.
    fn take(&mut self, now: Instant, lease: Lease) {
        let probe = Probe::new(now, lease.address, &mut self.rng);
        self.deadline = Some(probe.deadline);
        self.state = State::Checking { probe };
        self.lease = Some(lease);
    }

    fn check(&mut self, now: Instant) {
        let (State::Checking { probe }, Some(lease)) = (&mut self.state, &self.lease) else { return };
        match probe.due(now, &mut self.rng) {
            probe::Due::Ask => {
                self.deadline = Some(probe.deadline);
                self.actions.push(Action::Probe(lease.address));
            }
            probe::Due::Free => {
                self.actions.push(Action::Configure(lease.clone()));
                self.state = State::Bound { announcements: probe::ANNOUNCE_NUM };
                self.bound(now);
            }
        }
    }

    fn ask_to_inform(&mut self, now: Instant, address: Ipv4Addr, attempt: u32) {
        let fields = Fields { ciaddr: address, ..Fields::new(Kind::Inform, self.xid) };
        self.send(fields, address, Ipv4Addr::BROADCAST);
        self.state = State::Informing { address, attempt };
        self.back_off(now, attempt);
    }
}

/// From BOUND on.
impl Client {
    /// BOUND: announcements, then T1.
    fn bound(&mut self, now: Instant) {
        let (State::Bound { announcements }, Some(lease)) = (&mut self.state, &self.lease) else { return };
        let renew = lease.times.map(|times| times.renew);
        if *announcements > 0 {
            *announcements -= 1;
            self.actions.push(Action::Announce(lease.address));
            let next = (*announcements > 0).then_some(now + probe::ANNOUNCE_INTERVAL);
            self.deadline = next.into_iter().chain(renew).min();
            return;
        }
        self.deadline = renew;
        if renew.is_some_and(|renew| renew <= now) {
            self.renew(now);
        }
    }

    /// Asks the server for more time, at T1 or earlier (RFC 2131 4.4.5). Nothing where there is no lease that ends.
    pub(super) fn renew(&mut self, now: Instant) {
        let ends = self.lease.as_ref().is_some_and(|lease| lease.times.is_some());
        if ends && matches!(self.state, State::Bound { .. }) {
            self.xid = self.rng.next_u32();
            self.asked = now;
            self.state = State::Renewing;
            self.extend(now);
        }
    }

    /// RENEWING and REBINDING: asks for more time, unless that has come to its end (RFC 2131 4.4.5).
    fn extend(&mut self, now: Instant) {
        let Some((lease, times)) = self.lease.as_ref().and_then(|lease| Some((lease, lease.times?))) else {
            return;
        };
        if now >= times.end {
            let former = lease.address;
            self.lose_lease(now);
            self.former = Some(former);
            return;
        }
        if now >= times.rebind && matches!(self.state, State::Renewing) {
            self.xid = self.rng.next_u32();
            self.asked = now;
            self.state = State::Rebinding;
        }
        let (next, to) = match self.state {
            State::Renewing => (times.rebind, lease.server),
            _ => (times.end, Ipv4Addr::BROADCAST),
        };
        let address = lease.address;
        let wait = (next.saturating_since(now) / 2).max(LEAST_RENEWAL_GAP);
        self.deadline = Some(next.min(now + wait));
        let fields = Fields { ciaddr: address, ..Fields::new(Kind::Request, self.xid) };
        self.send(fields, address, to);
    }

    fn acknowledged(&mut self, now: Instant, message: &Message) {
        let server = message.address(option::SERVER_ID);
        let asked = match (&self.state, &self.lease) {
            (State::Requesting { offer, .. }, _) => Some(offer.server),
            (State::Renewing, Some(lease)) => Some(lease.server),
            (State::Rebooting { .. } | State::Rebinding, _) => None,
            (State::Informing { .. }, _) => {
                self.actions.push(Action::Inform(Parameters::of(message)));
                return self.stop_asking();
            }
            _ => return,
        };
        let Some(server) = server.or(asked).filter(|server| asked.is_none_or(|asked| asked == *server))
        else {
            return;
        };
        let rng = &mut self.rng;
        let lease = Lease::of(message, server, self.asked, &mut |most| random(rng, most));
        let Some(lease) = lease.filter(|lease| lease.holds(now)) else { return };
        let same = self.is_configured() && self.lease.as_ref().is_some_and(|l| l.address == lease.address);
        if !same {
            // RFC 2131 4.4.5: the former address is not used any more.
            self.halt();
            return self.take(now, lease);
        }
        self.lease = Some(lease.clone());
        self.actions.push(Action::Configure(lease));
        self.state = State::Bound { announcements: 0 };
        self.bound(now);
    }

    /// NAK: the address must not be used (RFC 2131 3.1, 3.2, figure 5).
    fn refused(&mut self, now: Instant, message: &Message) {
        let server = message.address(option::SERVER_ID);
        let from = |wanted: Ipv4Addr| server.is_none_or(|server| server == wanted);
        let concerned = match (&self.state, &self.lease) {
            (State::Requesting { offer, .. }, _) => from(offer.server),
            (State::Renewing, Some(lease)) => from(lease.server),
            (State::Rebooting { .. } | State::Rebinding, _) => true,
            _ => false,
        };
        if concerned {
            self.lose_lease(now);
        }
    }

    fn lose_lease(&mut self, now: Instant) {
        self.halt();
        (self.lease, self.former) = (None, None);
        self.init(now, Duration::ZERO);
    }

    /// Whether the host uses the lease's address.
    fn is_configured(&self) -> bool {
        matches!(self.state, State::Bound { .. } | State::Renewing | State::Rebinding)
    }

    /// The host stops using the lease.
    fn halt(&mut self) {
        if self.is_configured() {
            self.actions.push(Action::Deconfigure);
        }
    }

    /// An INFORM was answered: nothing more is asked, and what was told stays.
    fn stop_asking(&mut self) {
        self.state = State::Stopped;
        self.deadline = None;
    }

    fn send(&mut self, fields: Fields, from: Ipv4Addr, to: Ipv4Addr) {
        let message = fields.message(self.mac, self.mtu);
        self.actions.push(Action::Send { message, from, to });
    }

    /// RFC 2131 4.1: randomised exponential back-off.
    fn back_off(&mut self, now: Instant, attempt: u32) {
        let wait = FIRST_RETRANSMISSION * (1 << attempt.min(LAST_DOUBLING));
        self.deadline = Some(now + wait - JITTER + random(&mut self.rng, 2 * JITTER));
    }
}

#[cfg(test)]
mod tests;
