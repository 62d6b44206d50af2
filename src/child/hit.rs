//! A hit in this child.
use super::settle::settle_now;
use crate::entry::{Arena, Scratch};
use crate::findings::Hit;
use crate::guards::fixups;
use crate::ledger::{self, Output};
use forkguard_core::fixed::Text;
use forkguard_core::flags;
use forkguard_report::event::{FindingKind, Severity};

/// Reports a hit once; false when it was reported before. A child that had not settled settles by it: its summary comes first.
pub(super) fn report_hit<'w>(
    scratch: &Scratch,
    severity: Severity,
    output: Output,
    kind: FindingKind,
    find: impl for<'a> FnOnce(&'a Arena) -> Option<Hit<'a>> + 'w,
) -> bool {
    let fixup = fixups::running().filter(|_| flags::is_settling());
    if output == Output::Stderr && flags::is_settling() {
        settle_now(kind.name(), scratch);
    }
    ledger::report_hit(scratch, severity, output, kind, fixup.as_ref().map(Text::as_str), find)
}
