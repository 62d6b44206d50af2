//! What is known of this process: its threads and their locks, its descriptors, signals, timers, atfork handlers and generators.
pub mod atfork;
pub mod descriptors;
pub mod exit_handlers;
pub mod generation;
pub mod held;
pub mod made;
pub mod mask;
pub mod names;
pub mod pipes;
pub mod random;
pub mod semaphores;
pub mod signals;
pub mod slots;
pub mod started;
pub mod threads;
pub mod timers;

/// Under this name `slots` finds its atomics, which are loom's where it is tested.
use core::sync::atomic as atomics;
