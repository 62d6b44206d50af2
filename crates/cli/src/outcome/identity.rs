//! By what a finding is known again in another run, after edits elsewhere: its kind, the application's functions and files, the text of the line.
//! Numbers of lines, processes and addresses change from run to run, and are left out.
use crate::story::places::without_numbers;
use forkguard_report::event::{Frame, Role};
use forkguard_report::story::{Finding, Place};
use serde::{Deserialize, Serialize};
use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// What is the same in every run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// The kind of finding.
    pub(crate) kind: String,
    /// The application's innermost frames where it was made: `app/prices.py in start`.
    pub(crate) at: Vec<String>,
    /// The source of the line that it is about; where there is none, what it is about, without numbers.
    pub(crate) text: String,
}

impl Identity {
    pub(super) fn of(finding: &Finding) -> Identity {
        // Where a thread stood at the fork is chance, and so is what a worker did when it was hit, if its cause is known.
        let is_chance = |role| matches!(role, Role::Stood | Role::Waits | Role::Used | Role::Reset);
        let of = |chance: bool| {
            let sites = finding.sites.iter().filter(move |site| is_chance(site.role) == chance);
            sites.filter_map(|site| site.application()).map(unnumbered).collect::<Vec<_>>()
        };
        let mut at = of(false);
        if at.is_empty() {
            at = of(true);
        }
        at.dedup();
        let text = finding.place.as_ref().and_then(source).unwrap_or_else(|| without_numbers(&finding.subject));
        Identity { kind: finding.kind.name().to_owned(), at, text }
    }
}

/// A frame as `app/prices.py in start`: its file seen from the current directory, or else without its directories.
fn unnumbered(frame: &Frame) -> String {
    let file = frame.file.as_deref().or(frame.module.as_deref()).unwrap_or_default();
    let own = env::current_dir().ok().and_then(|own| Some(Path::new(file).strip_prefix(own).ok()?.display().to_string()));
    let file = own.unwrap_or_else(|| file.rsplit('/').next().unwrap_or_default().to_owned());
    frame.function.as_ref().map_or(file.clone(), |function| format!("{file} in {function}"))
}

/// The line's own text, if its file is there.
fn source(place: &Place) -> Option<String> {
    let file = File::open(&place.file).ok().filter(|_| place.application)?;
    let line = BufReader::new(file).lines().nth(place.line?.checked_sub(1)? as usize)?.ok()?;
    Some(line.trim().to_owned()).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(file: &str, function: Option<&str>) -> Frame<'static> {
        Frame {
            language: "python".into(),
            function: function.map(|function| function.to_owned().into()),
            file: Some(file.to_owned().into()),
            line: Some(7),
            module: None,
            offset: None,
            build_id: None,
        }
    }

    #[test]
    fn what_changes_from_run_to_run_is_left_out() {
        assert_eq!(unnumbered(&frame("/srv/app.py", Some("<module>"))), "app.py in <module>");
        assert_eq!(unnumbered(&frame("/srv/app.py", None)), "app.py");
        let own = env::current_dir().unwrap().join("src/a.py").display().to_string();
        assert_eq!(unnumbered(&frame(&own, Some("f"))), "src/a.py in f");
    }

    #[test]
    fn a_line_is_known_by_its_text() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("app.py").display().to_string();
        std::fs::write(&file, "import x\n\n  x.start()\n").unwrap();
        let at = |line| source(&Place { file: file.clone(), line, function: None, application: true });
        assert_eq!(at(Some(3)), Some("x.start()".to_owned()));
        assert_eq!((at(Some(2)), at(Some(9)), at(None)), (None, None, None));
    }
}
