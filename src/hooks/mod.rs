//! Every function of the C library that forkguard interposes, one file a family.
//!
//! # How to add a hook
//! 1. One item in its family's file, with the macro that fits:
//!    - [`hook!`] wraps: its body runs in place of the function, calls the real one and records before or after it.
//!    - [`pass!`] records and then jumps on with all registers as they were: for variadic functions, for those that look at
//!      their caller, and for those that never return.
//!    - [`lock!`] is for the lock path: one jump to the real function until the process has a second thread.
//!    - `redhook::hook!` does for cold functions that need no return address (see `thread.rs`).
//!
//!    A function of which the C library has an older implementation, too, names its `versions`: its own, those that are the same, and
//!    behind a semicolon the older one, which is passed on.
//! 2. Its transparency snippet in `c-tests/hooks`, and a fixture for what it records in `c-tests/findings`.
//!
//! Nothing else: the real function is found by the constructor through the section that the macros fill.
//!
//! # What every hook does
//! Bookkeeping happens inside [`record`](crate::entry::record): it keeps errno, does nothing before the constructor, after exit, on re-entry and in a
//! vfork child, and lets no panic out. No destructor is alive across a real call: a thread may be cancelled in it.
#[macro_use]
mod lock;

pub(crate) mod atfork;
mod condition;
mod descriptor;
mod dlopen;
mod exec;
mod exec_args;
mod exit;
mod exit_handlers;
mod file_lock;
pub(crate) mod fork;
mod io;
mod kill;
mod libc_locks;
mod life;
mod mutex;
mod privilege;
mod random;
mod rwlock;
pub(crate) mod seccomp;
mod semaphore;
mod signal;
mod socket;
mod spawn;
mod spawn_attributes;
mod stream;
mod syscall;
mod thread;
mod timer;
mod vfork_child;
mod wait;
mod waitpid;

pub(crate) use life::{begin, end};
pub(crate) use thread::resolve_redhooks;
