//! Proportional rate reduction (RFC 6937): how much may be sent for what an ACK says was delivered, so that what is under
//! way falls to ssthresh while recovery lasts.

use super::config::PrrBound;

/// One reduction, from its beginning to its end. Bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prr {
    /// RecoverFS: what was under way when it began.
    recover_fs: u32,
    delivered: u32,
    /// prr_out.
    out: u32,
    bound: PrrBound,
}

/// What an ACK in recovery has told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ack {
    /// DeliveredData.
    pub(crate) delivered: u32,
    pub(crate) pipe: u32,
    /// SND.UNA moved, and nothing more was found to be lost.
    pub(crate) good: bool,
}

impl Prr {
    /// A recovery begins with `recover_fs` bytes under way.
    pub(crate) fn new(recover_fs: u32, bound: PrrBound) -> Prr {
        Prr { recover_fs: recover_fs.max(1), delivered: 0, out: 0, bound }
    }

    /// sndcnt: how much may be sent now.
    pub(crate) fn acknowledged(&mut self, ack: Ack, ssthresh: u32, mss: u32) -> u32 {
        let Ack { delivered, pipe, good } = ack;
        self.delivered = self.delivered.saturating_add(delivered);
        let count = if pipe > ssthresh {
            // Proportional rate reduction.
            let share =
                (u64::from(self.delivered) * u64::from(ssthresh)).div_ceil(u64::from(self.recover_fs));
            u32::try_from(share).unwrap_or(u32::MAX).saturating_sub(self.out)
        } else {
            let banked = self.delivered.saturating_sub(self.out);
            let limit = match self.bound {
                PrrBound::Conservative => banked,
                PrrBound::SlowStart => banked.max(delivered) + mss,
                PrrBound::SlowStartIfGood => banked.max(delivered) + if good { mss } else { 0 },
            };
            (ssthresh - pipe).min(limit)
        };
        // The first retransmission of a recovery goes whatever the count says (RFC 6675 5, step 4.3).
        if self.out == 0 { count.max(mss) } else { count }
    }

    /// Something was sent, new or again.
    pub(crate) fn sent(&mut self, bytes: u32) {
        self.out = self.out.saturating_add(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MSS: u32 = 1000;

    /// Of 20 segments under way `lost` are lost, each ACK delivers one, all that is allowed is sent; how many segments go
    /// for each ACK.
    #[track_caller]
    fn check(bound: PrrBound, lost: u32, expected: &[u32]) {
        let (mut prr, mut pipe) = (Prr::new(20 * MSS, bound), (20 - lost) * MSS);
        let mut sent = Vec::new();
        for _ in 0..expected.len() {
            pipe -= MSS;
            let ack = Ack { delivered: MSS, pipe, good: true };
            let count = prr.acknowledged(ack, 10 * MSS, MSS) / MSS * MSS;
            prr.sent(count);
            pipe += count;
            sent.push(count / MSS);
        }
        assert_eq!(sent, expected, "{bound:?} {lost}");
    }

    #[test]
    fn one_loss_halves_the_rate() {
        // RFC 6937 4: alternate ACKs release a segment, the first of which goes ahead.
        check(PrrBound::SlowStart, 1, &[1, 0, 0, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn many_losses_are_bounded() {
        check(PrrBound::Conservative, 15, &[1, 1, 1, 1]);
        check(PrrBound::SlowStart, 15, &[2, 2, 2, 2]);
        check(PrrBound::SlowStartIfGood, 15, &[2, 2, 2, 2]);
    }
}
