//! What has passed over links.

use std::fmt;

/// Frames and bytes, as the stations see them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames that the stations were given.
    pub frames_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Frames that left the stations.
    pub frames_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
    /// Frames of both directions that were lost on purpose; they are in no other count.
    pub lost: u64,
    /// Frames that a device did not take.
    pub refused: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { frames_in, bytes_in, frames_out, bytes_out, lost, refused } = self;
        write!(f, "{frames_in} frames in ({bytes_in} bytes), {frames_out} out ({bytes_out} bytes)")?;
        for (count, what) in [(lost, "lost on purpose"), (refused, "that the device did not take")] {
            if *count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}
