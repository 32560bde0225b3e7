//! The same driver in a kernel whose clock jumps when it idles.

use super::network::Network;
use super::os::Doing;
use super::{LinkChoice, Linux, baseline, capabilities, clock, settings};
use crate::sut::{Capabilities, Clock, Granularity, Refusal};
use std::time::Duration;

/// What lies between two things that happen at once: each reading of the clock takes 256 ns of such a kernel's time, and
/// the driver reads it a few dozen times between a stimulus and what comes of it.
const RESOLUTION: Duration = Duration::from_micros(20);

/// How long `submit` gives a call that may block: time for the few readings of the clock that its thread makes.
const SETTLE: Duration = Duration::from_micros(5);

/// Runs begin at a multiple of this, so that each sees the same phase of the timer wheel: the step of the wheel's level for
/// timers of up to four and a half hours, with a tick of 1 ms. TCP's longest, the one of keep-alive, has two.
const PHASE: Duration = Duration::from_millis(262_144);

/// The tick of a kernel that was built for this.
const TICK: Duration = Duration::from_millis(1);

/// What a kernel in virtual time declares, under the name that `--stack` takes and with its release as its version.
pub fn in_virtual_time(name: &str, release: &str, choice: &LinkChoice) -> Capabilities {
    let declared = capabilities(choice);
    Capabilities {
        name: name.to_owned(),
        version: release.to_owned(),
        clock: Clock::Virtual,
        resolution: RESOLUTION,
        granularity: Granularity { tick: TICK, ..declared.granularity },
        ..declared
    }
}

/// How long a network is left alone before a run begins, and no longer than twice that: its addresses can be used and the kernel's
/// own group reports are over by then, and to wait costs nothing.
const QUIET: Duration = Duration::from_millis(64);

/// Makes new namespaces take their interfaces' settings from the first. Those of neighbours they take from there anyway, and
/// a kernel that was just booted has mainline's.
const INHERIT: &str = "core/devconf_inherit_init_net";

impl Linux {
    /// The driver of a kernel that runs for it alone, in virtual time; `capabilities` are what [`in_virtual_time`] gives.
    ///
    /// Runs begin at a fixed phase of the timer wheel: to wait for it costs nothing, and lets the kernel free the namespaces of
    /// runs that are over. The settings that runs start from are made in the first namespace, once.
    ///
    /// # Errors
    /// Names the setting that was refused.
    pub fn in_own_kernel(mut self, capabilities: Capabilities) -> Result<Linux, String> {
        baseline::apply(baseline::NAMESPACE, "")?;
        baseline::write(INHERIT, "1").doing(INHERIT)?;
        settings::inherit_congestion_control()?;
        self.inherits = true;
        self.settle = SETTLE;
        self.capabilities = capabilities;
        Ok(self)
    }

    /// Waits for the phase that a run begins at.
    pub(super) fn await_phase(&self) {
        if self.capabilities.clock == Clock::Virtual {
            clock::sleep_to_multiple(PHASE, Duration::ZERO);
        }
    }

    /// Waits until a network that was just made has nothing more to say of its own.
    pub(super) fn await_quiet(&self, network: &mut Network) -> Result<(), Refusal> {
        if self.capabilities.clock != Clock::Virtual {
            return Ok(());
        }
        clock::sleep_to_multiple(QUIET, QUIET);
        network.forget_frames().doing("waiting for silence").map_err(Refusal::Broken)
    }
}
