//! What a program that is started now inherits though nobody gave it: descriptors, and signals that it does not get.
use super::leaks;
use crate::describe;
use crate::entry::Arena;
use crate::findings::{Hit, signals_blocked};
use crate::guards::exec;
use forkguard_core::fixed::Text;
use forkguard_core::fork as core_fork;
use forkguard_core::kernel;
use forkguard_core::registry::{mask, signals, threads};
use forkguard_loader::program_path;
use forkguard_report::event::{FindingKind, Role, Severity, Site};

/// A program that is about to be started.
pub(crate) struct Start<'s> {
    /// Its path.
    pub(crate) program: Text<256>,
    /// By the child of a fork: what that did since is meant for the program.
    pub(crate) is_forked: bool,
    /// It is this process's own, which starts anew: it gets descriptors and signals as it left them.
    pub(crate) is_own: bool,
    /// The descriptor that becomes its standard input.
    pub(crate) input: i32,
    /// True for a descriptor that is closed before, or that the program is told of.
    pub(crate) is_given: &'s dyn Fn(i32) -> bool,
    /// The signals that it is started with.
    pub(crate) signals: Withheld,
}

/// Signals by which programs are controlled, and that do not reach a program because of what this one did (bit n: signal n + 1).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Withheld {
    pub(crate) blocked: u64,
    pub(crate) ignored: u64,
}

impl Withheld {
    /// Those of a program that the calling thread starts now; of a forked child only what it was forked with. Not on a scratch stack, where
    /// all signals are blocked.
    pub(crate) fn now(is_forked: bool) -> Withheld {
        let before = core_fork::birth().map_or(0, |fork| fork.blocked);
        let own = !signals::blocked_at_start() & if is_forked { before } else { !0 };
        let blocked = signals_blocked::steering(kernel::blocked_signals() & own);
        Withheld { blocked, ignored: ignored(is_forked) }
    }

    /// True where no signal is withheld.
    pub(crate) fn is_empty(self) -> bool {
        self == Withheld::default()
    }

    /// Those that the program should get. One that ignores them may be meant to: but for SIGTERM, without which nothing ends it in good order.
    fn harmful(self) -> Withheld {
        Withheld { blocked: self.blocked, ignored: self.ignored & 1 << (libc::SIGTERM - 1) }
    }

    fn severity(self) -> Severity {
        if self.harmful().is_empty() { Severity::Info } else { Severity::Warning }
    }
}

/// Signals that this program ignores by its own doing. SIGHUP is ignored by what is meant to live on, and `trap '' INT` is for the commands
/// that a shell starts.
fn ignored(is_forked: bool) -> u64 {
    let is_own = |number: i32| signals::setter(number, libc::SIG_IGN).is_some_and(|set| set.inherited || !is_forked);
    let is_ignored = |number: i32| kernel::signal_action(number).is_some_and(|action| action.handler == libc::SIG_IGN);
    let candidates = signals_blocked::steering(signals::recorded()) & !(1 << (libc::SIGHUP - 1));
    let found = numbers(candidates).filter(|&number| is_own(number) && is_ignored(number)).fold(0, |set, n| set | 1 << (n - 1));
    if found != 0 && is_shell() { 0 } else { found }
}

fn is_shell() -> bool {
    let path = program_path();
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    ["sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "zsh", "fish", "busybox"].contains(&name)
}

fn numbers(set: u64) -> impl Iterator<Item = i32> {
    (1..=signals::COUNT as i32).filter(move |number| set >> (number - 1) & 1 != 0)
}

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

    /// Before a process is made by other means than fork or vfork: the program gets none of the descriptors.
    pub(crate) fn close_descriptors(&self) {
        self.descriptors().iter().for_each(|&fd| exec::close(fd));
    }

    /// In a child that is about to exec, not on a scratch stack: the program gets the signals, and none of the descriptors.
    pub(crate) fn clean(&self, is_forked: bool) {
        let close = if is_forked { exec::close } else { exec::close_in_vfork_child };
        self.descriptors().iter().for_each(|&fd| close(fd));
        if self.severity_of_signals() == Some(Severity::Warning) {
            let Withheld { blocked, ignored } = self.signals.harmful();
            exec::give_signals(blocked, ignored);
        }
    }

    /// The finding of one of the descriptors.
    pub(crate) fn leak<'a>(&self, arena: &'a Arena, fd: i32, used: Option<&Site<'a>>) -> Option<Hit<'a>> {
        leaks::hit(arena, fd, self.program.as_str(), used)
    }

    /// The finding of the signals.
    pub(crate) fn withheld<'a>(&self, arena: &'a Arena, used: Option<&Site<'a>>) -> Option<Hit<'a>> {
        let Withheld { blocked, ignored } = self.signals;
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
