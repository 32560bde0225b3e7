//! The window by the events that move it.

use super::*;

const MSS: u32 = 1000;
const ISS: SeqNumber = SeqNumber(u32::MAX);

fn open() -> Congestion {
    let mut congestion = Congestion::new(&Config::default(), ISS);
    congestion.established(MSS, false);
    congestion
}

#[test]
fn initial_windows() {
    let iw = |initial_window, mss| {
        let mut congestion = Congestion::new(&Config { initial_window, ..Config::default() }, ISS);
        congestion.established(mss, false);
        congestion.cwnd() / mss
    };
    let rfc5681 = [536, 1095, 1096, 1460, 2190, 2191].map(|mss| iw(InitialWindow::Rfc5681, mss));
    assert_eq!(rfc5681, [4, 4, 3, 3, 3, 2]);
    let rfc6928 = [536, 1460, 2000, 7300, 9000].map(|mss| iw(InitialWindow::Rfc6928, mss));
    assert_eq!(rfc6928, [10, 10, 7, 2, 2]);
}

fn acked(bytes: u32, ack: SeqNumber, flight: u32) -> Acked {
    Acked { bytes, ack, flight, marked: false, now: Instant::ZERO, rtt: Duration::from_millis(100) }
}

#[test]
fn slow_start_then_avoidance() {
    let mut congestion = open();
    for ack in 1..=4 {
        congestion.new_data_acknowledged(acked(2 * MSS, ISS + ack, 0));
    }
    assert_eq!(congestion.cwnd(), 8 * MSS);
    congestion.ssthresh = 8 * MSS;
    for ack in 5..=12 {
        assert_eq!(congestion.cwnd(), 8 * MSS);
        congestion.new_data_acknowledged(acked(MSS, ISS + ack, 0));
    }
    assert_eq!(congestion.cwnd(), 9 * MSS);
}

#[test]
fn fast_recovery() {
    let mut congestion = open();
    let (una, nxt) = (ISS + 1, ISS + 1 + 10 * MSS);
    let duplicate = |congestion: &mut Congestion| congestion.duplicate_ack(una, nxt, 10 * MSS);
    assert_eq!(duplicate(&mut congestion), Response::None);
    assert_eq!((congestion.cwnd(), congestion.window()), (4 * MSS, 5 * MSS));
    duplicate(&mut congestion);
    assert_eq!(duplicate(&mut congestion), Response::Retransmit);
    assert_eq!((congestion.ssthresh(), congestion.cwnd()), (5 * MSS, 8 * MSS));
    duplicate(&mut congestion);
    assert_eq!(congestion.window(), 9 * MSS);
    let partial = |congestion: &mut Congestion, n: u32| {
        congestion.new_data_acknowledged(acked(3 * MSS, una + n * MSS, (10 - n) * MSS))
    };
    assert_eq!(partial(&mut congestion, 3), Response::RetransmitAndRestartTimer);
    assert_eq!(congestion.cwnd(), 7 * MSS);
    assert_eq!(partial(&mut congestion, 6), Response::Retransmit);
    assert_eq!(partial(&mut congestion, 10), Response::None);
    assert_eq!(congestion.cwnd(), 2 * MSS);
    // What was outstanding then does not start another recovery.
    (0..3).for_each(|_| assert_eq!(congestion.duplicate_ack(nxt, nxt + MSS, MSS), Response::None));
}

#[test]
fn marks_count_once_a_window() {
    let mut congestion = open();
    congestion.cwnd = 8 * MSS;
    assert!(!congestion.marked(ISS + 1, ISS + 1 + 8 * MSS));
    assert_eq!((congestion.ssthresh(), congestion.cwnd(), congestion.cwr_due), (4 * MSS, 4 * MSS, true));
    congestion.marked(ISS + 8 * MSS, ISS + 1 + 9 * MSS);
    assert_eq!(congestion.cwnd(), 4 * MSS);
    let nxt = ISS + 1 + 20 * MSS;
    let least: Vec<bool> = (0..3).map(|n| congestion.marked(nxt + 2 * n, nxt + 1 + 2 * n)).collect();
    assert_eq!((least, congestion.cwnd()), (vec![false, false, true], MSS));
}

#[test]
fn timeouts() {
    let mut congestion = open();
    congestion.timeout(10 * MSS, ISS + 10 * MSS, true);
    assert_eq!((congestion.ssthresh(), congestion.cwnd()), (5 * MSS, MSS));
    congestion.timeout(MSS, ISS + 10 * MSS, false);
    assert_eq!((congestion.ssthresh(), congestion.cwnd()), (5 * MSS, MSS));
}

/// A path whose MTU was small for a while: what is left of the window then is less than a segment is afterwards.
#[test]
fn a_segment_that_grows_finds_room() {
    let mut congestion = open();
    congestion.set_mss(28);
    congestion.timeout(2 * MSS, ISS + 2, true);
    assert_eq!(congestion.cwnd(), 28);
    congestion.set_mss(MSS);
    assert_eq!((congestion.cwnd(), congestion.room(0)), (MSS, MSS));
}
