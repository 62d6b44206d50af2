//! A child that releases a lock on a file which its leader took: it is released for both.
use super::super::hit::report_hit;
use super::certainty::certainty_in_time;
use super::shared::{Call, used_site};
use crate::describe::{self, descriptors, keep};
use crate::entry::record_with_scratch;
use crate::findings::{Hit, lock_file_shared};
use crate::guards;
use crate::ledger::Output;
use crate::sites::Start;
use forkguard_core::kernel::unshare::holds_lock;
use forkguard_core::registry::descriptors as table;
use forkguard_core::{gate, tls};
use forkguard_report::catalogue::{RELEASED, RELEASED_AT_END};
use forkguard_report::event::{FindingKind, Role};

/// Before a child releases a lock. True when it is the leader's, and a guard keeps it from that.
pub(crate) fn keeps_lock_of_leader(caller: usize, fd: i32) -> bool {
    let Some(lock) = table::file_lock(fd).filter(|lock| lock.inherited && table::is_inherited(fd)) else { return false };
    let usable = gate::awake() && tls::inside() == 0 && !gate::is_guest() && gate::owns_registries();
    if !usable || keep::keeps(fd) || !holds_lock(fd) {
        return false;
    }
    let Some(severity) = certainty_in_time(fd) else { return false };
    if guards::keeps_leaders_files() {
        guards::log_kept_file_lock(fd);
        return true;
    }
    let call = Call { start: Start::here(), caller };
    let (site, when) = (call.capture(), if call.is_at_end() { RELEASED_AT_END } else { RELEASED });
    record_with_scratch(|scratch| {
        report_hit(scratch, severity, Output::Stderr, FindingKind::LockFileShared, |arena| {
            let file = descriptors::describe(arena, fd)?;
            let taken = describe::site(arena, Role::Taken, lock.thread, lock.site);
            Some(Hit {
                kind: FindingKind::LockFileShared,
                what: arena.format(format_args!("{fd}-released")),
                subject: arena.format(format_args!(
                    "{}, which its leader took and holds,{when}",
                    lock_file_shared::subject(arena, &file, lock.kind)
                )),
                sites: arena.join([taken.as_slice(), used_site(arena, site).as_slice()]),
                hazard: None,
            })
        });
    });
    table::unlock(fd);
    false
}
