//! FORKGUARD_EPOLL=own: an inherited epoll instance becomes the child's own, watching the same descriptors.
use super::*;
use crate::options::Shared;
use forkguard_core::descriptor::{self, Kind as Made};
use forkguard_core::own::{self, Left};

/// See [`super::in_child`].
pub(super) fn in_child() {
    if options::get().epoll == Shared::Own {
        inherited(Made::Epoll).for_each(make_own);
    }
}

/// Inherited descriptors of a kind that no one meant for the children.
pub(super) fn inherited(kind: Made) -> impl Iterator<Item = i32> {
    let shared = move |record: &descriptor::Record| {
        record.kind == kind && record.role & (descriptor::role::PLACED | descriptor::role::KEPT_ON_EXEC) == 0
    };
    descriptor::recorded().filter(move |(fd, record)| *fd > 2 && shared(record)).map(|(fd, _)| fd)
}

fn make_own(fd: i32) {
    let start = raw::monotonic_of_kernel();
    let is_epoll = |fd| descriptor::record(fd).is_some_and(|record| record.kind == Made::Epoll);
    let result = errno_of(unless_copied(fd, || own::copy_epoll(fd, is_epoll)));
    if result.is_ok() {
        descriptor::made_own(fd);
    }
    let end = (Kind::EpollInherited, format_args!("{fd}"), "forkguard gave the child an instance of its own");
    cured(Guard::Epoll, "made the child's own", format_args!("epoll instance, descriptor {fd}"), start, result, end);
}

/// Does that to a descriptor; not to one of which this process has a copy: what is done through the one shows through the other.
pub(super) fn unless_copied(fd: i32, make: impl FnOnce() -> Result<(), Left>) -> Result<(), Left> {
    // A copy has its original's site.
    let site = descriptor::record(fd).map(|record| record.site);
    let is_copy = |(other, record): (i32, descriptor::Record)| {
        other != fd && Some(record.site) == site && raw::is_same_open_file(fd, other)
    };
    if descriptor::recorded().any(is_copy) { Err(Left::Needed) } else { make() }
}

/// What could not be done, as an errno.
pub(super) fn errno_of(result: Result<(), Left>) -> Result<(), i32> {
    result.map_err(|left| match left {
        Left::Failed(errno) => errno.raw_os_error(),
        Left::Needed => libc::EBUSY,
    })
}
