//! forkguard's registries: what is known of a process's threads, locks, descriptors, signals and timers, made of plain words.
//!
//! All code here runs inside a hot hook, in an atfork handler, in a signal handler or in a forked child. So there is no std, no allocator
//! (the compiler proves it), no lock, no call into the C library (`scripts/check-core` proves it: a symbol of libc could be one of our own
//! hooks), and no state that another thread must finish.
//!
//! Modules use only those above them: `fixed`, `pattern`, `numbers`; `tls`; `kernel`; `glibc`; `flags`, `gate`, `dispatch`; `registry`;
//! `safe_point`; `fork`.
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

pub use registry::{atfork, generation, names, semaphores as semaphore, timers as timer};
pub mod raw {
    pub use crate::kernel::*;
    pub use crate::kernel::{
        OwnedFd as Opened, boottime as since_boot, borrow as descriptor, disconnected_socket as dead_connection,
        lists_children as tells_children, map_shared_page as shared_page, monotonic_by_syscall as monotonic_of_kernel,
        open_pidfd as process_descriptor, set_vdso as tell_vdso, switches_of_sleeper as sleeps_since, thread_is_alive as runs,
    };
}
pub mod aside {
    pub use crate::kernel::{
        DEFERRED_SIGNALS as DEFERRED, Readers, fds_are_private as is_apart, readers_begun as begun,
        reset_readers as reset_in_child, with_private_fds as aside,
    };
}
pub mod own {
    pub use crate::kernel::unshare::{NotUnshared as Left, *};
}
pub use kernel::system_calls as probe;
pub use kernel::{other_process as process, seccomp, valgrind};
pub mod thread {
    pub use crate::registry::threads::{SlotState as State, slot_for_handle as meant, *};
}
pub mod held {
    pub use crate::dispatch::{LockDispatch as Door, LockTargets, start_tracking};
    pub use crate::gate::{GATED, TRACKED, WATCHED, is_watched};
    pub use crate::glibc::LockKind as Kind;
    pub use crate::registry::held::{HeldEntry as Held, *};
    pub use crate::registry::threads::holder;
}
pub mod words {
    pub use crate::glibc::{repair_size as extent, set_known as tell_known, set_references_index as tell_references, *};
}
pub mod descriptor {
    pub use crate::registry::descriptors::{FdKind as Kind, set_own as made_own, set_seen as see, *};
}
pub mod signal {
    pub use crate::registry::signals::{SignalSetting as Set, record as note, record_undone as note_undone, *};
}
pub mod rng {
    pub use crate::registry::random::{record as note, *};
}
pub use fork::fingerprint as likeness;
