//! What there is to know of a TCP segment without a script.

use super::build_tcp::ACK;
use super::dissect;
use crate::lang::ast::LayerKind;
use crate::sut::Medium;
use std::net::SocketAddr;

/// A TCP segment that the stack sent, in a few numbers, all as they stand on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpSummary {
    /// Source address and port.
    pub local: SocketAddr,
    /// Destination address and port.
    pub remote: SocketAddr,
    /// The sequence number.
    pub seq: u32,
    /// The acknowledgement number, where ACK is set.
    pub ack: Option<u32>,
    /// The control bits, FIN lowest, AE as bit 8.
    pub flags: u16,
    /// The window, unscaled.
    pub window: u16,
    /// How many bytes of payload it has.
    pub payload: usize,
}

/// Sums up a TCP segment; `None` where the frame is none, or cannot be read.
pub fn tcp_summary(medium: Medium, frame: &[u8]) -> Option<TcpSummary> {
    let d = dissect::dissect(medium, frame);
    let tcp = d.last(LayerKind::Tcp).filter(|_| d.problem.is_none())?;
    let (source, destination) = d.addresses(frame)?;
    let get = |name| tcp.get(frame, name).unwrap_or(0) as u32;
    let flags = get("flags") as u16;
    Some(TcpSummary {
        local: SocketAddr::new(source, get("sport") as u16),
        remote: SocketAddr::new(destination, get("dport") as u16),
        seq: get("seq"),
        ack: (flags & ACK != 0).then(|| get("ack")),
        flags,
        window: get("win") as u16,
        payload: d.payload().len(),
    })
}
