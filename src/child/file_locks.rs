//! Locks on files that the leader held at the fork, by files that the child has open: looked at when it settles, or ends before that.
use crate::describe::{self, descriptors, keep};
use crate::entry::{Arena, Scratch};
use crate::findings::{self, Hit, lock_file_shared};
use crate::ledger;
use forkguard_core::fork::{self as core_fork, Snapshot, shared_page};
use forkguard_core::kernel;
use forkguard_core::kernel::unshare::holds_lock;
use forkguard_core::registry::descriptors as table;
use forkguard_core::registry::descriptors::{FileLock, FileLockKind};
use forkguard_report::event::{Event, Finding, FindingKind, Role, Severity, State};

/// The child ends before it settled: what it did with the files it did without their locks.
pub(super) fn report_all(scratch: &Scratch, id: &str) {
    let Some(fork) = core_fork::birth().filter(|_| table::recorded().any(|(fd, _)| table::file_lock(fd).is_some())) else {
        return;
    };
    shared_page::await_leader(fork.leader, fork.sequence);
    let arena = scratch.arena();
    each_held(&arena, fork, |hit| {
        let finding = findings::of_hit(&arena, id, Severity::Info, &hit);
        ledger::write_events(scratch, Some(id), [Some(Event::Finding(Finding { state: State::Open, ..finding }))]);
    });
}

/// Calls `each` for those that the kernel still knows.
pub(super) fn each_held<'a>(arena: &'a Arena, fork: &Snapshot, mut each: impl FnMut(Hit<'a>)) {
    for (fd, record) in table::recorded() {
        let inherited = |lock: &FileLock| lock.inherited && table::is_inherited(fd) && !keep::is_kept(fd, &record);
        let held = |lock: &FileLock| match lock.kind {
            FileLockKind::Process => kernel::locking_process(fd) == Some(fork.leader),
            FileLockKind::Flock | FileLockKind::OpenFile => holds_lock(fd),
        };
        let Some(lock) = table::file_lock(fd).filter(inherited).filter(held) else { continue };
        let Some(file) = descriptors::describe(arena, fd) else { continue };
        let subject = lock_file_shared::subject(arena, &file, lock.kind);
        let share = match lock.kind {
            FileLockKind::Process => "its leader holds it, the child has none",
            _ => "its leader took it, the child shares it",
        };
        each(Hit {
            kind: FindingKind::LockFileShared,
            what: arena.format(format_args!("{fd}")),
            subject: arena.format(format_args!("{subject}: {share}")),
            sites: arena.join([describe::site(arena, Role::Taken, lock.thread, lock.site).as_slice()]),
            hazard: None,
        });
    }
}
