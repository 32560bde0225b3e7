//! Which acknowledgements are news: a stack may acknowledge what was delivered, or open its window, at any time.

use crate::packet::{self, TcpSummary};
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
        let Some(TcpSummary { local, remote, ack: Some(ack), window, .. }) = packet::tcp_summary(medium, frame)
        else {
            return false;
        };
        let offer = Offer { ack, window };
        match self.last.insert((local, remote), offer) {
            None => true,
            Some(before) => {
                let advance = ack.wrapping_sub(before.ack);
                (advance != 0 && advance < 1 << 31) || (advance == 0 && window > before.window)
            }
        }
    }
}
