//! The first use of a connection that a guard severed: its client finds it closed. Some connect anew by themselves; for others the report says why.
use super::concern::descriptor_id;
use super::shared::{Call, used_site};
use super::watch;
use crate::child::severed;
use crate::entry::record_with_scratch;
use crate::ledger;
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_report::event::{FindingKind, Guard, Site};

pub(super) fn before_first_use(call: Call, fd: i32) {
    watch::mark_used(fd);
    let start = kernel::monotonic_by_syscall();
    let Some(name) = ledger::subject_of(FindingKind::ConnectionInherited, descriptor_id(fd).as_str()) else { return };
    let site = call.capture();
    let keep = severed::keep_option(name);
    let subject = Text::<160>::of(format_args!("{name}; {} keeps it", keep.as_str()));
    ledger::log_action(Guard::Sockets, "used after it was severed", format_args!("{}", subject.as_str()), start, Ok(()));
    // A client's goodbye, which the leader's connection is spared: nobody connects anew.
    if call.is_at_end() {
        return;
    }
    record_with_scratch(|scratch| {
        let arena = scratch.arena();
        let site = used_site(&arena, site);
        let frame = site.as_ref().and_then(Site::application).or_else(|| site.as_ref().and_then(Site::innermost));
        let place = frame.map_or("", |frame| arena.format(format_args!(", at {frame}")));
        severed::print_use(name, place, keep.as_str());
    });
}
