//! The texts that a child prints of its findings.
use crate::entry::Arena;
use forkguard_report::event::{Finding, FindingKind, Severity};
use forkguard_report::summary::{self, Head};
use std::fmt::{Result, Write};

/// True for a finding that the automatic summary appears for.
pub(crate) fn deserves_summary(finding: &Finding<'_>) -> bool {
    let shared = matches!(finding.kind, FindingKind::ConnectionInherited | FindingKind::SqliteInherited) && !finding.suppressed;
    finding.severity >= Severity::Warning || shared
}

/// A number for what a summary would say: the same for children that inherit the same.
pub(crate) fn fingerprint(findings: &[Finding<'_>]) -> u64 {
    // FNV-1a over what the summary names; never zero, which stands for nothing printed yet.
    let named = |finding: &Finding<'_>| (1 + finding.kind as u64) << 8 | finding.severity as u64;
    findings.iter().fold(0xcbf2_9ce4_8422_2325, |hash, finding| (hash ^ named(finding)).wrapping_mul(0x100_0000_01b3)) | 1
}

/// The summary of a child; short when the child before it had `same` findings.
pub(crate) fn summary_text<'a>(arena: &'a Arena, head: &Head<'_>, findings: &[Finding<'_>], same: bool) -> &'a str {
    text(arena, |out| match same {
        true => summary::write_same(out, head, findings.len() as u32),
        false => summary::write(out, head, findings.iter()),
    })
}

/// The text of a hit.
pub(crate) fn hit_text<'a>(arena: &'a Arena, head: &Head<'_>, finding: &Finding<'_>) -> &'a str {
    text(arena, |out| summary::write_hit(out, head, finding))
}

/// What `write` writes, as far as the arena has room.
fn text(arena: &Arena, write: impl FnOnce(&mut dyn Write) -> Result) -> &str {
    let mut text = ArenaText(arena, arena.format(format_args!("")));
    let _ = write(&mut text);
    text.1
}

/// Text that grows at the end of an arena.
struct ArenaText<'a>(&'a Arena, &'a str);

impl Write for ArenaText<'_> {
    fn write_str(&mut self, more: &str) -> Result {
        self.1 = self.0.extend(self.1, more).ok_or(std::fmt::Error)?;
        Ok(())
    }
}
