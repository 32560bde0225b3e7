//! libFuzzer on the target `ledger`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::readers::ledger(data));
