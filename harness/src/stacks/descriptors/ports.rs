//! Ephemeral ports, drawn from the run's seed (RFC 6056 §3.3.1, within Linux's default range).

const FIRST: u16 = 32_768;
const LAST: u16 = 60_999;

/// The generator of ephemeral ports.
#[derive(Clone)]
pub(super) struct Ports {
    state: u64,
}

impl Ports {
    pub(super) fn new(seed: u64) -> Ports {
        Ports { state: seed }
    }

    /// A port that is not `taken`; `None` where all are.
    pub(super) fn pick(&mut self, taken: impl Fn(u16) -> bool) -> Option<u16> {
        let count = LAST - FIRST + 1;
        let start = (self.random() % u64::from(count)) as u16;
        (0..count).map(|i| FIRST + (start + i) % count).find(|port| !taken(*port))
    }

    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
