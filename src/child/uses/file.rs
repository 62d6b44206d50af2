//! The first use of a file that SQLite may have opened, or that is read or written by position.
use super::certainty::certainty;
use super::concern::{Use, descriptor_id};
use super::{pending, positions, watch};
use crate::describe::descriptors;
use crate::entry::{record, record_with_scratch};
use crate::findings::{file_offset_shared, sqlite_inherited};
use crate::guards;
use crate::ledger;
use crate::sites;
use forkguard_core::registry;
use forkguard_core::registry::descriptors::{Record, role};
use forkguard_report::event::{Descriptor, FindingKind, Severity, State};

/// True for a database that SQLite's own code opened; the file is read only when that is so.
pub(crate) fn is_database(fd: i32, record_of_fd: &Record) -> bool {
    let opened_by_sqlite = || {
        let address = sites::address_of(record_of_fd.site);
        forkguard_loader::path_of(address).is_some_and(|path| path.as_str().contains("sqlite"))
    };
    let may_be = record_of_fd.role & role::NO_DATABASE == 0;
    may_be && record(|_| opened_by_sqlite()) == Some(true) && shows(fd, sqlite_inherited::is_database)
}

/// True when a file is such a one, by its description.
fn shows(fd: i32, test: fn(&Descriptor<'_>) -> bool) -> bool {
    record_with_scratch(|scratch| descriptors::describe(&scratch.arena(), fd).is_some_and(|file| test(&file))) == Some(true)
}

pub(super) fn before_first_use(fd: i32, record: &Record, usage: Use) {
    let by_position = matches!(usage, Use::Input | Use::Output | Use::Seek);
    if record.role & role::NO_DATABASE != 0 && !by_position {
        return;
    }
    if is_database(fd, record) {
        return before_first_use_of_database(fd);
    }
    registry::descriptors::add_role(fd, role::NO_DATABASE);
    if !by_position {
        return;
    }
    watch::mark_used(fd);
    guards::before_first_use(fd);
    let is_shared = descriptors::is_positioned(fd) && registry::descriptors::is_inherited(fd) && certainty(fd).is_some();
    if is_shared && descriptors::is_applications(fd) && shows(fd, file_offset_shared::has_position) {
        pending::report_once_settled(FindingKind::FileOffsetShared, fd);
        positions::follow(fd);
    }
}

fn before_first_use_of_database(fd: i32) {
    watch::mark_used(fd);
    if certainty(fd).is_some() {
        let (id, because) = (descriptor_id(fd), "the child uses it");
        record_with_scratch(|scratch| {
            let (kind, severity) = (FindingKind::SqliteInherited, Some(Severity::Warning));
            ledger::report_state(scratch, kind, format_args!("{}", id.as_str()), State::Hit, severity, because)
        });
    }
}
