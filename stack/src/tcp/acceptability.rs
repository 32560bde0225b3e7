//! The acceptability of an incoming segment (RFC 9293 3.4, table 6 of 3.10.7.4).

use super::SeqNumber;

/// Whether a segment of `seg_len` at `seg_seq` occupies a part of the receive window, in the table's four cases.
pub(crate) fn is_acceptable(seg_seq: SeqNumber, seg_len: u32, rcv_nxt: SeqNumber, rcv_wnd: u32) -> bool {
    match (seg_len, rcv_wnd) {
        (0, 0) => seg_seq == rcv_nxt,
        (0, _) => in_window(seg_seq, rcv_nxt, rcv_wnd),
        (_, 0) => false,
        (_, _) => {
            in_window(seg_seq, rcv_nxt, rcv_wnd) || in_window(seg_seq + (seg_len - 1), rcv_nxt, rcv_wnd)
        }
    }
}

/// RCV.NXT =< seq < RCV.NXT+RCV.WND.
pub(crate) fn in_window(seq: SeqNumber, rcv_nxt: SeqNumber, rcv_wnd: u32) -> bool {
    seq.since(rcv_nxt) < rcv_wnd
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RCV.NXT is 1000, on either side of the wrap.
    #[track_caller]
    fn check(seq: u32, len: u32, wnd: u32, acceptable: bool) {
        for shift in [0, u32::MAX - 1000, u32::MAX - 1005] {
            let (seg_seq, rcv_nxt) = (SeqNumber(seq) + shift, SeqNumber(1000) + shift);
            assert_eq!(is_acceptable(seg_seq, len, rcv_nxt, wnd), acceptable, "{seq} +{len} in {wnd}");
        }
    }

    #[test]
    fn the_four_cases() {
        check(1000, 0, 0, true);
        check(999, 0, 0, false);
        check(1001, 0, 0, false);
        check(1000, 0, 10, true);
        check(1009, 0, 10, true);
        check(1010, 0, 10, false);
        check(999, 0, 10, false);
        check(1000, 1, 0, false);
        check(1000, 10, 10, true);
        check(1009, 10, 10, true);
        check(1010, 1, 10, false);
        check(990, 10, 10, false);
        check(990, 11, 10, true);
    }
}
