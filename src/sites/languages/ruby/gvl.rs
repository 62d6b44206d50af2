//! MRI's global lock (GVL): whether this thread has it, and leaving it to other threads for a while.
use forkguard_loader::{Library, WhileLoaded};
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

type Work = extern "C" fn(*mut c_void) -> *mut c_void;

/// Functions of MRI's around it.
struct Api {
    is_held: extern "C" fn() -> c_int,
    without: unsafe extern "C-unwind" fn(Work, *mut c_void, *mut c_void, *mut c_void) -> *mut c_void,
}

static FOUND: WhileLoaded<Api> = WhileLoaded::new();

/// Looks for the interpreter in a library that was loaded.
pub(crate) fn search(library: &Library) {
    FOUND.search(library, Api::of);
}

impl Api {
    fn of(library: &Library) -> Option<Api> {
        // SAFETY: functions of MRI's under their names.
        unsafe {
            Some(Api {
                is_held: library.function_as(c"ruby_thread_has_gvl_p")?,
                without: library.function_as(c"rb_thread_call_without_gvl")?,
            })
        }
    }
}

fn held() -> Option<&'static Api> {
    FOUND.still_loaded().filter(|api| (api.is_held)() != 0)
}

/// True for a thread of Ruby's that has it.
pub(crate) fn holds_gvl() -> bool {
    held().is_some()
}

/// Does something with the GVL released, if this thread has it. An exception that another thread raises in this one leaves it: the caller may have
/// nothing to drop.
pub(crate) fn without_gvl(work: &dyn Fn()) {
    let Some(api) = held() else { return work() };
    let mut work = work;
    // SAFETY: this thread has the GVL; what is pointed to outlives the call.
    unsafe { (api.without)(run, (&raw mut work).cast(), null_mut(), null_mut()) };
}

extern "C" fn run(work: *mut c_void) -> *mut c_void {
    // SAFETY: `without_gvl` gives its own variable.
    unsafe { (*work.cast::<&dyn Fn()>())() };
    null_mut()
}
