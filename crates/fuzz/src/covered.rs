//! The target that FUZZ_TARGET names under libFuzzer, which keeps the changes that reach new code: `scripts/fuzz --covered`.
#![no_main]

use forkguard_fuzz::{TARGETS, Target};
use std::env;
use std::sync::LazyLock;

static CHOSEN: LazyLock<&Target> = LazyLock::new(|| {
    let name = env::var("FUZZ_TARGET").unwrap_or_default();
    TARGETS.iter().find(|target| target.name == name).expect("FUZZ_TARGET names a target")
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    (CHOSEN.run)(input);
});
