//! libFuzzer on the canary that WIREPROOF_CANARY names.
#![no_main]

use std::sync::OnceLock;

static CANARY: OnceLock<fn(&[u8])> = OnceLock::new();

libfuzzer_sys::fuzz_target!(
    init: {
        let name = std::env::var("WIREPROOF_CANARY").unwrap_or_default();
        let Some(canary) = fuzz::canaries::canary(&name) else {
            eprintln!("WIREPROOF_CANARY={name:?} names no canary");
            std::process::exit(2);
        };
        CANARY.get_or_init(|| canary);
    },
    |data: &[u8]| {
        if let Some(canary) = CANARY.get() {
            canary(data);
        }
    }
);
