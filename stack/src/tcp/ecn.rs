//! Explicit congestion notification (RFC 3168 6.1): who agreed to it, and what is to be echoed.

use super::config::EcnMode;
use crate::time::Instant;
use crate::wire::tcp::Flags;

/// Codepoints of the IP header's ECN field (RFC 3168 5).
pub(crate) const NOT_ECT: u8 = 0;
pub(crate) const ECT_0: u8 = 2;
pub(crate) const CE: u8 = 3;

const SETUP: Flags = Flags(Flags::ECE.0 | Flags::CWR.0);

/// One connection's ECN.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ecn {
    mode: EcnMode,
    /// Whether our SYN was an ECN-setup SYN; one that is repeated is not (6.1.1.1).
    asked: bool,
    /// Both ends agreed: data is sent as ECN-capable.
    pub(crate) capable: bool,
    /// The codepoint of the datagram that is being processed.
    pub(crate) arrived: u8,
    /// ACKs carry ECE until the peer's CWR comes (6.1.3).
    echo: bool,
    /// A mark came while cwnd was one segment: nothing new before the retransmission timer expires (6.1.2).
    pub(crate) held_until: Option<Instant>,
}

impl Ecn {
    pub(crate) fn new(mode: EcnMode) -> Ecn {
        Ecn { mode, asked: false, capable: false, arrived: NOT_ECT, echo: false, held_until: None }
    }

    /// When new data may go again, if it may not at `now`.
    pub(crate) fn held_at(&self, now: Instant) -> Option<Instant> {
        self.held_until.filter(|until| now < *until)
    }

    /// The flags of our SYN, the first or a repeated one.
    pub(crate) fn of_syn(&mut self, first: bool) -> Flags {
        self.asked = first && self.mode == EcnMode::On;
        if self.asked { SETUP } else { Flags::default() }
    }

    /// The flags of our SYN,ACK: ECE alone (6.1.1).
    pub(crate) fn of_syn_ack(&self) -> Flags {
        if self.capable { Flags::ECE } else { Flags::default() }
    }

    /// The peer's SYN or SYN,ACK. Both flags in a SYN,ACK are a reflection of ours by a host that knows nothing.
    pub(crate) fn syn_arrived(&mut self, flags: Flags) {
        let setup = Flags(flags.0 & SETUP.0);
        self.capable = match flags.contains(Flags::ACK) {
            true => self.asked && setup == Flags::ECE,
            false => self.mode != EcnMode::Off && setup == SETUP,
        };
    }

    /// Data has arrived in the window. Whether the peer should hear of a mark at once, before it takes it back.
    pub(crate) fn data_arrived(&mut self, flags: Flags) -> bool {
        if !self.capable {
            return false;
        }
        let before = self.echo;
        // What is marked itself begins the echo anew.
        self.echo = (before && !flags.contains(Flags::CWR)) || self.arrived == CE;
        self.echo && !before
    }

    /// The flags of whatever acknowledges.
    pub(crate) fn of_ack(&self) -> Flags {
        if self.echo { Flags::ECE } else { Flags::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negotiation() {
        let both = Flags::ECE | Flags::CWR;
        let passive = |mode, flags| {
            let mut ecn = Ecn::new(mode);
            ecn.syn_arrived(Flags::SYN | flags);
            ecn.capable
        };
        let plain = Flags::default();
        let found = [both, Flags::ECE, Flags::CWR, plain].map(|flags| passive(EcnMode::Accept, flags));
        assert_eq!(found, [true, false, false, false]);
        assert!(!passive(EcnMode::Off, both));
        let active = |first, flags| {
            let mut ecn = Ecn::new(EcnMode::On);
            ecn.of_syn(first);
            ecn.syn_arrived(Flags::SYN | Flags::ACK | flags);
            ecn.capable
        };
        let found = [both, Flags::ECE, Flags::CWR, plain].map(|flags| active(true, flags));
        assert_eq!(found, [false, true, false, false]);
        assert!(!active(false, Flags::ECE));
    }
}
