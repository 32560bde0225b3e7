//! The guest's root and the folder that it shares with its host.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Below the guest's own folder: the root of its file system.
pub(super) const ROOT: &str = "root";
/// Below the guest's own folder, and in the guest: what the folder of the cases is in, which scripts may refer to.
pub(super) const CASES: &str = "cases";
/// Below the guest's own folder: a link to the suite, whose openings any case may include. The guest sees it where it is here.
pub(super) const SUITE: &str = "suite";
/// Below the guest's own folder, and in the guest: what goes in and comes out.
pub(super) const EXCHANGE: &str = "io";
/// In the exchange: the session, one line.
pub(super) const SESSION: &str = "session.json";
/// In the exchange: the jobs, one a line.
pub(super) const JOBS: &str = "jobs.json";
/// In the exchange: the answers, one a line.
pub(super) const ANSWERS: &str = "answers.json";
/// In the exchange: what the guest writes to standard output and standard error. Its console is no place for that: when the
/// host gets round to reading it decides when the kernel is interrupted.
pub(super) const OUTPUT: &str = "output";
/// In the exchange: there once the guest has begun to play.
pub(super) const BEGUN: &str = "begun";
/// How the names of guests' folders begin; the worker's number follows.
const PREFIX: &str = "wireproof-guest-";
/// In a guest's folder: locked while its worker lives, which the kernel knows better than a process number does, also where the worker is
/// in another container.
const HELD: &str = "held";
/// A folder this young may be of a worker that has not locked it yet.
const YOUNG: Duration = Duration::from_secs(10);
/// The guest's program, which is this one.
const INIT: &str = "init";

/// A folder for one guest, gone with the value.
pub(super) struct Folder {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Where the guest sees the cases.
    pub(super) cases: PathBuf,
    /// The lock on [`HELD`].
    held: Option<File>,
}

impl Folder {
    /// Makes the folder of a guest that plays cases from below `played`.
    pub(super) fn make(played: &Path) -> Result<Folder, String> {
        let path = of_worker(std::process::id());
        let played = played.canonicalize().map_err(|e| format!("{}: {e}", played.display()))?;
        let (around, name) = around(&played);
        let cases = Path::new("/").join(CASES).join(name);
        let mut folder = Folder { path, cases, held: None };
        let at = folder.path.clone();
        let problem = |e: std::io::Error| format!("{}: {e}", at.display());
        sweep();
        // One that is there still was left behind by a process of the same number, which is gone.
        let _ = std::fs::remove_dir_all(&folder.path);
        for below in [ROOT, EXCHANGE] {
            std::fs::create_dir_all(folder.path.join(below)).map_err(problem)?;
        }
        for below in ["proc", "sys", "dev", "tmp", EXCHANGE, CASES] {
            std::fs::create_dir(folder.path.join(ROOT).join(below)).map_err(problem)?;
        }
        std::fs::create_dir_all(below(&folder.path.join(ROOT), cases::root())).map_err(problem)?;
        let held = File::create(folder.path.join(HELD)).map_err(problem)?;
        held.lock().map_err(problem)?;
        folder.held = Some(held);
        std::os::unix::fs::symlink(cases::root(), folder.path.join(SUITE)).map_err(problem)?;
        std::os::unix::fs::symlink(around, folder.path.join(CASES)).map_err(problem)?;
        folder.add_program()?;
        Ok(folder)
    }

    /// A file of the exchange.
    pub(super) fn exchange(&self, name: &str) -> PathBuf {
        self.path.join(EXCHANGE).join(name)
    }

    /// Puts this program into the guest's root, with the shared libraries that it has loaded here, at the same paths: the
    /// guest runs the very same code, and nothing has to be built for it.
    fn add_program(&self) -> Result<(), String> {
        let program =
            std::env::current_exe().map_err(|e| format!("this program's own path is unknown: {e}"))?;
        let root = self.path.join(ROOT);
        place(&program, &root.join(INIT))?;
        for library in libraries(&program)? {
            for path in [library.clone(), alias(&library)] {
                place(&library, &below(&root, &path))?;
            }
        }
        // The loader has one name in the program and may have another in memory.
        match interpreter(&program)? {
            Some(loader) => place(&loader, &below(&root, &loader)),
            None => Ok(()),
        }
    }
}

/// The folder that another is in, and its name there; the root is in itself.
fn around(folder: &Path) -> (&Path, &Path) {
    match (folder.parent(), folder.file_name()) {
        (Some(parent), Some(name)) => (parent, Path::new(name)),
        _ => (folder, Path::new("")),
    }
}

/// Where the folder is of the guest of the worker with a process number.
fn of_worker(pid: u32) -> PathBuf {
    std::env::temp_dir().join(format!("{PREFIX}{pid}"))
}

