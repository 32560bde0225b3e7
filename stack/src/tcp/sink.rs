//! Segments that are ready, until the host takes them, and the memory that they were in.

use super::ConnectionId;
use super::action::Reset;
use super::control_block::FourTuple;
use super::ecn::NOT_ECT;
use super::sequence::SeqNumber;
use crate::ip::zone::zone;
use crate::wire::Buffer;
use crate::wire::tcp::{Flags, Header};
use crate::wire::tcp_options::{Options, Timestamps};
use std::collections::VecDeque;
use std::net::IpAddr;

/// A segment for the IP layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The connection it belongs to, whose user may have chosen TTL and traffic class; `None` for resets that belong
    /// to no connection.
    pub connection: Option<ConnectionId>,
    /// Whence it goes, and whither.
    pub(crate) tuple: FourTuple,
    /// The ECN field of the IP header (RFC 3168 5): 0, Not-ECT, or 2, ECT(0).
    pub ecn: u8,
    /// TCP header and text, checksum filled in, with room for the headers below.
    pub buffer: Buffer,
}

impl Outgoing {
    /// Source address.
    pub fn src(&self) -> IpAddr {
        self.tuple.local.ip()
    }

    /// Destination address.
    pub fn dst(&self) -> IpAddr {
        self.tuple.remote.ip()
    }

    /// The interface that it must leave by, where there is no choice (RFC 4007 6).
    pub(crate) fn zone(&self) -> Option<usize> {
        zone(self.tuple.local).or_else(|| zone(self.tuple.remote))
    }
}

/// Where segments go until the host takes them.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    pub(crate) queue: VecDeque<Outgoing>,
    /// Memory for segments to come.
    spare: Vec<Buffer>,
}

/// Buffers that are kept for later.
const MAX_SPARE: usize = 256;

impl Sink {
    /// Memory that a segment was in.
    #[inline]
    pub(crate) fn recycle(&mut self, buffer: Buffer) {
        if self.spare.len() < MAX_SPARE {
            self.spare.push(buffer);
        }
    }

    /// An empty buffer, with room for `len` bytes of text.
    #[inline]
    pub(super) fn buffer(&mut self, len: u32) -> Buffer {
        self.spare.pop().map_or_else(|| Buffer::with_capacity(len as usize), Buffer::cleared)
    }

    #[inline(never)]
    pub(super) fn push(
        &mut self,
        connection: Option<ConnectionId>,
        tuple: FourTuple,
        ecn: u8,
        header: &Header,
        mut buffer: Buffer,
    ) {
        header.emit(tuple.local.ip(), tuple.remote.ip(), &mut buffer);
        self.queue.push_back(Outgoing { connection, tuple, ecn, buffer });
    }

    /// The same with nothing but timestamps for options.
    #[inline]
    pub(super) fn push_with_timestamps(
        &mut self,
        connection: ConnectionId,
        tuple: FourTuple,
        ecn: u8,
        (header, timestamps): (&Header, Timestamps),
        mut buffer: Buffer,
    ) {
        header.emit_with_timestamps(timestamps, tuple.local.ip(), tuple.remote.ip(), &mut buffer);
        self.queue.push_back(Outgoing { connection: Some(connection), tuple, ecn, buffer });
    }

    /// A reset in answer to a segment.
    pub(crate) fn reset(&mut self, connection: Option<ConnectionId>, tuple: FourTuple, reset: Reset) {
        let flags = if reset.ack.is_some() { Flags::RST | Flags::ACK } else { Flags::RST };
        let timestamps = reset.echo.map(|tsecr| Timestamps { tsval: 0, tsecr });
        let header = Header {
            source_port: tuple.local.port(),
            destination_port: tuple.remote.port(),
            seq: reset.seq,
            ack: reset.ack.unwrap_or_default(),
            flags,
            options: Options { timestamps, ..Options::default() },
            ..Header::default()
        };
        self.push(connection, tuple, NOT_ECT, &header, Buffer::new());
    }

    /// A SYN,ACK of which nothing is kept.
    pub(crate) fn answer_syn(
        &mut self,
        tuple: FourTuple,
        seq: SeqNumber,
        ack: SeqNumber,
        mss: u16,
        wnd: u16,
    ) {
        let header = Header {
            source_port: tuple.local.port(),
            destination_port: tuple.remote.port(),
            seq,
            ack,
            flags: Flags::SYN | Flags::ACK,
            wnd,
            options: Options { mss: Some(mss), ..Options::default() },
            ..Header::default()
        };
        self.push(None, tuple, NOT_ECT, &header, Buffer::new());
    }
}
