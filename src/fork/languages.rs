//! What a language holds when it forks: output that waits in its files, functions that it runs at its end.
use crate::sites::Start;
use crate::{describe, sites};
use forkguard_core::fork::Snapshot;
use forkguard_core::registry::exit_handlers;

/// Functions that are recorded.
const MOST: usize = 64;

/// By the thread that forks, in its hook.
pub(super) fn record(snapshot: &mut Snapshot, caller: usize) {
    sites::cpp::waiting_output(|fd, length, digest| {
        snapshot.add_languages_output("C++", fd, length, digest, sites::capture(caller))
    });
    if sites::has_interpreter() && !interrupts_interpreter(caller) {
        record_interpreters(snapshot, caller);
    }
}

/// True in a signal handler of native code, a crash handler for example: the interpreter may be in the middle of anything, and is not to be
/// called.
fn interrupts_interpreter(caller: usize) -> bool {
    !sites::python::is_code(caller) && sites::is_in_signal_handler(Start::here())
}

/// Apart, because its stack frame is large and [`record`] runs on the program's stack.
#[inline(never)]
fn record_interpreters(snapshot: &mut Snapshot, caller: usize) {
    // Before frames of all threads are read: then they are read directly.
    sites::prove();
    sites::python::waiting_output(|output| {
        // In the child the thread does not stand there any more.
        snapshot.add_languages_output("Python", output.fd, output.length, output.digest, sites::capture(caller));
    });
    record_exit_functions();
}

fn record_exit_functions() {
    exit_handlers::note_interpreter();
    let (mut functions, mut count) = ([(0, 0); MOST], 0);
    let is_known = sites::exit_functions(|function, site| {
        if count < MOST && describe::is_applications_function(site) {
            functions[count] = (function, site);
            count += 1;
        }
    });
    if is_known {
        exit_handlers::set_interpreted(&functions[..count]);
    }
}
