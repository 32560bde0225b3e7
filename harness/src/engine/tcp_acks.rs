//! Which acknowledgements are news: a stack may acknowledge what was delivered, or open its window, at any time.

use crate::lang::ast::LayerKind;
use crate::packet::dissect;
use crate::sut::Medium;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What the stack last acknowledged and offered, by connection.
#[derive(Debug, Default)]
pub(super) struct AckHistory {
    last: BTreeMap<(SocketAddr, SocketAddr), Offer>,
}

#[derive(Clone, Copy, Debug)]
struct Offer {
    ack: u32,
    window: u16,
}

impl AckHistory {
    /// Takes note of a frame that the stack sent. Says whether it acknowledges more than the one before, or offers a
    /// larger window for the same acknowledgement: a repetition of the same is not news and needs mention.
    pub(super) fn is_news(&mut self, medium: Medium, frame: &[u8]) -> bool {
        let Some((connection, offer)) = offer(medium, frame) else { return false };
        match self.last.insert(connection, offer) {
            None => true,
            Some(before) => {
                let advance = offer.ack.wrapping_sub(before.ack);
                (advance != 0 && advance < 1 << 31) || (advance == 0 && offer.window > before.window)
            }
        }
    }
}

/// What a TCP segment with ACK acknowledges and offers, by its connection: source, then destination.
fn offer(medium: Medium, frame: &[u8]) -> Option<((SocketAddr, SocketAddr), Offer)> {
    const ACK: u128 = 0x10;
    let dissection = dissect(medium, frame);
    let (source, destination) = dissection.addresses(frame)?;
    let tcp = dissection.last(LayerKind::Tcp)?;
    let field = |name| tcp.get(frame, name);
    if field("flags")? & ACK == 0 {
        return None;
    }
    let local = SocketAddr::new(source, field("sport")? as u16);
    let remote = SocketAddr::new(destination, field("dport")? as u16);
    Some(((local, remote), Offer { ack: field("ack")? as u32, window: field("win")? as u16 }))
}
