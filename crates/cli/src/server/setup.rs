//! What `run` and `check` are told about the program and the library in it.
use super::library;
use forkguard_options::{DEFAULTS, named, nearest};
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The program, and how the library is set up in it.
#[derive(clap::Args)]
pub(crate) struct Setup {
    /// Record, report and guard: the library's default
    #[arg(long, conflicts_with = "observe")]
    guard: bool,

    /// Record and report, change nothing
    #[arg(long)]
    observe: bool,

    /// A set of guards; cure: all that are safe together
    #[arg(long, value_name = "NAME", value_parser = ["cure"], conflicts_with = "observe")]
    profile: Option<String>,

    /// Where the report goes [default: a directory of this run's own]
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,

    /// Another option of the library, by its whole name or without FORKGUARD_: --set sockets=sever
    #[arg(long = "set", value_name = "OPTION=VALUE", value_parser = setting)]
    settings: Vec<Setting>,

    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// A variable of the environment and its value.
pub(crate) type Setting = (String, String);

/// `sockets=sever` as the library knows it, or why it would not take it.
fn setting(text: &str) -> Result<Setting, String> {
    let (name, value) = text.split_once('=').ok_or("not of the form OPTION=VALUE")?;
    let name = variable(name);
    let option = named(&name).ok_or_else(|| format!("no option {name}; {}?", nearest(&name)))?;
    let mut options = DEFAULTS;
    match value.is_empty() || options.take(option, value) {
        true => Ok((name, value.to_owned())),
        false => Err(format!("allowed is {}", option.allowed)),
    }
}

/// The variable of the environment that an option's name stands for, as people write it.
fn variable(name: &str) -> String {
    const PREFIX: &str = "FORKGUARD";
    let name = name.to_uppercase().replace('-', "_");
    if name.starts_with(PREFIX) { name } else { format!("{PREFIX}_{name}") }
}

impl Setup {
    /// The options of the library that are asked for, apart from the report's place.
    pub(super) fn options(&self) -> Vec<Setting> {
        let option = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mode = self.observe.then_some("observe").or(self.guard.then_some("guard"));
        let mode = mode.map(|mode| option("FORKGUARD", mode));
        let profile = self.profile.as_ref().map(|profile| option("FORKGUARD_PROFILE", profile));
        mode.into_iter().chain(profile).chain(self.settings.iter().cloned()).collect()
    }

    /// The program's name, without its directory.
    pub(crate) fn name(&self) -> String {
        let name = Path::new(&self.command[0]).file_name().unwrap_or(&self.command[0]);
        forkguard_report::text::Plain(&name.to_string_lossy()).to_string()
    }
}

/// LD_PRELOAD with the library first and all that stands there already behind it, but for another copy of the library.
pub(super) fn preload(library: &Path) -> OsString {
    let before = env::var_os("LD_PRELOAD").unwrap_or_default();
    joined(library.as_os_str().to_owned(), &before)
}

fn joined(mut list: OsString, before: &std::ffi::OsStr) -> OsString {
    use std::os::unix::ffi::OsStrExt;
    let entries = before.as_bytes().split(|byte| *byte == b':' || byte.is_ascii_whitespace()).map(std::ffi::OsStr::from_bytes);
    let others = entries.filter(|entry| !entry.is_empty() && Path::new(entry).file_name() != Some(library::NAME.as_ref()));
    for other in others {
        list.push(":");
        list.push(other);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_named_as_people_do() {
        let of = |text| setting(text).map(|(name, value)| format!("{name}={value}"));
        assert_eq!(of("sockets=sever"), Ok("FORKGUARD_SOCKETS=sever".to_owned()));
        assert_eq!(of("FORKGUARD_KEEP=a=b"), Ok("FORKGUARD_KEEP=a=b".to_owned()));
        assert_eq!(of("safe-point=100"), Ok("FORKGUARD_SAFE_POINT=100".to_owned()));
        assert_eq!(of("FORKGUARD=off"), Ok("FORKGUARD=off".to_owned()));
        assert_eq!(of("sockets="), Ok("FORKGUARD_SOCKETS=".to_owned()));
        assert_eq!(of("socket=sever"), Err("no option FORKGUARD_SOCKET; FORKGUARD_SOCKETS?".to_owned()));
        assert_eq!(of("sockets=severed"), Err("allowed is cloexec, sever, spare or keep".to_owned()));
        assert!(of("sockets").is_err() && of("=x").is_err() && of("a b=c").is_err());
    }

    #[test]
    fn what_is_preloaded_already_stays() {
        let of = |before: &str| joined("/l/libforkguard.so".into(), before.as_ref()).into_string().unwrap();
        assert_eq!(of(""), "/l/libforkguard.so");
        assert_eq!(of("/a.so:b.so"), "/l/libforkguard.so:/a.so:b.so");
        assert_eq!(of(" /a.so  /old/libforkguard.so:"), "/l/libforkguard.so:/a.so");
    }
}
