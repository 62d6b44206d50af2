//! Where in the program something was done: sites for the registries. A [`SiteId`] is the return address of the call, or names a stack in the
//! store: that address and the application's frames, innermost first.
mod capture;
mod code;
mod debug;
mod eh_frame;
mod frame_pointer;
mod languages;
pub(crate) mod native;
mod rate;
mod seeds;
mod sleepers;
mod stack_of;
pub(crate) mod store;
mod unwind;
mod unwind_rule;

pub(crate) use capture::{
    Handler, NewThread, capture, capture_accepted, capture_always, capture_connection, capture_file, capture_from,
    capture_handler, capture_thread, capture_timer, handled_signal, interpreted_stack, is_called_in, is_in_signal_handler, prove,
};
pub(crate) use code::{call_target, is_own};
use forkguard_core::fork::Snapshot;
use forkguard_core::registry::held::Entry;
use forkguard_loader::{MemoryAccess, next_libraries, path_of};
pub(crate) use languages::cpp;
pub(crate) use languages::exit_functions::{exit_functions, runs_exit_function};
pub(crate) use languages::python::handlers as python_handlers;
pub(crate) use languages::python::{self, before_forks};
pub(crate) use languages::ruby::forks::{before_ruby_forks, evaluate_ruby};
pub(crate) use languages::ruby::gvl::{holds_gvl, without_gvl};
use languages::ruby::queues::record_queue_waits;
pub(crate) use languages::{has_interpreter, is_ending, is_exiting, is_in_ruby, stack_of_child, starts_thread, watch_forks_soon};
pub(crate) use rate::skipped;
pub(crate) use seeds::{Seed, generator_user, seed_taker};
pub(crate) use sleepers::stack_of_sleeper;
pub(crate) use stack_of::StackOf;
use store::{Language, StoredFrame};
pub(crate) use store::{SiteId, address_of};
pub(crate) use unwind::{Start, sleeper_addresses};

/// In the constructor.
pub(crate) fn prepare() {
    // SAFETY: libraries that are loaded with the program are never unloaded.
    let loaded_with_the_program = unsafe {
        forkguard_loader::prepare();
        MemoryAccess::direct()
    };
    let memory = match is_single_threaded(loaded_with_the_program) {
        // Only this thread could unload a library, and does not.
        true => loaded_with_the_program,
        false => MemoryAccess::FAULT_PROOF,
    };
    python::prepare(memory);
    languages::find_interpreters(memory);
}

/// False once the C library has seen a second thread, and where it does not tell (before glibc 2.32: so it is looked up, not linked).
fn is_single_threaded(memory: MemoryAccess) -> bool {
    let flag = next_libraries(memory).find_map(|library| library.find(c"__libc_single_threaded"));
    flag.and_then(|flag| memory.read::<u8>(flag)).is_some_and(|flag| flag != 0)
}

/// In a forked child.
pub(crate) fn reset_in_child() {
    native::reset_in_child();
    python::reset_in_child();
    languages::reset_in_child();
}

/// Name and class of a thread; empty when unknown.
pub(crate) fn label(label: usize) -> (&'static str, &'static str) {
    (store::text_of(label as u16), store::text_of((label >> 16) as u16))
}

/// In the leader, right after a fork: the stacks of the other threads, while they cannot run.
pub(crate) fn record_stacks_at_fork(snapshot: &mut Snapshot) {
    if python::holds_gil() {
        python::record_stacks(snapshot.threads.as_mut_slice());
    }
}

/// In the last prepare handler, into the snapshot: what an interpreter's other threads hold and wait for, and no hook sees.
pub(crate) fn record_interpreters_threads(snapshot: &mut Snapshot) {
    record_queue_waits(snapshot.threads.as_mut_slice());
    if python::is_known() && snapshot.threads.as_slice().len() > 1 && python::holds_gil() {
        python::record_locks(snapshot);
    }
}

/// Calls `each` with the pthread_t of the holders of such locks and the locks, if this thread has the GIL.
pub(crate) fn interpreters_locks_of_others(each: impl FnMut(usize, Entry)) {
    if python::is_known() && python::holds_gil() {
        python::locks_of_others(each);
    }
}

/// The same in the child, before fork() returns there, of a fork without the GIL. True where a lock was recorded.
pub(crate) fn record_lost_locks(snapshot: &mut Snapshot) -> bool {
    python::is_known() && snapshot.threads.as_slice().len() > 1 && !python::holds_gil() && python::record_frozen_locks(snapshot)
}

/// In the child, before fork() returns there and the interpreter frees them: the stacks of the lost threads. With the GIL they are whole;
/// without it they may be in the middle of a change.
pub(crate) fn record_lost_stacks(snapshot: &mut Snapshot) {
    if python::is_known() {
        let threads = snapshot.threads.as_mut_slice();
        if python::holds_gil() { python::record_stacks(threads) } else { python::record_frozen_stacks(threads) }
    }
}

/// The frames of a site that enclose its native address, innermost first; none of a reader that was disproved.
pub(crate) fn frames_of(site: SiteId) -> impl Iterator<Item = StoredFrame> + Clone {
    store::frames_of(site).filter(|frame| frame.language != Language::Python || python::are_frames_trusted())
}

/// True for an address inside an interpreter's own static state, where the condition of its lock lies.
pub(crate) fn is_interpreters_own(address: usize) -> bool {
    python::owns(address)
}

/// True while this thread has the lock without which no other thread runs the interpreter's code.
pub(crate) fn holds_interpreter() -> bool {
    python::holds_gil()
}

/// Does something while other threads may run the interpreter's code. A thread may end in here, if the interpreter does.
pub(crate) fn without_interpreter(work: &dyn Fn()) {
    python::without_gil(work);
}

/// True for an address in a library of the system's.
pub(crate) fn is_installed(address: usize) -> bool {
    path_of(address).is_some_and(|path| forkguard_report::text::is_system_path(path.as_str()))
}
