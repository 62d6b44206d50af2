//! Where Python is about to fork: its audit event, which comes with the GIL held and before anything was prepared for the fork. (Inside
//! fork it must not be let go: since 3.13 the forking thread has the lock of the list of threads, too.)
use super::{interpreter, while_held};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

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

/// The interpreter is still to be asked for its audit events.
static UNASKED: AtomicBool = AtomicBool::new(false);

/// In the constructor: `wait` is called whenever Python is about to fork and has had other threads.
pub(in crate::sites) fn before_forks(wait: fn()) {
    UNASKED.store(WAIT.set(wait).is_ok(), Relaxed);
}

/// In the hook of pthread_create, outside of its bookkeeping: asks the interpreter that starts a thread for its audit events. (Before
/// Py_Initialize it may be told, too, but keeps the hook in memory of an allocator that `-X dev` exchanges afterwards.)
pub(in crate::sites) fn starts_thread() {
    if UNASKED.load(Relaxed) {
        let asked = while_held(c"forkguard.forks", |_| interpreter().is_some_and(|python| python.api.audit(audited)));
        if asked == Some(true) {
            UNASKED.store(false, Relaxed);
        }
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
