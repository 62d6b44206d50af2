//! forkguard's registries: what is known of a process's threads, locks, descriptors, signals and timers, made of plain words.
//!
//! All code here runs inside a hot hook, in an atfork handler, in a signal handler or in a forked child. So there is no std, no allocator
//! (the compiler proves it), no lock, no call into the C library (`scripts/check-core` proves it: a symbol of libc could be one of our own
//! hooks), and no state that another thread must finish.
//!
//! Modules use only those above them: `fixed`, `pattern`, `numbers`; `tls`; `kernel`; `glibc`; `flags`, `gate`, `dispatch`; `registry`;
//! `safe_point`; `worst`; `fork`.
#![no_std]

pub mod dispatch;
pub mod fixed;
pub mod flags;
pub mod fork;
pub mod gate;
pub mod glibc;
pub mod kernel;
pub mod numbers;
pub mod registry;
pub mod safe_point;
pub mod tls;
pub mod worst;
