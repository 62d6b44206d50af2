//! What a child does that its leader is about to end: gunicorn's timeout, uWSGI's harakiri and Unicorn's leave nothing else of a worker that hangs.
//!
//! The child is read as it runs: neither it nor the signal waits for more than the few milliseconds that reading takes. A child that runs another
//! program by now is not read, nor one that is asked to end by a signal which it catches. Of one that waits for work the report tells alone: who
//! ends it does not need it any more.
use super::{idle, outside};
use crate::describe;
use crate::emit;
use crate::entry::{Scratch, record_with_scratch};
use crate::ledger::{self, Budget};
use crate::options::{self, Summary};
use crate::sites::{self, Start};
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_core::kernel::other_process::{PARENT, STACK, START, STATE, catches_or_ignores, stat};
use forkguard_report::event::{Event, LastWords, Role};
use std::borrow::Cow::Borrowed;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Signals that end a process, and whether one that catches it is only asked to.
const SIGNALS: [(i32, &str, bool); 3] =
    [(libc::SIGABRT, "SIGABRT", false), (libc::SIGKILL, "SIGKILL", false), (libc::SIGQUIT, "SIGQUIT", true)];

/// The children that were read last, so that each is read once.
const READ: usize = 64;
#[unsafe(link_section = "forkguard_words")]
static CHILDREN: [AtomicU64; READ] = [const { AtomicU64::new(0) }; READ];
#[unsafe(link_section = "forkguard_words")]
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// One line a minute: some leaders end each of their children so. The report has all of them.
static PRINTED: Budget<0, 60_000_000_000> = Budget::new();

/// A process that is about to get a signal.
struct Child {
    pid: u32,
    signal: &'static str,
    state: &'static str,
}

/// A signal is about to be sent to a process: what it does is reported, if it is a child of this one that the signal ends. `start`: where this
/// process sends it.
pub(super) fn report(pid: u32, signal: i32, start: Start) {
    let Some(&(_, name, only_asks)) = SIGNALS.iter().find(|known| known.0 == signal) else { return };
    if sites::is_in_signal_handler(start) || only_asks && catches_or_ignores(pid, signal) {
        return;
    }
    let Some(child) = child(pid, name) else { return };
    record_with_scratch(|scratch| write(scratch, &child));
}

/// The child of this process by that number, if it lives, runs this program, and was not read before.
fn child(pid: u32, signal: &'static str) -> Option<Child> {
    let mut bytes = [0; 1024];
    let word = stat(&mut bytes, pid);
    let number = |index| word(index)?.parse::<u64>().ok();
    let ours = number(PARENT)? == u64::from(kernel::process_id());
    let same_program = number(STACK) == outside::own_stack_start();
    let state = match word(STATE)? {
        "Z" | "X" | "T" | "t" => return None,
        "R" => "runs",
        "D" => "disk",
        _ => "waits",
    };
    (ours && same_program && is_first(pid, number(START)?)).then_some(Child { pid, signal, state })
}

/// True when a process of this number and start was not read before.
fn is_first(pid: u32, start: u64) -> bool {
    let key = start << 32 | u64::from(pid);
    if CHILDREN.iter().any(|known| known.load(Relaxed) == key) {
        return false;
    }
    CHILDREN[NEXT.fetch_add(1, Relaxed) % READ].store(key, Relaxed);
    true
}

/// In a forked child, which has no children yet. Words that are not written need not be copied.
pub(super) fn reset_in_child() {
    if NEXT.load(Relaxed) != 0 {
        NEXT.store(0, Relaxed);
        CHILDREN.iter().for_each(|known| known.store(0, Relaxed));
    }
}

fn write(scratch: &Scratch, child: &Child) {
    let arena = &scratch.arena();
    let begun = kernel::monotonic();
    let is_idle = child.state == "waits" && idle::waits_for_work(child.pid);
    let native = outside::native_frames(arena, child.pid);
    let stack = sites::stack_of_child(child.pid, native);
    let us = (kernel::monotonic() - begun) as f64 / 1000.0;
    let site = describe::site(arena, Role::Stood, child.pid, stack);
    if options::get().summary != Summary::Never && !is_idle && PRINTED.take() {
        let place = site.as_ref().and_then(|site| site.application().or_else(|| site.innermost()));
        let (pid, signal) = (child.pid, child.signal);
        match place {
            Some(place) => emit::print_line(format_args!("child {pid} is ended by {signal}: it {} at {place}", child.verb())),
            None => emit::print_line(format_args!("child {pid} is ended by {signal}")),
        }
    }
    let words = LastWords { child: child.pid, signal: Borrowed(child.signal), state: Borrowed(child.state), site, us };
    let id = describe::own_fork_id();
    ledger::write_events(scratch, id.as_ref().map(Text::as_str), [Some(Event::LastWords(words))]);
}

impl Child {
    fn verb(&self) -> &'static str {
        if self.state == "runs" { "runs" } else { "waits" }
    }
}
