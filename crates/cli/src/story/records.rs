//! What is kept of each event until all files are read: a few words each, millions of which fit.
use super::keep::{Stack, Text};
use forkguard_report::event::{Disposition, FindingKind, ForkKind, Memory, Progress, Role, Severity, State};

/// Children in a list before the others are counted.
pub(crate) const CHILDREN: usize = 100;

/// A fork, as `LEADER.SEQUENCE`; process ids are used again, so that only with a time it is one fork.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ForkId {
    pub(crate) leader: u32,
    pub(crate) sequence: u32,
}

impl ForkId {
    /// None for a text that is no id.
    pub(crate) fn parse(text: &str) -> Option<ForkId> {
        let (leader, sequence) = text.split_once('.')?;
        Some(ForkId { leader: leader.parse().ok()?, sequence: sequence.parse().ok()? })
    }
}

impl std::fmt::Display for ForkId {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(out, "{}.{}", self.leader, self.sequence)
    }
}

/// What the events of some lines say.
#[derive(Default)]
pub(crate) struct Records {
    pub(crate) events: u64,
    pub(crate) processes: Vec<ProcessRecord>,
    pub(crate) forks: Vec<ForkRecord>,
    pub(crate) findings: Vec<FindingRecord>,
    pub(crate) states: Vec<StateRecord>,
    pub(crate) children: Vec<ChildRecord>,
    pub(crate) guarded: Vec<GuardRecord>,
    pub(crate) fixups: Vec<FixupRecord>,
    pub(crate) killed: Vec<KilledRecord>,
    pub(crate) lost: Vec<LostRecord>,
}

/// A process that reports.
#[derive(Clone)]
pub(crate) struct ProcessRecord {
    pub(crate) pid: u32,
    pub(crate) time: f64,
    /// The fork that made it.
    pub(crate) fork: Option<ForkId>,
    pub(crate) name: Text,
    pub(crate) executable: Text,
    pub(crate) mode: Text,
    pub(crate) forkguard: Text,
    pub(crate) limits: Vec<Text>,
}

/// A fork.
#[derive(Clone)]
pub(crate) struct ForkRecord {
    pub(crate) id: ForkId,
    pub(crate) time: f64,
    pub(crate) child: Option<u32>,
    /// What it shares with others; none for one that refers to an earlier fork, or of which no event is there.
    pub(crate) shape: Option<u32>,
    /// The earlier fork that it is like.
    pub(crate) like: Option<ForkId>,
    /// Where it was called.
    pub(crate) site: Stack,
    pub(crate) descriptors: u32,
    /// Microseconds of the call, and of forkguard's own work.
    pub(crate) cost: (f32, f32),
    pub(crate) memory: Option<LeaderMemory>,
    pub(crate) became: Became,
}

/// The leader's memory, in kilobytes.
#[derive(Clone, Copy)]
pub(crate) struct LeaderMemory {
    pub(crate) rss: u32,
    pub(crate) private: Option<u32>,
}

impl From<Memory> for LeaderMemory {
    fn from(memory: Memory) -> LeaderMemory {
        let kilobytes = |kilobytes: u64| kilobytes.try_into().unwrap_or(u32::MAX);
        LeaderMemory { rss: kilobytes(memory.rss), private: memory.private.map(kilobytes) }
    }
}

impl From<LeaderMemory> for Memory {
    fn from(memory: LeaderMemory) -> Memory {
        Memory { rss: memory.rss.into(), pss: None, shared: None, private: memory.private.map(u64::from) }
    }
}

/// What forks share that differ only in their child.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ForkShape {
    pub(crate) kind: ForkKind,
    pub(crate) failed: Option<i32>,
    pub(crate) inherits: Vec<InheritedShape>,
}

/// Some of what a child inherits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct InheritedShape {
    pub(crate) what: &'static str,
    pub(crate) names: Vec<Text>,
    pub(crate) more: u64,
}

/// What became of a child.
#[derive(Clone, Default)]
pub(crate) struct Became {
    pub(crate) settled: bool,
    pub(crate) exec: Option<Text>,
    pub(crate) status: Option<i32>,
    pub(crate) forked: bool,
    /// It lived long enough to be hit.
    pub(crate) hit: bool,
    /// When it ended or exec'd.
    pub(crate) end: Option<f64>,
}

/// What equal findings share.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct FindingShape {
    pub(crate) kind: FindingKind,
    pub(crate) at: Vec<Text>,
    /// From cause to effect.
    pub(crate) sites: Vec<(Role, Option<u32>, Stack)>,
    pub(crate) explain: Text,
    pub(crate) cure: Text,
    pub(crate) suppressed: bool,
}

/// A finding in one child.
#[derive(Clone)]
pub(crate) struct FindingRecord {
    pub(crate) fork: Option<ForkId>,
    /// What follows the fork in its id.
    pub(crate) what: Text,
    pub(crate) time: f64,
    pub(crate) pid: u32,
    pub(crate) child: Option<u32>,
    pub(crate) shape: u32,
    pub(crate) subject: Text,
    pub(crate) kind: FindingKind,
    pub(crate) severity: Severity,
    pub(crate) state: State,
}

/// A change in the life of a finding.
pub(crate) struct StateRecord {
    pub(crate) fork: Option<ForkId>,
    pub(crate) what: Text,
    pub(crate) time: f64,
    pub(crate) state: State,
    pub(crate) severity: Option<Severity>,
    pub(crate) because: Text,
}

/// What a process says about itself.
pub(crate) struct ChildRecord {
    pub(crate) fork: Option<ForkId>,
    pub(crate) pid: u32,
    pub(crate) time: f64,
    pub(crate) news: News,
}

/// It settled, exec'd or ended.
pub(crate) enum News {
    Settled,
    Exec(Text),
    Exit { status: i32, forks: u32, spawns: u32 },
}

/// What a guard did, or how many deeds are not listed.
pub(crate) struct GuardRecord {
    pub(crate) fork: Option<ForkId>,
    pub(crate) pid: u32,
    pub(crate) time: f64,
    /// None: deeds that are not listed.
    pub(crate) deed: Option<Text>,
    pub(crate) count: u32,
}

/// Where a fixup stood.
pub(crate) struct FixupRecord {
    pub(crate) fork: Option<ForkId>,
    pub(crate) time: f64,
    pub(crate) pid: u32,
    pub(crate) name: Text,
    pub(crate) progress: Progress,
    pub(crate) took: Option<f32>,
}

/// A child that its leader killed.
pub(crate) struct KilledRecord {
    pub(crate) time: f64,
    pub(crate) child: u32,
    pub(crate) signal: Text,
    pub(crate) state: Text,
    /// Where it stood.
    pub(crate) stack: Stack,
}

/// Events that a process could not write.
pub(crate) struct LostRecord {
    pub(crate) pid: u32,
    pub(crate) time: f64,
    pub(crate) text: Text,
}

impl Records {
    /// Takes those of later lines, too.
    pub(crate) fn append(&mut self, mut later: Records) {
        self.events += later.events;
        self.processes.append(&mut later.processes);
        self.forks.append(&mut later.forks);
        self.findings.append(&mut later.findings);
        self.states.append(&mut later.states);
        self.children.append(&mut later.children);
        self.guarded.append(&mut later.guarded);
        self.fixups.append(&mut later.fixups);
        self.killed.append(&mut later.killed);
        self.lost.append(&mut later.lost);
    }
}

/// The field's words for how a signal is disposed of, as they stand in a list.
pub(crate) const DISPOSITIONS: [(&str, Disposition); 2] =
    [("signals handled", Disposition::Handler), ("signals ignored", Disposition::Ignore)];
