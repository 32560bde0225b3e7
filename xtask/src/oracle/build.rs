//! `cargo xtask oracle build`: from a source to a kernel in the cache.

use super::store::{self, KERNEL, RECORD, Record, SEEDS};
use super::{SERIES, source};
use crate::exit::{Exit, Outcome};
use crate::programs;
use crate::progress::Progress;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The kernel's configuration, beyond `allnoconfig`.
const CONFIGURATION: &str = include_str!("../../../harness/src/oracle/kernel.config");
/// The shim that answers the kernel's getrandom().
const SHIM: &str = include_str!("../../../harness/src/oracle/seeds.c");
/// What the configuration's hash stands for beside these files: to be raised where this module builds otherwise.
const RECIPE: &str = "1";

/// The programs that a build calls, with the Debian packages that have them.
const NEEDED: &[(&str, &str)] = &[
    ("make", "make"),
    ("gcc", "gcc"),
    ("ld", "binutils"),
    ("flex", "flex"),
    ("bison", "bison"),
    ("bc", "bc"),
    ("tar", "tar"),
    ("xz", "xz-utils"),
    ("perl", "perl"),
    ("sha256sum", "coreutils"),
];

/// What goes into the kernel's name and from there into its random numbers.
const PINNED: &[(&str, &str)] = &[
    ("KBUILD_BUILD_TIMESTAMP", "Thu Jan  1 00:00:00 UTC 1970"),
    ("KBUILD_BUILD_USER", "wireproof"),
    ("KBUILD_BUILD_HOST", "oracle"),
    ("KBUILD_BUILD_VERSION", "1"),
    ("LC_ALL", "C"),
];

/// How many lines make prints, for the progress.
const LINES: usize = 1100;
/// How many of its last lines are shown where it fails.
const SHOWN: usize = 15;

/// Builds a kernel from `source`, or from Debian's package, unless it is there already.
pub(super) fn build(source: Option<&Path>) -> Outcome {
    programs::require(NEEDED)?;
    let source = match source {
        Some(path) => path.to_owned(),
        None => source::debian()?,
    };
    let cache = store::root()?;
    std::fs::create_dir_all(&cache).map_err(|e| format!("{}: {e}", cache.display()))?;
    println!("reading {}", source.display());
    let sha256 = source::sha256(&source)?;
    let work = Work { path: cache.join(format!("building-{}", std::process::id())) };
    std::fs::create_dir_all(&work.path).map_err(|e| work.problem(&e))?;
    let configuration = configuration_hash(&work)?;
    let is_this =
        |k: &store::Kernel| k.record.source_sha256 == sha256 && k.record.configuration == configuration;
    if let Some(kernel) = store::kernels()?.into_iter().find(is_this) {
        println!("{} is there already: {}", kernel.record.release, kernel.folder.display());
        return Ok(Exit::AsExpected);
    }
    check_room(&cache)?;
    let tree = work.path.join("source");
    println!("unpacking, and building below {} (about 3 GB)", cache.display());
    source::unpack(&source, &tree)?;
    let series = source::series(&tree).map_err(|why| format!("{}: {why}", source.display()))?;
    source::tick_of_1_ms(&tree)?;
    let release = compile(&work, &tree)?;
    let name = source.file_name().unwrap_or(source.as_os_str()).to_string_lossy().into_owned();
    let record = Record {
        series,
        release,
        source: name,
        source_sha256: sha256,
        compiler: first_line(Command::new("gcc").arg("--version"))?,
        configuration,
        seccomp: source::knows_seccomp(&tree)?,
    };
    let folder = install(&work, &cache, &record)?;
    println!("linux-{} is {}: {}", record.series, record.release, folder.display());
    if record.series != SERIES {
        println!("cargo xtask conformance --stack linux-{}", record.series);
    }
    Ok(Exit::AsExpected)
}

/// How much a build takes, in bytes: the source, and what is made of it.
const ROOM: u64 = 3 << 30;

/// Says before the first minutes have gone by that they would be in vain.
fn check_room(cache: &Path) -> Result<(), String> {
    // Where the system does not tell, the build will.
    let Ok(disk) = nix::sys::statvfs::statvfs(cache) else { return Ok(()) };
    let free = disk.blocks_available().saturating_mul(disk.fragment_size());
    enough(free).map_err(|why| format!("{}: {why}", cache.display()))
}

/// Whether so many bytes are enough for a build.
fn enough(free: u64) -> Result<(), String> {
    if free >= ROOM {
        return Ok(());
    }
    let (free, room) = (free >> 20, ROOM >> 20);
    Err(format!(
        "{free} MB are free and a build takes {room} MB: make room, or set XDG_CACHE_HOME to another folder"
    ))
}

