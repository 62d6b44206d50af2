//! What `--try` tries: the server with preload once more, and one thing besides that may keep more shared.
//!
//! The program stays as it is: everything is done by variables of its environment.
use crate::server::library_path;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use tempfile::TempDir;

/// Values of FORKGUARD_MEMORY.
const GUARDS: [&str; 4] = ["trim", "freeze", "nothp", MERGING];
const MERGING: &str = "ksm";

/// The server is started with these variables.
#[derive(Default)]
pub(super) struct Trial {
    pub(super) name: String,
    pub(super) variables: Vec<(&'static str, OsString)>,
    /// ksmd needs time before it is measured.
    pub(super) is_merged: bool,
}

impl Trial {
    fn of(name: &str, variable: &'static str, value: impl Into<OsString>) -> Trial {
        Trial { name: format!("with preload, {name}"), variables: vec![(variable, value.into())], is_merged: false }
    }

    fn of_guard(value: &str) -> Result<Trial, String> {
        let library = library_path().map_err(|error| error.to_string())?;
        let mut trial = Trial::of(&format!("FORKGUARD_MEMORY={value}"), "FORKGUARD_MEMORY", value);
        trial.variables.extend([("LD_PRELOAD", library.into_os_string()), ("FORKGUARD_REPORT", "none".into())]);
        Ok(Trial { is_merged: value == MERGING, ..trial })
    }
}

/// What is tried with a program of this language, and what is left out and why. The directory must last as long as the trials.
pub(super) fn all(language: Language, directory: &TempDir) -> Result<(Vec<Trial>, Vec<String>), String> {
    let (mut trials, mut notes) = (Vec::new(), Vec::new());
    for value in GUARDS {
        if value == MERGING && !is_ksmd_running() {
            let why = "ksm was not tried: ksmd does not run on this host; root starts it: echo 1 > /sys/kernel/mm/ksm/run";
            notes.push(why.to_owned());
        } else {
            trials.push(Trial::of_guard(value)?);
        }
    }
    trials.push(Trial::of("MALLOC_ARENA_MAX=2", "MALLOC_ARENA_MAX", "2"));
    trials.extend(language.trial(directory.path()).map_err(|error| format!("{}: {error}", directory.path().display()))?);
    Ok((trials, notes))
}

fn is_ksmd_running() -> bool {
    fs::read_to_string("/sys/kernel/mm/ksm/run").is_ok_and(|text| text.trim() == "1")
}

/// What a program is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Python,
    Ruby,
    Other,
}

impl Language {
    /// By the names of the program and its libraries.
    pub(super) fn of(pid: u32) -> Language {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        let mut files = maps.lines().filter_map(|line| Some(line.rsplit_once('/')?.1));
        let language = |file: &str| match file.strip_prefix("lib").unwrap_or(file) {
            file if file.starts_with("python") => Some(Language::Python),
            file if file.starts_with("ruby") => Some(Language::Ruby),
            _ => None,
        };
        files.find_map(language).unwrap_or(Language::Other)
    }

    /// What only its interpreter can do: a file in the directory, which it loads before the program.
    fn trial(self, directory: &Path) -> io::Result<Option<Trial>> {
        const PYTHONS: &str = include_str!("sitecustomize.py");
        const RUBYS: &str = include_str!("compact.rb");
        /// Before what the variable has already.
        fn joined(first: OsString, separator: &str, variable: &'static str) -> OsString {
            match env::var_os(variable).filter(|value| !value.is_empty()) {
                Some(given) => [first, separator.into(), given].into_iter().collect(),
                None => first,
            }
        }
        Ok(match self {
            Language::Python => {
                fs::write(directory.join("sitecustomize.py"), PYTHONS)?;
                let path = joined(directory.into(), ":", "PYTHONPATH");
                Some(Trial::of("gc.disable() and gc.freeze()", "PYTHONPATH", path))
            }
            Language::Ruby => {
                let file = directory.join("compact.rb");
                fs::write(&file, RUBYS)?;
                let options = joined(["-r".into(), file.into_os_string()].into_iter().collect(), " ", "RUBYOPT");
                Some(Trial::of("GC.compact before the fork", "RUBYOPT", options))
            }
            Language::Other => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn an_interpreters_own_trial_is_of_its_language() {
        let directory = tempfile::tempdir().expect("a directory");
        let trial = |language: Language| language.trial(directory.path()).expect("written");
        assert!(trial(Language::Other).is_none());
        for (language, variable) in [(Language::Python, "PYTHONPATH"), (Language::Ruby, "RUBYOPT")] {
            assert_eq!(trial(language).expect("a trial").variables[0].0, variable);
        }
        assert_eq!(Language::of(std::process::id()), Language::Other);
    }
}
