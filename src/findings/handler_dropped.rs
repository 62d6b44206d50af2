//! handler-dropped: the application had set a handler before the fork, and somebody else reset the signal in the child. Who resets his own
//! handler means it.
use super::*;

use crate::describe;
use forkguard_core::signal::{self, Set};

/// Files of CPython's own that stand between the code that sets a handler and the call.
const WRAPPERS: [&str; 1] = ["/signal.py"];

/// True for a frame that is merely on the way to the call.
pub(crate) fn is_wrapper(frame: &Frame<'_>) -> bool {
    WRAPPERS.iter().any(|end| frame.file.as_deref().is_some_and(|file| file.ends_with(end)))
}

/// Who made a setting: the innermost frame that is not merely on the way to the call.
fn party<'s>(site: &'s Site<'_>) -> Option<&'s Frame<'s>> {
    let mut interpreted = site.frames.iter().filter(|frame| frame.language != "native");
    interpreted.find(|frame| !is_wrapper(frame)).or_else(|| site.frames.first())
}

/// True when one of them is the application and the other is not, or both are native code of different files.
pub(crate) fn is_foreign(set: &Site<'_>, reset: &Site<'_>) -> bool {
    let Some((setter, resetter)) = party(set).zip(party(reset)) else { return false };
    match setter.language == "native" {
        true => resetter.language == "native" && setter.module != resetter.module && !share_a_library(set, reset),
        false => setter.is_application() && !resetter.is_application(),
    }
}

/// True when a library stands on both stacks, as an Apache module does that sets and resets through functions of others, or may: one that was
/// unloaded since has no name. The program and the C library stand on all of them.
fn share_a_library(one: &Site<'_>, other: &Site<'_>) -> bool {
    if one.frames.iter().chain(&other.frames[..]).any(|frame| frame.module.is_none()) {
        return true;
    }
    let everywhere = |frame: &&Frame<'_>| {
        let program = one.frames.last().is_some_and(|outermost| outermost.module == frame.module);
        program || frame.module.as_deref().is_some_and(|module| module.contains("/libc.so"))
    };
    let mut libraries = one.frames.iter().filter(|frame| !everywhere(frame));
    libraries.any(|library| other.frames.iter().any(|frame| frame.module == library.module))
}

/// Signals that a child can reset (bit n: signal n).
fn numbers() -> impl Iterator<Item = i32> {
    (1..32).filter(|number| !matches!(number, 9 | 19))
}

/// Its reset of a signal, if that is what stands now.
fn reset(number: i32) -> Option<Set> {
    let default = raw::signal_action(number).is_some_and(|action| action.handler <= libc::SIG_IGN);
    signal::settings(number).next().filter(|set| default && !set.inherited && set.handler <= libc::SIG_IGN)
}

/// The signals that this child has reset itself, a bit each.
pub(crate) fn resets() -> u64 {
    numbers().filter(|&number| reset(number).is_some()).fold(0, |bits, number| bits | 1 << number)
}

/// Hands every dropped handler of these signals over: its name, where it was set, where it was reset.
pub(crate) fn each<'a>(arena: &'a Arena, fork: &'static Inner, among: u64, mut found: impl FnMut(Hit<'a>)) {
    for number in numbers().filter(|number| among & 1 << number != 0) {
        let Some(reset) = reset(number) else { continue };
        let settings = signal::settings(number);
        let site = |role, set: Set| describe::site(arena, role, set.thread, set.site);
        let Some(reset) = site(Role::Reset, reset) else { continue };
        let handlers = settings.filter(|s| s.inherited && s.handler > libc::SIG_IGN);
        let dropped = handlers.filter_map(|s| site(Role::Set, s)).find(|set| is_foreign(set, &reset));
        let Some(set) = dropped else { continue };
        let name = signal::name(number);
        // The handler at the fork may have been a later one, and was a finding then; with none there was nothing to find.
        let was_found = signal::settings(number).find(|s| s.inherited).is_some_and(|s| s.handler > libc::SIG_IGN);
        found(Hit {
            kind: Kind::HandlerDropped,
            what: name,
            subject: name,
            sites: arena.join([arena.one(set), arena.one(reset)]),
            hazard: was_found.then_some(Hazard { fork, kind: Kind::HandlerInherited, what: name }),
        });
    }
}
