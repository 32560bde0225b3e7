//! libFuzzer on the work that WIREPROOF_RATE names, to be measured.
#![no_main]

use std::sync::OnceLock;

static WORK: OnceLock<fn(&[u8])> = OnceLock::new();

libfuzzer_sys::fuzz_target!(
    init: {
        let name = std::env::var("WIREPROOF_RATE").unwrap_or_default();
        let Some(work) = fuzz::rates::rate(&name) else {
            eprintln!("WIREPROOF_RATE={name:?} names no work");
            std::process::exit(2);
        };
        WORK.get_or_init(|| work);
    },
    |data: &[u8]| {
        if let Some(work) = WORK.get() {
            work(data);
        }
    }
);
