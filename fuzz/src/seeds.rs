//! The seeds beside this crate, as tests play them.

use crate::TARGETS;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

/// Runs every target over its seeds.
pub(crate) fn replay_all() {
    for (name, target) in TARGETS {
        let folder = folder("seeds").join(name);
        for seed in fs::read_dir(&folder).into_iter().flatten() {
            target(&fs::read(seed.unwrap().path()).unwrap());
        }
    }
}

#[test]
fn every_target_has_a_binary_and_every_folder_of_seeds_a_target() {
    let listed: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(listed.len(), TARGETS.len(), "a name twice");
    let tools = ["canary", "rate"].map(str::to_owned);
    let binaries = listed.iter().cloned().chain(tools).collect::<BTreeSet<_>>();
    assert_eq!(names(&folder("fuzz_targets")), binaries);
    assert!(names(&folder("seeds")).is_subset(&listed));
    assert!(names(&folder("dictionaries")).is_subset(&listed));
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    for name in &listed {
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{name} is not in Cargo.toml");
    }
}

/// What was found once, and is right now: a target that panics has it again.
#[test]
fn no_regression_is_a_finding() {
    let known: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert!(names(&folder("regressions")).is_subset(&known), "a folder without a target");
    for (name, target) in TARGETS {
        for input in fs::read_dir(folder("regressions").join(name)).into_iter().flatten() {
            let path = input.unwrap().path();
            println!("{name}: {}", path.display());
            target(&fs::read(path).unwrap());
        }
    }
}

/// A seed that is refused at its first line leads the fuzzer nowhere.
#[test]
fn seeds_of_the_language_parse() {
    for seed in fs::read_dir(folder("seeds/language")).unwrap() {
        let path = seed.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let parsed = crate::targets::language::parse(&text);
        assert!(parsed.is_ok(), "{}:\n{}", path.display(), parsed.unwrap_err());
    }
}
