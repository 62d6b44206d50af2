//! FORKGUARD_EPOLL=own: an inherited epoll instance becomes the child's own, watching the same descriptors.
use super::*;
use crate::options::Shared;
use forkguard_core::descriptor::{self, Kind as Made, mark, role};
use forkguard_core::own::{self, Left};

/// See [`super::in_child`].
pub(super) fn in_child() {
    if options::get().epoll == Shared::Own {
        inherited(Made::Epoll).for_each(make_own);
    }
}

/// Inherited descriptors of a kind that no one meant for the children.
pub(super) fn inherited(kind: Made) -> impl Iterator<Item = i32> {
    descriptor::recorded().filter(move |(fd, record)| is_inherited(*fd, record, kind)).map(|(fd, _)| fd)
}

/// True for one of them.
pub(super) fn is_inherited(fd: i32, record: &descriptor::Record, kind: Made) -> bool {
    fd > 2 && record.kind == kind && record.role & (role::PLACED | role::KEPT_ON_EXEC) == 0
}

fn make_own(fd: i32) {
    let start = raw::monotonic_of_kernel();
    let is_epoll = |fd| descriptor::record(fd).is_some_and(|record| record.kind == Made::Epoll);
    let result = errno_of(unless_copied(fd, || own::copy_epoll(fd, is_epoll)));
    if result.is_ok() {
        descriptor::made_own(fd);
    }
    let end = (Kind::EpollInherited, format_args!("{fd}"), "forkguard gave the child an instance of its own");
    log_resolving_action(
        Guard::Epoll,
        "made the child's own",
        format_args!("epoll instance, descriptor {fd}"),
        start,
        result,
        end,
    );
}

/// Does that to a descriptor; not to one of which this process has a copy: what is done through the one shows through the other.
pub(super) fn unless_copied(fd: i32, make: impl FnOnce() -> Result<(), Left>) -> Result<(), Left> {
    let is_copied = |record: &descriptor::Record| record.marks & mark::COPIED != 0;
    let is_copy =
        |(other, record): (i32, descriptor::Record)| other != fd && is_copied(&record) && raw::is_same_open_file(fd, other);
    let has_copy = descriptor::record(fd).is_some_and(|record| is_copied(&record)) && descriptor::recorded().any(is_copy);
    if has_copy { Err(Left::Needed) } else { make() }
}

/// What could not be done, as an errno.
pub(super) fn errno_of(result: Result<(), Left>) -> Result<(), i32> {
    result.map_err(|left| match left {
        Left::Failed(errno) => errno.raw_os_error(),
        Left::Needed => libc::EBUSY,
    })
}
