//! What the trace says of each frame, in numbers relative to the bases of its time.

use super::Player;
use crate::lang::ast::{LayerBody, Packet};
use crate::packet;
use crate::run::{TraceEntry, TraceEvent};

/// SYN in the byte of the control bits.
const SYN: u16 = 0x02;

impl Player<'_> {
    /// Bases of sequence numbers are about to move: what was accounted for is described as it was understood. What the stack has
    /// sent and no line has looked at yet may be what gives the first.
    pub(super) fn settle_trace(&mut self) {
        let is_outbound = |index: &usize| matches!(self.trace[*index].what, TraceEvent::Outbound { .. });
        let end = match self.queue.len().checked_sub(1) {
            None => self.trace.len(),
            Some(others) => (0..self.trace.len()).rev().filter(is_outbound).nth(others).unwrap_or(0),
        };
        self.describe_until(end);
    }

    /// The same before a segment is sent, which moves bases where it is a SYN.
    pub(super) fn settle_trace_before(&mut self, packet: &Packet) {
        let is_syn = |body: &LayerBody| matches!(body, LayerBody::Tcp { flags, .. } if flags.set & SYN != 0);
        if packet.layers.iter().any(|layer| is_syn(&layer.body)) {
            self.settle_trace();
        }
    }

    fn describe_until(&mut self, end: usize) {
        let from = self.described.min(end);
        for entry in &mut self.trace[from..end] {
            let (arrow, medium, bytes, text) = match &mut entry.what {
                TraceEvent::Inbound { medium, bytes, text, .. } => ("<", medium, bytes, text),
                TraceEvent::Outbound { medium, bytes, text, .. } => (">", medium, bytes, text),
                TraceEvent::Call { .. } | TraceEvent::Completed { .. } => continue,
            };
            let described = packet::describe(&self.world, &self.flows, *medium, bytes);
            // A frame with the stack's own source may still have come from outside.
            *text = format!("{arrow}{}", described.trim_start_matches(['<', '>']));
        }
        self.described = self.described.max(end);
    }

    /// The trace with every frame described.
    pub(super) fn finished_trace(&mut self) -> Vec<TraceEntry> {
        self.describe_until(self.trace.len());
        std::mem::take(&mut self.trace)
    }
}
