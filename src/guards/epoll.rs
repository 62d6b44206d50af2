//! FORKGUARD_EPOLL=own: an inherited epoll instance becomes the child's own, watching the same descriptors.
use super::unshare::{inherited, unshare};
use crate::ledger::log_resolving_action;
use crate::options::{self, Shared};
use forkguard_core::kernel::{self, unshare};
use forkguard_core::registry::descriptors::{self, FdKind};
use forkguard_report::event::{FindingKind, Guard};

/// See [`super::in_child`].
pub(super) fn in_child() {
    if options::get().epoll == Shared::Own {
        inherited(FdKind::Epoll).for_each(make_own);
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
