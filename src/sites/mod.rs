//! Where in the program something was done: a word for the registries. It is the return address of the call, or names a stack in
//! the store: that address and the application's frames, innermost first.
//!
//! A language is one file (or folder): `take` puts the frames of this thread into [`store::Frames`], if it runs code of that
//! language, without a lock and without the language's own allocator; a line in [`capture`] calls it.
mod debug;
mod interpreters;
pub(crate) mod native;
mod perl;
mod php;
pub(crate) mod python;
mod ruby;
mod stack;
pub(crate) mod store;

use crate::entry::Registers;
use crate::entry::scratch::on_scratch_stack;
use crate::options::{self, Sockets};
use forkguard_core::fork::Inner;
use forkguard_core::{raw, thread};
use forkguard_loader::{MemoryAccess, is_in_c_library, path_of};
pub(crate) use python::handlers as python_handlers;
pub(crate) use stack::Start;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use store::{Frames, Kept, Language};

/// In the constructor.
pub(crate) fn prepare() {
    // SAFETY: libraries that are loaded with the program are never unloaded.
    unsafe { forkguard_loader::prepare() };
    let memory = if __libc_single_threaded == 0 {
        MemoryAccess::FAULT_PROOF
    } else {
        // SAFETY: only this thread could unload a library, and does not.
        unsafe { MemoryAccess::direct() }
    };
    python::prepare(memory);
    interpreters::prepare(memory);
}

unsafe extern "C" {
    /// Of the C library: zero once there was a second thread.
    safe static __libc_single_threaded: u8;
}

/// In a forked child.
pub(crate) fn reset_in_child() {
    native::reset_in_child();
    python::reset_in_child();
    interpreters::reset_in_child();
}

/// Captures are a bucket of tokens: so many at once, then one an interval. At 5 µs each that is one percent of a thread.
const BURST: u64 = 4096;
const INTERVAL_NS: u64 = 500_000;
#[unsafe(link_section = "forkguard_words")]
static NEXT: AtomicU64 = AtomicU64::new(0);
/// Sites that got no frames for want of a token or of room.
#[unsafe(link_section = "forkguard_words")]
static SKIPPED: AtomicU32 = AtomicU32::new(0);

fn token() -> bool {
    taken_from(&NEXT, BURST, INTERVAL_NS)
}

/// Takes a token of a bucket that holds `burst` and fills by one an interval; counts what went without.
fn taken_from(bucket: &AtomicU64, burst: u64, interval_ns: u64) -> bool {
    let now = raw::monotonic();
    let fuller = |next: u64| (next.max(now) - now <= burst * interval_ns).then_some(next.max(now) + interval_ns);
    let taken = bucket.fetch_update(Relaxed, Relaxed, fuller).is_ok();
    if !taken {
        SKIPPED.fetch_add(1, Relaxed);
    }
    taken
}

/// The word for a thing that this thread makes now: `caller` is the return address of the call.
pub(crate) fn capture(caller: usize) -> usize {
    at_length(Start::here(), caller, |start| take(start, caller)).unwrap_or(caller)
}

/// For a connection: always with its frames where a guard goes by them (see [`is_called_in`]).
pub(crate) fn capture_connection(caller: usize) -> usize {
    if options::get().sockets != Sockets::Spare || thread::is_ending() {
        return capture(caller);
    }
    let start = Start::here();
    on_scratch_stack(|_| take(start, caller)).unwrap_or(caller)
}

/// True for a site of native code that the function around `caller` led to, which is not the one that a program or a thread begins with.
pub(crate) fn is_called_in(site: usize, caller: usize) -> bool {
    let Some(function) = stack::function(caller - 1) else { return false };
    let (address, outer) = store::look(site);
    let outer = outer.filter(|kept| kept.language == Language::Native).map(|kept| kept.address);
    let mut from = std::iter::once(address).chain(outer).skip_while(|&at| stack::function(at - 1) != Some(function));
    from.nth(1).is_some_and(|outer| !is_in_c_library(outer))
}

