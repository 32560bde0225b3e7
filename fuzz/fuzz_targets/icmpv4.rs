//! libFuzzer on the target `icmpv4`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::icmpv4::icmpv4(data));
