//! What a child prints of its findings: text for people, or lines of JSON for a log pipeline.
use crate::entry::Arena;
use crate::options::{self, Summary};
use forkguard_core::kernel;
use forkguard_report::event::{Finding, FindingKind, Severity, State};
use forkguard_report::log_line::{LogLine, What};
use forkguard_report::summary::{self, Head};
use std::fmt::{self, Write};
use std::io;

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
    let is_line = |finding: &&Finding<'_>| {
        deserves_summary(finding) && matches!(finding.state, State::Open | State::Hit) && !finding.suppressed
    };
    match as_json() {
        true => json(arena, head, findings.iter().filter(is_line).map(What::Finding)),
        false => text(arena, |out| summary::write(out, head, findings.iter())),
    }
}

/// One line for children whose findings are of the kinds that were printed of `first`.
pub(crate) fn alike_text<'a>(arena: &'a Arena, head: &Head<'_>, first: u32, more: u32) -> &'a str {
    match as_json() {
        true => json(arena, head, [What::Like { first, more }]),
        false => text(arena, |out| summary::write_alike(out, head, first, more)),
    }
}

/// One line for what was printed and does not stand any more.
pub(crate) fn resolved_text<'a>(arena: &'a Arena, head: &Head<'_>, kind: FindingKind, subject: &str, because: &str) -> &'a str {
    match as_json() {
        true => json(arena, head, [What::Resolved { kind, subject, because }]),
        false => text(arena, |out| summary::write_resolved(out, head, kind, subject, because)),
    }
}

/// The text of a hit.
pub(crate) fn hit_text<'a>(arena: &'a Arena, head: &Head<'_>, finding: &Finding<'_>) -> &'a str {
    match as_json() {
        true => json(arena, head, [What::Finding(finding)]),
        false => text(arena, |out| summary::write_hit(out, head, finding)),
    }
}

fn as_json() -> bool {
    options::get().summary == Summary::Json
}

/// A line of JSON for each; one that the arena has no room for is left out whole.
fn json<'a, 'l, 'f: 'l>(arena: &'a Arena, head: &'l Head<'l>, all: impl IntoIterator<Item = What<'l, 'f>>) -> &'a str {
    let time = kernel::wall_clock_seconds();
    let mut lines = ArenaText(arena, arena.format(format_args!("")));
    for what in all {
        let before = lines.1;
        if serde_json::to_writer(&mut lines, &LogLine { time, head, what }).is_err() || lines.write_str("\n").is_err() {
            return before;
        }
    }
    lines.1
}

/// What `write` writes, as far as the arena has room.
fn text(arena: &Arena, write: impl FnOnce(&mut dyn Write) -> fmt::Result) -> &str {
    let mut text = ArenaText(arena, arena.format(format_args!("")));
    let _ = write(&mut text);
    text.1
}

/// Text that grows at the end of an arena.
struct ArenaText<'a>(&'a Arena, &'a str);

impl Write for ArenaText<'_> {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        self.1 = self.0.extend(self.1, more).ok_or(fmt::Error)?;
        Ok(())
    }
}

impl io::Write for ArenaText<'_> {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        str::from_utf8(more).ok().and_then(|text| self.write_str(text).ok()).map(|()| more.len()).ok_or_else(full)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
