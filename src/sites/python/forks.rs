//! Where Python is about to fork: its audit event, which comes with the GIL held and before anything was prepared for the fork. (Inside
//! fork it must not be let go: since 3.13 the forking thread has the lock of the list of threads, too.)
use super::interpreter;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;

pub(super) type AuditHook = extern "C-unwind" fn(*const c_char, *mut c_void, *mut c_void) -> c_int;

static WAIT: OnceLock<fn()> = OnceLock::new();

/// `PySys_AddAuditHook`'s hook. A thread that waits for the GIL may be ended there.
extern "C-unwind" fn audited(event: *const c_char, _arguments: *mut c_void, _data: *mut c_void) -> c_int {
    // SAFETY: the interpreter gives the event's name.
    let event = unsafe { CStr::from_ptr(event) };
    if matches!(event.to_bytes(), b"os.fork" | b"os.forkpty")
        && let Some(wait) = WAIT.get()
    {
        wait();
    }
    0
}

/// In the constructor: `wait` is called whenever Python is about to fork. Only an interpreter that the program was started with is asked.
pub(in crate::sites) fn before_forks(wait: fn()) {
    if WAIT.set(wait).is_ok()
        && let Some(python) = interpreter()
    {
        python.api.audit(audited);
    }
}

/// Does something with the GIL let go, if this thread holds it.
pub(in crate::sites) fn without_gil(work: &dyn Fn()) {
    match interpreter().filter(|_| holds_gil()) {
        Some(python) => python.api.without_gil(work),
        None => work(),
    }
}

/// True while this thread holds the GIL.
pub(in crate::sites) fn holds_gil() -> bool {
    let holds = |python: &super::Interpreter| python.api.state().is_some_and(|state| python.api.holds_gil(state));
    super::is_known() && interpreter().is_some_and(holds)
}
