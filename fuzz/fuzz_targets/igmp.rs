//! libFuzzer on the target `igmp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::igmp::igmp(data));
