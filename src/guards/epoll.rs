//! FORKGUARD_EPOLL=own: an inherited epoll instance becomes the child's own, watching the same descriptors.
use super::unshare::{inherited, unshare};
use crate::ledger::log_resolving_action;
use crate::options::{self, Shared};
use forkguard_core::kernel::{self, unshare};
use forkguard_core::registry::descriptors::{self, FdKind, mark};
use forkguard_core::{flags, fork};
use forkguard_report::event::{FindingKind, Guard};

/// See [`super::in_child`].
pub(super) fn in_child() {
    if options::get().epoll == Shared::Own {
        inherited(FdKind::Epoll).for_each(make_own);
    }
}

/// True where a descriptor is to leave its instance before this process closes it: an instance watches what another process still has open
/// (epoll(7)), and nobody here could take it out any more.
pub(crate) fn takes_out_closed() -> bool {
    options::get().epoll == Shared::Own && options::guards() && is_shared_by_fork()
}

fn is_shared_by_fork() -> bool {
    fork::made() > 0 || flags::is_forked_child()
}

/// A number that was duplicated stays: the instance watches its other number, too.
pub(crate) fn take_out(fd: i32) {
    let is_epoll = |&epoll: &i32| descriptors::record(epoll).is_some_and(|record| record.kind == FdKind::Epoll);
    let is_copied = |fd| descriptors::record(fd).is_some_and(|record| record.marks & mark::COPIED != 0);
    if let Some(epoll) = descriptors::watched_by(fd).filter(is_epoll)
        && !is_copied(fd)
    {
        // What another thread took out meanwhile need not be.
        let _ = kernel::remove_from_epoll(epoll, fd);
    }
}

fn make_own(fd: i32) {
    let start = kernel::monotonic_by_syscall();
    let is_epoll = |fd| descriptors::record(fd).is_some_and(|record| record.kind == FdKind::Epoll);
    let result = unshare(fd, || unshare::copy_epoll(fd, is_epoll));
    let subject = format_args!("epoll instance, descriptor {fd}");
    let resolved = (FindingKind::EpollInherited, format_args!("{fd}"), "forkguard gave the child an instance of its own");
    log_resolving_action(Guard::Epoll, "made the child's own", subject, start, result, resolved);
}
