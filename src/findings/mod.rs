//! What is broken: one rule a file, pure functions over the evidence of one fork. A rule: its file, a line in [`RULES`], a C
//! fixture, a section in `docs/findings.md`.
/// Formats into the evidence's arena.
macro_rules! text {
    ($evidence:ident, $($format:tt)*) => {
        $evidence.arena.format(format_args!($($format)*))
    };
}

pub(crate) mod connection_inherited;
pub(crate) mod epoll_inherited;
pub(crate) mod file_offset_shared;
pub(crate) mod handler_dropped;
pub(crate) mod handler_inherited;
mod hit;
pub(crate) mod lock_orphaned;
mod rng_shared;
pub(crate) mod runtime_unsafe;
pub(crate) mod signals_blocked;
pub(crate) mod sqlite_inherited;
pub(crate) mod suppress;
mod thread_lost;
pub(crate) mod timer_lost;

pub(crate) use hit::{Hazard, Hit};

use crate::describe::keep;
use crate::entry::Arena;
use crate::sites::native;
use forkguard_core::fork::Inner;
use forkguard_core::raw;
use forkguard_loader::{LinkMap, MemoryAccess, Notes, own_and_next, program_path};
use forkguard_report::catalogue::Server;
use forkguard_report::event::*;
use forkguard_report::summary;
use std::borrow::Cow::Borrowed;
use std::fmt::{Arguments, Write};

/// A rule looks at the evidence and hands each finding over.
type Rule = for<'a> fn(&Evidence<'a>, &mut dyn FnMut(Finding<'a>));

/// All rules, in the order of a report.
const RULES: [Rule; 11] = [
    thread_lost::rule,
    lock_orphaned::rule,
    connection_inherited::rule,
    epoll_inherited::rule,
    sqlite_inherited::rule,
    signals_blocked::rule,
    timer_lost::rule,
    runtime_unsafe::rule,
    handler_inherited::rule,
    file_offset_shared::rule,
    rng_shared::rule,
];

/// Findings of one fork that are written; further ones are counted.
pub(crate) const WRITTEN: u32 = 256;

/// All that the rules may look at.
pub(crate) struct Evidence<'a> {
    arena: &'a Arena,
    id: &'a str,
    server: Server,
    child: Option<u32>,
    /// True in the child: descriptors that it made itself are nobody's inheritance.
    in_child: bool,
    threads: &'a [Thread<'a>],
    locks: &'a [Lock<'a>],
    descriptors: &'a [Descriptor<'a>],
    signals: &'a [Signal<'a>],
    blocked: &'a [Text<'a>],
    timers: &'a [Timer<'a>],
    /// The program file.
    executable: &'a str,
    /// Loaded libraries that the rules know by name.
    libraries: &'a [&'a str],
    /// A loaded library that Go's linker made; looked for when threads were started past every hook.
    go: Option<&'a str>,
    /// First use of the C library's generator.
    random: Option<Site<'a>>,
}

/// What a described fork borrows from the arena.
fn borrowed<'a, T: Clone>(list: &List<'a, T>) -> &'a [T] {
    match list {
        Borrowed(slice) => slice,
        // The library only ever borrows.
        std::borrow::Cow::Owned(_) => &[],
    }
}

