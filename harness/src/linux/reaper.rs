//! Closes the links of runs that are over, beside the run that comes next.
//!
//! To close a TUN device or a packet socket takes tens of milliseconds, in which the kernel waits for all its processors to
//! have let go of it; several at once take hardly longer than one.

use super::network::Network;
use std::collections::VecDeque;
use std::thread::JoinHandle;

/// How many may be under way, so that runs do not pile up.
const MOST_UNDER_WAY: usize = 16;

/// What is being closed.
#[derive(Default)]
pub(super) struct Reaper {
    under_way: VecDeque<JoinHandle<()>>,
}

impl Reaper {
    /// Closes `network`, soon. To be called from outside its namespace, which the thread that closes it would share.
    pub(super) fn take(&mut self, network: Network) {
        while self.under_way.front().is_some_and(JoinHandle::is_finished)
            || self.under_way.len() >= MOST_UNDER_WAY
        {
            self.join_one();
        }
        let thread = std::thread::Builder::new().name("reaper".into()).stack_size(64 << 10);
        // Where no thread can be made the closure is dropped, and the network with it: closed here and now.
        if let Ok(handle) = thread.spawn(move || drop(network)) {
            self.under_way.push_back(handle);
        }
    }

    fn join_one(&mut self) {
        if let Some(oldest) = self.under_way.pop_front() {
            // Dropping descriptors does not panic; if it did, they would be closed all the same.
            let _ = oldest.join();
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        while !self.under_way.is_empty() {
            self.join_one();
        }
    }
}
