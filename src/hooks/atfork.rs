//! Other libraries' atfork handlers: registered behind ours (so that our prepare runs last, our child first), named and timed.
use crate::entry::record;
use crate::sites;
use forkguard_core::registry::atfork::{self, CAPACITY, Phase};
use libc::{c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

unsafe extern "C" {
    static __dso_handle: c_void;
}

type Handler = Option<unsafe extern "C-unwind" fn()>;

/// Ours are registered once, before the first foreign ones.
#[unsafe(link_section = "forkguard_words")]
static REGISTERED: AtomicBool = AtomicBool::new(false);

/// Registers our own handlers unless that was done: by the first foreign registration or by the constructor.
pub(crate) fn register_own() {
    if !REGISTERED.swap(true, Relaxed) {
        // This library's own handle, as crtbeginS.o gives it; the library is never unloaded.
        let dso = (&raw const __dso_handle).cast_mut();
        real(Some(crate::fork::prepare), Some(crate::fork::parent), Some(crate::fork::child), dso);
    }
}

real_function!(__register_atfork);
call_real!(prepare: Handler, parent: Handler, child: Handler, dso: *mut c_void => c_int);

/// What pthread_atfork(3) calls.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __register_atfork(prepare: Handler, parent: Handler, child: Handler, dso: *mut c_void) -> c_int {
    core::arch::naked_asm!(caller_argument!(prepare parent child dso), "jmp {body}", body = sym register)
}

extern "C" fn register(prepare: Handler, parent: Handler, child: Handler, dso: *mut c_void, caller: usize) -> c_int {
    register_own();
    let address = |h: Handler| h.map_or(0, |f| f as usize);
    let site = record(|_| sites::capture(caller)).unwrap_or(caller);
    match atfork::register([prepare, parent, child].map(address), dso as usize, site) {
        Some(index) => {
            let [p, q, c] = TIMED[index];
            real(prepare.and(Some(p)), parent.and(Some(q)), child.and(Some(c)), dso)
        }
        None => real(prepare, parent, child, dso),
    }
}

/// A handler takes no argument, so each registration needs code of its own to be told apart.
unsafe extern "C-unwind" fn timed<const INDEX: usize, const PHASE: usize>() {
    atfork::run(INDEX, [Phase::Prepare, Phase::Parent, Phase::Child][PHASE]);
}

macro_rules! timed {
    ($($index:literal)*) => {
        [$([timed::<$index, 0>, timed::<$index, 1>, timed::<$index, 2>]),*]
    };
}

static TIMED: [[unsafe extern "C-unwind" fn(); 3]; CAPACITY] = timed![
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
    33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
];
