//! Ethernet in and out: the frame check sequence, the filter of destinations, what the station itself is asked, and the
//! padding of short frames.

use super::Cast;
use super::interface::Interface;
use crate::config::Filter;
use crate::wire::ethernet::{Framing, HEADER_LEN, Header, MIN_FRAME_LEN};
use crate::wire::fcs::{self, FCS_LEN};
use crate::wire::{Buffer, MacAddress, llc};

/// What an interface has seen of the frames on its link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// Frames for this host.
    pub received: u64,
    /// Frames for others that the filter let through: nobody but a listener on the link has a use for them.
    pub overheard: u64,
    /// Frames that the filter kept out.
    pub filtered: u64,
    /// Frames whose check sequence does not fit, and those too short to be more than what a collision left.
    pub damaged: u64,
}

/// What an interface makes of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<'a> {
    /// Nothing.
    Nothing,
    /// A payload of this EtherType for the host.
    Payload(u16, &'a [u8], Cast),
    /// The station itself was asked (RFC 1042): the frame that answers.
    Answer(Buffer),
}

/// Takes a frame off the wire. What is broken or for somebody else gives nothing.
pub(crate) fn receive<'a>(interface: &mut Interface, frame: &'a [u8]) -> Taken<'a> {
    let Some(frame) = undamaged(interface, frame) else { return Taken::Nothing };
    let Some((destination, source)) = ends(frame) else { return Taken::Nothing };
    // A group address names no sender.
    if source.is_multicast() {
        return Taken::Nothing;
    }
    let Some(cast) = cast(interface, destination) else {
        let through = interface.passes(destination);
        let counters = &mut interface.counters;
        *(if through { &mut counters.overheard } else { &mut counters.filtered }) += 1;
        return Taken::Nothing;
    };
    interface.counters.received += 1;
    match Header::parse(frame) {
        Ok((header, payload)) => Taken::Payload(header.ethertype, payload, cast),
        Err(_) => answer(interface, source, frame).map_or(Taken::Nothing, Taken::Answer),
    }
}

/// The frame without its check sequence, where the link has one and it fits. A frame that is shorter than the shortest is
/// what a collision left.
fn undamaged<'a>(interface: &mut Interface, frame: &'a [u8]) -> Option<&'a [u8]> {
    if !interface.link.fcs {
        return Some(frame);
    }
    let checked = fcs::checked(frame).filter(|_| frame.len() >= MIN_FRAME_LEN + FCS_LEN);
    interface.counters.damaged += u64::from(checked.is_none());
    checked
}

/// Destination and source.
fn ends(frame: &[u8]) -> Option<(MacAddress, MacAddress)> {
    let (destination, rest) = frame.split_first_chunk()?;
    Some((MacAddress(*destination), MacAddress(*rest.first_chunk()?)))
}

/// To whom a frame was sent, where that is this host.
fn cast(interface: &Interface, destination: MacAddress) -> Option<Cast> {
    match destination {
        MacAddress::BROADCAST => Some(Cast::Broadcast),
        group if group.is_multicast() => interface.listens_to(group).then_some(Cast::Multicast),
        mac => (mac == interface.mac).then_some(Cast::Unicast),
    }
}

/// The answer to an XID or TEST command in an 802.3 frame.
fn answer(interface: &Interface, to: MacAddress, frame: &[u8]) -> Option<Buffer> {
    let (length, rest) = frame.get(HEADER_LEN - 2..)?.split_first_chunk()?;
    let asked = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
    let mut answer = Buffer::with_payload(&llc::answer(asked).ok()?);
    let length = u16::try_from(answer.len()).ok()?;
    let header = answer.prepend(HEADER_LEN);
    header[..6].copy_from_slice(&to.0);
    header[6..12].copy_from_slice(&interface.mac.0);
    header[12..].copy_from_slice(&length.to_be_bytes());
    finish(interface, &mut answer);
    Some(answer)
}

/// Puts a payload into a frame: Ethernet II, as RFC 1122 2.3.3 has it by default.
#[inline]
pub(crate) fn frame(interface: &Interface, destination: MacAddress, ethertype: u16, payload: &mut Buffer) {
    let source = interface.mac;
    Header { destination, source, ethertype, framing: Framing::EthernetII }.emit(payload);
    finish(interface, payload);
}

/// A frame as it leaves: padded with zeros (RFC 894), its check sequence behind it where the link has one.
#[inline]
fn finish(interface: &Interface, frame: &mut Buffer) {
    if frame.len() < MIN_FRAME_LEN {
        frame.append_zeros(MIN_FRAME_LEN - frame.len());
    }
    if interface.link.fcs {
        let sequence = fcs::fcs(frame);
        frame.append(&sequence);
    }
}

