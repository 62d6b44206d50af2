//! FORKGUARD_SUMMARY=json: what is printed as lines of JSON, for the log pipelines of containers. A line stays below what a pipe takes whole (4096 bytes),
//! so lines of several processes never mix. docs/report.md has the table of its fields.
use crate::cure::{AtMost, ShortCure, option};
use crate::event::{Finding, FindingKind, Severity, State};
use crate::summary::Head;
use crate::text::Plain;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::fmt::Display;

/// By what a pipeline tells these lines from those of the program.
const SOURCE: &str = "forkguard";
/// Columns of what a line is about.
const TEXT: usize = 280;
/// Columns of a line of the application, with its whole path.
const SITE: usize = 240;
/// Columns of a cure, an option, a reason.
const SHORT: usize = 120;
/// Bytes of the report's path; a longer one is left out.
const PATH: usize = 400;

/// One line.
#[derive(Debug, Clone, Copy)]
pub struct LogLine<'l, 'a> {
    /// Seconds since the epoch.
    pub time: f64,
    /// The process that it is about, and its leader.
    pub head: &'l Head<'l>,
    /// What it says of that process.
    pub what: What<'l, 'a>,
}

/// What a line says.
#[derive(Debug, Clone, Copy)]
pub enum What<'l, 'a> {
    /// A finding that stands.
    Finding(&'l Finding<'a>),
    /// The process is like the process `first`, as `more` others are that nothing was printed of.
    Like {
        /// The process whose findings were printed.
        first: u32,
        /// How many others since the last line.
        more: u32,
    },
    /// A finding that was printed does not stand any more.
    Resolved {
        /// Its kind.
        kind: FindingKind,
        /// What it was about.
        subject: &'l str,
        /// Why it does not stand.
        because: &'l str,
    },
}

impl Serialize for LogLine<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("time", &self.time)?;
        map.serialize_entry("source", SOURCE)?;
        map.serialize_entry("pid", &self.head.child)?;
        map.serialize_entry("leader", &self.head.leader)?;
        let server = self.head.program.server.name();
        if !server.is_empty() {
            map.serialize_entry("server", server)?;
        }
        match self.what {
            What::Finding(finding) => self.finding(&mut map, finding)?,
            What::Like { first, more } => {
                map.serialize_entry("severity", Severity::Info.name())?;
                map.serialize_entry("text", &format_args!("like {first}"))?;
                map.serialize_entry("like", &first)?;
                map.serialize_entry("more", &more)?;
            }
            What::Resolved { kind, subject, because } => {
                life(&mut map, kind, Severity::Info, State::Resolved)?;
                text(&mut map, "text", TEXT, Plain(subject))?;
                text(&mut map, "because", SHORT, Plain(because))?;
            }
        }
        if let Some(report) = self.head.report.filter(|path| path.len() <= PATH) {
            map.serialize_entry("report", &format_args!("{}", Plain(report)))?;
        }
        map.end()
    }
}

impl LogLine<'_, '_> {
    fn finding<M: SerializeMap>(&self, map: &mut M, finding: &Finding) -> Result<(), M::Error> {
        life(map, finding.kind, finding.severity, finding.state)?;
        text(map, "text", TEXT, Plain(&finding.subject))?;
        if let Some(line) = finding.at.first() {
            text(map, "site", SITE, Plain(line))?;
        }
        text(map, "cure", SHORT, ShortCure { finding, program: self.head.program })?;
        option(finding).map_or(Ok(()), |option| text(map, "option", SHORT, Plain(option)))?;
        map.serialize_entry("docs", &format_args!("{}", finding.kind.docs()))
    }
}

/// What forkguard says of itself, or of what a guard did.
#[derive(Debug, Clone, Copy)]
pub struct Note<'l> {
    /// Seconds since the epoch.
    pub time: f64,
    /// The process that says it.
    pub pid: u32,
    /// In words.
    pub text: &'l str,
}

impl Serialize for Note<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("time", &self.time)?;
        map.serialize_entry("source", SOURCE)?;
        map.serialize_entry("pid", &self.pid)?;
        map.serialize_entry("severity", Severity::Info.name())?;
        text(&mut map, "text", TEXT, Plain(self.text.trim_start()))?;
        map.end()
    }
}

