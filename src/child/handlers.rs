//! What a child did to the signal handlers that it inherited.
use crate::describe;
use crate::entry::Arena;
use crate::findings::{Hazard, Hit, handler_dropped};
use forkguard_core::fork::Snapshot;
use forkguard_core::kernel;
use forkguard_core::registry::signals::{self, SignalSetting};
use forkguard_report::event::{FindingKind, Role};

/// Signals that a child can set: SIGKILL and SIGSTOP are not among them.
fn settable() -> impl Iterator<Item = i32> {
    (1..32).filter(|number| !matches!(*number, libc::SIGKILL | libc::SIGSTOP))
}

fn is_caught(set: &SignalSetting) -> bool {
    set.handler > libc::SIG_IGN
}

/// The child's reset of a signal, if that is what stands now.
fn reset(number: i32) -> Option<SignalSetting> {
    let default = kernel::signal_action(number).is_some_and(|action| action.handler <= libc::SIG_IGN);
    signals::settings(number).next().filter(|set| default && !set.inherited && !is_caught(set))
}

/// The signals that this child has reset itself (bit n: signal n).
pub(super) fn resets() -> u64 {
    settable().filter(|&number| reset(number).is_some()).fold(0, |bits, number| bits | 1 << number)
}

/// Calls `each` with every handler of the signals `among` (bit n: signal n) that another party than its own reset in this child.
pub(super) fn each_dropped<'a>(arena: &'a Arena, fork: &'static Snapshot, among: u64, each: impl FnMut(Hit<'a>)) {
    settable().filter(|number| among & 1 << number != 0).filter_map(|number| dropped(arena, fork, number)).for_each(each);
}

fn dropped<'a>(arena: &'a Arena, fork: &'static Snapshot, number: i32) -> Option<Hit<'a>> {
    let site = |role, set: SignalSetting| describe::site(arena, role, set.thread, set.site);
    let reset = site(Role::Reset, reset(number)?)?;
    let handlers = signals::settings(number).filter(|set| set.inherited && is_caught(set));
    let mut set = handlers.filter_map(|set| site(Role::Set, set));
    let set = set.find(|set| handler_dropped::is_foreign(set, &reset))?;
    let name = signals::name(number);
    // The handler at the fork may have been a later one, and was a finding then; with none there was nothing to find.
    let was_found = signals::settings(number).find(|set| set.inherited).is_some_and(|set| is_caught(&set));
    Some(Hit {
        kind: FindingKind::HandlerDropped,
        what: name,
        subject: name,
        sites: arena.join([arena.one(set), arena.one(reset)]),
        hazard: was_found.then_some(Hazard { fork, kind: FindingKind::HandlerInherited, what: name }),
    })
}

/// Calls `each` with the names of the signals whose handler this child has set anew since the fork.
pub(super) fn each_renewed(each: impl FnMut(&'static str)) {
    settable().filter(|&number| is_renewed(number)).map(signals::name).for_each(each);
}

fn is_renewed(number: i32) -> bool {
    let inherited = signals::settings(number).find(|set| set.inherited).filter(is_caught);
    let latest = signals::settings(number).next().filter(|set| !set.inherited && is_caught(set));
    let stands = |set: SignalSetting| kernel::signal_action(number).is_some_and(|action| action.handler == set.handler);
    inherited.is_some() && latest.is_some_and(stands)
}
