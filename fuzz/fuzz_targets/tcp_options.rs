//! libFuzzer on the target `tcp_options`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::tcp_options::tcp_options(data));
