//! The progress of fixups, in the report and for the child that waits for their end.
use super::nesting;
use crate::describe::own_fork_id;
use crate::emit;
use crate::entry::record_with_scratch;
use crate::ledger;
use crate::options;
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_core::registry::names::{self, Name};
use forkguard_report::event::{Event, Fixup, Progress};
use std::borrow::Cow::Borrowed;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The name of the fixup that began last.
static LAST: Name = Name::new();
/// When the fixup began that a runtime runs in this process; 0 none, or more than one.
#[unsafe(link_section = "forkguard_words")]
static RUNTIME_FIXUP_BEGAN: AtomicU64 = AtomicU64::new(0);

pub(super) fn reset_in_child() {
    if RUNTIME_FIXUP_BEGAN.load(Relaxed) != 0 {
        RUNTIME_FIXUP_BEGAN.store(0, Relaxed);
    }
}

/// The fixup that runs, or that has jumped out: until it ends the child has not begun with its own work.
pub(crate) fn running() -> Option<Text<{ names::LONGEST }>> {
    (nesting::is_running() || RUNTIME_FIXUP_BEGAN.load(Relaxed) != 0).then(|| LAST.get())
}

/// A step of one fixup for the report; `ns` is its duration once it has ended.
struct Step<'n> {
    name: &'n str,
    progress: Progress,
    ns: Option<u64>,
}

impl<'n> Step<'n> {
    fn event(self) -> Event<'n> {
        Event::Fixup(Fixup { name: Borrowed(self.name), progress: self.progress, us: self.ns.map(|ns| ns as f64 / 1000.0) })
    }
}

fn write<'n>(steps: impl IntoIterator<Item = Step<'n>>) {
    if emit::wanted() {
        record_with_scratch(|scratch| {
            let fork = own_fork_id();
            let events = steps.into_iter().map(|step| Some(step.event()));
            ledger::write_events(scratch, fork.as_ref().map(Text::as_str), events);
        });
    }
}

/// Writes the progress of fixups that run one after the other: the end of one together with the beginning of the next.
#[derive(Default)]
pub(super) struct Log {
    /// The name and duration (nanoseconds) of the latest one, while its end is not written.
    ended: Option<(Text<128>, u64)>,
}

impl Log {
    /// Writes that a fixup begins, calls it and measures it.
    pub(super) fn run(&mut self, name: Text<128>, call: impl FnOnce()) {
        self.write(Some(Step { name: name.as_str(), progress: Progress::Begins, ns: None }));
        LAST.set(name.as_str());
        let start = kernel::monotonic();
        call();
        self.ended = Some((name, kernel::monotonic() - start));
    }

    /// Writes that a fixup cannot be called.
    pub(super) fn fail(&mut self, name: &Text<128>) {
        self.write(Some(Step { name: name.as_str(), progress: Progress::Failed, ns: None }));
    }

    /// After the last fixup.
    pub(super) fn end(mut self) {
        self.write(None);
    }

    fn write(&mut self, next: Option<Step<'_>>) {
        let ended = self.ended.take();
        let ended = ended.as_ref().map(|(name, ns)| Step { name: name.as_str(), progress: Progress::Done, ns: Some(*ns) });
        if ended.is_some() || next.is_some() {
            write(ended.into_iter().chain(next));
        }
    }
}

/// A language's runtime begins a fixup of its own.
pub(crate) fn runtime_fixup_begins(name: &str) {
    if options::guards() && own_fork_id().is_some() {
        write([Step { name, progress: Progress::Begins, ns: None }]);
        LAST.set(name);
        RUNTIME_FIXUP_BEGAN.store(kernel::monotonic(), Relaxed);
    }
}

/// The runtime's fixup has ended.
pub(crate) fn runtime_fixup_ended(name: &str, progress: Progress) {
    if options::guards() && own_fork_id().is_some() {
        let began = RUNTIME_FIXUP_BEGAN.swap(0, Relaxed);
        let ns = (began != 0).then(|| kernel::monotonic() - began);
        write([Step { name, progress, ns }]);
    }
}
