//! The forkguard tool.
fn main() {}
