//! Frames of interpreters, read out of a process's memory without running any of its code.
//!
//! The preload library reads the process that it is in, the tool reads another one: both give a [`Memory`]. Nothing here allocates, takes a
//! lock or makes a system call (the compiler proves it: there is neither std nor alloc nor unsafe code), so it runs in signal handlers and in forked
//! children.
#![no_std]
#![forbid(unsafe_code)]
mod memory;
pub mod perl;
pub mod php;
pub mod python;
pub mod ruby;

pub use memory::{Bytes, Memory, Value};
