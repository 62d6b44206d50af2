//! FORKGUARD_MEMORY: more of the leader's memory stays shared with its workers.
//!
//! What must be done before the fork is done in the leader, once or once a second: [`freeze`], [`trim`], [`ksm`]. It is outside of a hook's
//! bookkeeping, because code of the program's may run: finalizers, an allocator's locks.
mod freeze;
mod huge_pages;
mod ksm;
mod trim;

use crate::options;
use crate::sites::{self, Start};
use forkguard_core::{gate, tls};

pub(crate) use freeze::at_open;
pub(super) use freeze::{in_python, in_ruby};
pub(crate) use ksm::MERGED;

/// See [`super::prepare`].
pub(super) fn prepare() {
    if options::get().memory.freeze {
        freeze::prepare();
    }
}

/// In the hook of fork, before its bookkeeping. Not in a native signal handler, which may have interrupted the allocator or the interpreter.
pub(crate) fn share_before_fork(caller: usize) {
    let memory = options::get().memory;
    let may_act = || gate::awake() && tls::inside() == 0 && !gate::is_guest() && !sites::is_in_signal_handler(Start::here());
    if memory.is_kept() || !options::guards() || !may_act() {
        return;
    }
    if memory.freeze {
        freeze::before_servers_fork(caller);
    }
    if memory.trim {
        trim::before_fork();
    }
    if memory.ksm {
        ksm::before_fork(memory.is_auto);
    }
}

/// See [`super::in_child`].
pub(super) fn in_child() {
    let memory = options::get().memory;
    if memory.freeze {
        freeze::in_child();
        freeze::reset_in_child();
    }
    if memory.trim {
        trim::in_child();
    }
    if memory.ksm {
        ksm::in_child();
    }
    if memory.nothp {
        huge_pages::in_child();
    }
}
