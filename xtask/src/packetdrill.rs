//! Runs packetdrill itself, on the live kernel.

use crate::programs::find;
use cases::upstream;
use harness::sut::Family;
use std::path::Path;
use std::process::{Command, Stdio};

/// A command that plays a script on `program` in a network namespace of its own, with its runner's options and those in `more`.
///
/// # Errors
/// Says what is missing.
pub(crate) fn command(
    program: &Path,
    script: &Path,
    family: Family,
    more: &[String],
) -> Result<Command, String> {
    let script = script.canonicalize().map_err(|e| format!("{}: {e}", script.display()))?;
    let unshare = find("unshare").ok_or("unshare is missing: apt-get install util-linux")?;
    let mut command = Command::new(unshare);
    command.arg("--net");
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    // A new namespace's loopback interface is down, which neither runner leaves it.
    command.args(["--", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"]);
    command.arg(program).arg("--send_omit_free").args(upstream::runner_options(family));
    for (name, value) in upstream::defines(family) {
        command.arg("-D").arg(format!("{name}={value}"));
    }
    command.args(more).current_dir(script.parent().unwrap_or(Path::new("/"))).arg(&script);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}
