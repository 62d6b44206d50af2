//! Threads that work for the process that forks alone: they feed, watch or collect from its children, or fork some themselves. A child does
//! without them, and one of its own would take the leader's work.
use forkguard_report::event::{Frame, Site, Thread};

/// Parts of the paths of code that manages the processes of a pool, and of the channels to them.
const MANAGERS: [&str; 6] = [
    "/multiprocessing/connection.py",
    "/multiprocessing/managers.py",
    "/multiprocessing/resource_sharer.py",
    "/concurrent/futures/process.py",
    "/loky/",
    "/billiard/",
];

/// Python's own pool, whose helpers are of processes or (dummy) of threads.
const POOL: &str = "/multiprocessing/pool.py";
const POOL_OF_THREADS: &str = "/multiprocessing/dummy/";

/// Python's queue between processes: its thread feeds those that multiprocessing makes, which begin a queue of their own. Other children do not:
/// what one of them puts there is lost with the thread.
const QUEUE: &str = "/multiprocessing/queues.py";
const OWN_PROCESSES: &str = "/multiprocessing/";

/// Where gunicorn calls what its configuration has for the leader alone: `on_starting`, `when_ready` and `on_reload`. (Since 3.11 Python's names
/// have the class.)
const ARBITER: &str = "/gunicorn/arbiter.py";
const CALLS_LEADERS_HOOKS: [&str; 4] = ["Arbiter.start", "Arbiter.reload", "start", "reload"];

/// Parts of the paths of code that loads other code: what stands outside of it only asked for that.
const LOADERS: [&str; 4] = ["<frozen importlib", "/importlib/", "kernel_require", "/bootsnap/"];

/// The class of Ruby's threads that wait for a process of the leader's (`Process.detach`): no other process could.
const WAITER: &str = "Process::Waiter";

/// How many threads are followed from one to the one that started it.
const STARTERS: usize = 4;

/// True for a thread that works for its own process alone, one of whose `threads` forked at `fork`; `leader` is its main thread.
pub(super) fn works_for_leader(thread: &Thread<'_>, threads: &[Thread<'_>], fork: Option<&Site<'_>>, leader: u32) -> bool {
    let forking = threads.iter().find(|thread| thread.forking);
    thread.tid == leader
        || is_leaders(thread, fork)
        || forking.is_some_and(|forking| runs_the_same(thread, forking))
        || is_started_by_leaders(thread, threads, fork)
}

/// What started it is the leader's: its server's code for the leader alone, or code that manages processes.
fn is_leaders(thread: &Thread<'_>, fork: Option<&Site<'_>>) -> bool {
    thread.class.as_deref() == Some(WAITER)
        || manages_processes(thread, fork)
        || thread.site.as_ref().is_some_and(is_started_for_leader)
        || fork.is_some_and(|fork| has_one_manager(thread, fork))
}

/// One of the leader's own threads started it: a server that the leader has for itself starts one for each connection. What code that manages
/// processes calls of the application's (a pool's callback) may start others.
fn is_started_by_leaders(thread: &Thread<'_>, threads: &[Thread<'_>], fork: Option<&Site<'_>>) -> bool {
    let starter = |thread: &Thread<'_>| {
        let creator = thread.creator?;
        threads.iter().find(|thread| thread.tid == creator && !thread.forking)
    };
    let asked_for = thread.site.iter().flat_map(|site| site.frames.iter()).any(Frame::is_application);
    let hooks = |starter: &Thread<'_>| starter.site.as_ref().is_some_and(is_started_for_leader);
    let mut starters = std::iter::successors(starter(thread), |thread| starter(thread)).take(STARTERS);
    starters.any(|starter| hooks(starter) || !asked_for && is_leaders(starter, fork))
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
fn manages_processes(thread: &Thread<'_>, fork: Option<&Site<'_>>) -> bool {
    let is_of_threads = || library_frames(thread.site.as_ref()).any(|frame| file(frame).contains(POOL_OF_THREADS));
    let manages = |frame: &Frame<'_>| {
        let helps_pool = || file(frame).ends_with(POOL) && frame.function.as_deref().is_some_and(|name| name != "worker");
        MANAGERS.iter().any(|part| file(frame).contains(part)) || helps_pool()
    };
    // Where a queue's thread stood tells nothing of who needs it.
    let feeds = thread.start.as_ref().is_some_and(|start| file(start).contains(QUEUE));
    let stood = thread.stood.as_ref().filter(|_| !feeds);
    let mut frames = library_frames(thread.site.as_ref()).chain(thread.start.as_ref()).chain(library_frames(stood));
    (frames.any(manages) || feeds && makes_own_queues(fork)) && !is_of_threads()
}

fn makes_own_queues(fork: Option<&Site<'_>>) -> bool {
    library_frames(fork).any(|frame| file(frame).contains(OWN_PROCESSES))
}

/// The application's innermost frames are those of a function that its server called for the leader alone.
fn is_started_for_leader(site: &Site<'_>) -> bool {
    let outer = site.frames.iter().skip_while(|frame| !frame.is_application()).find(|frame| !frame.is_application());
    let calls_hooks = |frame: &Frame<'_>| frame.function.as_deref().is_some_and(|name| CALLS_LEADERS_HOOKS.contains(&name));
    outer.is_some_and(|frame| file(frame).ends_with(ARBITER) && calls_hooks(frame))
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
