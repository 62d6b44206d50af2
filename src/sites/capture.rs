//! Captures: the site of what a thread makes now.
use super::languages::{self, python, ruby};
use super::rate;
use super::store::{self, Frames, Language, SiteId, TextId};
use super::unwind::{self, Start};
use crate::entry::Registers;
use crate::entry::scratch::on_scratch_stack;
use crate::options::{self, Sockets};
use forkguard_core::fixed::Fixed;
use forkguard_core::kernel::{self, KernelAction};
use forkguard_core::registry::threads;
use forkguard_loader::is_in_c_library;

/// The site of what this thread makes now: `caller` is the return address of the call.
pub(crate) fn capture(caller: usize) -> SiteId {
    with_token(Start::here(), caller, |start| take(start, caller)).unwrap_or(caller)
}

/// For a connection: always with its frames where a guard goes by them (see [`is_called_in`]).
pub(crate) fn capture_connection(caller: usize) -> SiteId {
    if options::get().sockets != Sockets::Spare || threads::is_ending() {
        return capture(caller);
    }
    capture_always(caller)
}

/// With its frames, however often it is asked for.
pub(crate) fn capture_always(caller: usize) -> SiteId {
    let start = Start::here();
    on_scratch_stack(|_| take(start, caller)).unwrap_or(caller)
}

/// True for a site of native code that the function around `caller` led to, which is not the one that a program or a thread begins with.
pub(crate) fn is_called_in(site: SiteId, caller: usize) -> bool {
    let Some(function) = unwind::function_start(caller - 1) else { return false };
    let outer = store::frames_of(site).filter(|frame| frame.language == Language::Native).map(|frame| frame.address);
    let mut from =
        std::iter::once(store::address_of(site)).chain(outer).skip_while(|&at| unwind::function_start(at - 1) != Some(function));
    from.nth(1).is_some_and(|outer| !is_in_c_library(outer))
}

/// For a timer. Those that MRI arms itself (in signal handlers, on whichever thread) have nothing to do with that thread's frames.
pub(crate) fn capture_timer(caller: usize) -> SiteId {
    if languages::is_in_ruby(caller) { caller } else { capture(caller) }
}

/// For a function that was jumped to instead of called.
pub(crate) fn capture_from(start: Start, caller: usize) -> SiteId {
    with_token(start, caller, |start| take(start, caller)).unwrap_or(caller)
}

impl Registers {
    /// The site of the call.
    pub(crate) fn capture(&self) -> SiteId {
        capture_from(self.start(), self.caller)
    }

    /// Of a call that servers make for each client: an interpreter's, too, gets frames no more often than native code does.
    pub(crate) fn capture_member(&self) -> SiteId {
        if is_turn_of_client(self.caller) { self.capture() } else { self.caller }
    }

    /// The calling frame.
    pub(crate) fn start(&self) -> Start {
        // Where the return address lay is above what was saved.
        Start::of_call(self.caller, (&raw const self.caller).addr() + 8, self.frame)
    }
}

/// For a connection that a client made: see [`Registers::capture_member`].
pub(crate) fn capture_accepted(caller: usize) -> SiteId {
    if is_turn_of_client(caller) { capture(caller) } else { caller }
}

/// True for a call of native code, whose turn [`with_token`] takes, and for an interpreter's when it is its turn.
fn is_turn_of_client(caller: usize) -> bool {
    !may_be_interpreted() || rate::take_native_turn(caller)
}

/// True when this thread's frames may be those of an interpreter.
fn may_be_interpreted() -> bool {
    python::is_python_thread() || languages::have_interpreter()
}

/// True when this thread runs a signal handler, as far as its stack can be walked.
pub(crate) fn is_in_signal_handler(start: Start) -> bool {
    let restorers = restorers();
    let is_in_one = || on_scratch_stack(|_| unwind::signal_handler(start, restorers.as_slice()).is_some());
    // Where there is no memory for the walk it may be one.
    !restorers.as_slice().is_empty() && is_in_one().unwrap_or(true)
}

/// The signal whose handler this thread runs in, if it made the call from there; of those with one handler, one that is blocked.
pub(crate) fn handled_signal(start: Start) -> Option<i32> {
    let restorers = restorers();
    let handler = (!restorers.as_slice().is_empty()).then(|| unwind::signal_handler(start, restorers.as_slice()))??;
    let blocked = kernel::blocked_signals();
    caught().filter(|(_, action)| action.handler == handler).map(|(n, _)| n).max_by_key(|n| blocked >> (n - 1) & 1)
}

/// Where signal handlers return to: one place in the C library. Before glibc 2.34 libpthread has its own, for the handlers that were set through it.
fn restorers() -> Fixed<usize, 4> {
    let mut restorers = Fixed::new();
    for (_, action) in caught() {
        if !restorers.as_slice().contains(&action.restorer) {
            restorers.push(action.restorer);
        }
    }
    restorers
}

