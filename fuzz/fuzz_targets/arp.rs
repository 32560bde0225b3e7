//! libFuzzer on the target `arp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::arp::arp(data));
