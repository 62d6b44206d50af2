//! What a waiting thread of an interpreter waits for, by the functions of its standard library on its stack.
//!
//! A signal handler of the program may end nearly any wait of an interpreter's main thread (`Event().wait()` until SIGTERM sets it). Only where
//! the frames show that another thread's work is awaited is it certain that nobody will do it.
use forkguard_report::event::{Frame, Site};

/// A wait, by who waits and for what.
pub(super) enum Wait {
    /// Native code waits: a program's, or a library's under an interpreter, whose handlers do not run meanwhile.
    Native,
    /// An interpreter waits for what another thread of its process does.
    OfThread,
    /// CPython waits for a lock that its program takes itself.
    OfLock,
    /// An interpreter waits for anything else: `Event().wait()`, Ruby's `sleep`.
    Other,
}

/// Ends of files of CPython's library, and the functions there that wait for another thread of the same process.
const THREAD_WAITS: &[(&str, &[&str])] = &[
    ("/threading.py", &["Thread.join", "Thread._wait_for_tstate_lock", "_shutdown", "join", "_wait_for_tstate_lock"]),
    ("/queue.py", &["join", "get", "put", "Queue.join", "Queue.get", "Queue.put"]),
    ("/concurrent/futures/_base.py", &["result", "exception", "wait", "as_completed", "Future.result", "Future.exception"]),
    ("/concurrent/futures/thread.py", &["shutdown", "_python_exit", "ThreadPoolExecutor.shutdown"]),
    ("/multiprocessing/pool.py", &["wait", "get", "join", "ApplyResult.wait", "ApplyResult.get", "Pool.join"]),
];

/// The same: those that wait for an answer of a pool's threads.
const ANSWERS: &[(&str, &[&str])] = &[
    ("/concurrent/futures/_base.py", &["result", "exception", "wait", "as_completed", "Future.result", "Future.exception"]),
    ("/multiprocessing/pool.py", &["wait", "get", "ApplyResult.wait", "ApplyResult.get"]),
];

/// The same: those that give work to a pool's threads.
const GIVES_WORK: (&str, &[&str]) = ("/concurrent/futures/thread.py", &["submit", "ThreadPoolExecutor.submit"]);

/// The same: those that wait for what a signal handler may well do.
const EVENT_WAITS: (&str, &[&str]) =
    ("/threading.py", &["wait", "wait_for", "Event.wait", "Condition.wait", "Condition.wait_for"]);

fn is_among(frame: &Frame<'_>, (end, functions): (&str, &[&str])) -> bool {
    let (Some(file), Some(function)) = (frame.file.as_deref(), frame.function.as_deref()) else { return false };
    file.ends_with(end) && functions.contains(&function)
}

/// The frames of the library call that the application made.
fn of_library<'s, 'a>(site: &'s Site<'a>) -> impl Iterator<Item = &'s Frame<'a>> {
    site.frames.iter().take_while(|frame| !frame.is_application() || frame.language == "native")
}

/// True for a wait for an answer of a pool's threads.
pub(super) fn awaits_answer(site: &Site<'_>) -> bool {
    of_library(site).any(|frame| ANSWERS.iter().any(|&waits| is_among(frame, waits)))
}

/// True for a function that gives work to a pool's threads.
pub(super) fn gives_work(frame: &Frame<'_>) -> bool {
    is_among(frame, GIVES_WORK)
}

/// What the thread at that site waits for.
pub(super) fn wait(site: &Site<'_>) -> Wait {
    let mut interpreted = site.frames.iter().filter(|frame| frame.language != "native");
    let module = site.frames.first().and_then(|frame| frame.module.as_deref());
    match interpreted.next() {
        _ if of_library(site).any(|frame| THREAD_WAITS.iter().any(|&waits| is_among(frame, waits))) => Wait::OfThread,
        _ if module.is_some_and(|module| runtime(module).is_none()) => Wait::Native,
        Some(innermost) if innermost.language == "python" && !is_among(innermost, EVENT_WAITS) => Wait::OfLock,
        _ => Wait::Other,
    }
}

/// Beginnings of the names of the files that hold an interpreter itself.
const RUNTIMES: [(&str, Runtime); 8] = [
    ("python", Runtime::Python),
    ("libpython", Runtime::Python),
    ("ruby", Runtime::Other),
    ("libruby", Runtime::Other),
    ("perl", Runtime::Other),
    ("libperl", Runtime::Other),
    ("php", Runtime::Other),
    ("libphp", Runtime::Other),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Runtime {
    Python,
    Other,
}

fn runtime(module: &str) -> Option<Runtime> {
    let name = module.rsplit('/').next().unwrap_or_default();
    RUNTIMES.into_iter().find(|(beginning, _)| name.starts_with(beginning)).map(|(_, runtime)| runtime)
}

/// True for a signal for which the interpreter in this file sets a handler by itself.
pub(super) fn sets_itself(module: &str, signal: i32) -> bool {
    match runtime(module) {
        Some(Runtime::Python) => signal == libc::SIGINT,
        Some(Runtime::Other) => true,
        None => false,
    }
}
