//! What does not fit into a report loses its sites first, then its lists; the counts say what is missing.
use crate::entry::Arena;
use forkguard_report::event::{Fork, List, Site};
use std::borrow::Cow::Borrowed;

/// Takes a fork's sites away.
pub(crate) fn without_sites<'a>(arena: &'a Arena, fork: &mut Fork<'a>) {
    arena.open_reserve();
    let mut left_out = 0;
    let mut take = |site: &mut Option<Site<'a>>| left_out += u32::from(site.take().is_some());
    each(arena, &mut fork.threads, |thread| {
        take(&mut thread.site);
        take(&mut thread.stood);
    });
    each(arena, &mut fork.locks, |lock| take(&mut lock.site));
    each(arena, &mut fork.descriptors, |descriptor| {
        take(&mut descriptor.site);
        descriptor.added = Borrowed(&[]);
    });
    each(arena, &mut fork.timers, |timer| {
        take(&mut timer.site);
        take(&mut timer.created);
    });
    fork.blocked_at = Borrowed(&[]);
    each(arena, &mut fork.atfork, |atfork| take(&mut atfork.site));
    each(arena, &mut fork.signals, |signal| {
        take(&mut signal.site);
        signal.earlier = Borrowed(&[]);
    });
    fork.truncated.sites += left_out;
}

/// Takes away the lists that may be long.
pub(crate) fn without_lists<'a>(_: &'a Arena, fork: &mut Fork<'a>) {
    let Fork { threads, locks, descriptors, atfork, truncated, .. } = fork;
    empty(threads, &mut truncated.threads);
    empty(locks, &mut truncated.locks);
    empty(descriptors, &mut truncated.descriptors);
    empty(atfork, &mut truncated.atfork);
}

fn empty<T: Clone>(list: &mut List<'_, T>, left_out: &mut u32) {
    *left_out += list.len() as u32;
    *list = Borrowed(&[]);
}

/// Changes each entry of a list; of one that the arena has no room for, none.
fn each<'a, T: Clone>(arena: &'a Arena, list: &mut List<'a, T>, mut change: impl FnMut(&mut T)) {
    let mut changed = arena.list(list.len());
    for entry in list.iter() {
        let mut entry = entry.clone();
        change(&mut entry);
        changed.push(entry);
    }
    if changed.as_slice().len() == list.len() {
        *list = Borrowed(changed.done());
    }
}