/// The hash of what this program would give to a build.
pub(super) fn configuration() -> Result<String, String> {
    let cache = store::root()?;
    let work = Work { path: cache.join(format!("hashing-{}", std::process::id())) };
    std::fs::create_dir_all(&work.path).map_err(|e| work.problem(&e))?;
    configuration_hash(&work)
}

/// The folder of a build, gone with the value.
struct Work {
    path: PathBuf,
}

impl Work {
    fn problem(&self, error: &std::io::Error) -> String {
        format!("{}: {error}", self.path.display())
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, String> {
        let path = self.path.join(name);
        std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // What cannot be removed is in the cache, where it does no harm.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// The first 16 digits of the SHA-256 of all that is given to a build beside the source.
fn configuration_hash(work: &Work) -> Result<String, String> {
    let pinned: String = PINNED.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    let all = work.write("recipe", &[RECIPE, CONFIGURATION, SHIM, &pinned].join("\n"))?;
    Ok(source::sha256(&all)?.chars().take(16).collect())
}

/// Configures and builds; gives the kernel's release.
fn compile(work: &Work, tree: &Path) -> Result<String, String> {
    let fragment = work.write("fragment", CONFIGURATION)?;
    let make = |target: &str| {
        let mut make = Command::new("make");
        make.arg("-C").arg(tree).arg("ARCH=um").arg(format!("O={}", work.path.join("out").display()));
        make.arg(target).envs(PINNED.iter().copied()).env_remove("MAKEFLAGS");
        make
    };
    watched(make("allnoconfig").env("KCONFIG_ALLCONFIG", &fragment), 1, "configuration")?;
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    watched(make("linux").arg(format!("-j{jobs}")), LINES, "lines of make")?;
    first_line(make("kernelrelease").args(["-s", "--no-print-directory"]))
}

/// Runs a command that says much, and shows the end of it where it fails.
fn watched(command: &mut Command, lines: usize, what: &str) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let (reader, writer) = std::io::pipe().map_err(|e| format!("pipe: {e}"))?;
    let errors = writer.try_clone().map_err(|e| format!("pipe: {e}"))?;
    let child = command.stdin(Stdio::null()).stdout(writer).stderr(errors).spawn();
    let mut child = child.map_err(|e| format!("{name} cannot be started: {e}"))?;
    // The command holds the other end of the pipe.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut last = VecDeque::new();
    let mut progress = Progress::new(what.to_owned(), lines);
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        progress.step();
        last.push_back(String::from_utf8_lossy(&line).into_owned());
        if last.len() > SHOWN {
            last.pop_front();
        }
    }
    drop(progress);
    let status = child.wait().map_err(|e| format!("{name}: {e}"))?;
    if status.success() {
        return Ok(());
    }
    let last: Vec<String> = last.into();
    Err(format!(
        "the kernel does not build: {name} ended with {status}; its last lines:\n{}",
        last.join("\n")
    ))
}

/// What a command says first.
fn first_line(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stderr(Stdio::null()).output().map_err(|e| format!("{name} cannot be started: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().filter(|_| output.status.success());
    Ok(line.ok_or_else(|| format!("{name} ended with {}", output.status))?.trim().to_owned())
}

/// Puts the kernel, the shim and the record into the cache; whoever looks sees all of them or none.
fn install(work: &Work, cache: &Path, record: &Record) -> Result<PathBuf, String> {
    let made = work.path.join("made");
    std::fs::create_dir_all(&made).map_err(|e| work.problem(&e))?;
    let shim = work.write("seeds.c", SHIM)?;
    let built = work.path.join("out").join(KERNEL);
    watched(Command::new("strip").arg("-o").arg(made.join(KERNEL)).arg(built), 1, "strip")?;
    let mut gcc = Command::new("gcc");
    watched(gcc.args(["-O2", "-shared", "-fPIC", "-o"]).arg(made.join(SEEDS)).arg(shim), 1, "shim")?;
    let text = toml::to_string(record).map_err(|e| e.to_string())?;
    let written = File::create_new(made.join(RECORD)).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|e| work.problem(&e))?;
    let folder = cache.join(format!("{}-{}", record.release, record.configuration));
    // One of the same release from another source makes room.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::rename(&made, &folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_too_full_is_told_beforehand() {
        assert_eq!(enough(ROOM), Ok(()));
        let told =
            "3071 MB are free and a build takes 3072 MB: make room, or set XDG_CACHE_HOME to another folder";
        assert_eq!(enough(ROOM - 1), Err(told.to_owned()));
    }

    #[test]
    fn a_command_that_fails_shows_its_last_lines() {
        let mut shell = Command::new("sh");
        let shell = shell.args(["-c", "seq 20; echo wrong >&2; exit 3"]);
        let said = watched(shell, 1, "lines").expect_err("it ends with 3");
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines[0], "the kernel does not build: sh ended with exit status: 3; its last lines:");
        assert_eq!((lines[1], lines[SHOWN], lines.len()), ("7", "wrong", SHOWN + 1));
    }
}
