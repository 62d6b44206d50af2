//! Threads that work for the process that forks alone: they feed, watch or collect from its children, or fork some themselves. A child does
//! without them, and one of its own would take the leader's work.
use forkguard_report::event::{Frame, Site, Thread};

/// Parts of the paths of code that manages the processes of a pool, and of the channels to them.
const MANAGERS: [&str; 7] = [
    "/multiprocessing/connection.py",
    "/multiprocessing/queues.py",
    "/multiprocessing/managers.py",
    "/multiprocessing/resource_sharer.py",
    "/concurrent/futures/process.py",
    "/loky/",
    "/billiard/",
];

/// Python's own pool, whose helpers are of processes or (dummy) of threads.
const POOL: &str = "/multiprocessing/pool.py";
const POOL_OF_THREADS: &str = "/multiprocessing/dummy/";

/// Parts of the paths of code that loads other code: what stands outside of it only asked for that.
const LOADERS: [&str; 4] = ["<frozen importlib", "/importlib/", "kernel_require", "/bootsnap/"];

/// True for a thread that works for its own process alone, of which `forking` forked at `fork`; `leader` is its main thread.
pub(super) fn works_for_leader(thread: &Thread<'_>, forking: Option<&Thread<'_>>, fork: Option<&Site<'_>>, leader: u32) -> bool {
    thread.tid == leader
        || manages_processes(thread)
        || forking.is_some_and(|forking| runs_the_same(thread, forking))
        || fork.is_some_and(|fork| has_one_manager(thread, fork))
}

/// The frames of libraries by which a site was reached: up to the application's, or to what loaded its code.
fn library_frames<'s>(site: Option<&'s Site<'_>>) -> impl Iterator<Item = &'s Frame<'s>> {
    let loads = |frame: &Frame<'_>| LOADERS.iter().any(|part| file(frame).contains(part));
    site.into_iter().flat_map(|site| site.frames.iter()).take_while(move |frame| !frame.is_application() && !loads(frame))
}

fn file<'f>(frame: &'f Frame<'_>) -> &'f str {
    frame.file.as_deref().unwrap_or_default()
}

/// It was started by, runs, or stood in code that manages processes.
fn manages_processes(thread: &Thread<'_>) -> bool {
    let is_of_threads = || library_frames(thread.site.as_ref()).any(|frame| file(frame).contains(POOL_OF_THREADS));
    let manages = |frame: &Frame<'_>| {
        let helps_pool = || file(frame).ends_with(POOL) && frame.function.as_deref().is_some_and(|name| name != "worker");
        MANAGERS.iter().any(|part| file(frame).contains(part)) || helps_pool()
    };
    let mut frames =
        library_frames(thread.site.as_ref()).chain(thread.start.as_ref()).chain(library_frames(thread.stood.as_ref()));
    frames.any(manages) && !is_of_threads()
}

/// It runs the function that the forking thread runs, too: such threads fork each for itself.
fn runs_the_same(thread: &Thread<'_>, forking: &Thread<'_>) -> bool {
    let alike = |one: &Frame<'_>, other: &Frame<'_>| (&one.file, one.line, one.offset) == (&other.file, other.line, other.offset);
    let starts = thread.start.as_ref().zip(forking.start.as_ref());
    thread.class == forking.class && starts.is_some_and(|(one, other)| alike(one, other))
}

/// The package that started it is the one that forks.
fn has_one_manager(thread: &Thread<'_>, fork: &Site<'_>) -> bool {
    let forks = |package: &str| library_frames(Some(fork)).any(|frame| frame.package() == Some(package));
    library_frames(thread.site.as_ref()).filter_map(Frame::package).any(forks)
}
