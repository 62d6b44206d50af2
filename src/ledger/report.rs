//! The report of this process: begun before its first fork, kept where it could not be opened again, written to.
use crate::describe::{self, own_fork_id};
use crate::emit::{Lines, file, wanted};
use crate::entry::Scratch;
use crate::options::{self, Mode};
use forkguard_core::fixed::Text;
use forkguard_core::fork::shared_page;
use forkguard_core::{flags, gate, kernel};
use forkguard_report::event::{Event, FindingState};

/// True when [`begin_report`] has something to do.
pub(crate) fn needs_report() -> bool {
    gate::awake() && (!shared_page::is_created() || wanted() && (!file::exists() || file::borrowed()))
}

/// Before a fork: this process must have its file and its `process` event written, for the child to write behind it.
pub(crate) fn begin_report(scratch: &Scratch) {
    if !shared_page::is_created() {
        shared_page::create();
    }
    if !wanted() || file::exists() && !file::borrowed() {
        return;
    }
    let made = file::make_own();
    // Another thread that forks for the first time is making it: the child must have it.
    kernel::wait_until(|| file::exists() && !file::borrowed() || file::given_up());
    flags::report_end();
    if made && file::exists() {
        process(scratch, None);
    }
}

/// Writes what this process is, and what forkguard cannot do in it.
fn process(scratch: &Scratch, limit: Option<&'static str>) {
    let mode = if options::get().mode == Mode::Guard { "guard" } else { "observe" };
    let arena = scratch.arena();
    let (mut lines, _) = Lines::pair(scratch);
    lines.add(own_fork_id().as_ref().map(Text::as_str), Event::Process(describe::process(&arena, mode, limit)));
    lines.write();
}

/// The last that is written in this process, and why; a forked child says it in its leader's file.
pub(crate) fn end_report(scratch: &Scratch, because: &'static str) {
    if wanted() && (file::exists() || file::make_own()) {
        process(scratch, Some(because));
    }
    file::give_up();
}

/// Before this process changes its user or root: what it could not open afterwards is open before.
pub(crate) fn keep_report_open(scratch: &Scratch) {
    begin_report(scratch);
    if wanted() && file::exists() {
        file::keep();
    }
}

/// True when [`keep_report_open`] has something to do.
pub(crate) fn needs_report_kept_open() -> bool {
    needs_report() || gate::awake() && wanted() && file::own_descriptor() < 0
}

/// Writes the states that `each` of a forked child's findings has come to.
pub(crate) fn write_states<'a>(scratch: &Scratch, fork: &'a str, all: impl FnOnce(&mut dyn FnMut(FindingState<'a>))) {
    let (mut lines, _) = Lines::pair(scratch);
    all(&mut |state| lines.add(Some(fork), Event::FindingState(state)));
    lines.write();
}

/// Writes events of a forked child.
pub(crate) fn write_events<'a>(scratch: &Scratch, fork: Option<&'a str>, events: impl IntoIterator<Item = Option<Event<'a>>>) {
    if wanted() {
        let (mut lines, _) = Lines::pair(scratch);
        events.into_iter().flatten().for_each(|event| lines.add(fork, event));
        lines.write();
    }
}
