//! Handlers that outlive the settings of others: references to them, and their way back into CPython's own table.
use super::api::PendingCall;
use super::code_api::Object;
use super::interpreter::interpreter;
use std::ffi::c_int;

/// Takes a reference to a handler that `signal.signal` is setting.
pub(crate) fn retain(handler: usize) {
    if let Some(python) = interpreter() {
        python.api.retain(handler);
    }
}

/// Gives it back, when the main thread is between two instructions: code of the application's may run then. If too many pending
/// calls wait already, it is never given back.
pub(crate) fn release_soon(handler: usize) {
    extern "C" fn release(handler: Object) -> c_int {
        if let Some(python) = interpreter() {
            python.api.release(handler as usize);
        }
        0
    }
    call_soon(release, handler);
}

/// Has the main thread call a function with the GIL held, soon; false when it will not.
pub(crate) fn call_soon(call: PendingCall, argument: usize) -> bool {
    interpreter().is_some_and(|python| python.api.call_soon(call, argument))
}

/// False before the interpreter's life and after it.
pub(crate) fn can_call() -> bool {
    interpreter().is_some_and(|python| python.api.is_alive())
}

/// Sets a handler in CPython's table and the kernel's; false with an exception of the program's under way. In a pending call only.
pub(crate) fn set(number: i32, handler: usize) -> bool {
    interpreter().is_some_and(|python| python.api.set_signal_handler(number, handler))
}
