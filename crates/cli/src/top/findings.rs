//! What the library has reported of the processes that are shown: findings by state, and how much private memory each began with.
use crate::input::ReportFile;
use crate::inspect::report_files_of;
use crate::story::single::{event, lines};
use crate::story::tell;
use crate::symbols::DebugFiles;
use forkguard_process::status;
use forkguard_report::SUFFIX;
use forkguard_report::event::{Event, State};
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Findings of a process that stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// They bit.
    pub(super) hit: u64,
    /// They may.
    pub(super) open: u64,
}

/// What the reports say of processes, by number.
#[derive(Default)]
pub(super) struct Reported {
    pub(super) findings: HashMap<u32, Counts>,
    /// Private memory of children when they settled, in kilobytes.
    pub(super) private: HashMap<u32, u64>,
}

impl Reported {
    /// Reads the reports that these processes write.
    pub(super) fn of(pids: &[u32]) -> Reported {
        let mut files: Vec<PathBuf> = pids.iter().flat_map(|&pid| own_files(pid)).collect();
        files.sort();
        files.dedup();
        let mut reported = Reported::default();
        files.iter().for_each(|file| reported.add_memory(file));
        let files: Vec<ReportFile> = files.into_iter().map(|path| ReportFile { path, listed: true }).collect();
        let Some(story) = (!files.is_empty()).then(|| tell(&files, &DebugFiles::default(), |_| ()).ok()).flatten() else {
            return reported;
        };
        let lives = story.findings.iter().filter(|finding| !finding.suppressed).flat_map(|finding| &finding.lives);
        for (state, child) in lives.flat_map(|life| life.children.iter().map(|&child| (life.state, child))) {
            let counts = reported.findings.entry(child).or_default();
            match state {
                State::Hit => counts.hit += 1,
                State::Open => counts.open += 1,
                State::Resolved | State::Moot | State::Untouched => {}
            }
        }
        reported
    }

    fn add_memory(&mut self, file: &Path) {
        let Ok(file) = File::open(file) else { return };
        let settled = lines(file).filter(|line| line.contains(r#""event":"child""#));
        for line in settled.filter_map(|line| event(&line)) {
            if let Event::Child(child) = line.event
                && let Some(private) = child.memory.and_then(|memory| memory.private)
            {
                self.private.insert(line.pid, private);
            }
        }
    }
}

/// The reports that a process writes itself: their names end with its number.
fn own_files(pid: u32) -> Vec<PathBuf> {
    let Ok(process) = status(pid) else { return Vec::new() };
    let ending = format!("-{}{SUFFIX}", process.own_id);
    let is_own = |path: &PathBuf| path.as_os_str().as_encoded_bytes().ends_with(ending.as_bytes());
    report_files_of(&process).into_iter().filter(is_own).collect()
}
