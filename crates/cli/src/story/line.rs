//! One line of a report to records.
use super::inherits::inherits;
use super::keep::{Keep, Kept};
use super::records::*;
use forkguard_report::SCHEMA;
use forkguard_report::event::{Child, Cure, Exec, Exit, Finding, FindingState, Fixup, Fork, LastWords, Lost, Process};
use forkguard_report::text::Count;
use serde::Deserialize;
use std::io;

/// What all that reads shares.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) keep: Keep,
    pub(crate) fork_shapes: Kept<ForkShape>,
    pub(crate) finding_shapes: Kept<FindingShape>,
}

/// What every line begins with. The event's own part is read apart: as its type, without a detour.
#[derive(Deserialize)]
struct Head<'a> {
    schema: u32,
    time: f64,
    pid: u32,
    #[serde(borrow)]
    fork: Option<&'a str>,
    event: &'a str,
}

/// The line is no event of this version.
#[derive(Debug)]
pub(crate) struct NoEvent;

impl From<serde_json::Error> for NoEvent {
    fn from(_: serde_json::Error) -> NoEvent {
        NoEvent
    }
}

/// A line of which the common part is read.
struct Reader<'a> {
    shared: &'a Shared,
    records: &'a mut Records,
    fork: Option<ForkId>,
    pid: u32,
    time: f64,
}

/// Adds what `line` says to `records`.
pub(crate) fn read(line: &[u8], shared: &Shared, records: &mut Records) -> Result<(), NoEvent> {
    let head: Head = serde_json::from_slice(line)?;
    if head.schema != SCHEMA {
        return Err(NoEvent);
    }
    let fork = head.fork.map(|fork| ForkId::parse(fork).ok_or(NoEvent)).transpose()?;
    let mut reader = Reader { shared, records, fork, pid: head.pid, time: head.time };
    match head.event {
        "process" => reader.process(serde_json::from_slice(line)?),
        "fork" => reader.fork(&serde_json::from_slice(line)?),
        "child" => reader.child(&serde_json::from_slice(line)?),
        "guarded" => reader.guarded(&serde_json::from_slice(line)?),
        "fixup" => reader.fixup(&serde_json::from_slice(line)?),
        "finding" => reader.finding(&serde_json::from_slice(line)?),
        "finding-state" => reader.state(&serde_json::from_slice(line)?),
        "exec" => reader.exec(&serde_json::from_slice(line)?),
        "exit" => reader.exit(&serde_json::from_slice(line)?),
        "last-words" => reader.killed(&serde_json::from_slice(line)?),
        "lost" => reader.lost(&serde_json::from_slice(line)?),
        // What `check --worst` and `check --what-if-preload` go by: no part of the story.
        "lock-taken" | "worst-moment" | "what-if" => {}
        _ => return Err(NoEvent),
    }
    records.events += 1;
    Ok(())
}

