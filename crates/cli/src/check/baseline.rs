//! The findings that are known and accepted: a file of JSON, sorted, a line a finding, made to be read in a diff and commented on.
use crate::input::Error;
use crate::outcome::{Finding, Identity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Version of the file's form.
const VERSION: u32 = 1;

/// The findings that are known.
pub(super) struct Baseline {
    path: PathBuf,
    /// With the comments that people made.
    known: BTreeMap<Identity, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    forkguard_baseline: u32,
    findings: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    identity: Identity,
    #[serde(default)]
    comment: String,
}

impl Baseline {
    /// Reads the file; one that is to be made yet knows nothing.
    pub(super) fn read(path: &Path, is_made: bool) -> Result<Baseline, Error> {
        let known = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound && is_made => BTreeMap::new(),
            read => {
                let bytes = read.map_err(|error| Error::Unreadable(path.to_owned(), error))?;
                parse(&bytes).map_err(|why| Error::Unreadable(path.to_owned(), std::io::Error::other(why)))?
            }
        };
        Ok(Baseline { path: path.to_owned(), known })
    }

    pub(super) fn knows(&self, finding: &Finding) -> bool {
        self.known.contains_key(&finding.identity)
    }

    /// What it knows and no finding is any more.
    pub(super) fn stale<'b>(&'b self, findings: &[&Finding]) -> Vec<&'b Identity> {
        self.known.keys().filter(|known| findings.iter().all(|finding| finding.identity != **known)).collect()
    }

    /// Writes the file anew with these findings; comments stay.
    pub(super) fn update(&self, findings: &[&Finding]) -> Result<(), Error> {
        let comment = |finding: &&Finding| self.known.get(&finding.identity).cloned().unwrap_or_default();
        let new = findings.iter().map(|finding| (finding.identity.clone(), comment(finding))).collect();
        self.replace(&written(&new)).map_err(|error| Error::Unwritable(self.path.clone(), error))
    }

    /// All at once or not at all.
    fn replace(&self, text: &str) -> std::io::Result<()> {
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut new = tempfile::Builder::new().permissions(readable()).tempfile_in(directory)?;
        new.write_all(text.as_bytes())?;
        new.persist(&self.path)?;
        Ok(())
    }
}

/// It is kept with the sources, and others read it.
fn readable() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(0o644)
}

fn parse(bytes: &[u8]) -> Result<BTreeMap<Identity, String>, String> {
    let file: File = serde_json::from_slice(bytes).map_err(|error| format!("no baseline of forkguard: {error}"))?;
    match file.forkguard_baseline {
        VERSION => Ok(file.findings.into_iter().map(|entry| (entry.identity, entry.comment)).collect()),
        other => Err(format!("a baseline of version {other}, not {VERSION}")),
    }
}

fn written(known: &BTreeMap<Identity, String>) -> String {
    let entry = |(identity, comment): (&Identity, &String)| {
        let entry = Entry { identity: identity.clone(), comment: comment.clone() };
        format!("    {}", serde_json::to_string(&entry).unwrap_or_default())
    };
    let entries: Vec<String> = known.iter().map(entry).collect();
    let (start, end) = if entries.is_empty() { ("", "") } else { ("\n", "\n  ") };
    format!("{{\n  \"forkguard_baseline\": {VERSION},\n  \"findings\": [{start}{}{end}]\n}}\n", entries.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(kind: &str, at: &str) -> Identity {
        Identity { kind: kind.to_owned(), at: vec![at.to_owned()], text: "thread \"N\"".to_owned() }
    }

    #[test]
    fn a_line_a_finding_sorted_with_its_comment() {
        let of = |kind, at, comment: &str| (identity(kind, at), comment.to_owned());
        let known = BTreeMap::from([of("thread-lost", "b.py in f", "until 2.0"), of("lock-orphaned", "a.py in g", "")]);
        let text = written(&known);
        assert_eq!(
            text,
            "{\n  \"forkguard_baseline\": 1,\n  \"findings\": [\n    \
             {\"kind\":\"lock-orphaned\",\"at\":[\"a.py in g\"],\"text\":\"thread \\\"N\\\"\",\"comment\":\"\"},\n    \
             {\"kind\":\"thread-lost\",\"at\":[\"b.py in f\"],\"text\":\"thread \\\"N\\\"\",\"comment\":\"until 2.0\"}\n  ]\n}\n"
        );
        assert_eq!(parse(text.as_bytes()).unwrap(), known);
        assert!(parse(written(&BTreeMap::new()).as_bytes()).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_baseline_is_refused() {
        assert!(parse(b"{}").is_err());
        assert!(parse(br#"{"forkguard_baseline": 2, "findings": []}"#).unwrap_err().contains("version 2"));
        assert!(parse(br#"{"forkguard_baseline": 1, "findings": [{"kind": "x"}]}"#).is_err());
    }
}
