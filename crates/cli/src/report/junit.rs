//! The story as JUnit's XML: a test case a finding, which failed where somebody has to care.
use super::text::{in_children, line};
use forkguard_report::event::Severity;
use forkguard_report::story::{Finding, Story};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::io::{Error, Result, Write};

/// Writes a suite; one without findings has a case that passed.
pub(crate) fn write(out: &mut dyn Write, story: &Story) -> Result<()> {
    let mut suite = TestSuite::new("forkguard");
    suite.add_test_cases(story.findings.iter().filter(|finding| finding.stands()).map(case));
    if suite.test_cases.is_empty() {
        suite.add_test_case(TestCase::new("nothing is found", TestCaseStatus::success()));
    }
    suite.add_property(("forks", story.totals.forks.to_string().as_str()));
    if !story.notes.is_empty() {
        suite.set_system_err(story.notes.join("\n"));
    }
    let mut report = Report::new("forkguard");
    report.add_test_suite(suite);
    // Jenkins' schema has no such attribute at the root, and no case is skipped.
    let xml = report.to_string().map_err(Error::other)?.replacen(" skipped=\"0\"", "", 1);
    out.write_all(xml.as_bytes())
}

fn case(finding: &Finding) -> TestCase {
    let place = finding.place.as_ref().map_or_else(|| finding.subject.clone(), line);
    let fails = finding.severity > Severity::Info && !finding.suppressed;
    let mut status = if fails { TestCaseStatus::non_success(NonSuccessKind::Failure) } else { TestCaseStatus::success() };
    if fails {
        status.set_type(finding.severity.name());
        status.set_message(format!("{}: {}", finding.kind.name(), finding.subject));
        status.set_description(format!("\n{}\n", whole(finding)));
    }
    let mut case = TestCase::new(place, status);
    case.set_classname(finding.kind.name());
    if !fails {
        case.set_system_out(whole(finding));
    }
    case
}

/// What it is about, where from cause to effect, what happens, what cures it.
fn whole(finding: &Finding) -> String {
    let mut lines = vec![finding.subject.clone()];
    for life in &finding.lives {
        let because = if life.because.is_empty() { String::new() } else { format!(": {}", life.because) };
        lines.push(format!("{} {}{because}", life.state.name(), in_children(&life.children, life.count)));
    }
    let sites = finding.sites.iter().filter_map(|site| Some(format!("{} at {:#}", site.role.deed(), site.innermost()?)));
    lines.extend(sites);
    lines.push(format!("what happens: {}", finding.explain));
    lines.push(format!("cure: {}", finding.cure));
    lines.join("\n")
}
