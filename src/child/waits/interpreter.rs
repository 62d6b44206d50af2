//! What a waiting thread of an interpreter waits for, by the functions of its standard library on its stack.
//!
//! A signal handler of the program may end nearly any wait of an interpreter's main thread (`Event().wait()` until SIGTERM sets it). Only where
//! the frames show that another thread's work is awaited is it certain that nobody will do it.
use forkguard_report::event::{Frame, Site};

/// Ends of files of CPython's library, and the functions there that wait for another thread of the same process.
const THREAD_WAITS: &[(&str, &[&str])] = &[
    ("/threading.py", &["Thread.join", "Thread._wait_for_tstate_lock", "_shutdown", "join", "_wait_for_tstate_lock"]),
    ("/queue.py", &["join", "get", "put", "Queue.join", "Queue.get", "Queue.put"]),
    ("/concurrent/futures/_base.py", &["result", "exception", "wait", "as_completed", "Future.result", "Future.exception"]),
    ("/concurrent/futures/thread.py", &["shutdown", "_python_exit", "ThreadPoolExecutor.shutdown"]),
    ("/multiprocessing/pool.py", &["wait", "get", "join", "ApplyResult.wait", "ApplyResult.get", "Pool.join"]),
];

fn is_thread_wait(frame: &Frame<'_>) -> bool {
    let (Some(file), Some(function)) = (frame.file.as_deref(), frame.function.as_deref()) else { return false };
    THREAD_WAITS.iter().any(|(end, functions)| file.ends_with(end) && functions.contains(&function))
}

/// True when the library call that the application made waits for another thread of its process.
pub(super) fn awaits_thread(site: &Site<'_>) -> bool {
    site.frames.iter().take_while(|frame| !frame.is_application() || frame.language == "native").any(is_thread_wait)
}

/// True for a wait inside an interpreter.
pub(super) fn is_interpreted(site: &Site<'_>) -> bool {
    const RUNTIMES: [&str; 4] = ["python", "ruby", "libphp", "perl"];
    let of_runtime = |frame: &Frame<'_>| {
        let module = frame.module.as_deref().unwrap_or_default();
        let name = module.rsplit('/').next().unwrap_or_default();
        RUNTIMES.iter().any(|runtime| name.contains(runtime))
    };
    site.frames.iter().any(|frame| frame.language != "native") || site.frames.first().is_some_and(of_runtime)
}
