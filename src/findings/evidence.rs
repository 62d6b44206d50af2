//! All that the rules know of a fork. What they would have to ask the kernel, the loader or the options for is gathered here, before they run.
use crate::describe::{self, Buffer, ExitHandler, Nameless, keep};
use crate::entry::Arena;
use crate::findings::context::Context;
use crate::findings::leaders_threads::works_for_leader;
use crate::findings::libraries;
use crate::sites::{self, native};
use forkguard_core::fork::{Snapshot, shared_page};
use forkguard_core::kernel;
use forkguard_core::registry::{random, signals};
use forkguard_loader::{MemoryAccess, own_and_next, program_path};
use forkguard_report::event::{
    Descriptor, DescriptorKind, Disposition, Finding, FindingKind, Fork, Frame, List, Lock, Origin, Role, Severity, Signal, Site,
    State, Text, Thread, Timer,
};
use std::borrow::Cow::{Borrowed, Owned};
use std::fmt::Arguments;

/// What is known of one fork.
pub(crate) struct Evidence<'a> {
    pub(super) arena: &'a Arena,
    context: Context<'a>,
    /// It is the child that looks, when it settles.
    pub(super) in_child: bool,
    pub(super) threads: &'a [Thread<'a>],
    /// Which names are no thread's own.
    pub(super) nameless: Nameless,
    /// The process that forks, and where.
    pub(super) leader: u32,
    /// Its threads of which it has noted that they work for it alone: at an earlier fork, or for a child, which does not know where it was forked.
    noted: &'a [u32],
    fork: Option<Site<'a>>,
    /// The child was made to run one function (multiprocessing), not to go on with the program.
    pub(super) runs_function: bool,
    /// The child was forked by a library whose processes make their threads themselves: the guard starts none again there.
    pub(super) makes_threads: bool,
    pub(super) locks: &'a [Lock<'a>],
    /// Descriptors that the child has from its leader, and that were not meant for it.
    pub(super) inherited: &'a [&'a Descriptor<'a>],
    /// Those of them that are files and that the application opened, or somebody unknown.
    pub(super) files: &'a [&'a Descriptor<'a>],
    signals: &'a [Signal<'a>],
    /// Those for which the application had set a handler before the fork (bit n: signal n + 1).
    own_signals: u64,
    pub(super) blocked: &'a [Text<'a>],
    /// Where they were blocked.
    pub(super) blocked_at: &'a [Site<'a>],
    pub(super) timers: &'a [Timer<'a>],
    /// The program file.
    pub(super) executable: &'a str,
    /// Loaded libraries with a random generator of their own.
    pub(super) generators: &'a [&'a str],
    /// A loaded library that Go's linker made; looked for when threads were started past every hook.
    pub(super) go: Option<&'a str>,
    /// Libraries that Go's linker made and that started a thread.
    pub(super) go_starters: &'a [&'a str],
    /// First use of the C library's generator.
    pub(super) random: Option<Site<'a>>,
    /// Where other generators took their seeds.
    pub(super) seeds: &'a [Site<'a>],
    /// Streams with output that the child has a copy of.
    pub(super) buffers: &'a [Buffer<'a>],
    /// Exit handlers of the application's.
    pub(super) exit_handlers: &'a [ExitHandler<'a>],
}

