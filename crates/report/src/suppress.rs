//! FORKGUARD_SUPPRESS: rules that silence known findings. A line is a kind (or `*`) and a pattern, in which `*` and `?` stand for anything, of
//! what the finding is about or of a line of the application that it names: `thread-lost *"metrics"*`, `* *legacy/cache.py:*`. A silenced
//! finding stays in the report as info, and is not printed.
use crate::event::{Finding, FindingKind};
use crate::pattern;

/// One rule.
struct Rule<'t> {
    /// None: any.
    kind: Option<FindingKind>,
    pattern: &'t str,
}

impl<'t> Rule<'t> {
    fn parse(line: &'t str) -> Option<Rule<'t>> {
        let (kind, pattern) = line.split_once(char::is_whitespace)?;
        let known = FindingKind::ALL.into_iter().find(|known| known.name() == kind);
        (known.is_some() || kind == "*").then_some(Rule { kind: known, pattern: pattern.trim() })
    }

    fn suppresses(&self, finding: &Finding<'_>) -> bool {
        let matches = |text: &str| pattern::matches(self.pattern.as_bytes(), text.as_bytes());
        self.kind.is_none_or(|kind| kind == finding.kind)
            && (matches(&finding.subject) || finding.at.iter().any(|line| matches(line)))
    }
}

/// The lines of a text of rules that are not empty and no comments, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// The numbers of the lines that should be rules and are none.
pub fn invalid_lines(text: &str) -> impl Iterator<Item = usize> {
    lines(text).filter(|(_, line)| Rule::parse(line).is_none()).map(|(number, _)| number)
}

/// True when a rule of the text silences the finding.
pub fn suppresses(text: &str, finding: &Finding<'_>) -> bool {
    lines(text).filter_map(|(_, line)| Rule::parse(line)).any(|rule| rule.suppresses(finding))
}

#[cfg(test)]
mod tests {
    use super::invalid_lines;

    #[test]
    fn lines_that_are_no_rules_are_found() {
        let text = "# known\n\nthread-lost *\nthread-gone *\n* */cache.py:*\nlock-orphaned\n";
        assert_eq!(invalid_lines(text).collect::<Vec<_>>(), [4, 6]);
    }
}
