//! A hazard that hits.
use crate::describe::fork_id;
use crate::entry::Arena;
use forkguard_core::fork::Snapshot;
use forkguard_report::event::{FindingKind, Site};

/// What hits a child.
pub(crate) struct Hit<'a> {
    pub(crate) kind: FindingKind,
    /// What stands for it in its id, beside the fork that made this child.
    pub(crate) what: &'a str,
    /// What it is about, by name.
    pub(crate) subject: &'a str,
    /// Causes first, what the child does last.
    pub(crate) sites: &'a [Site<'a>],
    /// The finding of a fork that it comes from.
    pub(crate) hazard: Option<Hazard<'a>>,
}

/// A finding of the fork that made this child, or of an earlier one.
pub(crate) struct Hazard<'a> {
    pub(crate) fork: &'static Snapshot,
    pub(crate) kind: FindingKind,
    pub(crate) what: &'a str,
}

impl Hazard<'_> {
    pub(crate) fn id<'a>(&self, arena: &'a Arena) -> &'a str {
        let fork = fork_id(self.fork.leader, self.fork.sequence);
        arena.format(format_args!("{}:{}:{}", fork.as_str(), self.kind.name(), self.what))
    }
}
