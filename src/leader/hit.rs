//! What a child waits for in vain: a lost thread, or a lock inside the C library that one held.
use super::child::{Child, NAMED};
use super::outside::{Wait, is_in_libc};
use crate::describe::{self, Nameless, libc_locks, lock_functions};
use crate::entry::Arena;
use crate::findings::{self, Hit};
use forkguard_core::fork::LockRecord;
use forkguard_loader::path_of;
use forkguard_report::event::{FindingKind, Role, Site, Thread};

/// The finding of a fork behind a hit.
pub(super) struct Behind<'a> {
    pub(super) kind: FindingKind,
    pub(super) what: &'a str,
    /// The fork reported it.
    pub(super) known: bool,
}

/// A child's wait at `site`, whose addresses are `frames`.
pub(super) fn of_wait<'a>(
    arena: &'a Arena,
    child: &Child,
    wait: &Wait,
    lost: &'a [Thread<'a>],
    (site, frames): (Option<Site<'a>>, &[usize]),
) -> (Hit<'a>, Behind<'a>) {
    let Some(function) = site.as_ref().and_then(|site| libc_function(arena, frames, site)) else {
        return match site.as_ref().and_then(lock_functions::taken_in) {
            Some(function) => of_unrecorded_lock(arena, child, wait, (arena.text(function), ""), lost, site),
            None => of_lost_threads(arena, child, wait, lost, site),
        };
    };
    let is_wanted = |lock: &&LockRecord| libc_locks::is_same(describe::libc_name(lock.entry.address), function);
    match child.libc_locks.as_slice().iter().find(is_wanted) {
        Some(lock) => of_libc_lock(arena, child, lock, function, lost, site),
        None => of_unrecorded_lock(arena, child, wait, (function, " inside the C library"), lost, site),
    }
}

fn of_lost_threads<'a>(
    arena: &'a Arena,
    child: &Child,
    wait: &Wait,
    lost: &'a [Thread<'a>],
    site: Option<Site<'a>>,
) -> (Hit<'a>, Behind<'a>) {
    let (names, sites) = lost_threads_text(arena, child, lost);
    let hit = Hit {
        kind: FindingKind::JoinLostThread,
        what: arena.format(format_args!("{:#x}", wait.address)),
        subject: arena.format(format_args!(
            "its only thread waits for a futex at {:#x} that only lost threads could wake; lost at the fork: {names}",
            wait.address,
        )),
        sites: arena.join([site.as_slice(), sites]),
        hazard: None,
    };
    let runtime = runtime_of(wait, lost);
    let known = child.full && runtime.is_some();
    (hit, Behind { kind: FindingKind::RuntimeUnsafe, what: runtime.unwrap_or_default(), known })
}

/// A lock of the C library whose holder was inside one of its functions at the fork.
fn of_libc_lock<'a>(
    arena: &'a Arena,
    child: &Child,
    lock: &LockRecord,
    function: &str,
    lost: &'a [Thread<'a>],
    site: Option<Site<'a>>,
) -> (Hit<'a>, Behind<'a>) {
    let holder = lost.iter().find(|thread| thread.tid == lock.holder);
    let held_by = Nameless::now().thread(arena, holder.map_or("", |thread| &thread.name), lock.holder);
    let taken = describe::site(arena, Role::Taken, lock.holder, lock.entry.site);
    let (stood, started) = (holder.and_then(|thread| thread.stood.clone()), holder.and_then(|thread| thread.site.clone()));
    let what = arena.text(describe::lock_id(lock).as_str());
    let hit = Hit {
        kind: FindingKind::LockDeadlock,
        what,
        subject: arena.format(format_args!(
            "its only thread waits in {function}() for the C library's lock inside {}(), held by {held_by}",
            describe::libc_name(lock.entry.address)
        )),
        sites: arena.join([taken.as_slice(), stood.as_slice(), started.as_slice(), site.as_slice()]),
        hazard: None,
    };
    (hit, Behind { kind: FindingKind::LockOrphaned, what, known: child.full })
}

/// One whose holder no hook saw.
fn of_unrecorded_lock<'a>(
    arena: &'a Arena,
    child: &Child,
    wait: &Wait,
    (function, place): (&str, &str),
    lost: &'a [Thread<'a>],
    site: Option<Site<'a>>,
) -> (Hit<'a>, Behind<'a>) {
    let (names, sites) = lost_threads_text(arena, child, lost);
    let what = arena.format(format_args!("{function}-{:#x}", wait.address));
    let hit = Hit {
        kind: FindingKind::LockDeadlock,
        what,
        subject: arena.format(format_args!(
            "its only thread waits in {function}() for a lock{place} that only a lost thread could release; lost at the fork: {names}"
        )),
        sites: arena.join([sites, site.as_slice()]),
        hazard: None,
    };
    (hit, Behind { kind: FindingKind::LockOrphaned, what, known: false })
}

/// The function of the C library by which the application came to its wait, the outermost of those at the top of its stack, if what it waits for is a
/// lock.
fn libc_function<'a>(arena: &'a Arena, frames: &[usize], site: &Site<'_>) -> Option<&'a str> {
    let inner = frames.iter().take_while(|&&address| is_in_libc(address)).count();
    let mut functions = site.frames.iter().take(inner).rev().filter_map(|frame| frame.function.as_deref());
    let function = functions.find(|name| !begins_threads(name))?;
    (!libc_locks::waits_for_threads(function)).then(|| arena.text(function))
}

/// True for the C library's functions below everything that a thread runs. A walk that missed the program's frames leads there.
fn begins_threads(name: &str) -> bool {
    name.starts_with("__libc_start") || matches!(name, "start_thread" | "clone" | "clone3" | "__clone3")
}

/// How many threads were lost, their names, and their sites.
fn lost_threads_text<'a>(arena: &'a Arena, child: &Child, lost: &[Thread<'a>]) -> (&'a str, &'a [Site<'a>]) {
    let mut sites = arena.list::<Site<'_>>(2 * NAMED + 1);
    let (mut names, nameless) = ("", Nameless::now());
    let gap = |names: &str| if names.is_empty() { "" } else { ", " };
    for thread in lost {
        names = arena.format(format_args!("{names}{}{}", gap(names), nameless.quoted(arena, &thread.name)));
        thread.site.iter().chain(&thread.stood).for_each(|site| sites.push(site.clone()));
    }
    if child.unrecorded > 0 {
        names = arena.format(format_args!("{names}{}{} started past every hook", gap(names), child.unrecorded));
        findings::go_site(arena).into_iter().for_each(|site| sites.push(site));
    }
    let more = if child.lost_count.saturating_sub(child.unrecorded) > NAMED as u32 { ", …" } else { "" };
    let threads = if child.lost_count == 1 { "thread" } else { "threads" };
    (arena.format(format_args!("{} {threads} ({names}{more})", child.lost_count)), sites.done())
}

/// The runtime of a lost thread, when the child waits at an instruction of that runtime.
fn runtime_of<'a>(wait: &Wait, lost: &'a [Thread<'a>]) -> Option<&'a str> {
    let path = path_of(wait.instruction)?;
    let library = path.as_str().rsplit('/').next()?;
    lost.iter().find_map(|t| findings::runtime_library(t)).filter(|runtime| *runtime == library)
}
