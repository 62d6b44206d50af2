//! A process looked at from outside: its threads, what each waits for, native and interpreted stacks, and whether a wait can end.
//!
//! Files of /proc are read first. Threads are stopped for a moment (ptrace) only where their registers are needed and where the kernel starts the
//! interrupted call again; the rest is read by process_vm_readv. Nothing is ever written to the process.
mod error;
mod interpreters;
mod lock;
mod maps;
mod memory;
mod module;
mod priority;
mod program;
pub mod sharing;
mod stat;
mod status;
mod still;
mod stop;
mod unwind;
mod verdict;
mod view;
mod wait;

pub use error::Error;
pub use lock::{Kind, Lock};
pub use maps::has_library;
pub use stat::{Stat, living_parent};
pub use status::{Status, processes, same_user, status, tasks};
pub use still::{Still, may_be_stuck, still};
pub use verdict::{Certainty, Verdict};
pub use view::{Thread, View, look};
pub use wait::{FutexWait, SystemCall, Wait};
