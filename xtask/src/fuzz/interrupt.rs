//! Ctrl-C, which ends a run in order: what was found is on disk already, and what it came to is said.

use nix::sys::signal::{SigSet, Signal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether somebody wants an end.
#[derive(Clone, Debug, Default)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes the signal from now on. Programs that are started later do not hear it: they are told by this one.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn watch() -> Result<Interrupt, String> {
        let interrupt = Interrupt::default();
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGINT);
        signals.thread_block().map_err(|e| format!("the signal of Ctrl-C cannot be taken: {e}"))?;
        let flag = interrupt.0.clone();
        std::thread::spawn(move || {
            while signals.wait().is_ok() {
                flag.store(true, Ordering::Relaxed);
            }
        });
        Ok(interrupt)
    }

    /// Whether it came.
    pub(super) fn is_here(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