impl Reader<'_> {
    fn process(&mut self, process: Process) {
        let keep = &self.shared.keep;
        self.records.processes.push(ProcessRecord {
            pid: self.pid,
            time: self.time,
            fork: self.fork,
            name: keep.text(&process.name),
            executable: keep.text(&process.executable),
            mode: keep.text(&process.mode),
            forkguard: keep.text(&process.forkguard),
            limits: process.limits.iter().map(|limit| keep.text(limit)).collect(),
        });
    }

    fn fork(&mut self, fork: &Fork) {
        let Some(id) = self.fork else { return };
        let Shared { keep, fork_shapes, .. } = self.shared;
        let like = fork.like.as_deref().and_then(ForkId::parse);
        let whole = || ForkShape { kind: fork.kind, failed: fork.failed, inherits: inherits(fork, keep) };
        self.records.forks.push(ForkRecord {
            id,
            time: self.time,
            child: fork.child,
            shape: like.is_none().then(|| fork_shapes.keep(whole())),
            like,
            site: fork.site.as_ref().map(|site| keep.stack(site)).unwrap_or_default(),
            descriptors: fork.counts.descriptors.max(fork.descriptors.len() as u32 + fork.truncated.descriptors),
            cost: (fork.cost_us.fork as f32, (fork.cost_us.prepare + fork.cost_us.report) as f32),
            memory: fork.memory.map(LeaderMemory::from),
            became: Became::default(),
        });
    }

    fn finding(&mut self, finding: &Finding) {
        let Shared { keep, finding_shapes, .. } = self.shared;
        let shape = finding_shapes.keep(FindingShape {
            kind: finding.kind,
            at: finding.at.iter().map(|line| keep.text(line)).collect(),
            sites: finding.story().map(|site| (site.role, site.thread, keep.stack(site))).collect(),
            explain: keep.text(&finding.explain),
            cure: keep.text(&finding.cure),
            suppressed: finding.suppressed,
        });
        let (fork, what) = split(&finding.id);
        self.records.findings.push(FindingRecord {
            fork: fork.or(self.fork),
            what: keep.text(what),
            time: self.time,
            pid: self.pid,
            child: finding.child,
            shape,
            subject: keep.text(&finding.subject),
            kind: finding.kind,
            severity: finding.severity,
            state: finding.state,
        });
    }

    fn state(&mut self, change: &FindingState) {
        let keep = &self.shared.keep;
        let (fork, what) = split(&change.id);
        self.records.states.push(StateRecord {
            fork,
            what: keep.text(what),
            time: self.time,
            state: change.state,
            severity: change.severity,
            because: keep.text(&change.because),
        });
    }

    fn child(&mut self, child: &Child) {
        self.news(News::Settled);
        child.cures.iter().for_each(|cure| self.guarded(cure));
        if child.cures_unlisted > 0 {
            self.deed(None, child.cures_unlisted);
        }
    }

    fn guarded(&mut self, cure: &Cure) {
        let failed = cure.failed.map(|errno| format!(", which failed: {}", io::Error::from_raw_os_error(errno)));
        let deed = format!("{}: {}{}", cure.subject, cure.action, failed.unwrap_or_default());
        self.deed(Some(self.shared.keep.text(&deed)), 1);
    }

    fn deed(&mut self, deed: Option<super::keep::Text>, count: u32) {
        self.records.guarded.push(GuardRecord { fork: self.fork, pid: self.pid, time: self.time, deed, count });
    }

    fn fixup(&mut self, fixup: &Fixup) {
        self.records.fixups.push(FixupRecord {
            fork: self.fork,
            time: self.time,
            pid: self.pid,
            name: self.shared.keep.text(&fixup.name),
            progress: fixup.progress,
            took: fixup.us.map(|us| us as f32),
        });
    }

    fn exec(&mut self, exec: &Exec) {
        self.news(News::Exec(self.shared.keep.text(&exec.program)));
    }

    fn exit(&mut self, exit: &Exit) {
        let count = |count: u64| count.try_into().unwrap_or(u32::MAX);
        self.news(News::Exit { status: exit.status, forks: count(exit.forks), spawns: count(exit.spawns) });
    }

    fn news(&mut self, news: News) {
        self.records.children.push(ChildRecord { fork: self.fork, pid: self.pid, time: self.time, news });
    }

    fn killed(&mut self, words: &LastWords) {
        let keep = &self.shared.keep;
        self.records.killed.push(KilledRecord {
            time: self.time,
            child: words.child,
            signal: keep.text(&words.signal),
            state: keep.text(&words.state),
            stack: words.site.as_ref().map(|site| keep.stack(site)).unwrap_or_default(),
        });
    }

    fn lost(&mut self, lost: &Lost) {
        let text = self.shared.keep.text(&format!("{} not written: {}", Count(lost.events, "event"), lost.because));
        self.records.lost.push(LostRecord { pid: self.pid, time: self.time, text });
    }
}

/// A finding's id as its fork and what follows.
fn split(id: &str) -> (Option<ForkId>, &str) {
    match id.split_once(':').map(|(fork, what)| (ForkId::parse(fork), what)) {
        Some((Some(fork), what)) => (Some(fork), what),
        _ => (None, id),
    }
}
