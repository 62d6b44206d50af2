//! FORKGUARD_FILES=own: a file that is only read, by position, has a position of its own in the child.
use super::epoll::{errno_of, inherited};
use super::*;
use crate::options::Shared;
use forkguard_core::descriptor::{self, Kind as Made};
use forkguard_core::own;

/// See [`super::in_child`].
pub(super) fn in_child() {
    if options::get().files == Shared::Own {
        inherited(Made::File).filter(|&fd| raw::is_read_by_position(fd)).for_each(make_own);
    }
}

fn make_own(fd: i32) {
    let start = raw::monotonic_of_kernel();
    let result = errno_of(own::reopen(fd));
    if result.is_ok() {
        descriptor::made_own(fd);
    }
    let end = (Kind::FileOffsetShared, format_args!("{fd}"), "forkguard opened the file again for the child");
    cured(Guard::Files, "opened again for the child", format_args!("descriptor {fd}"), start, result, end);
}
