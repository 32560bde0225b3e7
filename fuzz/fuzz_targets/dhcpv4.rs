//! libFuzzer on the target `dhcpv4`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::dhcpv4::dhcpv4(data));