impl<'a> Evidence<'a> {
    /// Gathers it for a described fork, in the leader or in the child.
    pub(crate) fn of(fork: &Fork<'a>, snapshot: &Snapshot, arena: &'a Arena, fork_id: &'a str) -> Evidence<'a> {
        let in_child = snapshot.leader != kernel::process_id();
        let child = if in_child { Some(kernel::process_id()) } else { fork.child };
        let threads = borrowed(&fork.threads);
        let inherited = inherited(arena, borrowed(&fork.descriptors), in_child);
        let fork_site = describe::site(arena, Role::Fork, snapshot.thread, snapshot.site);
        let (generators, go) = known_libraries(arena, threads.iter().any(|thread| !thread.recorded));
        Evidence {
            arena,
            in_child,
            context: Context::of(arena, fork_id, child),
            threads,
            nameless: Nameless::now(),
            leader: snapshot.leader,
            noted: noted_threads(arena, threads, in_child),
            runs_function: is_launched_by(MULTIPROCESSING, fork_site.as_ref(), in_child),
            makes_threads: LAUNCHERS.iter().any(|launcher| is_launched_by(launcher, fork_site.as_ref(), in_child)),
            fork: fork_site,
            locks: borrowed(&fork.locks),
            inherited,
            files: files(arena, inherited),
            signals: borrowed(&fork.signals),
            own_signals: own_signals(in_child),
            blocked: borrowed(&fork.blocked),
            blocked_at: borrowed(&fork.blocked_at),
            timers: borrowed(&fork.timers),
            executable: arena.text(program_path().as_str()),
            generators,
            go,
            go_starters: go_starters(arena, threads),
            random: describe::site(arena, Role::Used, 0, snapshot.random),
            seeds: seeds(arena, snapshot),
            buffers: describe::buffers(arena, snapshot),
            exit_handlers: describe::exit_handlers(arena, in_child),
        }
    }

    /// Threads that the child does not have. The kernel's own workers of io_uring are none of the program's.
    pub(super) fn lost_threads(&self) -> impl Iterator<Item = &'a Thread<'a>> + '_ {
        self.threads.iter().filter(|thread| !thread.forking && !thread.name.starts_with("iou-"))
    }

    /// True for a lost thread that works for the process that forks alone.
    pub(super) fn works_for_leader(&self, thread: &Thread<'_>) -> bool {
        self.noted.contains(&thread.tid) || works_for_leader(thread, self.threads, self.fork.as_ref(), self.leader)
    }

    /// True for a thread of the runtime that the forking thread is of, too, and for the main thread of such a program.
    pub(super) fn is_of_forking_runtime(&self, thread: &Thread<'_>) -> bool {
        let is_runtimes =
            |thread: &Thread<'_>| libraries::runtime(thread, |library| self.go_starters.contains(&library)).is_some();
        let is_of = |forking: &Thread<'_>| is_runtimes(forking) && (thread.tid == self.leader || is_runtimes(thread));
        self.threads.iter().find(|thread| thread.forking).is_some_and(is_of)
    }

    /// The lost threads that work for it alone.
    pub(crate) fn leaders_threads(&self) -> impl Iterator<Item = u32> {
        self.lost_threads().filter(|thread| self.works_for_leader(thread)).map(|thread| thread.tid)
    }

    /// Signals for which the application had set a handler.
    pub(super) fn handled_by_application(&self) -> impl Iterator<Item = &'a Signal<'a>> + '_ {
        let is_applications = |signal: &&Signal<'_>| self.own_signals >> (signal.number - 1) & 1 != 0;
        self.signals.iter().filter(|signal| signal.disposition == Disposition::Handler).filter(is_applications)
    }

    /// An open finding. `what`: the last part of its id; `subject`: what it is about, by name.
    pub(super) fn finding(
        &self,
        kind: FindingKind,
        severity: Severity,
        what: Arguments<'_>,
        subject: Arguments<'_>,
        sites: &'a [Site<'a>],
    ) -> Finding<'a> {
        let (what, subject) = (self.arena.format(what), self.arena.format(subject));
        self.context.finding((kind, severity, State::Open), what, subject, sites)
    }
}

/// Where the libraries of `PROCESSES` in src/guards/threads/restart.py fork.
const LAUNCHERS: [&str; 3] = [MULTIPROCESSING, "/multiprocess/popen_fork.py", "/billiard/popen_fork.py"];
const MULTIPROCESSING: &str = "/multiprocessing/popen_fork.py";

