//! What a program that is started now inherits though nobody gave it: descriptors, and signals that it does not get.
use super::leaks;
use super::start::Start;
use super::withheld::{Withheld, numbers};
use crate::describe;
use crate::entry::Arena;
use crate::findings::Hit;
use crate::guards::exec;
use forkguard_core::fixed::Text;
use forkguard_core::registry::{mask, signals, threads};
use forkguard_report::event::{FindingKind, Role, Severity, Site};

/// What stands for the signals in a finding's id.
pub(crate) const WITHHELD: &str = "exec";
/// Why such a finding is resolved where FORKGUARD_EXEC=clean.
pub(crate) const CLEANED: &str = "forkguard took it away before the exec";

/// Descriptors of one program that are reported.
const MOST: usize = 16;

/// What a program gets that it should not get. Plain words: a vfork child leaves it to its leader.
#[derive(Clone, Copy)]
pub(crate) struct Inheritance {
    program: Text<256>,
    descriptors: [i32; MOST],
    count: usize,
    signals: Withheld,
    /// The program is this process's own, which knows of the signals.
    is_own: bool,
}

impl Inheritance {
    /// None where there is nothing of the kind.
    pub(crate) fn of(start: &Start<'_>) -> Option<Inheritance> {
        let Start { program, signals, is_own, .. } = *start;
        let mut found = Inheritance { program, descriptors: [-1; MOST], count: 0, signals, is_own };
        let leaks = (!start.is_own).then(|| leaks::of(start));
        for (slot, fd) in found.descriptors.iter_mut().zip(leaks.into_iter().flatten()) {
            *slot = fd;
            found.count += 1;
        }
        (found.count != 0 || !found.signals.is_empty()).then_some(found)
    }

    /// The descriptors.
    pub(crate) fn descriptors(&self) -> &[i32] {
        &self.descriptors[..self.count]
    }

    /// How much it matters that it does not get signals; None where it gets all.
    pub(crate) fn severity_of_signals(&self) -> Option<Severity> {
        let severity = if self.is_own { Severity::Info } else { self.signals.severity() };
        (!self.signals.is_empty()).then_some(severity)
    }

    /// The signals that FORKGUARD_EXEC=clean gives to it. Its own program that starts anew knows of them.
    fn given_back(&self) -> Withheld {
        if self.is_own { Withheld::default() } else { self.signals.given_back() }
    }

    /// True where FORKGUARD_EXEC=clean gives it some: what is left is ignored on purpose.
    pub(crate) fn gets_signals(&self) -> bool {
        !self.given_back().is_empty()
    }

    /// Before a process is made by other means than fork or vfork: the program gets none of the descriptors.
    pub(crate) fn close_descriptors(&self) {
        self.descriptors().iter().for_each(|&fd| exec::close(fd));
    }

    /// In a child that is about to exec, not on a scratch stack: the program gets the signals, and none of the descriptors.
    pub(crate) fn clean(&self, is_forked: bool) {
        let close = if is_forked { exec::close } else { exec::close_in_vfork_child };
        self.descriptors().iter().for_each(|&fd| close(fd));
        let Withheld { blocked, ignored } = self.given_back();
        if blocked | ignored != 0 {
            exec::give_signals(blocked, ignored);
        }
    }

    /// How much it matters that it gets one of the descriptors.
    pub(crate) fn severity_of_leak(fd: i32) -> Severity {
        leaks::severity(fd)
    }

    /// The finding of one of the descriptors.
    pub(crate) fn leak<'a>(&self, arena: &'a Arena, fd: i32, used: Option<&Site<'a>>) -> Option<Hit<'a>> {
        leaks::hit(arena, fd, self.program.as_str(), used)
    }

    /// The finding of the signals.
    pub(crate) fn withheld<'a>(&self, arena: &'a Arena, used: Option<&Site<'a>>) -> Option<Hit<'a>> {
        let Withheld { blocked, ignored } = self.signals;
        if blocked | ignored == 0 {
            return None;
        }
        let (blocks, ignores) = (names(arena, blocked, "blocked"), names(arena, ignored, "ignored"));
        let gap = if blocks.is_empty() || ignores.is_empty() { "" } else { ", " };
        let causes = [blocked_at(arena, blocked), ignored_at(arena, ignored)];
        Some(Hit {
            kind: FindingKind::SignalsBlocked,
            what: WITHHELD,
            subject: arena.format(format_args!("{blocks}{gap}{ignores} in {}", self.program.as_str())),
            sites: arena.join([causes[0], causes[1], used.map_or(&[], std::slice::from_ref)]),
            hazard: None,
        })
    }
}

/// Where this thread, or the one that started it, blocked them.
fn blocked_at(arena: &Arena, blocked: u64) -> &[Site<'_>] {
    let mut sites = arena.list(mask::REMEMBERED);
    let calls = threads::mine().into_iter().flat_map(|slot| slot.mask.calls()).filter(|call| call.signals & blocked != 0);
    calls.filter_map(|call| describe::site(arena, Role::Blocked, 0, call.site)).for_each(|site| sites.push(site));
    sites.done()
}

/// Where the last of them was ignored.
fn ignored_at(arena: &Arena, ignored: u64) -> &[Site<'_>] {
    let mut sites = arena.list(1);
    let set = numbers(ignored).filter_map(|number| signals::setter(number, libc::SIG_IGN)).last();
    set.and_then(|set| describe::site(arena, Role::Set, set.thread, set.site)).into_iter().for_each(|site| sites.push(site));
    sites.done()
}

/// `SIGTERM, SIGINT blocked`.
fn names<'a>(arena: &'a Arena, set: u64, state: &str) -> &'a str {
    let joined = numbers(set).fold("", |names, number| {
        let gap = if names.is_empty() { "" } else { ", " };
        arena.format(format_args!("{names}{gap}{}", signals::name(number)))
    });
    if joined.is_empty() { joined } else { arena.format(format_args!("{joined} {state}")) }
}
