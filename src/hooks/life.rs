//! When hooks begin to record, and the last that they record.
use super::atfork;
use super::exec_args::find_first_variables;
use crate::child::buffers;
use crate::entry::{layouts, record_with_scratch};
use crate::options::{self, Mode};
use crate::{child, emit, guards, leader, sites};
use forkguard_core::fork::shared_page;
use forkguard_core::registry::{signals, threads};
use forkguard_core::{dispatch, flags, gate};
use std::sync::atomic::Ordering::Relaxed;

/// In the library's destructor: the last that is recorded.
pub(crate) fn end() {
    // A vfork child that ends through exit(3) runs this too: on the leader's memory.
    if !gate::awake() || gate::is_guest() || !gate::owns_registries() {
        return;
    }
    let in_child = flags::is_forked_child();
    if in_child {
        buffers::at_end();
        guards::at_exit();
    }
    shared_page::mark_exit();
    let reports = flags::REPORT_END.load(Relaxed) != 0;
    if reports {
        child::finish_postponed();
    }
    leader::file_locks::at_end();
    if reports && emit::wanted() && !child::ends_unreported() {
        record_with_scratch(child::exit::report_at_exit);
    }
    // In a forked child other libraries' destructors, which run after ours, are where lost threads are joined.
    if gate::awake() && !in_child {
        dispatch::switch_off();
    }
}

/// From here on hooks record: at once, or where the filters of system calls that the process came with are known to allow it.
pub(crate) fn begin() {
    gate::own_registries();
    emit::begin();
    options::read(emit::print_line);
    if options::get().mode == Mode::Off {
        dispatch::switch_off();
        return;
    }
    layouts::try_all();
    sites::prepare();
    atfork::register_own();
    find_first_variables();
    signals::begin();
    gate::wake();
    guards::prepare();
    adopt_main_thread();
}

/// In the constructor: gives the main thread its slot.
fn adopt_main_thread() {
    if let Some(slot) = threads::adopt() {
        // SAFETY: always succeeds.
        slot.handle.store(unsafe { libc::pthread_self() } as usize, Relaxed);
    }
}
