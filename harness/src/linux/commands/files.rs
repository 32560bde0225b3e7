//! Commands on files, and what they share.

use super::{Commands, Done, Netlink, Operands};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// How much of a file is read, in bytes.
const MOST: u64 = 4 << 20;
/// A run's files.
const TMP: &str = "/tmp";

/// A file as far as `most` bytes.
pub(super) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Removes everything from /tmp.
pub(super) fn clear_tmp() {
    let Ok(entries) = std::fs::read_dir(TMP) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        // What cannot be removed lies in nobody's way: the next run has a name for each of its own.
        let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    }
}

impl Commands {
    /// Writes a command's output. A setting of the whole kernel gets its value back when the run is over.
    pub(super) fn write(&mut self, path: &Path, bytes: &[u8], appends: bool) -> io::Result<()> {
        if let Some(name) = path.to_str().and_then(|path| path.strip_prefix("/proc/sys/")) {
            let value = String::from_utf8_lossy(bytes);
            return self.sysctls.write(&name.replace('/', "."), value.trim());
        }
        let mut options = OpenOptions::new();
        if path.starts_with(TMP) {
            self.expect_files();
            options.create(true).truncate(!appends);
        } else if !self.outside.contains_key(path) {
            self.outside.insert(path.to_owned(), read(path, MOST)?);
        }
        options.write(true).append(appends).open(path)?.write_all(bytes)
    }
}

/// `echo WORDS`
pub(super) fn echo(_: &mut Commands, operands: &Operands<'_>, _: &mut Netlink) -> Option<Done> {
    match operands.words {
        ["-n", words @ ..] => Done::saying(words.join(" ")),
        [option, ..] if option.starts_with('-') => None,
        words => Done::saying(words.join(" ") + "\n"),
    }
}

/// What a command reads: its files, one after the other, or what comes through the pipe.
fn input(files: &[&str], operands: &Operands<'_>) -> (Vec<u8>, bool) {
    let mut all_there = true;
    let mut bytes = Vec::new();
    for file in files {
        match read(Path::new(file), MOST) {
            Ok(more) => bytes.extend(more),
            Err(_) => all_there = false,
        }
    }
    if files.is_empty() {
        bytes = operands.input.clone().unwrap_or_default();
    }
    (bytes, all_there)
}

/// `cat FILES`
pub(super) fn cat(_: &mut Commands, operands: &Operands<'_>, _: &mut Netlink) -> Option<Done> {
    if operands.words.iter().any(|word| word.starts_with('-')) {
        return None;
    }
    let (said, all_there) = input(operands.words, operands);
    Some(Done { status: i64::from(!all_there), said })
}

/// `grep [-q] [-v] TEXT [FILES]`, where the text is one that stands for itself.
pub(super) fn grep(_: &mut Commands, operands: &Operands<'_>, _: &mut Netlink) -> Option<Done> {
    let options = operands.words.iter().take_while(|word| word.starts_with('-')).count();
    let (options, rest) = operands.words.split_at(options);
    if !options.iter().all(|option| matches!(*option, "-q" | "-v" | "-F" | "-e")) {
        return None;
    }
    let (pattern, files) = rest.split_first()?;
    if !options.contains(&"-F") && pattern.contains(['.', '*', '[', ']', '^', '$', '\\']) {
        return None;
    }
    let (bytes, all_there) = input(files, operands);
    let text = String::from_utf8_lossy(&bytes);
    let is_wanted = |line: &&str| line.contains(pattern) != options.contains(&"-v");
    let found: Vec<&str> = text.lines().filter(is_wanted).collect();
    let status = match (found.is_empty(), all_there) {
        (false, true) => 0,
        (false, false) if options.contains(&"-q") => 0,
        (true, true) => 1,
        (_, false) => 2,
    };
    let is_quiet = options.contains(&"-q");
    let said = if is_quiet { String::new() } else { found.iter().map(|line| format!("{line}\n")).collect() };
    Some(Done { status, said: said.into_bytes() })
}

/// `rm [-f] FILES`, below /tmp.
pub(super) fn rm(commands: &mut Commands, operands: &Operands<'_>, _: &mut Netlink) -> Option<Done> {
    let is_forced = operands.words.first() == Some(&"-f");
    let files = &operands.words[usize::from(is_forced)..];
    if !files.iter().all(|file| Path::new(file).starts_with(TMP)) {
        return None;
    }
    commands.expect_files();
    let missing = files.iter().filter(|file| std::fs::remove_file(file).is_err()).count();
    Done::status(i64::from(missing > 0 && !is_forced))
}

/// `dd bs=N count=N if=FILE of=FILE`
pub(super) fn dd(commands: &mut Commands, operands: &Operands<'_>, _: &mut Netlink) -> Option<Done> {
    let (mut size, mut count, mut from, mut to) = (512, None, None, None);
    for word in operands.words {
        match word.split_once('=')? {
            ("bs", value) => size = value.parse().ok()?,
            ("count", value) => count = Some(value.parse().ok()?),
            ("if", value) => from = Some(value),
            ("of", value) => to = Some(value),
            ("status", _) => {}
            _ => return None,
        }
    }
    let most = count.map_or(MOST, |count: u64| count.saturating_mul(size));
    // Without an end /dev/zero has none.
    if most > MOST {
        return None;
    }
    let (from, to) = (from?, to?);
    Done::of(read(Path::new(from), most).and_then(|bytes| commands.write(Path::new(to), &bytes, false)))
}
