//! What the library in a process has reported of it: found by the process's own environment.
use crate::story::single::{event, lines};
use forkguard_process::{Status, has_library};
use forkguard_report::SUFFIX;
use forkguard_report::directories::default_directories;
use forkguard_report::event::{Event, Finding};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The findings about a process, in their order.
pub(super) fn findings(process: &Status) -> Vec<Finding<'static>> {
    if !has_library(process.id) {
        return Vec::new();
    }
    report_files(process).iter().flat_map(|file| of_file(file, process.own_id)).collect()
}

/// The reports where a process writes its own.
pub(crate) fn report_files(process: &Status) -> Vec<PathBuf> {
    let root = PathBuf::from(format!("/proc/{}", process.id));
    let environment = fs::read(root.join("environ")).unwrap_or_default();
    let directories = directories(&environment, process.user).into_iter();
    directories.flat_map(|directory| files(&inside(&root, &directory))).collect()
}

/// A path as the process sees it: below its own root directory, or from its own working directory.
fn inside(root: &Path, path: &Path) -> PathBuf {
    match path.strip_prefix("/") {
        Ok(path) => root.join("root").join(path),
        Err(_) => root.join("cwd").join(path),
    }
}

fn directories(environment: &[u8], user: u32) -> Vec<PathBuf> {
    let variable = |name: &str| {
        let mut entries = environment.split(|&byte| byte == 0).filter_map(|entry| str::from_utf8(entry).ok());
        entries.find_map(|entry| entry.strip_prefix(name)?.strip_prefix('=')).filter(|value| !value.is_empty())
    };
    if let Some(told) = variable("FORKGUARD_REPORT") {
        return vec![told.into()];
    }
    let mut all = Vec::new();
    default_directories(variable("XDG_STATE_HOME"), variable("TMPDIR"), user, |path| all.push(path.to_string().into()));
    all
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| entry.path())
        .filter(|path| path.as_os_str().as_encoded_bytes().ends_with(SUFFIX.as_bytes()))
        .collect();
    files.sort();
    files
}

fn of_file(file: &Path, child: u32) -> Vec<Finding<'static>> {
    let Ok(file) = File::open(file) else { return Vec::new() };
    // Few lines are parsed: others of a long report are about other children.
    let number = child.to_string();
    let of_child = lines(file).filter(|line| line.contains("finding") && line.contains(&number));
    of_child.filter_map(|line| finding(&line)).filter(|finding| finding.child == Some(child)).collect()
}

fn finding(line: &str) -> Option<Finding<'static>> {
    match event(line)?.event {
        Event::Finding(finding) => Some(finding),
        _ => None,
    }
}
