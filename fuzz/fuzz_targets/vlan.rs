//! libFuzzer on the target `vlan`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::vlan::vlan(data));
