//! `--against`: plays each script on packetdrill too, and says where the verdicts agree.

use super::Options;
use super::plan::Plan;
use super::play::Played;
use std::path::Path;

pub(super) fn print(_: &Options, _: &Plan, program: &Path, _: &Played) -> Result<(), String> {
    Err(format!("{}: --against", program.display()))
}
