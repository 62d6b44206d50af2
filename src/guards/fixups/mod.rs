//! Fixups: code of the program's, or of a library's, that is run in each child: at the end of fork(), when every other library's child
//! handler has run. Those of FORKGUARD_FIXUPS first, then the registered ones, in order.
//!
//! They are the host's code: outside of our own (hooks work in them, they may fork, throw, jump out or never come back). So nothing
//! here has a destructor while one runs, and what it begins is written before it does.
mod named;
mod registered;

use super::*;
use crate::entry::errno;
use forkguard_core::names::{self, Name};
use forkguard_report::event::{Fixup, Progress};
pub(crate) use registered::{register, unregister};
use std::sync::atomic::{AtomicU64, AtomicUsize};

/// See [`super::before_fork`].
pub(super) fn before_fork() {
    named::find();
}

/// See [`super::in_child`].
pub(super) fn reset_in_child(fork: &'static Inner) {
    registered::reset_in_child(fork.thread);
    named::reset_in_child();
    if BEGAN.load(Relaxed) != 0 {
        BEGAN.store(0, Relaxed);
    }
    // Another thread ran them, which this process lost.
    if FRAME.load(Relaxed) != 0 && THREAD.load(Relaxed) != fork.thread {
        FRAME.store(0, Relaxed);
    }
}

/// See [`super::at_end_of_fork`].
pub(super) fn at_end_of_fork(fork: Option<&'static Snapshot>) {
    if !registered::any() && !named::any() {
        return;
    }
    let mark = AtomicU64::new(0);
    let frame = (&raw const mark).addr();
    if fork.is_some_and(|fork| is_run_further_out(fork.facts().thread, frame)) {
        // This process is in the middle of its leader's fixup: it goes on from there, and with those behind it.
        THREAD.store(raw::thread_id(), Relaxed);
        return;
    }
    let errno = errno::get();
    mark.store(raw::monotonic_of_kernel(), Relaxed);
    MARK.store(mark.load(Relaxed), Relaxed);
    THREAD.store(raw::thread_id(), Relaxed);
    FRAME.store(frame, Relaxed);
    run_all();
    FRAME.store(0, Relaxed);
    errno::set(errno);
}

/// The frame that runs fixups (0: none), what it is marked with, and its thread. A fixup that jumps out leaves them behind.
#[unsafe(link_section = "forkguard_words")]
static FRAME: AtomicUsize = AtomicUsize::new(0);
#[unsafe(link_section = "forkguard_words")]
static MARK: AtomicU64 = AtomicU64::new(0);
#[unsafe(link_section = "forkguard_words")]
static THREAD: AtomicU32 = AtomicU32::new(0);

/// The fixup that began last.
static LAST: Name = Name::new();

/// The fixup that runs, or that has jumped out: while it does the child has not begun with its own work.
pub(crate) fn running() -> Option<Text<{ names::LONGEST }>> {
    (FRAME.load(Relaxed) != 0 || BEGAN.load(Relaxed) != 0).then(|| LAST.get())
}

/// True when the thread that forked this process did so inside a fixup. A frame that lies below this one was left by a jump, as
/// was one whose mark is gone.
fn is_run_further_out(thread: u32, frame: usize) -> bool {
    const STACK: usize = 8 << 20;
    let running = FRAME.load(Relaxed);
    running != 0
        && THREAD.load(Relaxed) == thread
        && !(running..running.saturating_add(STACK)).contains(&frame)
        && raw::read_value(running) == Some(MARK.load(Relaxed))
}

fn run_all() {
    let mut teller = Teller::default();
    named::run(&mut teller);
    registered::run(&mut teller);
    teller.tell(None);
}

/// One word of the report about a fixup.
struct Word<'n> {
    name: &'n str,
    progress: Progress,
    ns: Option<u64>,
}

fn write<'n>(words: impl IntoIterator<Item = Word<'n>>) {
    if emit::wanted() {
        record_with_scratch(|scratch| {
            let birth = own_fork_id();
            let events = words.into_iter().map(|Word { name, progress, ns }| {
                Some(Event::Fixup(Fixup { name: Borrowed(name), progress, us: ns.map(|ns| ns as f64 / 1000.0) }))
            });
            ledger::write_events(scratch, birth.as_ref().map(Text::as_str), events);
        });
    }
}

/// Tells of fixups as they run: that one is done together with the beginning of the next.
#[derive(Default)]
struct Teller {
    done: Option<(Text<128>, u64)>,
}

impl Teller {
    /// Says that it begins, calls it, and keeps in mind how long it took.
    fn run(&mut self, name: Text<128>, call: impl FnOnce()) {
        self.tell(Some(Word { name: name.as_str(), progress: Progress::Begins, ns: None }));
        LAST.set(name.as_str());
        let start = raw::monotonic();
        call();
        self.done = Some((name, raw::monotonic() - start));
    }

    /// Says that it cannot be run.
    fn fail(&mut self, name: &Text<128>) {
        self.tell(Some(Word { name: name.as_str(), progress: Progress::Failed, ns: None }));
    }

    /// Says what was not said yet, and what comes next.
    fn tell(&mut self, next: Option<Word<'_>>) {
        let done = self.done.take();
        let done = done.as_ref().map(|(name, ns)| Word { name: name.as_str(), progress: Progress::Done, ns: Some(*ns) });
        if done.is_some() || next.is_some() {
            write(done.into_iter().chain(next));
        }
    }
}

/// When the fixup began that a runtime runs in this process; 0 none, or more than one.
#[unsafe(link_section = "forkguard_words")]
static BEGAN: AtomicU64 = AtomicU64::new(0);

/// A runtime says that it begins one of its own.
pub(crate) fn begins(name: &str) {
    if options::guards() && own_fork_id().is_some() {
        write([Word { name, progress: Progress::Begins, ns: None }]);
        LAST.set(name);
        BEGAN.store(raw::monotonic(), Relaxed);
    }
}

/// It has ended.
pub(crate) fn ended(name: &str, progress: Progress) {
    if options::guards() && own_fork_id().is_some() {
        let began = BEGAN.swap(0, Relaxed);
        write([Word { name, progress, ns: (began != 0).then(|| raw::monotonic() - began) }]);
    }
}