/// For a timer. Those that MRI arms itself (in signal handlers, on whichever thread) have nothing to do with that thread's frames.
pub(crate) fn capture_timer(caller: usize) -> usize {
    if interpreters::is_rubys_own(caller) { caller } else { capture(caller) }
}

/// The same where a function was jumped to instead of called.
pub(crate) fn capture_from(start: Start, caller: usize) -> usize {
    at_length(start, caller, |start| take(start, caller)).unwrap_or(caller)
}

impl Registers {
    /// The site of the call.
    pub(crate) fn capture(&self) -> usize {
        capture_from(self.start(), self.caller)
    }

    /// The calling frame.
    pub(crate) fn start(&self) -> Start {
        // Where the return address lay is above what was saved.
        Start::of_call(self.caller, (&raw const self.caller).addr() + 8, self.frame)
    }
}

/// The signal whose handler this thread runs in, if it made the call from there; of those with one handler, one that is blocked.
pub(crate) fn handled_signal(start: Start) -> Option<i32> {
    let caught = || (1..=64).filter_map(|n| Some((n, raw::signal_action(n).filter(|action| action.handler > libc::SIG_IGN)?)));
    let (_, any) = caught().next()?;
    let handler = stack::handler(start, any.restorer)?;
    let blocked = raw::blocked_signals();
    caught().filter(|(_, action)| action.handler == handler).map(|(n, _)| n).max_by_key(|n| blocked >> (n - 1) & 1)
}

/// At a call that interpreters make with their lock held, unlike most that make something: what is unproved can be proved here. Until
/// then every read is a system call.
pub(crate) fn prove() {
    if python::is_unproved() {
        on_scratch_stack(|_| python::prove());
    }
}

/// The same for a file: what importing modules opens, it closes, and that it does by the thousand. What native code opens in a `young` child
/// is meant for the program that it is about to execute.
pub(crate) fn capture_file(caller: usize, young: bool) -> usize {
    let bare = young && !python::is_known() && !interpreters::are_known();
    if bare || python::is_importing() { caller } else { capture(caller) }
}

/// Runs a capture for a token, on a stack with room for it. A thread that is about to end has left its interpreter: it has no frames.
#[inline(always)]
fn at_length<R>(start: Start, caller: usize, capture: impl FnOnce(Start) -> R) -> Option<R> {
    let told = !thread::is_ending() && (python::is_here() || interpreters::are_known() || native_turn(caller));
    if told && token() { on_scratch_stack(|_| capture(start)) } else { None }
}

/// So often a place in native code is looked at from its callers at once; then as often as a program connects, not as a loop runs.
const TURNS: u32 = 64;
const TURN_NS: u64 = 10_000_000;

/// True for the first calls from a native place (places that share a counter share its turns), and for a hundred of all others a second.
fn native_turn(caller: usize) -> bool {
    static CALLS: [AtomicU32; 512] = [const { AtomicU32::new(0) }; 512];
    #[unsafe(link_section = "forkguard_words")]
    static LATER: AtomicU64 = AtomicU64::new(0);
    let calls = &CALLS[caller.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 55];
    let before = calls.load(Relaxed);
    if before < TURNS {
        calls.store(before + 1, Relaxed);
    }
    before < TURNS || taken_from(&LATER, 1, TURN_NS)
}

fn take(start: Start, caller: usize) -> usize {
    let mut frames = Frames::new();
    let _ = python::take(&mut frames);
    interpreters::take(&mut frames);
    // What calls an interpreter's code is the interpreter.
    if frames.is_empty() {
        stack::frames(start, caller, &mut |address| frames.push_native(address));
    }
    match store::keep(&frames, caller) {
        Some(0) => caller,
        Some(word) => word,
        None => {
            SKIPPED.fetch_add(1, Relaxed);
            caller
        }
    }
}

/// What is known of a thread that this one starts.
#[derive(Default)]
pub(crate) struct Made {
    /// Where.
    pub(crate) site: usize,
    /// Its name and class: for [`label`].
    pub(crate) label: usize,
    /// The code that it will run.
    pub(crate) code: usize,
}

