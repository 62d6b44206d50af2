//! Hazards that a child hits: waited for, and compared with the lines of the application that the report must name.
use super::server::Run;
use super::{Entry, Report, wait_for};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The kinds of findings that a child makes when it hits a hazard, and their severity.
const HIT_KINDS: [(&str, &str); 9] = [
    ("lock-deadlock", "error"),
    ("join-lost-thread", "error"),
    ("connection-shared-use", "error"),
    ("epoll-shared-use", "error"),
    ("closed-descriptor-used", "error"),
    ("sibling-waited-for", "error"),
    ("atfork-stuck", "error"),
    ("handler-dropped", "warning"),
    ("fd-leaked-exec", "warning"),
];

/// The kinds that are hit in the end.
pub fn hit_kinds(report: &Report) -> BTreeSet<&'static str> {
    let hits: Vec<Value> = report.last_states().into_iter().filter(|finding| finding["state"] == "hit").collect();
    HIT_KINDS.iter().map(|known| known.0).filter(|kind| hits.iter().any(|finding| finding["kind"] == *kind)).collect()
}

/// A finding of one child that hit a hazard.
pub struct Hit<'a> {
    run: &'a Run,
    /// The child's own finding.
    pub finding: Entry,
}

impl<'a> Hit<'a> {
    /// Waits until `run`'s report has a hit of this kind.
    pub fn of(run: &'a Run, kind: &str) -> Hit<'a> {
        let is_wanted = |entry: &Entry| entry.json["event"] == "finding" && entry.json["kind"] == kind;
        let finding = wait_for(kind, || run.report_so_far().entries.into_iter().find(is_wanted));
        let json = &finding.json;
        assert_eq!(text(json, "state"), "hit", "{}", finding.text);
        assert_eq!(
            Some(text(json, "severity")),
            HIT_KINDS.iter().find(|known| known.0 == kind).map(|known| known.1),
            "{}",
            finding.text
        );
        assert_eq!(json["child"], json["pid"], "the child itself tells: {}", finding.text);
        let of_its_fork = format!("{}:{kind}:", text(json, "fork"));
        assert!(text(json, "id").starts_with(&of_its_fork), "the fork that made the child: {}", finding.text);
        Hit { run, finding }
    }

    /// The child that hit the hazard.
    pub fn child(&self) -> u32 {
        self.finding.line.pid
    }

    fn sites(&self, role: &str) -> impl Iterator<Item = &Value> {
        self.finding.json["sites"].as_array().expect("sites").iter().filter(move |site| site["role"] == role)
    }

    /// There is a site of this role.
    pub fn has(&self, role: &str) -> &Self {
        assert!(self.sites(role).next().is_some(), "a site of role {role}: {}", self.finding.text);
        self
    }

    /// The sites of this role pass the line of `file` whose comment is the role, and the report's short form names it.
    pub fn points(&self, role: &str, file: &Path) -> &Self {
        self.points_to(role, file, role)
    }

    /// The same for a line with another comment.
    pub fn points_to(&self, role: &str, file: &Path, comment: &str) -> &Self {
        let line = line(file, comment);
        let file = file.to_str().expect("UTF-8");
        let there = |frame: &Value| frame["file"] == file && frame["line"] == line;
        let passes = |site: &Value| site["frames"].as_array().is_some_and(|frames| frames.iter().any(there));
        assert!(self.sites(role).any(passes), "{role} at {file}:{line}: {}", self.finding.text);
        let at = self.finding.json["at"].as_array().expect("at");
        let named = format!("{file}:{line} in ");
        assert!(at.iter().any(|at| at.as_str().is_some_and(|at| at.starts_with(&named))), "{named}: {}", self.finding.text);
        self
    }

    /// Some frame of its sites is in a file whose path ends so.
    pub fn passes(&self, file: &str) -> &Self {
        let sites = self.finding.json["sites"].as_array().expect("sites").iter();
        let mut frames = sites.flat_map(|site| site["frames"].as_array().expect("frames"));
        assert!(frames.any(|frame| frame["file"].as_str().is_some_and(|f| f.ends_with(file))), "{file}: {}", self.finding.text);
        self
    }

    /// What the leader found of `hazard` at the same fork became a hit.
    pub fn comes_from(&self, hazard: &str) -> &Self {
        let same = |finding: &Value| {
            finding["fork"] == self.finding.json["fork"] && finding["kind"] == hazard && finding["state"] == "hit"
        };
        wait_for(&format!("{hazard} hit, beside {}", self.finding.text), || {
            self.run.report_so_far().last_states().iter().any(same).then_some(())
        });
        self
    }

    /// What forkguard printed about it, down to its cure, contains `part`.
    pub fn printed(&self, part: &str) -> &Self {
        let kind = text(&self.finding.json, "kind");
        wait_for(&format!("{kind} and {part} on stderr"), || {
            let printed = self.run.printed();
            let about = printed
                .split_inclusive(|line| line.contains("cure: "))
                .find(|lines| lines.iter().any(|line| line.contains(kind)));
            about.is_some_and(|lines| lines.iter().any(|line| line.contains(part))).then_some(())
        });
        self
    }
}

/// The number of the line that ends with this comment.
pub fn line(file: &Path, comment: &str) -> u64 {
    let text = fs::read_to_string(file).expect("application");
    let mut lines = text.lines().zip(1..);
    let found = lines.find(|(line, _)| line.ends_with(&format!("# {comment}")));
    found.unwrap_or_else(|| panic!("{}: no line is commented {comment}", file.display())).1
}

fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_default()
}
