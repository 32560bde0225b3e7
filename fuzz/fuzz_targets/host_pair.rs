//! libFuzzer on the target `host_pair`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::host_machine::host_pair(data));
