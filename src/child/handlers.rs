//! What a child did to the signal handlers that it inherited.
use crate::describe;
use crate::entry::Arena;
use crate::findings::{Hazard, Hit, handler_dropped};
use crate::guards;
use forkguard_core::fork::Snapshot;
use forkguard_core::kernel;
use forkguard_core::registry::signals::{self, REMEMBERED, SignalSetting};
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

/// A handler of the child's own that stands in the place of the one at the fork, by code of a language: what a library sets there may well
/// call the one before it.
fn replacement(number: i32) -> Option<SignalSetting> {
    let latest = signals::settings(number).next().filter(|set| !set.inherited && is_caught(set))?;
    let is_interpreted = describe::interpreted_frames(latest.site).next().is_some();
    (is_interpreted && stands(number, &latest)).then_some(latest)
}

/// True when the kernel has this handler.
fn stands(number: i32, set: &SignalSetting) -> bool {
    kernel::signal_action(number).is_some_and(|action| action.handler == set.handler)
}

/// Calls `each` with every handler that another party than its own took away in this child: reset, of the signals `among` (bit n: signal n), or
/// replaced by a handler of that party's.
pub(super) fn each_dropped<'a>(arena: &'a Arena, fork: &'static Snapshot, among: u64, mut each: impl FnMut(Hit<'a>)) {
    for number in settable() {
        let reset = reset(number).filter(|_| among & 1 << number != 0 && !guards::has_reset(signals::name(number)));
        let dropped = match (reset, replacement(number)) {
            (Some(reset), _) => dropped(arena, fork, number, reset, REMEMBERED),
            // Of a handler that was replaced in the leader already the child never had anything.
            (None, Some(new)) => dropped(arena, fork, number, new, 1),
            (None, None) => None,
        };
        dropped.into_iter().for_each(&mut each);
    }
}

/// The hit of a handler that the party of `reset` took away, if the application's is among the latest `settings` before the fork.
fn dropped<'a>(arena: &'a Arena, fork: &'static Snapshot, number: i32, reset: SignalSetting, settings: usize) -> Option<Hit<'a>> {
    let site = |role, set: SignalSetting| describe::site(arena, role, set.thread, set.site);
    let reset = site(Role::Reset, reset)?;
    let handlers = signals::settings(number).filter(|set| set.inherited).take(settings).filter(is_caught);
    let mut set = handlers.filter_map(|set| site(Role::Set, set));
    let set = set.find(|set| handler_dropped::is_foreign(set, &reset))?;
    // Who gave its handler up in this child has nothing left that others could take away.
    let mut childs = signals::settings(number).take_while(|set| !set.inherited).filter(|set| !is_caught(set));
    if childs.any(|own| site(Role::Reset, own).is_some_and(|own| !handler_dropped::is_foreign(&set, &own))) {
        return None;
    }
    let name = signals::name(number);
    Some(Hit {
        kind: FindingKind::HandlerDropped,
        what: name,
        subject: name,
        sites: arena.join([arena.one(set), arena.one(reset)]),
        hazard: was_found(name).then_some(Hazard { fork, kind: FindingKind::HandlerInherited, what: name }),
    })
}

/// True for a signal, by name, whose handler was a finding at the fork.
pub(super) fn was_found(signal: &str) -> bool {
    // Real-time signals have one name for all.
    signals::number(signal).is_none_or(|number| describe::is_handled_by_application(number, true))
}

/// Calls `each` with the names of the signals whose handler this child has set anew since the fork.
pub(super) fn each_renewed(each: impl FnMut(&'static str)) {
    settable().filter(|&number| is_renewed(number)).map(signals::name).for_each(each);
}

fn is_renewed(number: i32) -> bool {
    let inherited = signals::settings(number).find(|set| set.inherited).filter(is_caught);
    let latest = signals::settings(number).next().filter(|set| !set.inherited && is_caught(set));
    inherited.is_some() && latest.is_some_and(|set| stands(number, &set))
}
