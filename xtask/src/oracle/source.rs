//! A kernel's source: a tarball or a tree.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The oldest kernel that has what is needed.
const OLDEST: (u32, u32) = (6, 1);

/// Where Debian's packages put their tarballs.
const DEBIAN: &str = "/usr/src/linux-source-6.12.tar.xz";

/// Debian's tarball.
pub(super) fn debian() -> Result<PathBuf, String> {
    let path = PathBuf::from(DEBIAN);
    if path.is_file() {
        return Ok(path);
    }
    Err(format!("{DEBIAN} is missing: apt-get install linux-source-6.12, or name another with --source"))
}

/// SHA-256 of a file, or of the list of a tree's files with theirs.
pub(super) fn sha256(source: &Path) -> Result<String, String> {
    let mut command = if source.is_dir() {
        let script =
            "find . -name .git -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum";
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).current_dir(source);
        shell
    } else {
        let mut command = Command::new("sha256sum");
        command.arg("--").arg(source);
        command
    };
    let output = command.output().map_err(|e| format!("sha256sum cannot be started: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let digits = text.split_ascii_whitespace().next().unwrap_or_default().trim_start_matches('\\');
    if !output.status.success() || digits.len() != 64 {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {}", source.display(), said.trim()));
    }
    Ok(digits.to_owned())
}

/// Puts the source at `tree`, where it may be changed.
pub(super) fn unpack(source: &Path, tree: &Path) -> Result<(), String> {
    if source.is_dir() {
        // Second names for the same files are enough: what is changed is written anew.
        let with = |option: &str| succeeds(Command::new("cp").arg(option).arg("--").arg(source).arg(tree));
        if with("-al") {
            return Ok(());
        }
        let _ = std::fs::remove_dir_all(tree);
        return if with("-a") { Ok(()) } else { Err(format!("{} cannot be copied", source.display())) };
    }
    std::fs::create_dir_all(tree).map_err(|e| format!("{}: {e}", tree.display()))?;
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(source).arg("-C").arg(tree).arg("--strip-components=1");
    let output = tar.output().map_err(|e| format!("tar cannot be started: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().next().unwrap_or("no message");
    Err(format!("{} cannot be unpacked below {}: {first}", source.display(), tree.display()))
}

fn succeeds(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Major and minor number of a tree.
pub(super) fn series(tree: &Path) -> Result<String, String> {
    let (major, minor) = version(&read(tree, "Makefile")?)
        .ok_or_else(|| format!("{}/Makefile names no version: this is no kernel", tree.display()))?;
    if (major, minor) < OLDEST {
        let (m, n) = OLDEST;
        return Err(format!("Linux {major}.{minor} is too old: {m}.{n} is the oldest that can be built"));
    }
    Ok(format!("{major}.{minor}"))
}

/// VERSION and PATCHLEVEL of the kernel's Makefile.
fn version(makefile: &str) -> Option<(u32, u32)> {
    let number = |name: &str| {
        let value = makefile.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_prefix('='))?;
        value.trim().parse().ok()
    };
    Some((number("VERSION")?, number("PATCHLEVEL")?))
}

const KCONFIG: &str = "arch/um/Kconfig";

/// Makes the tick 1 ms, as on the machines that scripts were written on. It is 10 ms, and no option.
pub(super) fn tick_of_1_ms(tree: &Path) -> Result<(), String> {
    let text = read(tree, KCONFIG)?;
    let changed = with_tick_of_1_ms(&text);
    let changed = changed.ok_or_else(|| format!("{KCONFIG} has no `config HZ` with a default of 100"))?;
    let path = tree.join(KCONFIG);
    // The file may be another name of the user's.
    let written = std::fs::remove_file(&path).and_then(|()| std::fs::write(&path, changed));
    written.map_err(|e| format!("{}: {e}", path.display()))
}

fn with_tick_of_1_ms(kconfig: &str) -> Option<String> {
    let entry = kconfig.find("config HZ\n")?;
    let (before, entry) = kconfig.split_at(entry);
    let at = entry.find("default 100")?;
    let is_this_entry = !entry[1..at].contains("\nconfig ");
    let rest = &entry[at + "default 100".len()..];
    let changed = || format!("{before}{}default 1000{}", &entry[..at], rest.trim_start_matches('0'));
    is_this_entry.then(changed)
}

/// Whether the kernel can run its programs under seccomp rather than ptrace.
pub(super) fn knows_seccomp(tree: &Path) -> Result<bool, String> {
    Ok(read(tree, "arch/um/os-Linux/start_up.c")?.contains("\"seccomp="))
}

fn read(tree: &Path, file: &str) -> Result<String, String> {
    std::fs::read_to_string(tree.join(file)).map_err(|e| format!("{}/{file}: {e}", tree.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_a_makefile() {
        let makefile = "# SPDX\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\n";
        assert_eq!(version(makefile), Some((6, 12)));
        assert_eq!(version("all:\n"), None);
    }

    #[test]
    fn only_the_tick_is_changed() {
        let before = "config A\n\tdefault 100\n\nconfig HZ\n\tint\n\tdefault ";
        let after = "\n\nconfig B\n\tdefault 100\n";
        let check = |given: &str| with_tick_of_1_ms(&format!("{before}{given}{after}"));
        assert_eq!(check("100"), Some(format!("{before}1000{after}")));
        assert_eq!(check("1000"), Some(format!("{before}1000{after}")));
        assert_eq!(check("250"), None);
        assert_eq!(with_tick_of_1_ms("config A\n"), None);
    }
}
