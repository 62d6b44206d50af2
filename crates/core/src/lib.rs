//! forkguard's registries: what is known of a process's threads, locks, descriptors, signals and timers, made of plain words.
//!
//! The rules of this room: everything here runs inside a hot hook, in an atfork handler, in a signal handler or in a forked
//! child. So there is no std, no allocator (the compiler proves it), no lock, no call into the C library (`scripts/check-core`
//! proves it: a symbol of libc could be one of our own hooks), and no state that another thread must finish.
#![no_std]

pub mod aside;
pub mod atfork;
pub mod descriptor;
pub mod fixed;
pub mod flags;
pub mod fork;
pub mod gate;
pub mod generation;
pub mod held;
pub mod likeness;
pub mod names;
pub mod numbers;
pub mod own;
pub mod pattern;
pub mod pool;
pub mod probe;
pub mod process;
pub mod raw;
pub mod rng;
pub mod safe_point;
pub mod seccomp;
pub mod semaphore;
pub mod signal;
pub mod thread;
pub mod timer;
pub mod tls;
pub mod valgrind;
pub mod words;

/// Under this name `pool` finds its atomics, which are loom's where it is tested.
use core::sync::atomic as atomics;
