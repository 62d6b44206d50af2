//! A program that is about to be started, by whatever call.
use super::withheld::Withheld;
use forkguard_core::fixed::Text;

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
    /// False for one that this process waits for before it goes on: it keeps nobody longer than this process does.
    pub(crate) may_outlive: bool,
    /// The signals that do not reach it.
    pub(crate) signals: Withheld,
}
