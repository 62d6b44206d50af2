//! Lines of source files, on request only: a report names any file, and a page is passed on.
use forkguard_report::story::Place;
use forkguard_report::text::Plain;
use std::path::Path;

/// Lines before and after the one that is meant.
const AROUND: usize = 3;

/// Bytes of the longest source file that is read.
const LONGEST: u64 = 1 << 20;

/// A line of a source file.
pub(super) struct SourceLine {
    pub(super) number: usize,
    pub(super) text: String,
    /// The one that is meant.
    pub(super) is_meant: bool,
}

/// The lines around a place, where its file really lies below the directory.
pub(super) fn around(place: &Place, below: &Path) -> Option<Vec<SourceLine>> {
    let meant = place.line? as usize;
    let file = Path::new(&place.file).canonicalize().ok()?;
    let metadata = file.metadata().ok()?;
    if !file.starts_with(below.canonicalize().ok()?) || !metadata.is_file() || metadata.len() > LONGEST {
        return None;
    }
    let content = String::from_utf8(std::fs::read(file).ok()?).ok()?;
    let lines = content.lines().enumerate().map(|(index, text)| (index + 1, text));
    let near = lines.skip_while(|(number, _)| number + AROUND < meant).take_while(|(number, _)| *number <= meant + AROUND);
    let line = |(number, text): (usize, &str)| SourceLine {
        number,
        text: Plain(&text.replace('\t', "    ")).to_string(),
        is_meant: number == meant,
    };
    Some(near.map(line).collect())
}
