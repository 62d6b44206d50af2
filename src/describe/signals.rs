//! Signals: their names, and those that are not at their default.
use super::application::is_by_application;
use super::site::{innermost_interpreted, site};
use crate::entry::Arena;
use crate::sites::native;
use forkguard_core::kernel;
use forkguard_core::registry::signals::{self, SignalSetting};
use forkguard_report::event::{Disposition, Role, Signal, Site};
use std::borrow::Cow::{self, Borrowed};

/// A signal's name.
pub(crate) fn signal_name(arena: &Arena, number: i32) -> Cow<'_, str> {
    match number {
        ..=31 => Borrowed(signals::name(number)),
        _ => Borrowed(arena.format(format_args!("SIGRTMIN+{}", number - 34))),
    }
}

/// Those that glibc keeps for itself.
fn is_glibcs(number: &i32) -> bool {
    matches!(number, 32 | 33)
}

/// Signals that are not at their default.
pub(super) fn signals(arena: &Arena, leader: bool) -> &[Signal<'_>] {
    let mut list = arena.list(signals::COUNT);
    let numbers = (1..=signals::COUNT as i32).filter(|n| !matches!(*n, libc::SIGKILL | libc::SIGSTOP) && !is_glibcs(n));
    for number in numbers {
        let Some(action) = kernel::signal_action(number).filter(|a| a.handler != libc::SIG_DFL) else { continue };
        let setter = signals::setter(number, action.handler).filter(|s| leader || s.inherited);
        let caught = action.handler != libc::SIG_IGN;
        let code = setter.and_then(|s| innermost_interpreted(s.code));
        list.push(Signal {
            signal: signal_name(arena, number),
            number: number as u32,
            disposition: if caught { Disposition::Handler } else { Disposition::Ignore },
            handler: caught.then(|| code.unwrap_or_else(|| native::frame(arena, action.handler))),
            site: setter.and_then(|s| site(arena, Role::Set, s.thread, s.site)),
            earlier: Borrowed(earlier(arena, number)),
        });
    }
    list.done()
}

/// Where the application's code set handlers before; what the interpreter sets at its start is left out.
fn earlier(arena: &Arena, number: i32) -> &[Site<'_>] {
    const LISTED: usize = 4;
    let mut list = arena.list(LISTED);
    let earlier = signals::earlier(number).filter(|s| s.handler > libc::SIG_IGN && innermost_interpreted(s.site).is_some());
    earlier.filter_map(|s| site(arena, Role::Set, s.thread, s.site)).for_each(|s| list.push(s));
    list.done()
}

/// Signals of a process's own faults: whoever catches them (Rust's runtime, crash reporters) means to do so in each process.
const CRASHES: [i32; 6] = [libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGSEGV, libc::SIGSYS, libc::SIGTRAP];

/// Signals whose handler in this process, if it has one, is no reason to wait for them, a bit each: those that an interpreter sets for itself,
/// and crashes.
pub(crate) fn caught_by_runtime() -> u64 {
    const RUNTIMES: [&str; 3] = ["python", "ruby", "perl"];
    let is_runtimes = |handler: usize| {
        let path = forkguard_loader::path_of(handler);
        let name = path.as_ref().and_then(|path| path.as_str().rsplit('/').next()).unwrap_or_default();
        RUNTIMES.iter().any(|runtime| name.contains(runtime))
    };
    let by_program = |number, handler| signals::setter(number, handler).is_some_and(|s| innermost_interpreted(s.site).is_some());
    let is_harmless = |number: &i32| match kernel::signal_action(*number).filter(|action| action.handler > libc::SIG_IGN) {
        Some(action) => is_runtimes(action.handler) && !by_program(*number, action.handler),
        None => false,
    };
    (1..=signals::COUNT as i32)
        .filter(|number| CRASHES.contains(number) || is_glibcs(number) || is_harmless(number))
        .fold(0, |mask, number| mask | 1 << (number - 1))
}

/// True when the application had set a handler for a signal before the fork, and the signal was caught there. In the child only what was set
/// before the fork counts.
pub(crate) fn is_handled_by_application(number: i32, in_child: bool) -> bool {
    let mut at_fork = signals::settings(number).skip_while(|set| in_child && !set.inherited).peekable();
    !CRASHES.contains(&number)
        && at_fork.peek().is_some_and(|latest| latest.handler > libc::SIG_IGN)
        && at_fork.any(|set| set.handler > libc::SIG_IGN && is_by_application(set.site))
}

/// A signal's handler, or that it is ignored, if the application has set that.
pub(crate) fn setting_of_application(number: i32) -> Option<SignalSetting> {
    let is_such = |set: &SignalSetting| set.handler != libc::SIG_DFL && is_by_application(set.site);
    signals::settings(number).next().filter(is_such)
}

/// Names of the signals in a mask.
pub(super) fn blocked_names(arena: &Arena, mask: u64) -> &[Cow<'_, str>] {
    let mut list = arena.list(signals::COUNT);
    (1..=signals::COUNT as i32)
        .filter(|n| mask & 1 << (n - 1) != 0 && !is_glibcs(n))
        .for_each(|n| list.push(signal_name(arena, n)));
    list.done()
}
