//! Where Python is about to fork: its audit event, which comes with the GIL held and before anything was prepared for the fork. (Inside
//! fork the GIL must not be released: since 3.13 the forking thread has the lock of the list of threads, too.)
use super::interpreter::{holds_gil, interpreter};
use super::run::while_held;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static WAIT: OnceLock<fn()> = OnceLock::new();

/// `PySys_AddAuditHook`'s hook. A thread that waits for the GIL may be ended there.
extern "C-unwind" fn audit_hook(event: *const c_char, _arguments: *mut c_void, _data: *mut c_void) -> c_int {
    // SAFETY: the interpreter gives the event's name.
    let event = unsafe { CStr::from_ptr(event) };
    if matches!(event.to_bytes(), b"os.fork" | b"os.forkpty")
        && let Some(wait) = WAIT.get()
    {
        wait();
    }
    0
}

/// No audit hook is installed yet.
static PENDING: AtomicBool = AtomicBool::new(false);

/// In the constructor: `wait` is called whenever Python is about to fork and has had other threads.
pub(crate) fn before_forks(wait: fn()) {
    PENDING.store(WAIT.set(wait).is_ok(), Relaxed);
}

/// In the hook of pthread_create, outside of its bookkeeping: installs the audit hook in the interpreter that starts a thread. (Before
/// Py_Initialize this is allowed, too, but puts the hook into memory of an allocator that `-X dev` exchanges afterwards.)
pub(crate) fn starts_thread() {
    if PENDING.load(Relaxed) {
        let installed = while_held(c"forkguard.forks", |_| interpreter().is_some_and(|python| python.api.audit(audit_hook)));
        if installed == Some(true) {
            PENDING.store(false, Relaxed);
        }
    }
}

/// Does something with the GIL released, if this thread holds it.
pub(crate) fn without_gil(work: &dyn Fn()) {
    match interpreter().filter(|_| holds_gil()) {
        Some(python) => python.api.without_gil(work),
        None => work(),
    }
}
