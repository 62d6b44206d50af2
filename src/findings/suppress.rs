//! FORKGUARD_SUPPRESS: rules that silence known findings. A line is a kind (or `*`) and a pattern, in which `*` and `?` stand for anything, of
//! what the finding is about or of a line of the application that it names: `thread-lost *"metrics"*`, `* *legacy/cache.py:*`. What it silences
//! stays in the report as info, and is not printed.
use super::*;
use crate::options;
use forkguard_core::pattern;

/// One rule.
struct Rule<'t> {
    /// None: any.
    kind: Option<Kind>,
    pattern: &'t str,
}

impl<'t> Rule<'t> {
    fn parse(line: &'t str) -> Option<Rule<'t>> {
        let (kind, pattern) = line.trim().split_once(char::is_whitespace)?;
        let known = Kind::ALL.into_iter().find(|known| known.name() == kind);
        (known.is_some() || kind == "*").then_some(Rule { kind: known, pattern: pattern.trim() })
    }

    fn silences(&self, finding: &Finding<'_>) -> bool {
        let matches = |text: &str| pattern::matches(self.pattern.as_bytes(), text.as_bytes());
        self.kind.is_none_or(|kind| kind == finding.kind)
            && (matches(&finding.subject) || finding.at.iter().any(|line| matches(line)))
    }
}

/// The lines of a file of rules that are meant to be some, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// In the constructor: prints a line for each line of the file that is no rule.
pub(crate) fn check(print: fn(Arguments<'_>)) {
    for line in faults(options::get().suppress.as_str()) {
        let file = options::variable(c"FORKGUARD_SUPPRESS").unwrap_or_default();
        print(format_args!(
            "FORKGUARD_SUPPRESS={file}: line {line} is no rule, and ignored: a rule is a kind of finding, or *, and a pattern"
        ));
    }
}

/// The lines that are no rules.
fn faults(text: &str) -> impl Iterator<Item = usize> {
    lines(text).filter(|(_, line)| Rule::parse(line).is_none()).map(|(number, _)| number)
}

/// A finding as the rules let it appear.
pub(super) fn judged<'a>(finding: Finding<'a>) -> Finding<'a> {
    let mut rules = lines(options::get().suppress.as_str()).filter_map(|(_, line)| Rule::parse(line));
    match rules.any(|rule| rule.silences(&finding)) {
        true => Finding { severity: Severity::Info, suppressed: true, ..finding },
        false => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::faults;

    #[test]
    fn lines_that_are_no_rules_are_told() {
        let text = "# known\n\nthread-lost *\nthread-gone *\n* */cache.py:*\nlock-orphaned\n";
        assert_eq!(faults(text).collect::<Vec<_>>(), [4, 6]);
    }
}
