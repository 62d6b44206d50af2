//! Another process moves the position of a file under the child: what the child reads or writes next is not what it meant.
use super::super::hit::report_hit;
use super::certainty::certainty;
use super::concern::descriptor_id;
use super::positions::{self, Move};
use super::shared::{Call, used_site};
use super::watch;
use crate::describe::descriptors;
use crate::entry::{Registers, record_with_scratch};
use crate::findings::{Hazard, Hit, file_offset_shared};
use crate::ledger::Output;
use forkguard_core::{flags, fork as core_fork, gate, tls};
use forkguard_report::event::{FindingKind, Severity};
use std::ops::RangeInclusive;

/// Before a call that moves the position of a descriptor.
#[inline(always)]
pub(crate) fn before_move(registers: &Registers, fd: i32, by: Move) {
    if positions::any() {
        check(Call { start: registers.start(), caller: registers.caller }, fd, by);
    }
}

#[cold]
fn check(call: Call, fd: i32, by: Move) {
    if !gate::awake() || tls::inside() != 0 || gate::is_guest() {
        return;
    }
    if positions::is_moved(fd, by) && gate::owns_registries() && certainty(fd).is_some() {
        report(call, fd);
    }
}

/// These numbers are closed, or get a copy: their positions are followed no more.
#[inline(always)]
pub(crate) fn forget_positions(numbers: RangeInclusive<i32>) {
    if positions::any() && !gate::is_guest() {
        positions::forget(numbers);
        if !positions::any() && !flags::is_settling() {
            watch::count();
        }
    }
}

fn report(call: Call, fd: i32) {
    let (kind, site, id) = (FindingKind::FileOffsetShared, call.capture(), descriptor_id(fd));
    record_with_scratch(|scratch| {
        report_hit(scratch, Severity::Error, Output::Stderr, kind, |arena| {
            let file = descriptors::describe(arena, fd)?;
            let used = used_site(arena, site);
            Some(Hit {
                kind,
                what: arena.format(format_args!("{}-moved", id.as_str())),
                subject: file_offset_shared::moved(arena, &file),
                sites: arena.join([file.site.as_slice(), used.as_slice()]),
                hazard: Some(Hazard { fork: core_fork::birth()?, kind, what: arena.text(id.as_str()) }),
            })
        });
    });
}
