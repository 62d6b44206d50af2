//! Libraries that are loaded with RTLD_DEEPBIND (PHP's extensions, Apache's modules) call the C library past every hook, until their imports are
//! made to lead here.
//!
//! dlopen looks at its caller (at its namespace, at `$ORIGIN` and at its search path), so it is jumped to, and its return is not seen. What it
//! has loaded is dealt with in the next call that leads to it: dlsym, and at the latest before a fork.
use super::libc_locks;
use super::spawn::ALWAYS;
use crate::emit;
use crate::entry::record;
use forkguard_core::gate;
use forkguard_core::kernel::{ErrorText, thread_id};
use forkguard_core::registry::generation;
use forkguard_loader::{Found, LastLibrary, interpose_after, own_function_for};
use libc::{c_int, c_void, dl_phdr_info, size_t};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering::*};

/// Not zero while libraries may have been loaded with RTLD_DEEPBIND that are not dealt with.
static PENDING: AtomicU8 = AtomicU8::new(0);
/// The thread that loads them, the generation of its process, and the library that was the last before.
static THREAD: AtomicU32 = AtomicU32::new(0);
static GENERATION: AtomicU32 = AtomicU32::new(0);
static LAST: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];

pass! {
    /// dlopen(3).
    fn dlopen, ALWAYS; |registers| {
        if gate::TRACKED.load(Relaxed) != 0 {
            libc_locks::enter(c"dlopen", registers);
        }
        if registers.argument[1] as c_int & libc::RTLD_DEEPBIND != 0 {
            record(|_| remember_last());
        }
    }
}

pass! {
    /// dlsym(3). Of the C library's functions it finds the hooks, also where it is asked for the C library's alone (ctypes' `CDLL("libc.so.6")`).
    fn dlsym, ALWAYS; |registers| -> bool {
        interpose_loaded();
        let [handle, name, ..] = registers.argument;
        let own = record(|_| own_function_for(handle, name, registers.caller)).flatten();
        own.into_iter().for_each(|address| registers.returns(address));
        own.is_some()
    }
}

pass! {
    /// As the C library's; see the module.
    fn dlvsym, PENDING; |_registers| { interpose_loaded() }
}

/// Before libraries are loaded. Those of another such call that are still to be dealt with stand behind the same one.
fn remember_last() {
    // SAFETY: the list is held.
    let Some(Some(LastLibrary(words))) = with_list(|| unsafe { LastLibrary::now() }) else { return };
    let is_pending = PENDING.load(Relaxed) != 0 && GENERATION.load(Relaxed) == generation::current();
    if !is_pending {
        LAST.iter().zip(words).for_each(|(place, word)| place.store(word, Relaxed));
        GENERATION.store(generation::current(), Relaxed);
    }
    THREAD.store(thread_id(), Relaxed);
    PENDING.store(1, Release);
}

/// Lets what was loaded with RTLD_DEEPBIND call the hooks.
pub(super) fn interpose_loaded() {
    if PENDING.load(Acquire) != 0 {
        record(|_| interpose());
    }
}

fn interpose() {
    // In a forked child another thread may have been lost in the middle of it, with the lock of the list.
    if GENERATION.load(Relaxed) != generation::current() {
        return PENDING.store(0, Relaxed);
    }
    let last = LastLibrary(LAST.each_ref().map(|word| word.load(Relaxed)));
    // SAFETY: the list is held.
    let result = with_list(|| unsafe { interpose_after(last) });
    // A thread that asks for what it has loaded has loaded it.
    if THREAD.load(Relaxed) == thread_id() || !matches!(result, Some(Ok(Found::NotYet))) {
        PENDING.store(0, Relaxed);
    }
    if let Some(Err(errno)) = result {
        print_refused(ErrorText(errno));
    }
}

fn print_refused(error: ErrorText) {
    static PRINTED: AtomicBool = AtomicBool::new(false);
    if !PRINTED.swap(true, Relaxed) {
        emit::print_line(format_args!(
            "the system refuses mprotect ({error}): calls of libraries loaded with RTLD_DEEPBIND are not seen"
        ));
    }
}

/// Does work while the loader's list does not change: under the lock that dlopen takes to change it.
fn with_list<R, W: FnOnce() -> R>(work: W) -> Option<R> {
    extern "C" fn at_first<R, W: FnOnce() -> R>(_info: *mut dl_phdr_info, _size: size_t, data: *mut c_void) -> c_int {
        // SAFETY: what dl_iterate_phdr was given below.
        let (work, result) = unsafe { &mut *data.cast::<(Option<W>, Option<R>)>() };
        *result = work.take().map(|work| work());
        1
    }
    let mut data = (Some(work), None::<R>);
    // SAFETY: the callback gets what it expects, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(at_first::<R, W>), (&raw mut data).cast()) };
    data.1
}