impl Interface {
    /// Whether the filter lets frames through that are for others.
    fn passes(&self, destination: MacAddress) -> bool {
        match self.link.filter {
            Filter::Own => false,
            Filter::AllMulticast => destination.is_multicast(),
            Filter::Promiscuous => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, InterfaceConfig, LinkConfig, Medium};
    use crate::wire::ethernet::{ARP, IPV4};

    const OWN: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
    const PEER: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);
    const GROUP: MacAddress = MacAddress([1, 0, 0x5e, 1, 2, 3]);

    fn interface(link: LinkConfig) -> Interface {
        let config = InterfaceConfig { medium: Medium::Ethernet, mtu: 1500, mac: OWN, addresses: Vec::new() };
        let mut interface = Interface::new(&config, &Config::default());
        interface.link = link;
        interface
    }

    fn sent(from: MacAddress, to: MacAddress, link: LinkConfig) -> Vec<u8> {
        let mut station = interface(link);
        station.mac = from;
        let mut buffer = Buffer::with_payload(b"data");
        frame(&station, to, IPV4, &mut buffer);
        buffer.into_vec()
    }

    #[test]
    fn the_filter_decides_what_is_overheard() {
        let check = |filter, destination, expected: (u64, u64, u64)| {
            let link = LinkConfig { filter, ..LinkConfig::default() };
            let mut station = interface(link);
            let frame = sent(PEER, destination, link);
            let taken = receive(&mut station, &frame);
            let LinkCounters { received, overheard, filtered, .. } = station.counters;
            assert_eq!((received, overheard, filtered), expected, "{filter:?} {destination}");
            assert_eq!(matches!(taken, Taken::Payload(IPV4, ..)), received == 1);
        };
        let other = MacAddress([2, 0, 0, 0, 0, 9]);
        for filter in [Filter::Own, Filter::AllMulticast, Filter::Promiscuous] {
            check(filter, OWN, (1, 0, 0));
            check(filter, MacAddress::BROADCAST, (1, 0, 0));
        }
        check(Filter::Own, other, (0, 0, 1));
        check(Filter::Own, GROUP, (0, 0, 1));
        check(Filter::AllMulticast, GROUP, (0, 1, 0));
        check(Filter::AllMulticast, other, (0, 0, 1));
        check(Filter::Promiscuous, GROUP, (0, 1, 0));
        check(Filter::Promiscuous, other, (0, 1, 0));
    }

    #[test]
    fn with_a_check_sequence_what_is_damaged_or_short_is_dropped() {
        let link = LinkConfig { fcs: true, ..LinkConfig::default() };
        let mut station = interface(link);
        let frame = sent(PEER, OWN, link);
        assert_eq!(frame.len(), 64);
        assert!(frame[18..60].iter().all(|byte| *byte == 0), "padded with zeros");
        assert_eq!(receive(&mut station, &frame), Taken::Payload(IPV4, &frame[14..60], Cast::Unicast));
        let mut damaged = frame.clone();
        damaged[30] ^= 1;
        assert_eq!(receive(&mut station, &damaged), Taken::Nothing);
        let short = [&frame[..20], &fcs::fcs(&frame[..20])].concat();
        assert_eq!(receive(&mut station, &short), Taken::Nothing);
        assert_eq!(station.counters, LinkCounters { received: 1, damaged: 2, ..LinkCounters::default() });
    }

    #[test]
    fn the_station_answers_xid_and_test() {
        let mut station = interface(LinkConfig::default());
        let ask = |to: MacAddress, llc: &[u8]| {
            let mut frame = [&to.0[..], &PEER.0, &(llc.len() as u16).to_be_bytes(), llc].concat();
            frame.resize(60, 0);
            frame
        };
        let xid = ask(OWN, &[0, 4, 0xbf, 129, 1, 0]);
        let Taken::Answer(answer) = receive(&mut station, &xid) else { panic!("no answer") };
        let expected = [&PEER.0[..], &OWN.0, &[0, 6, 4, 1, 0xbf, 129, 1, 0], &[0; 40]].concat();
        assert_eq!(&*answer, &expected[..]);
        for silent in [ask(PEER, &[0, 4, 0xbf]), ask(OWN, &[0, 5, 0xbf]), ask(OWN, &[6, 4, 0xbf])] {
            assert_eq!(receive(&mut station, &silent), Taken::Nothing);
        }
        let mut arp = Buffer::new();
        frame(&station, OWN, ARP, &mut arp);
        assert_eq!(receive(&mut station, &arp), Taken::Payload(ARP, &arp[14..], Cast::Unicast));
    }
}
