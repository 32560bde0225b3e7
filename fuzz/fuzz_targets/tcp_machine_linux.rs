//! libFuzzer on the target `tcp_machine_linux`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::tcp_machine::tcp_machine_linux(data));
