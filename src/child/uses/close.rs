//! A child closes inherited descriptors that it has not used.
use super::concern::{Concern, descriptor_id};
use super::moved::forget_positions;
use super::shared::report_deferred_in_time;
use super::{deferred, file, one_way, pending, watch};
use crate::entry::record;
use crate::ledger;
use forkguard_core::registry::descriptors;
use forkguard_core::{flags, gate, tls};
use forkguard_report::event::FindingKind;
use std::sync::atomic::Ordering::Relaxed;

/// A child closes a number.
#[inline(always)]
pub(crate) fn closing(fd: i32) {
    if flags::WATCH_USES.load(Relaxed) != 0 {
        closing_watched(fd);
    }
    if deferred::is_any() {
        report_deferred_before(|deferred| deferred == fd);
    }
}

#[cold]
fn closing_watched(fd: i32) {
    if descriptors::is_unseen(fd) {
        closing_unused(fd);
    }
    forget_positions(fd..=fd);
}

/// The same for all numbers from first to last.
pub(crate) fn closing_range(first: u32, last: u32) {
    let closes = |&fd: &i32| (first..=last).contains(&(fd as u32));
    if deferred::is_any() {
        report_deferred_before(|deferred| closes(&deferred));
    }
    if flags::WATCH_USES.load(Relaxed) != 0 && !gate::is_guest() {
        descriptors::unseen().filter(closes).for_each(closing_unused);
    }
    forget_positions(first.min(i32::MAX as u32) as i32..=last.min(i32::MAX as u32) as i32);
}

#[cold]
fn report_deferred_before(closes: impl Fn(i32) -> bool) {
    if deferred::descriptors().any(closes) {
        report_deferred_in_time();
    }
}

#[cold]
fn closing_unused(fd: i32) {
    let Some(of_fd) = descriptors::record(fd) else { return };
    let Some(concern) = Concern::of(fd, &of_fd) else { return };
    if !gate::awake() || tls::inside() != 0 || gate::is_guest() || !gate::owns_registries() {
        return;
    }
    let database = concern == Concern::File && file::is_database(fd, &of_fd);
    let kind = if database { Some(FindingKind::SqliteInherited) } else { record(|_| concern.hazard(fd)).flatten() };
    let Some(kind) = kind.filter(|_| !one_way::is_used(fd)) else { return watch::mark_used(fd) };
    if descriptors::has_copy(fd) {
        return;
    }
    watch::mark_used(fd);
    if ledger::find(kind, descriptor_id(fd).as_str()).is_none() {
        pending::report_once_settled(kind, fd);
    }
}
