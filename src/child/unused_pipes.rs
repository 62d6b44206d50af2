//! Ends of pipes and pairs of sockets that a child has from its leader and neither uses nor closes.
use crate::describe::{descriptors, keep};
use crate::entry::Arena;
use crate::findings::Hit;
use forkguard_core::kernel;
use forkguard_core::registry::descriptors as table;
use forkguard_core::registry::descriptors::{FdKind, Record, role};
use forkguard_report::event::FindingKind;

/// All ends that this child got at its fork, and that are not meant for it as far as it shows: their pipes lead elsewhere, or the child uses
/// the other end. None when there are none.
pub(crate) fn unused<'a>(arena: &'a Arena) -> Option<Hit<'a>> {
    const NAMED: usize = 8;
    let mut sites = arena.list(NAMED);
    let (mut count, mut names) = (0, "");
    for (fd, _) in table::recorded().filter(|(fd, record)| is_unused(*fd, record)) {
        count += 1;
        let Some(end) = descriptors::describe(arena, fd).filter(|_| count <= NAMED) else { continue };
        names = arena.format(format_args!("{names}{}{fd}", if names.is_empty() { "" } else { ", " }));
        end.site.into_iter().for_each(|site| sites.push(site));
    }
    let more = if count > NAMED { ", …" } else { "" };
    let ends = if count == 1 { "end of a pipe: descriptor" } else { "ends of pipes: descriptors" };
    (count > 0).then(|| Hit {
        kind: FindingKind::PipeInherited,
        what: "unused",
        subject: arena.format(format_args!("{count} {ends} {names}{more}, unused so far")),
        sites: sites.done(),
        hazard: None,
    })
}

fn is_unused(fd: i32, record: &Record) -> bool {
    let inherited = fd > 2 && record.role & role::FORKED != 0 && record.role & (role::PLACED | role::KEPT_ON_EXEC) == 0;
    let used = || table::is_used(fd) || !table::is_unseen(fd);
    inherited && !used() && !keep::is_kept(fd, record) && (leads_elsewhere(fd) || is_one_way_fifo(fd, record))
}

/// The other end was closed before the fork, or is the one that the child uses.
fn leads_elsewhere(fd: i32) -> bool {
    let Some(end) = table::pipe_end(fd) else { return false };
    let twin_is_used = || table::twin(fd).is_some_and(table::is_used);
    end.other().record().closed || twin_is_used()
}

/// A pipe with a name, open for one way.
fn is_one_way_fifo(fd: i32, record: &Record) -> bool {
    let file = (record.kind == FdKind::File).then(|| kernel::other_process::open_file(kernel::process_id(), fd)).flatten();
    file.is_some_and(|file| file.is_pipe && file.reads != file.writes)
}
