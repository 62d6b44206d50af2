//! What forkguard reads that others wrote, or may have spoilt: each target takes bytes and panics where a promise does not hold.
//!
//! `cargo test --package forkguard-fuzz` tries changes of the corpora (`corpora/TARGET`), the same ones each time; `scripts/fuzz` goes on from there
//! with libFuzzer, which is told what code is reached.
mod change;
mod targets;

pub use change::Changes;
pub use targets::{TARGETS, Target};