/// Removes what a worker has left that was killed.
pub(super) fn clean_after(pid: u32) {
    // Most workers have no guest.
    let _ = std::fs::remove_dir_all(of_worker(pid));
}

/// Removes the folders of workers that were killed together with whoever would have cleaned up after them.
fn sweep() {
    let Ok(entries) = std::fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        let is_guests = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|at| at.elapsed().ok());
        if is_guests && age.is_some_and(|age| age >= YOUNG) && !is_held(&entry.path()) {
            // Somebody else's cannot be removed, and need not be.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether a folder's worker lives.
fn is_held(folder: &Path) -> bool {
    File::open(folder.join(HELD)).is_ok_and(|held| held.try_lock().is_err())
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is in the system's folder for what is temporary.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Where a file of /usr/lib is found as well: loaders look for each other there.
fn alias(library: &Path) -> PathBuf {
    match library.strip_prefix("/usr") {
        Ok(below) => Path::new("/").join(below),
        Err(_) => library.to_owned(),
    }
}

/// An absolute path in another root.
fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// A second name for a file, or a copy where it has to be one.
fn place(file: &Path, at: &Path) -> Result<(), String> {
    let problem = |e: std::io::Error| format!("{}: {e}", at.display());
    if at.exists() {
        return Ok(());
    }
    if let Some(folder) = at.parent() {
        std::fs::create_dir_all(folder).map_err(problem)?;
    }
    // A second name for a symbolic link would be a link that leads elsewhere in the guest.
    let file = file.canonicalize().map_err(|e| format!("{}: {e}", file.display()))?;
    if std::fs::hard_link(&file, at).is_err() {
        std::fs::copy(&file, at).map_err(problem)?;
    }
    Ok(())
}

/// The program that an executable asks to be loaded by: its PT_INTERP header (ELF-64, this machine's byte order).
fn interpreter(program: &Path) -> Result<Option<PathBuf>, String> {
    let problem = |e: std::io::Error| format!("{}: {e}", program.display());
    let mut file = File::open(program).map_err(problem)?;
    let mut start = Vec::new();
    file.by_ref().take(HEADERS).read_to_end(&mut start).map_err(problem)?;
    let path = name_in_headers(&start).and_then(|name| std::str::from_utf8(name).ok());
    Ok(path.map(|path| PathBuf::from(path.trim_end_matches('\0'))))
}

/// How much of an executable is looked at for its headers, in bytes: linkers put them, and the name, into the first page.
const HEADERS: u64 = 64 << 10;
/// `p_type` of the header that has the loader's name.
const PT_INTERP: u64 = 3;

fn name_in_headers(elf: &[u8]) -> Option<&[u8]> {
    let number = |at: usize, length: usize| -> Option<u64> {
        let mut bytes = [0; 8];
        bytes[..length].copy_from_slice(elf.get(at..at.checked_add(length)?)?);
        Some(u64::from_le_bytes(bytes))
    };
    let index = |at: usize, length: usize| usize::try_from(number(at, length)?).ok();
    if !elf.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    // e_phoff, e_phentsize, e_phnum.
    let (table, size, count) = (index(32, 8)?, index(54, 2)?, index(56, 2)?);
    let mut headers = (0..count).filter_map(|nth| table.checked_add(nth.checked_mul(size)?));
    let header = headers.find(|at| number(*at, 4) == Some(PT_INTERP))?;
    // p_offset, p_filesz.
    let (start, length) = (index(header.checked_add(8)?, 8)?, index(header.checked_add(32)?, 8)?);
    elf.get(start..start.checked_add(length)?)
}

/// The shared libraries in this process's memory, the loader included; none where the program is static.
fn libraries(program: &Path) -> Result<Vec<PathBuf>, String> {
    let maps = std::fs::read_to_string("/proc/self/maps").map_err(|e| format!("/proc/self/maps: {e}"))?;
    let files = maps.lines().filter_map(|line| line.split_ascii_whitespace().nth(5)).map(PathBuf::from);
    let mut files: Vec<PathBuf> = files.filter(|f| f.is_absolute() && f != program && f.is_file()).collect();
    files.sort();
    files.dedup();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_is_found_in_the_headers() {
        let mut elf = b"\x7fELF\x02\x01".to_vec();
        elf.resize(200, 0);
        (elf[32], elf[54], elf[56]) = (64, 56, 1);
        (elf[64], elf[72], elf[96]) = (3, 120, 9);
        elf[120..129].copy_from_slice(b"/lib/ld.1");
        assert_eq!(name_in_headers(&elf), Some(&b"/lib/ld.1"[..]));
        for length in 0..elf.len() {
            let name = name_in_headers(&elf[..length]);
            assert_eq!(name.is_some(), length >= 129, "{length} bytes");
        }
        (elf[64], elf[72]) = (3, 255);
        assert_eq!(name_in_headers(&elf), None);
    }
}
