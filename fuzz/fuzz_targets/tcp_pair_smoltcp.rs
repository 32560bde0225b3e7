//! libFuzzer on the target `tcp_pair_smoltcp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::tcp_pair::tcp_pair_smoltcp(data));
