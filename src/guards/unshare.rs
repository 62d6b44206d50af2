//! An open file description of the child's own, under the number of one that it shares with its leader.
use forkguard_core::kernel;
use forkguard_core::kernel::unshare::NotUnshared;
use forkguard_core::registry::descriptors::{self, FdKind, Record, mark, role};

/// Inherited descriptors of a kind that were not passed to the children on purpose.
pub(super) fn inherited(kind: FdKind) -> impl Iterator<Item = i32> {
    descriptors::recorded().filter(move |(fd, record)| is_inherited(*fd, record, kind)).map(|(fd, _)| fd)
}

/// True for such a descriptor.
pub(super) fn is_inherited(fd: i32, record: &Record, kind: FdKind) -> bool {
    fd > 2 && record.kind == kind && record.role & (role::PLACED | role::KEPT_ON_EXEC) == 0
}

/// Has `replace` put a new description under `fd`, unless this process has another descriptor of the old one: an operation through one of
/// them must show through the other.
pub(super) fn unshare(fd: i32, replace: impl FnOnce() -> Result<(), NotUnshared>) -> Result<(), i32> {
    let result = if has_duplicate(fd) { Err(NotUnshared::Needed) } else { replace() };
    if result.is_ok() {
        descriptors::set_own(fd);
    }
    errno_of(result)
}

fn has_duplicate(fd: i32) -> bool {
    let is_copied = |record: &Record| record.marks & mark::COPIED != 0;
    let is_duplicate = |(other, record): (i32, Record)| other != fd && is_copied(&record) && kernel::is_same_open_file(fd, other);
    descriptors::record(fd).is_some_and(|record| is_copied(&record)) && descriptors::recorded().any(is_duplicate)
}

/// The reason why a description stays shared, as an errno.
pub(super) fn errno_of(result: Result<(), NotUnshared>) -> Result<(), i32> {
    result.map_err(|left| match left {
        NotUnshared::Failed(errno) => errno.raw_os_error(),
        NotUnshared::Needed => libc::EBUSY,
    })
}
