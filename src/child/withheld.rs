//! Signals that do not reach a program that is started now.
use crate::findings::signals_blocked;
use forkguard_core::fork as core_fork;
use forkguard_core::kernel;
use forkguard_core::registry::signals;
use forkguard_loader::program_path;
use forkguard_report::event::Severity;

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
    pub(super) fn harmful(self) -> Withheld {
        Withheld { blocked: self.blocked, ignored: self.ignored & 1 << (libc::SIGTERM - 1) }
    }

    /// Those that FORKGUARD_EXEC=clean gives to it: SIGPIPE, too, which ends a filter that nobody reads any more.
    pub(super) fn given_back(self) -> Withheld {
        Withheld { ignored: self.ignored & (self.harmful().ignored | PIPE), ..self }
    }

    pub(super) fn severity(self) -> Severity {
        if self.harmful().is_empty() { Severity::Info } else { Severity::Warning }
    }
}

/// Ignored by a program that writes to sockets: what it starts writes on into pipes that nobody reads any more, where it should end.
const PIPE: u64 = 1 << (libc::SIGPIPE - 1);

/// Signals that this program ignores by its own doing. SIGHUP is ignored by what is meant to live on, and `trap '' INT` is for the commands
/// that a shell starts.
fn ignored(is_forked: bool) -> u64 {
    let is_own = |number: i32| signals::setter(number, libc::SIG_IGN).is_some_and(|set| set.inherited || !is_forked);
    let is_ignored = |number: i32| kernel::signal_action(number).is_some_and(|action| action.handler == libc::SIG_IGN);
    let recorded = signals::recorded();
    let candidates = (signals_blocked::steering(recorded) | recorded & PIPE) & !(1 << (libc::SIGHUP - 1));
    let found = numbers(candidates).filter(|&number| is_own(number) && is_ignored(number)).fold(0, |set, n| set | 1 << (n - 1));
    if found != 0 && is_shell() { 0 } else { found }
}

fn is_shell() -> bool {
    let path = program_path();
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    ["sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "zsh", "fish", "busybox"].contains(&name)
}

/// The signals of a set.
pub(super) fn numbers(set: u64) -> impl Iterator<Item = i32> {
    (1..=signals::COUNT as i32).filter(move |number| set >> (number - 1) & 1 != 0)
}
