//! FORKGUARD_THREADS=revive: lost threads are started again in the child, once each.
//!
//! Native ones at the end of fork(), where the program marked them. Python's before the child's first wait, whichever hook sees it: a child that
//! execs or ends gets none, libraries' own child handlers have run, and what the child has put into a queue by then is there.
pub(crate) mod python;

use super::*;
use crate::describe;
use crate::options::Threads;
use crate::sites;
use forkguard_core::fork::lost_threads;
use forkguard_core::fork::{self as core_fork, ThreadRecord};
use forkguard_core::thread::{STARTED, TRIED};
use forkguard_core::tls;
use std::mem::MaybeUninit;
use std::sync::atomic::AtomicPtr;

/// The lost thread that this process starts again right now, and the thread that does it.
#[unsafe(link_section = "forkguard_words")]
static REVIVED: AtomicPtr<ThreadRecord> = AtomicPtr::new(std::ptr::null_mut());
#[unsafe(link_section = "forkguard_words")]
static REVIVER: AtomicU32 = AtomicU32::new(0);

/// True where lost threads are started again.
fn is_on() -> bool {
    options::guards() && !matches!(options::get().threads, Threads::Report)
}

/// True for a thread that the option names.
fn is_named(name: &str) -> bool {
    match &options::get().threads {
        Threads::Named(patterns) => patterns
            .as_str()
            .split(',')
            .any(|pattern| forkguard_report::pattern::matches(pattern.trim().as_bytes(), name.as_bytes())),
        _ => false,
    }
}

/// What the report calls a lost thread.
fn name_of(thread: &ThreadRecord) -> Text<64> {
    let (name, _) = sites::label(thread.label);
    if name.is_empty() {
        Text::of(format_args!("{}", describe::name_of_lost(thread).as_str()))
    } else {
        Text::of(format_args!("{name}"))
    }
}

/// True for a thread that held a lock at the fork, or of which that is not known.
fn held_a_lock(fork: &Inner, thread: &ThreadRecord) -> bool {
    fork.locks.missed() > 0 || fork.locks.as_slice().iter().any(|lock| lock.holder == thread.tid && !lock.signal)
}

/// Threads that this process and its leaders lost and that nobody has started again, of which that is possible.
fn restartable() -> impl Iterator<Item = (&'static Inner, &'static ThreadRecord)> {
    let is_it = |(fork, thread): &(&'static Inner, &'static ThreadRecord)| {
        thread.tid != 0 && !thread.ending && thread.slot.again.load(Relaxed) == 0 && !held_a_lock(fork, thread)
    };
    lost_threads().filter(is_it)
}

/// The lost thread that this thread starts again right now.
pub(crate) fn revived() -> Option<&'static ThreadRecord> {
    // SAFETY: null or a record of a fork that made this process, which stays for as long as it lives.
    unsafe { REVIVED.load(Relaxed).as_ref() }.filter(|_| REVIVER.load(Relaxed) == raw::thread_id())
}

/// Starts one again and says so. What `start` gives: None when it is better left alone.
fn revive(fork: &'static Inner, thread: &'static ThreadRecord, start: impl FnOnce() -> Option<Result<(), i32>>) {
    let began = raw::monotonic_of_kernel();
    thread.slot.again.store(STARTED, Relaxed);
    REVIVER.store(raw::thread_id(), Relaxed);
    REVIVED.store(std::ptr::from_ref(thread).cast_mut(), Relaxed);
    let result = start();
    REVIVED.store(std::ptr::null_mut(), Relaxed);
    if !matches!(result, Some(Ok(()))) {
        thread.slot.again.store(TRIED, Relaxed);
    }
    let Some(result) = result else { return };
    let (action, name) = ("started again", name_of(thread));
    let ends = (Kind::ThreadLost, format_args!("{}", thread.tid), "forkguard started it again");
    if core_fork::birth().is_some_and(|birth| std::ptr::eq(birth.facts(), fork)) {
        log_resolving_action(Guard::Threads, action, format_args!("thread \"{}\"", name.as_str()), began, result, ends);
        return;
    }
    log_action(Guard::Threads, action, format_args!("thread \"{}\"", name.as_str()), began, result);
    if result.is_ok() {
        record_with_scratch(|scratch| ledger::report_state_of(scratch, fork, ends.0, ends.1, State::Resolved, None, ends.2));
    }
}

/// See [`super::in_child`].
pub(super) fn in_child() {
    if is_on() {
        python::in_child();
    }
}

/// See [`super::at_end_of_fork`].
pub(super) fn at_end_of_fork() {
    if is_on() && !gate::is_guest() {
        let any = matches!(options::get().threads, Threads::Consumers);
        let marked = |(_, thread): &(&Inner, &'static ThreadRecord)| thread.restartable && thread.start != 0;
        for (fork, thread) in restartable().filter(marked).filter(|(_, t)| any || is_named(name_of(t).as_str())) {
            revive(fork, thread, || Some(start_routine(thread)));
        }
    }
}

/// Starts a native thread as it was started in the leader, through our own hook: so it is on record.
fn start_routine(thread: &ThreadRecord) -> Result<(), i32> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let mut handle = 0;
    let errno = |code| if code == 0 { Ok(()) } else { Err(code) };
    // SAFETY: the attributes are initialised first; the routine and its argument are those that the program started the thread with and
    // said may run again.
    unsafe {
        errno(libc::pthread_attr_init(attributes.as_mut_ptr()))?;
        if thread.detached {
            libc::pthread_attr_setdetachstate(attributes.as_mut_ptr(), libc::PTHREAD_CREATE_DETACHED);
        }
        let routine = std::mem::transmute::<usize, extern "C" fn(*mut libc::c_void) -> *mut libc::c_void>(thread.start);
        let argument = thread.slot.argument.load(Relaxed) as *mut libc::c_void;
        let result = libc::pthread_create(&mut handle, attributes.as_ptr(), routine, argument);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        errno(result)
    }
}
