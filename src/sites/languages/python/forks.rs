//! Where Python is about to fork: its audit event, which comes with the GIL held and before anything was prepared for the fork. (Inside
//! fork the GIL must not be released: since 3.13 the forking thread has the lock of the list of threads, too.)
use super::code_api::Object;
use super::interpreter::{holds_gil, interpreter};
use super::run::while_held;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// When a thread of Python's calls us, with the GIL.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PythonCall {
    /// It will from now on.
    Begin,
    /// Python is about to call os.fork.
    Fork,
    /// Or os.forkpty.
    Forkpty,
}

static BEFORE: OnceLock<fn(PythonCall)> = OnceLock::new();

/// `PySys_AddAuditHook`'s hook. A thread that waits for the GIL may be ended there.
extern "C-unwind" fn audit_hook(event: *const c_char, _arguments: *mut c_void, _data: *mut c_void) -> c_int {
    // SAFETY: the interpreter gives the event's name.
    let call = match unsafe { CStr::from_ptr(event) }.to_bytes() {
        b"os.fork" => PythonCall::Fork,
        b"os.forkpty" => PythonCall::Forkpty,
        _ => return 0,
    };
    tell(call);
    0
}

fn tell(call: PythonCall) {
    if let Some(before) = BEFORE.get() {
        before(call);
    }
}

/// No audit hook is installed yet.
static PENDING: AtomicBool = AtomicBool::new(false);

/// In the constructor: `before` is called whenever Python is about to fork, and has had other threads or was asked by [`install_soon`].
pub(crate) fn before_forks(before: fn(PythonCall)) {
    PENDING.store(BEFORE.set(before).is_ok(), Relaxed);
}

/// Has the main thread install the audit hook, soon; true when that is done or asked for. In any thread, with the GIL or without, but not in a
/// native signal handler.
pub(crate) fn install_soon() -> bool {
    let ready = || interpreter().filter(|python| python.api.is_alive() && python.api.code.is_some());
    !PENDING.load(Relaxed) || ready().is_some_and(|python| python.api.call_soon(install, 0))
}

extern "C" fn install(_nothing: Object) -> c_int {
    starts_thread();
    0
}

/// In the hook of pthread_create, outside of its bookkeeping: installs the audit hook in the interpreter that starts a thread. (Before
/// Py_Initialize this is allowed, too, but puts the hook into memory of an allocator that `-X dev` exchanges afterwards.)
pub(crate) fn starts_thread() {
    if PENDING.load(Relaxed) {
        let installed = while_held(c"forkguard.forks", |_| interpreter().is_some_and(|python| python.api.audit(audit_hook)));
        if installed == Some(true) {
            PENDING.store(false, Relaxed);
            tell(PythonCall::Begin);
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
