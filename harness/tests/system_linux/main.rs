//! The live kernel as a stack under test: needs root or unprivileged user namespaces, so it runs only where
//! WIREPROOF_SYSTEM=1 says that it should, and lists nothing otherwise.

#[cfg(target_os = "linux")]
mod suite;

fn main() {
    #[cfg(target_os = "linux")]
    suite::main();
}
