//! What forkguard reads that others wrote, or may have spoilt: each target takes bytes and panics where a promise does not hold.
//!
//! `cargo test --package forkguard-fuzz` tries changes of the corpora (`corpora/TARGET`), the same ones each time, and what failed
//! once (`once-failed/TARGET`); `scripts/fuzz` other ones, as long as it is told.
mod change;
mod targets;

pub use change::Changes;
pub use targets::{TARGETS, Target};
