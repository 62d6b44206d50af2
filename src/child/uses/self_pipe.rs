//! The first write into a pipe or a pair of sockets. A signal handler that was set before the fork and writes into one of which this process has
//! both ends wants to wake itself: it wakes its leader.
use super::super::hit::report_hit;
use super::certainty::certainty;
use super::shared::{Call, used_site};
use super::watch;
use crate::describe::{self, descriptors};
use crate::entry::{record, record_with_scratch};
use crate::findings::Hit;
use crate::guards;
use crate::ledger::Output;
use crate::sites;
use forkguard_core::kernel;
use forkguard_core::registry::{self, signals};
use forkguard_report::event::{FindingKind, Role};

pub(super) fn before_first_use(call: Call, fd: i32) {
    watch::mark_used(fd);
    let Some(twin) = registry::descriptors::twin(fd) else { return };
    let Some(number) = record(|_| sites::handled_signal(call.start)).flatten() else { return };
    let action = kernel::signal_action(number);
    let Some(set) = action.and_then(|a| signals::setter(number, a.handler)).filter(|s| s.inherited) else { return };
    let Some(severity) = certainty(fd) else { return };
    if guards::detach_self_pipe(fd, twin) {
        return;
    }
    let site = call.capture();
    record_with_scratch(|scratch| {
        report_hit(scratch, severity, Output::Stderr, FindingKind::ConnectionSharedUse, |arena| {
            let descriptor = descriptors::describe(arena, fd)?;
            let name = describe::signal_name(arena, number);
            let set = describe::site(arena, Role::Set, set.thread, set.site);
            Some(Hit {
                kind: FindingKind::ConnectionSharedUse,
                what: arena.format(format_args!("{fd}")),
                subject: arena.format(format_args!("the self-pipe of the handler of {name}, descriptor {fd}")),
                sites: arena.join([descriptor.site.as_slice(), set.as_slice(), used_site(arena, site).as_slice()]),
                hazard: None,
            })
        });
    });
}