/// What kind of finding, and where its life stands.
fn life<M: SerializeMap>(map: &mut M, kind: FindingKind, severity: Severity, state: State) -> Result<(), M::Error> {
    map.serialize_entry("kind", kind.name())?;
    map.serialize_entry("severity", severity.name())?;
    map.serialize_entry("state", state.name())
}

fn text<M: SerializeMap>(map: &mut M, key: &str, columns: usize, value: impl Display) -> Result<(), M::Error> {
    map.serialize_entry(key, &format_args!("{}", AtMost(columns, value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{OR_OPTION, Server};
    use crate::cure::{Language, Program};

    const HEAD: Head<'_> = Head {
        child: 9,
        leader: 7,
        program: Program { server: Server::Gunicorn, language: Language::Python },
        report: Some("/r/gunicorn-7.jsonl"),
        with_notes: false,
        cures: &[],
    };

    fn finding(subject: &str) -> Finding<'static> {
        let kind = FindingKind::ThreadLost;
        Finding {
            id: "7.1:thread-lost:8".into(),
            kind,
            severity: Severity::Warning,
            state: State::Open,
            child: Some(9),
            subject: subject.to_owned().into(),
            at: vec!["app.py:13 in start".into()].into(),
            sites: vec![].into(),
            explain: kind.explain().into(),
            cure: format!("{}{OR_OPTION}FORKGUARD_THREADS=revive:beat.", kind.cure(Server::Gunicorn)).into(),
            suppressed: false,
        }
    }

    fn line(head: &Head, what: What) -> String {
        serde_json::to_string(&LogLine { time: 12.5, head, what }).unwrap()
    }

    #[test]
    fn a_finding_is_one_line_with_all_that_a_reader_needs() {
        assert_eq!(
            line(&HEAD, What::Finding(&finding("thread \"be\nat\" (tid 8)"))),
            r#"{"time":12.5,"source":"forkguard","pid":9,"leader":7,"server":"gunicorn","kind":"thread-lost","severity":"warning","#
                .to_owned()
                + r#""state":"open","text":"thread \"be\\nat\" (tid 8)","site":"app.py:13 in start","#
                + r#""cure":"start \"be\\nat\" in gunicorn's post_fork, not before the fork","option":"FORKGUARD_THREADS=revive:beat","#
                + r#""docs":"https://github.com/forkguard/forkguard/blob/main/docs/findings.md#thread-lost","report":"/r/gunicorn-7.jsonl"}"#
        );
    }

    #[test]
    fn further_workers_and_what_is_taken_back() {
        let head = Head { program: Program { server: Server::Other, ..HEAD.program }, report: None, ..HEAD };
        assert_eq!(
            line(&head, What::Like { first: 8, more: 2 }),
            r#"{"time":12.5,"source":"forkguard","pid":9,"leader":7,"severity":"info","text":"like 8","like":8,"more":2}"#
        );
        assert_eq!(
            line(&head, What::Resolved { kind: FindingKind::ThreadLost, subject: "thread \"b\"", because: "started again" }),
            r#"{"time":12.5,"source":"forkguard","pid":9,"leader":7,"kind":"thread-lost","severity":"info","state":"resolved","#
                .to_owned()
                + r#""text":"thread \"b\"","because":"started again"}"#
        );
    }

    #[test]
    fn a_note() {
        let note = Note { time: 12.5, pid: 9, text: "  in the fixup \"a\"" };
        let written = serde_json::to_string(&note).unwrap();
        assert_eq!(written, r#"{"time":12.5,"source":"forkguard","pid":9,"severity":"info","text":"in the fixup \"a\""}"#);
    }

    #[test]
    fn no_line_is_longer_than_a_pipe_takes_whole() {
        let long = "\u{1f980}".repeat(4000);
        let mut finding = finding(&long);
        finding.at = vec![long.clone().into()].into();
        finding.cure = format!("{long}{OR_OPTION}{long}").into();
        let path = "/r".repeat(PATH / 2);
        let head = Head { report: Some(&path), ..HEAD };
        let length = line(&head, What::Finding(&finding)).len();
        assert!(length < 4096, "{length}");
        // What is escaped takes more bytes, and counts as more columns.
        finding.subject = "\"\u{202e}".repeat(4000).into();
        assert!(line(&head, What::Finding(&finding)).len() < 4096);
    }
}
