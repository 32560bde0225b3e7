//! Inside the guest, as its first and only program: plays the runs that the host wrote down, and powers off.

use super::folder::{ANSWERS, BEGUN, CASES, EXCHANGE, JOBS, OUTPUT, SESSION, SUITE};
use crate::exit::Outcome;
use crate::player;
use crate::protocol::{Job, Session};
use crate::worker;
use nix::mount::{MsFlags, mount};
use nix::sys::reboot::{RebootMode, reboot};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

/// On the kernel's command line, which hands it on to its first program's environment.
pub(super) const MARK: &str = "WIREPROOF_GUEST";

/// Whether this process is a guest's first program. It takes no arguments: the kernel adds some of its own.
pub(crate) fn is_here() -> bool {
    std::process::id() == 1 && std::env::var_os(MARK).is_some()
}

/// After how many hundredths of a second the kernel looks at what was written.
const WRITE_BACK: &str = "/proc/sys/vm/dirty_writeback_centisecs";
/// Longer than any guest lives.
const NEVER: &str = "100000000";

/// Plays, and powers the guest off whatever came of it.
pub(crate) fn run() -> Outcome {
    if let Err(reason) = play() {
        eprintln!("the guest: {reason}");
    }
    let off = reboot(RebootMode::RB_POWER_OFF).map(|never| match never {});
    off.map_err(|e| format!("the guest cannot be switched off: {e}"))
}

fn play() -> Result<(), String> {
    mount_exchange()?;
    // From here on the host sees what is wrong.
    let output = append(OUTPUT)?;
    nix::unistd::dup2_stdout(&output).map_err(|e| format!("dup2: {e}"))?;
    nix::unistd::dup2_stderr(&output).map_err(|e| format!("dup2: {e}"))?;
    mount_others()?;
    worker::remember_panics();
    let session: Session = one(&read(SESSION)?)?;
    let jobs = read(JOBS)?;
    let mut answers = append(ANSWERS)?;
    let mut player = player::open_in_guest(&session)?;
    append(BEGUN)?;
    for line in jobs.lines() {
        let job: Job = one(line)?;
        // What it costs is for the host to see.
        let answer = worker::play_unmeasured(player.as_mut(), &job);
        let mut line = serde_json::to_vec(&answer).map_err(|e| e.to_string())?;
        line.push(b'\n');
        answers.write_all(&line).map_err(|e| format!("{ANSWERS}: {e}"))?;
        if answer.is_last {
            break;
        }
    }
    Ok(())
}

/// A file system of the host's. It is named by way of the kernel's own folder there, so that no path of the machine gets into the
/// guest.
fn mount_host(folder: &str, at: &Path, flags: MsFlags) -> Result<(), String> {
    mount_at("hostfs", at, &format!("/proc/self/cwd/{folder}"), flags)
}

fn mount_at(kind: &str, at: &Path, options: &str, flags: MsFlags) -> Result<(), String> {
    let mounted = mount(Some("none"), at, Some(kind), flags, Some(options));
    mounted.map_err(|e| format!("mounting {kind} at {}: {e}", at.display()))
}

/// Nothing there notes when it was read, which the guest would do or not by the host's time.
fn mount_exchange() -> Result<(), String> {
    mount_host(EXCHANGE, &Path::new("/").join(EXCHANGE), MsFlags::MS_NOATIME)
}

/// The file systems that the driver needs, and the cases.
fn mount_others() -> Result<(), String> {
    for (kind, at) in [("proc", "/proc"), ("sysfs", "/sys"), ("tmpfs", "/tmp")] {
        mount_at(kind, Path::new(at), "", MsFlags::empty())?;
    }
    mount_host(CASES, &Path::new("/").join(CASES), MsFlags::MS_RDONLY)?;
    // The host made this folder, but /tmp is another by now, and the project may be there.
    let suite = cases::root();
    std::fs::create_dir_all(suite).map_err(|e| format!("{}: {e}", suite.display()))?;
    mount_host(SUITE, suite, MsFlags::MS_RDONLY)?;
    // What is written goes to the host at once; what the kernel would do about it later disturbs a run, or not.
    std::fs::write(WRITE_BACK, NEVER).map_err(|e| format!("{WRITE_BACK}: {e}"))
}

fn exchange(name: &str) -> std::path::PathBuf {
    Path::new("/").join(EXCHANGE).join(name)
}

fn read(name: &str) -> Result<String, String> {
    std::fs::read_to_string(exchange(name)).map_err(|e| format!("{name}: {e}"))
}

fn append(name: &str) -> Result<File, String> {
    OpenOptions::new().append(true).create(true).open(exchange(name)).map_err(|e| format!("{name}: {e}"))
}

fn one<T: serde::de::DeserializeOwned>(line: &str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|e| format!("{e} in {line}"))
}