/// True for a child that such a library forked. The child sees it from its own stack, because only its leader knows where it forked.
fn is_launched_by(launcher: &str, fork: Option<&Site<'_>>, in_child: bool) -> bool {
    let launches = |frame: &Frame<'_>| frame.file.as_deref().is_some_and(|file| file.ends_with(launcher));
    match in_child {
        true => sites::python::is_below(launcher),
        false => fork.is_some_and(|fork| fork.frames.iter().any(launches)),
    }
}

/// The threads of which the leader has noted that they work for it alone. One that reads from children at one fork writes a log at the next.
fn noted_threads<'a>(arena: &'a Arena, threads: &[Thread<'_>], in_child: bool) -> &'a [u32] {
    let mut list = arena.list(threads.len());
    let noted = threads.iter().filter(|thread| shared_page::is_leaders_thread(thread.tid, in_child));
    noted.for_each(|thread| list.push(thread.tid));
    list.done()
}

/// What a described fork borrows from the arena.
fn borrowed<'a, T: Clone>(list: &List<'a, T>) -> &'a [T] {
    match list {
        Borrowed(slice) => slice,
        // The library only ever borrows.
        Owned(_) => &[],
    }
}

/// The seeds that were taken before the fork.
fn seeds<'a>(arena: &'a Arena, snapshot: &Snapshot) -> &'a [Site<'a>] {
    let mut list = arena.list(snapshot.seeds);
    random::seeds()
        .take(snapshot.seeds)
        .filter_map(|seed| describe::site(arena, Role::Used, 0, seed))
        .for_each(|site| list.push(site));
    list.done()
}

/// In the child, descriptors that it made itself are nobody's inheritance.
fn inherited<'a>(arena: &'a Arena, descriptors: &'a [Descriptor<'a>], in_child: bool) -> &'a [&'a Descriptor<'a>] {
    let mut list = arena.list(descriptors.len());
    let inherited = descriptors.iter().filter(|descriptor| !in_child || descriptor.origin == Origin::Forked);
    inherited.filter(|descriptor| !keep::keeps(descriptor.fd)).for_each(|descriptor| list.push(descriptor));
    list.done()
}

fn files<'a>(arena: &'a Arena, inherited: &[&'a Descriptor<'a>]) -> &'a [&'a Descriptor<'a>] {
    let mut list = arena.list(inherited.len());
    let files = inherited.iter().filter(|descriptor| descriptor.kind == DescriptorKind::File);
    files.filter(|file| describe::descriptors::is_applications(file.fd)).for_each(|file| list.push(*file));
    list.done()
}

/// Loaded libraries with a generator, and if asked for one that Go's linker made.
fn known_libraries(arena: &Arena, with_go: bool) -> (&[&str], Option<&str>) {
    const GENERATORS: usize = 32;
    let mut generators = arena.list(GENERATORS);
    let mut go = None;
    for library in own_and_next(MemoryAccess::FAULT_PROOF) {
        let path = library.path();
        if libraries::generator(path.as_str()).is_some() {
            generators.push(arena.text(path.as_str()));
        }
        if with_go && go.is_none() && libraries::is_go(&library) {
            go = Some(arena.text(path.as_str()));
        }
    }
    (generators.done(), go)
}

fn own_signals(in_child: bool) -> u64 {
    let own = (1..=signals::COUNT as i32).filter(|&number| describe::is_handled_by_application(number, in_child));
    own.fold(0, |bits, number| bits | 1 << (number - 1))
}

fn go_starters<'a>(arena: &'a Arena, threads: &'a [Thread<'a>]) -> &'a [&'a str] {
    const STARTERS: usize = 16;
    let mut starters = arena.list::<&str>(STARTERS);
    for path in threads.iter().filter_map(libraries::starter_path) {
        if !starters.as_slice().contains(&path) && native::module_is_go(path) {
            starters.push(path);
        }
    }
    starters.done()
}