impl<'a> Evidence<'a> {
    /// Gathers it for a described fork.
    pub(crate) fn of(fork: &Fork<'a>, inner: &Inner, arena: &'a Arena, id: &'a str) -> Evidence<'a> {
        let executable = arena.text(program_path().as_str());
        let descriptors = borrowed(&fork.descriptors);
        let leader: Option<u32> = id.split('.').next().and_then(|pid| pid.parse().ok());
        let in_child = leader != Some(raw::process_id());
        let mut libraries = arena.list(32);
        let unseen = borrowed(&fork.threads).iter().any(|t| !t.recorded);
        let mut go = None;
        for library in own_and_next(MemoryAccess::FAULT_PROOF) {
            let path = library.path();
            if rng_shared::knows(path.as_str()) {
                libraries.push(arena.text(path.as_str()));
            }
            if unseen && go.is_none() && is_go(&library) {
                go = Some(arena.text(path.as_str()));
            }
        }
        Evidence {
            arena,
            id,
            server: server(arena),
            child: if in_child { Some(raw::process_id()) } else { fork.child },
            in_child,
            threads: borrowed(&fork.threads),
            locks: borrowed(&fork.locks),
            descriptors,
            signals: borrowed(&fork.signals),
            blocked: borrowed(&fork.blocked),
            timers: borrowed(&fork.timers),
            executable,
            libraries: libraries.done(),
            go,
            random: crate::describe::site(arena, Role::Used, 0, inner.random),
        }
    }

    /// Threads that the child does not have. The kernel's own workers of io_uring are none of the program's.
    fn lost_threads(&self) -> impl Iterator<Item = &'a Thread<'a>> + '_ {
        self.threads.iter().filter(|t| !t.forking && !t.name.starts_with("iou-"))
    }

    /// Descriptors that the child has from its leader, and that were not meant for it.
    fn inherited(&self) -> impl Iterator<Item = &'a Descriptor<'a>> + '_ {
        self.descriptors.iter().filter(|d| (!self.in_child || d.origin == Origin::Forked) && !keep::keeps(d.fd))
    }

    /// A finding with the catalogue's texts.
    fn finding(
        &self,
        kind: Kind,
        severity: Severity,
        what: Arguments<'_>,
        subject: Arguments<'_>,
        sites: &'a [Site<'a>],
    ) -> Finding<'a> {
        suppress::judged(Finding {
            id: Borrowed(self.arena.format(format_args!("{}:{}:{what}", self.id, kind.name()))),
            kind,
            severity,
            state: State::Open,
            child: self.child,
            subject: Borrowed(self.arena.format(subject)),
            at: Borrowed(lines(self.arena, sites)),
            sites: Borrowed(sites),
            explain: Borrowed(kind.explain()),
            cure: Borrowed(cure(self.arena, kind, self.server)),
            suppressed: false,
        })
    }

    /// The sites that are known, as a list.
    fn sites<const N: usize>(&self, sites: [&[Site<'a>]; N]) -> &'a [Site<'a>] {
        self.arena.join(sites)
    }
}

/// The application's own lines of some sites, each once.
fn lines<'a>(arena: &'a Arena, sites: &'a [Site<'a>]) -> &'a [Text<'a>] {
    /// Of one site.
    const INNERMOST: usize = 4;
    let mut lines = arena.list::<Text<'a>>(sites.len() * INNERMOST);
    for frame in sites.iter().flat_map(|site| site.application_frames().take(INNERMOST)) {
        let line = arena.format(format_args!("{frame:#}"));
        if !lines.as_slice().iter().any(|l| l == line) {
            lines.push(Borrowed(line));
        }
    }
    lines.done()
}

/// The server that this process is of.
pub(crate) fn server(arena: &Arena) -> Server {
    Server::recognise(arena.text(program_path().as_str()), crate::describe::own_name().as_str())
}

/// The finding of a hit in this child, which the fork `id` made.
pub(crate) fn of_hit<'a>(arena: &'a Arena, id: &str, severity: Severity, hit: &Hit<'a>) -> Finding<'a> {
    suppress::judged(Finding {
        id: Borrowed(arena.format(format_args!("{id}:{}:{}", hit.kind.name(), hit.what))),
        kind: hit.kind,
        severity,
        state: State::Hit,
        child: Some(raw::process_id()),
        subject: Borrowed(hit.subject),
        at: Borrowed(lines(arena, hit.sites)),
        sites: Borrowed(hit.sites),
        explain: Borrowed(hit.kind.explain()),
        cure: Borrowed(cure(arena, hit.kind, server(arena))),
        suppressed: false,
    })
}

/// The site of a library that matters by being loaded.
fn loaded_at<'a>(arena: &'a Arena, path: &'a str) -> Site<'a> {
    let frame = Frame {
        language: Borrowed("native"),
        function: None,
        file: None,
        line: None,
        module: Some(Borrowed(path)),
        offset: None,
        build_id: None,
    };
    Site { role: Role::Loaded, thread: None, frames: Borrowed(arena.one(frame)) }
}

