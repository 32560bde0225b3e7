//! The stacks that cases are played on, by name.

use harness::stacks::descriptors::Descriptors;
use harness::stacks::reference::Reference;
use harness::stacks::smoltcp::Smoltcp;
use harness::sut::StackUnderTest;

/// Every stack, in the order of reports.
pub const NAMES: &[&str] = &["reference", "reference:linux", "smoltcp", "linux-6.12", "linux"];

/// Those that are played only where they are asked for.
pub const ON_REQUEST: &[&str] = &["reference:linux"];

/// Those that live in this process, in virtual time, and run everywhere.
pub const IN_MEMORY: &[&str] = &["reference", "smoltcp"];

/// The stack whose ledgers speak of `name` too: every Linux kernel is in those of `linux`, by its version.
pub fn ledger(name: &str) -> &str {
    if name.starts_with("linux-") { "linux" } else { name }
}

/// The stack in memory called `name`.
pub fn in_memory(name: &str) -> Option<Box<dyn StackUnderTest>> {
    match name {
        "reference" => Some(Box::new(Reference::default())),
        "reference:linux" => Some(Box::new(Reference::linux())),
        "smoltcp" => Some(Box::new(Descriptors::new(Smoltcp::default()))),
        _ => None,
    }
}
