//! libFuzzer on the target `icmpv6`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::icmpv6::icmpv6(data));
