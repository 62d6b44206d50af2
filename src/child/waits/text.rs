//! Texts of waits: the thread that waits, and the lost threads.
use crate::describe::{self, Nameless};
use crate::entry::Arena;
use crate::findings::runtime_name;
use crate::sites;
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_core::registry::threads;
use forkguard_report::event::{Role, Site, Thread};
use std::sync::atomic::Ordering::Relaxed;

/// Lost threads that a finding names.
const NAMED: usize = 4;

/// The thread that waits.
pub(crate) fn waiter(arena: &Arena) -> &str {
    let tid = kernel::thread_id();
    let slot = threads::mine().map(|slot| (sites::label(slot.label.load(Relaxed)).0, slot.name()));
    match slot {
        _ if tid == kernel::process_id() => "the main thread",
        Some((name, _)) if !name.is_empty() => arena.format(format_args!("thread \"{name}\" (tid {tid})")),
        Some((_, name)) if !name.is_empty() => arena.format(format_args!("thread \"{}\" (tid {tid})", name.as_str())),
        _ => arena.format(format_args!("thread {tid}")),
    }
}

/// What stands for a wait for the thing at that address in its finding's id.
pub(super) fn wait_id(address: usize) -> Text<64> {
    Text::of(format_args!("{address:#x}"))
}

/// The site at which this thread waits, described.
pub(crate) fn wait_site<'a>(arena: &'a Arena, site: usize) -> Option<Site<'a>> {
    describe::site(arena, Role::Waits, kernel::thread_id(), site)
}

/// Where this thread gave the work that waits at that semaphore.
pub(super) fn given_at<'a>(arena: &'a Arena, semaphore: usize) -> Option<Site<'a>> {
    let slot = threads::mine().filter(|slot| slot.gave_work.load(Relaxed) == semaphore)?;
    describe::site(arena, Role::Used, kernel::thread_id(), slot.gave_work_at.load(Relaxed))
}

/// The lost threads in words, and the sites of those that are named: first the threads that waited at the same address. Fork-safe threads are
/// named only when they waited there, or no other thread was lost.
pub(super) fn lost_threads_text<'a>(arena: &'a Arena, threads: &[Thread<'a>], address: usize) -> (&'a str, &'a [Site<'a>]) {
    let waited_there = |thread: &&Thread<'_>| waits_for(thread, address);
    let all_safe = threads.iter().all(|thread| thread.forking || thread.fork_safe);
    let lost = threads.iter().filter(|t| !t.forking && (all_safe || !t.fork_safe || waited_there(t)));
    let count = lost.clone().count();
    let mut sites = arena.list(NAMED);
    let (mut names, nameless) = ("", Nameless::now());
    for thread in lost.clone().filter(waited_there).chain(lost.clone().filter(|t| !waited_there(t))).take(NAMED) {
        let gap = if names.is_empty() { "" } else { ", " };
        names = arena.format(format_args!("{names}{gap}{}", nameless.quoted(arena, &thread.name)));
        thread.site.iter().for_each(|site| sites.push(site.clone()));
    }
    let more = if count > NAMED { ", …" } else { "" };
    let threads = if count == 1 { "thread" } else { "threads" };
    let of_runtime = common_runtime(lost).map_or("", |runtime| arena.format(format_args!(" of {runtime}")));
    (arena.format(format_args!("{count} {threads}{of_runtime} ({names}{more})")), sites.done())
}

/// The runtime that all of these threads belong to: what its threads do, only the whole of it does anew.
fn common_runtime<'t, 'a: 't>(mut threads: impl Iterator<Item = &'t Thread<'a>>) -> Option<&'static str> {
    let first = runtime_name(threads.next()?)?;
    threads.all(|thread| runtime_name(thread) == Some(first)).then_some(first)
}

fn waits_for(thread: &Thread<'_>, address: usize) -> bool {
    let waits = thread.waits_for.as_deref().and_then(|hex| usize::from_str_radix(hex.strip_prefix("0x")?, 16).ok());
    waits == Some(address)
}