/// Where the Go runtime is, if a library brought one.
pub(crate) fn go_library(arena: &Arena) -> Option<Site<'_>> {
    let go = own_and_next(MemoryAccess::FAULT_PROOF).find(is_go)?;
    Some(loaded_at(arena, arena.text(go.path().as_str())))
}

/// True for a library that Go's linker made.
fn is_go(library: &LinkMap) -> bool {
    Notes::read(library, library.base).is_go
}

/// What the program can do about it, or an option of ours.
fn cure(arena: &Arena, kind: Kind, server: Server) -> &str {
    let cure = kind.cure(server);
    match crate::options::unused_guard(kind) {
        Some(option) => arena.format(format_args!("{cure} Or run it with {option}.")),
        None => cure,
    }
}

/// The last part of a path.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Applies all rules; how many findings were left out.
pub(crate) fn all<'a>(evidence: &Evidence<'a>, mut each: impl FnMut(Finding<'a>)) -> u32 {
    let (mut written, mut left_out) = (0, 0);
    let mut sink = |finding: Finding<'a>| {
        // Where the arena ended there are no texts: such a finding is counted like one too many.
        if written < WRITTEN && !finding.id.is_empty() && !finding.subject.is_empty() {
            written += 1;
            each(finding);
        } else {
            left_out += 1;
        }
    };
    for rule in RULES {
        rule(evidence, &mut sink);
    }
    left_out
}

/// The rules whose findings a child that execs or ends at once makes moot: those that may be warnings, by what needs no look at the
/// kernel's tables.
const FLEETING: [Rule; 5] =
    [thread_lost::rule, lock_orphaned::rule, signals_blocked::rule, timer_lost::rule, runtime_unsafe::rule];

/// Applies them.
pub(crate) fn fleeting<'a>(evidence: &Evidence<'a>, mut each: impl FnMut(Finding<'a>)) {
    for rule in FLEETING {
        rule(evidence, &mut each);
    }
}

/// True for a finding that the automatic summary appears for.
pub(crate) fn worth_a_line(finding: &Finding<'_>) -> bool {
    let shared = matches!(finding.kind, Kind::ConnectionInherited | Kind::SqliteInherited) && !finding.suppressed;
    finding.severity >= Severity::Warning || shared
}

/// A number for what a summary would say: the same for children that inherit the same.
pub(crate) fn fingerprint(findings: &[Finding<'_>]) -> u64 {
    // FNV-1a over what the summary names; never zero, which stands for nothing printed yet.
    let word = |f: &Finding<'_>| (1 + f.kind as u64) << 8 | f.severity as u64;
    findings.iter().fold(0xcbf2_9ce4_8422_2325, |hash, f| (hash ^ word(f)).wrapping_mul(0x100_0000_01b3)) | 1
}

/// The summary's text.
pub(crate) fn summary<'a>(arena: &'a Arena, head: &summary::Head<'_>, findings: &[Finding<'_>], same: bool) -> &'a str {
    let mut text = ArenaText::new(arena);
    let _ = match same {
        true => summary::write_same(&mut text, head, findings.len() as u32),
        false => summary::write(&mut text, head, findings.iter()),
    };
    text.done()
}

impl Evidence<'_> {
    /// The server at hand.
    pub(crate) fn server(&self) -> Server {
        self.server
    }
}

/// Text that grows at the end of an arena.
pub(crate) struct ArenaText<'a>(&'a Arena, &'a str);

impl<'a> ArenaText<'a> {
    /// An empty one.
    pub(crate) fn new(arena: &'a Arena) -> Self {
        ArenaText(arena, arena.format(format_args!("")))
    }

    /// The text.
    pub(crate) fn done(self) -> &'a str {
        self.1
    }
}

impl Write for ArenaText<'_> {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        self.1 = self.0.extend(self.1, s).ok_or(std::fmt::Error)?;
        Ok(())
    }
}