/// The signals that have a handler, with that.
fn caught() -> impl Iterator<Item = (i32, KernelAction)> {
    (1..=64).filter_map(|n| Some((n, kernel::signal_action(n).filter(|action| action.handler > libc::SIG_IGN)?)))
}

/// At a call that interpreters make with their lock held, unlike most calls that are captured: proves how frames are read. Until then every
/// read is a system call.
pub(crate) fn prove() {
    if python::is_unproved() {
        on_scratch_stack(|_| python::prove());
    }
}

/// For a file. Imports of modules open and close thousands: they get no frames. What native code opens in a `young` child is for the
/// program that it is about to execute.
pub(crate) fn capture_file(caller: usize, young: bool) -> SiteId {
    let for_exec = young && !python::is_known() && !languages::have_interpreter();
    if for_exec || python::is_importing() { caller } else { capture(caller) }
}

/// Runs a capture for a token, on a stack with room for it. A thread that is about to end has left its interpreter: it has no frames.
#[inline(always)]
fn with_token<R>(start: Start, caller: usize, capture: impl FnOnce(Start) -> R) -> Option<R> {
    let may_have_frames = || may_be_interpreted() || rate::take_native_turn(caller);
    let allowed = !threads::is_ending() && may_have_frames() && rate::take_token();
    if allowed { on_scratch_stack(|_| capture(start)) } else { None }
}

/// The site of this call, with its frames if there is room for them.
fn take(start: Start, caller: usize) -> SiteId {
    let mut frames = Frames::new();
    let _ = python::add_frames(&mut frames);
    languages::add_frames(&mut frames);
    // What calls an interpreter's code is the interpreter.
    if frames.is_empty() {
        unwind::return_addresses(start, caller, &mut |address| frames.push_native(address));
        frames.drop_start(is_in_c_library);
    }
    match store::insert(&frames, caller) {
        Some(0) => caller,
        Some(site) => site,
        None => {
            rate::skip();
            caller
        }
    }
}

/// What is known of a thread that this one starts.
#[derive(Default)]
pub(crate) struct NewThread {
    /// Where it is started.
    pub(crate) site: SiteId,
    /// Its name and class: for [`super::label`].
    pub(crate) label: usize,
    /// The code that it will run.
    pub(crate) code: SiteId,
}

fn label(name: TextId, class: TextId) -> usize {
    usize::from(name) | usize::from(class) << 16
}

/// Of the thread that `Process.detach` starts: its class, which is all that it has; else 0.
fn label_of_rubys_waiter() -> usize {
    let class = if ruby::starts_waiter() { store::text("Process::Waiter") } else { None };
    class.map_or(0, |class| label(class, class))
}

/// For a thread that this one starts now.
#[inline(never)]
pub(crate) fn capture_thread(caller: usize) -> NewThread {
    with_token(Start::here(), caller, |start| {
        let site = take(start, caller);
        if !python::is_python_thread() {
            return NewThread { site, label: label_of_rubys_waiter(), code: 0 };
        }
        let started = python::new_thread().unwrap_or_default();
        NewThread { site, label: label(started.name, started.class), code: started.code }
    })
    .unwrap_or(NewThread { site: caller, ..NewThread::default() })
}

/// What is known of a signal's handler that is being set.
#[derive(Clone, Copy)]
pub(crate) struct Handler {
    /// Where it is set.
    pub(crate) site: SiteId,
    /// The code that will run; 0 unknown.
    pub(crate) code: SiteId,
    /// What Python's `signal.signal` is setting, borrowed from it; 0 when that is not at work, or not with the GIL held.
    pub(crate) object: usize,
}

/// For a signal's handler that this thread sets now.
#[inline(never)]
pub(crate) fn capture_handler(caller: usize) -> Handler {
    with_token(Start::here(), caller, |start| {
        // First the frames: they prove how Python's objects are read.
        let site = take(start, caller);
        let (code, object) = if python::is_python_thread() { python::new_handler() } else { None }.unwrap_or((0, 0));
        Handler { site, code, object }
    })
    .unwrap_or(Handler { site: caller, code: 0, object: 0 })
}

/// The site of this thread's interpreted frames (0: none), read as they lie in memory; None when they cannot be read so.
pub(crate) fn interpreted_stack() -> Option<SiteId> {
    on_scratch_stack(|_| {
        let mut frames = Frames::new();
        if python::is_python_thread() {
            python::add_frames_raw(&mut frames)?;
        }
        languages::add_frames(&mut frames);
        store::insert(&frames, 0)
    })
    .flatten()
}
