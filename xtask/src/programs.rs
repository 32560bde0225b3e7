//! Programs of others: whether they are there, and what came of running them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where `program` is on the search path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The programs among `needed` that are missing, each with the Debian package that has it.
///
/// # Errors
/// Names them and how to get them.
pub(crate) fn require(needed: &[(&str, &str)]) -> Result<(), String> {
    let missing: Vec<&(&str, &str)> = needed.iter().filter(|(program, _)| find(program).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = missing
        .iter()
        .map(|(program, package)| format!("{program} is missing: apt-get install {package}"))
        .collect();
    Err(lines.join("\n"))
}

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// The cargo that runs this program, or the one on the search path, in the workspace's root.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a command with this program's own input and output, and says whether it succeeded.
///
/// # Errors
/// Says why it cannot be started.
pub(crate) fn run(command: &mut Command) -> Result<bool, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|e| format!("{name} cannot be started: {e}"))?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        assert_eq!(require(&[("sh", "dash")]), Ok(()));
        let error = require(&[("sh", "dash"), ("no-such-program", "no-such-package")]);
        let expected = "no-such-program is missing: apt-get install no-such-package";
        assert_eq!(error, Err(expected.to_owned()));
    }
}
