//! Urgent data as BSD's sockets show it: its last octet stands beside the stream, which has a mark in its place.
//!
//! RFC 9293 3.8.5 knows no such octet, only the end of the urgent data; RFC 6093 3.1 describes what sockets make of it.

use super::SeqNumber;
use super::control_block::ControlBlock;

/// The urgent octet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OutOfBand {
    /// Where it stands in the stream.
    mark: Option<SeqNumber>,
    /// Its value, once the stream was read up to it.
    octet: Option<u8>,
    /// The user has it.
    taken: bool,
}

/// RCV.UP has moved to `rcv_up`: the octet before it is the urgent one now.
#[cold]
pub(crate) fn announced(tcb: &mut ControlBlock, rcv_up: SeqNumber) {
    let mark = rcv_up - 1;
    if tcb.out_of_band.mark != Some(mark) && mark >= read_seq(tcb) {
        tcb.out_of_band = OutOfBand { mark: Some(mark), octet: None, taken: false };
        tcb.activity += 1;
    }
}

/// The number of the octet that the user reads next.
fn read_seq(tcb: &ControlBlock) -> SeqNumber {
    tcb.rcv_nxt - tcb.receive.readable() as u32 - u32::from(super::info::peer_has_closed(tcb))
}

/// Whether the urgent octet is the next to be read.
pub(crate) fn is_at_mark(tcb: &ControlBlock) -> bool {
    tcb.out_of_band.mark == Some(read_seq(tcb))
}

/// Takes the urgent octet out of the stream where a read comes to it, and says how far the stream can be read: a read does
/// not go over the mark.
pub(crate) fn readable(tcb: &mut ControlBlock, started: bool) -> usize {
    let readable = tcb.receive.readable();
    let Some(mark) = tcb.out_of_band.mark.filter(|_| tcb.options.urgent_beside) else { return readable };
    let ahead = mark.since(read_seq(tcb)) as usize;
    if mark < read_seq(tcb) || ahead >= readable {
        return readable;
    }
    if ahead > 0 || started {
        return ahead;
    }
    let mut octet = [0];
    tcb.receive.read(&mut octet, false);
    (tcb.out_of_band.octet, tcb.out_of_band.mark) = (Some(octet[0]), None);
    tcb.receive.readable()
}

/// The urgent octet: `None` where none is announced or the user has it already, `Some(None)` where it has not come yet.
pub(crate) fn take(tcb: &mut ControlBlock, peek: bool) -> Option<Option<u8>> {
    let OutOfBand { mark, octet, taken } = tcb.out_of_band;
    if taken || !tcb.options.urgent_beside || (mark.is_none() && octet.is_none()) {
        return None;
    }
    let arrived = octet.or_else(|| {
        let ahead = mark?.saturating_since(read_seq(tcb)) as usize;
        tcb.receive.octet_at(ahead)
    });
    tcb.out_of_band.taken = arrived.is_some() && !peek;
    Some(arrived)
}