/// For a thread that this one starts now.
#[inline(never)]
pub(crate) fn capture_thread(caller: usize) -> Made {
    at_length(Start::here(), caller, |start| {
        let site = take(start, caller);
        let started = if python::is_here() { python::started() } else { None };
        let started = started.unwrap_or_default();
        Made { site, label: usize::from(started.name) | usize::from(started.class) << 16, code: started.code }
    })
    .unwrap_or(Made { site: caller, ..Made::default() })
}

/// Name and class of a thread; empty when unknown.
pub(crate) fn label(word: usize) -> (&'static str, &'static str) {
    (store::text_of(word as u16), store::text_of((word >> 16) as u16))
}

/// What is known of a signal's handler that is being set.
#[derive(Clone, Copy)]
pub(crate) struct Handler {
    /// Where.
    pub(crate) site: usize,
    /// The code that will run; 0 unknown.
    pub(crate) code: usize,
    /// What Python's `signal.signal` is setting, borrowed from it; 0 when that is not at work, or not with the GIL held.
    pub(crate) object: usize,
}

/// For a signal's handler that this thread sets now.
#[inline(never)]
pub(crate) fn capture_handler(caller: usize) -> Handler {
    at_length(Start::here(), caller, |start| {
        // First the frames: they prove how Python's objects are read.
        let site = take(start, caller);
        let (code, object) = if python::is_here() { python::handler() } else { None }.unwrap_or((0, 0));
        Handler { site, code, object }
    })
    .unwrap_or(Handler { site: caller, code: 0, object: 0 })
}

/// The word of the interpreted frames that this thread stands in (0: none), read as they lie in memory; None when they cannot be read so.
pub(crate) fn standing() -> Option<usize> {
    on_scratch_stack(|_| {
        let mut frames = Frames::new();
        if python::is_here() {
            python::take_raw(&mut frames)?;
        }
        interpreters::take(&mut frames);
        store::keep(&frames, 0)
    })
    .flatten()
}

/// In the leader, right after a fork: where the other threads stand, while they cannot run.
pub(crate) fn stand(inner: &mut Inner) {
    if python::can_stand() {
        python::stand(inner.threads.as_mut_slice());
    }
}

/// In the child, before fork() returns there and the interpreter clears them away: the same from what the lost threads left. With the
/// GIL they are whole; without it they may be in the middle of a change.
pub(crate) fn stand_in_child(inner: &mut Inner) {
    if python::is_known() {
        let threads = inner.threads.as_mut_slice();
        if python::can_stand() { python::stand(threads) } else { python::stand_frozen(threads) }
    }
}

/// The native address of a site's word, and the frames that it names; none of a reader that was disproved.
pub(crate) fn look(word: usize) -> (usize, impl Iterator<Item = Kept> + Clone) {
    let (address, frames) = store::look(word);
    (address, frames.filter(|kept| kept.language != Language::Python || python::believed()))
}

/// True for an address inside an interpreter's own static state, where the condition of its lock lies.
pub(crate) fn is_interpreters_own(address: usize) -> bool {
    python::owns(address)
}

/// Has `wait` called whenever an interpreter is about to fork and its other threads could still run.
pub(crate) fn before_forks(wait: fn()) {
    python::before_forks(wait);
}

/// In the hook of pthread_create, outside of its bookkeeping.
pub(crate) fn starts_thread() {
    python::starts_thread();
}

/// True while this thread has the lock without which no other thread runs the interpreter's code.
pub(crate) fn holds_interpreter() -> bool {
    python::holds_gil()
}

/// Does something while other threads may run the interpreter's code. A thread may end in here, if the interpreter does.
pub(crate) fn without_interpreter(work: &dyn Fn()) {
    python::without_gil(work);
}

/// True for an address in a library of the system's.
pub(crate) fn is_installed(address: usize) -> bool {
    path_of(address).is_some_and(|path| forkguard_report::text::is_system_path(path.as_str()))
}

/// How many captures were skipped.
pub(crate) fn skipped() -> u32 {
    SKIPPED.load(Relaxed)
}
