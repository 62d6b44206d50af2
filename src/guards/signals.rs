//! FORKGUARD_SIGNALS: handlers that the leader's application set return to the default in the child.
//!
//! `auto` is the default and must break nobody: it leaves alone the signals that a runtime or a server lives by, and the workers that an
//! application forks itself, which may live by the handlers that they inherit.
use crate::describe;
use crate::findings::handler_dropped;
use crate::ledger::log_action;
use crate::options::{self, Signals};
use crate::sites;
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_core::registry::signals::{self, SignalSetting};
use forkguard_core::registry::threads;
use forkguard_report::event::Guard;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The signals by which a server controls its workers.
const STEERING: u64 = bits(&[libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM]);

/// The signals that an application may use for itself. Not among them: those of crashes, of timers and of the end of children, those that
/// runtimes live by (MRI's SIGVTALRM, Go's SIGURG, real-time signals), and those that do no harm by default.
const APPLICATIONS: u64 = STEERING
    | bits(&[libc::SIGUSR1, libc::SIGUSR2, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU])
    | bits(&[libc::SIGXCPU, libc::SIGXFSZ, libc::SIGIO, libc::SIGPWR]);

/// Signals that were reset in this child, and those of them whose handler the leader reported (bit n: signal n + 1).
#[unsafe(link_section = "forkguard_words")]
static RESET: AtomicU64 = AtomicU64::new(0);
#[unsafe(link_section = "forkguard_words")]
static REPORTED: AtomicU64 = AtomicU64::new(0);

const fn bits(signals: &[i32]) -> u64 {
    let (mut set, mut index) = (0, 0);
    while index < signals.len() {
        set |= 1 << (signals[index] - 1);
        index += 1;
    }
    set
}

/// The signals of a set.
pub(super) fn numbers(bits: u64) -> impl Iterator<Item = i32> + Clone {
    (1..=signals::COUNT as i32).filter(move |number| bits >> (number - 1) & 1 != 0)
}

/// See [`super::in_child`].
pub(super) fn reset_in_child() {
    if RESET.load(Relaxed) != 0 {
        RESET.store(0, Relaxed);
        REPORTED.store(0, Relaxed);
    }
}

/// False where [`in_child`] has nothing to do by default: no interpreted code set a handler for a signal that it resets.
pub(super) fn may_act() -> bool {
    let is_interpreted = |site| sites::frames_of(site).next().is_some_and(|frame| frame.address == 0);
    let is_candidate = |set: SignalSetting| set.handler > libc::SIG_IGN && is_interpreted(set.site);
    numbers(STEERING & signals::recorded()).any(|number| signals::settings(number).next().is_some_and(is_candidate))
}

/// See [`super::in_child`].
pub(super) fn in_child() {
    let options = options::get();
    let of_application = |set: u64| numbers(set).filter(|&number| is_applications(number)).fold(0, |set, n| set | 1 << (n - 1));
    let chosen = match options.signals {
        Signals::None => return,
        Signals::These(list) => list,
        Signals::Application => of_application(APPLICATIONS),
        Signals::Auto => of_application(STEERING),
    };
    let chosen = chosen & !options.signals_keep;
    if chosen == 0 || options.signals == Signals::Auto && may_be_applications_own_fork() {
        return;
    }
    numbers(chosen).for_each(reset);
}

/// True when application code of an interpreter set the handler that the kernel has. Costs a system call only for those.
fn is_applications(number: i32) -> bool {
    let recorded = signals::settings(number).next().filter(|set| set.handler > libc::SIG_IGN && is_by_application(set.site));
    recorded.is_some_and(|set| kernel::signal_action(number).is_some_and(|now| now.handler == set.handler))
}

/// True when application code made the call of a site: as [`handler_dropped`] judges.
pub(super) fn is_by_application(site: usize) -> bool {
    describe::interpreted_frames(site)
        .find(|frame| !handler_dropped::is_wrapper(frame))
        .is_some_and(|frame| frame.is_application())
}

/// True when application code is on the stack of this fork, or of the start of the thread that made it; also when that is unknown.
fn may_be_applications_own_fork() -> bool {
    let started = threads::mine().map_or(0, |slot| slot.site.load(Relaxed));
    let has_application = |site| describe::interpreted_frames(site).any(|frame| frame.is_application());
    sites::interpreted_stack().is_none_or(|fork| has_application(fork) || has_application(started))
}

/// Resets one signal if it is caught.
fn reset(number: i32) {
    let start = kernel::monotonic_by_syscall();
    let Some(caught) = kernel::signal_action(number).filter(|action| action.handler > libc::SIG_IGN) else { return };
    let setter = signals::setter(number, caught.handler);
    let result = set_to_default(number);
    log_action(Guard::Signals, "reset to its default", format_args!("{}", name(number).as_str()), start, result);
    if result.is_ok() {
        let bit = 1 << (number - 1);
        RESET.fetch_or(bit, Relaxed);
        REPORTED.fetch_or(if setter.is_some() { bit } else { 0 }, Relaxed);
        signals::record(
            number,
            SignalSetting { handler: libc::SIG_DFL, site: 0, code: 0, thread: kernel::thread_id(), inherited: false },
        );
    }
}

/// By way of being ignored, which discards a pending signal: it was for the leader's handler, and would end the child once it is unblocked.
fn set_to_default(number: i32) -> Result<(), i32> {
    let ignored = kernel::KernelAction { handler: libc::SIG_IGN, ..Default::default() };
    kernel::set_signal_action(number, &ignored)?;
    kernel::set_signal_action(number, &kernel::KernelAction::default())
}

/// A signal's name.
pub(super) fn name(number: i32) -> Text<16> {
    match number {
        ..=31 => Text::of(format_args!("{}", signals::name(number))),
        _ => Text::of(format_args!("SIGRTMIN+{}", number - 34)),
    }
}

/// True for a signal, by name, that was reset in this child.
pub(crate) fn has_reset(signal: &str) -> bool {
    numbers(RESET.load(Relaxed)).any(|number| name(number).as_str() == signal)
}

/// Calls `each` with the names of the signals that were reset and whose handler the leader reported.
pub(super) fn for_each_reset(mut each: impl FnMut(&str)) {
    numbers(REPORTED.load(Relaxed)).for_each(|number| each(name(number).as_str()));
}
