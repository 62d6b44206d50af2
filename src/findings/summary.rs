//! The texts that a child prints of its findings.
use crate::entry::Arena;
use forkguard_report::event::{Finding, FindingKind, Severity};
use forkguard_report::summary::{self, Head};
use std::fmt::{Result, Write};

/// True for a finding that the automatic summary appears for.
pub(crate) fn deserves_summary(finding: &Finding<'_>) -> bool {
    finding.severity >= Severity::Warning
}

/// The kinds of findings that a summary appears for, a number each that is not zero: the same in all children that inherit the same from the same
/// line, whatever numbers and addresses it has there.
pub(crate) fn kinds(findings: &[Finding<'_>]) -> impl Iterator<Item = u64> {
    findings.iter().filter(|finding| deserves_summary(finding)).map(|finding| {
        let line = finding.at.first();
        let named = line.unwrap_or(&finding.subject).bytes().filter(move |byte| line.is_some() || !byte.is_ascii_hexdigit());
        // FNV-1a.
        let start = (1 + finding.kind as u64) << 8 | finding.severity as u64;
        let hash = |hash: u64, byte: u64| (hash ^ byte).wrapping_mul(0x100_0000_01b3);
        named.map(u64::from).fold(hash(0xcbf2_9ce4_8422_2325, start), hash) | 1
    })
}

/// The summary of a child.
pub(crate) fn summary_text<'a>(arena: &'a Arena, head: &Head<'_>, findings: &[Finding<'_>]) -> &'a str {
    text(arena, |out| summary::write(out, head, findings.iter()))
}

/// One line for children whose findings are of the kinds that were printed of `first`.
pub(crate) fn alike_text<'a>(arena: &'a Arena, head: &Head<'_>, first: u32, more: u32) -> &'a str {
    text(arena, |out| summary::write_alike(out, head, first, more))
}

/// One line for what was printed and does not stand any more.
pub(crate) fn resolved_text<'a>(arena: &'a Arena, head: &Head<'_>, kind: FindingKind, subject: &str, because: &str) -> &'a str {
    text(arena, |out| summary::write_resolved(out, head, kind, subject, because))
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
