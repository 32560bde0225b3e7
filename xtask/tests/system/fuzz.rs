//! `cargo xtask fuzz` from the outside, where things go wrong, and what OSS-Fuzz builds with.

use super::Scratch;
use libtest_mimic::Failed;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The target with the least to build.
const TARGET: &str = "buffer";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

fn fuzz(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.current_dir(root()).arg("fuzz").args(arguments);
    command
}

fn ended(mut command: Command, code: i32, words: &str) -> Result<(), Failed> {
    has(&command.output()?, code, words)
}

/// Whether a command ended with `code`, and said `words`.
fn has(output: &Output, code: i32, words: &str) -> Result<(), Failed> {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&text);
    match output.status.code() == Some(code) && text.contains(words) {
        true => Ok(()),
        false => Err(format!("expected status {code} and {words:?}: {}\n{text}", output.status).into()),
    }
}

/// One after the other, since a folder has one user.
pub(super) fn wrong() -> Result<(), Failed> {
    unknown()?;
    corrupt_corpus()?;
    two_runs_and_an_interrupt()?;
    full_disk()?;
    merge()
}

/// What does not exist is named, with what is nearest.
fn unknown() -> Result<(), Failed> {
    ended(fuzz(&["run", "bufer"]), 2, "buffer")?;
    ended(fuzz(&["campaign", "tcp_machin"]), 2, "tcp_machine")?;
    ended(fuzz(&["replay", "/nowhere/at-all"]), 2, "there is no such file")?;
    ended(fuzz(&["run", TARGET, "--for", "soon"]), 2, "90s, 10m, 2h")
}

/// A second run on the same corpus is told of the first; Ctrl-C ends the first in order.
fn two_runs_and_an_interrupt() -> Result<(), Failed> {
    let mut first = Running(
        fuzz(&["run", TARGET, "--for", "10m"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?,
    );
    let mut progress = first.0.stderr.take().ok_or("the first run has no stderr")?;
    // The run says how far it is once the folder is its own: a second one before that would be the first.
    shows(&mut progress, "executions")?;
    ended(fuzz(&["run", TARGET, "--for", "1s"]), 2, "another run of buffer uses this folder")?;
    // Read to its end, or a full pipe would stop the run.
    let rest = std::thread::spawn(move || progress.read_to_end(&mut Vec::new()));
    let pid = first.0.id().to_string();
    Command::new("kill").args(["-INT", &pid]).status()?;
    let mut said = String::new();
    if let Some(mut output) = first.0.stdout.take() {
        output.read_to_string(&mut said)?;
    }
    let status = first.0.wait()?;
    rest.join().map_err(|_| "the thread that reads what the run says panicked")??;
    match said.contains("interrupted: what was found until here is on disk") {
        true => Ok(()),
        false => Err(format!("{status}: {said}").into()),
    }
}

/// Reads until a program has said `word`, which one that has ended will not.
fn shows(output: &mut impl Read, word: &str) -> Result<(), Failed> {
    let (mut said, mut part) = (String::new(), [0; 4096]);
    while !said.contains(word) {
        let length = output.read(&mut part)?;
        said.push_str(&String::from_utf8_lossy(&part[..length]));
        if length == 0 {
            return Err(format!("ended without {word:?}: {said}").into());
        }
    }
    Ok(())
}

/// A program that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may be over.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A disk without room for findings is told of before anything is lost, in a name space of its own.
fn full_disk() -> Result<(), Failed> {
    let artifacts = root().join("fuzz/artifacts");
    std::fs::create_dir_all(&artifacts)?;
    let script = "mount -t tmpfs -o size=16k tmpfs \"$1\" && exec \"$2\" fuzz run buffer --for 3s";
    let mut command = Command::new("unshare");
    command.current_dir(root()).args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
    command.arg(&artifacts).arg(env!("CARGO_BIN_EXE_xtask"));
    ended(command, 2, "make room, findings would be lost")
}

/// A file of a corpus that cannot be read, and one that is no input of anything, stop nobody.
fn corrupt_corpus() -> Result<(), Failed> {
    let corpus = root().join("fuzz/corpus").join(TARGET);
    std::fs::create_dir_all(&corpus)?;
    let files = [corpus.join("corrupt"), corpus.join("dangling")];
    std::fs::write(&files[0], vec![0xff; 100_000])?;
    // It may be there from a test that was ended.
    let _ = std::fs::remove_file(&files[1]);
    std::os::unix::fs::symlink("/nowhere/at-all", &files[1])?;
    let outcome = ended(fuzz(&["run", TARGET, "--for", "1s"]), 0, TARGET);
    for file in files {
        std::fs::remove_file(file)?;
    }
    outcome
}

/// What others found is taken in, and what reaches nothing new is dropped.
fn merge() -> Result<(), Failed> {
    let scratch = Scratch::new("merge")?;
    let folder = scratch.path.join(TARGET);
    std::fs::create_dir_all(&folder)?;
    for number in 0..50u8 {
        std::fs::write(folder.join(number.to_string()), [number, 1, 7, 0, number])?;
    }
    let mut command = fuzz(&["campaign", TARGET, "--merge"]);
    command.arg(&scratch.path);
    ended(command, 0, "kept")
}

/// build.sh as OSS-Fuzz and ClusterFuzzLite call it, without docker: what it builds runs its seeds.
pub(super) fn build_script() -> Result<(), Failed> {
    let scratch = Scratch::new("oss-fuzz")?;
    let out = scratch.path.join("out");
    std::fs::create_dir_all(&out)?;
    let built = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let mut command = Command::new("bash");
    command.arg("-eu").arg(root().join("fuzz/oss-fuzz/build.sh")).current_dir(&scratch.path);
    command.env("WIREPROOF", root()).env("SRC", &scratch.path).env("WORK", &scratch.path).env("OUT", &out);
    command.env("FUZZING_ENGINE", "libfuzzer").env("SANITIZER", "none").env("FUZZING_LANGUAGE", "rust");
    command
        .env("RUSTFLAGS", "")
        .env("CARGO_TARGET_DIR", built.join("fuzz-oss"))
        .env("TARGETS", "arp language");
    let output = command.output()?;
    has(&output, 0, "")?;
    for file in ["arp", "arp_seed_corpus.zip", "language", "language.dict", "language_seed_corpus.zip"] {
        if !out.join(file).is_file() {
            return Err(format!("build.sh makes no {file}").into());
        }
    }
    let mut command = Command::new(out.join("arp"));
    command.arg("-runs=50").current_dir(&scratch.path);
    ended(command, 0, "Done 50 runs")
}
