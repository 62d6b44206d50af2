//! Whether an option of ours deals with the very thing that a finding is about, and the option with that thing's name in it.
use crate::entry::Arena;
use forkguard_report::catalogue::{COMPRESSED, is_of_datagrams};
use forkguard_report::cure::OptionWithName;
use forkguard_report::event::{FindingKind, Role, Site};

/// Ends of a subject that names the holder of a lock which no record of the fork's has.
const UNRECORDED: [&str; 2] = [SINCE_BEFORE_THE_FORK, NOT_OF_THE_PROCESS];
pub(crate) const SINCE_BEFORE_THE_FORK: &str = " since before the fork";
pub(crate) const NOT_OF_THE_PROCESS: &str = ", which its process does not have";

/// The `option` for findings of this kind, with names filled in; None where it would not deal with this one.
pub(super) fn option_that_cures<'a>(
    arena: &'a Arena,
    kind: FindingKind,
    option: &'static str,
    subject: &str,
    sites: &[Site<'_>],
) -> Option<&'a str> {
    let named = |name: &str| with_name(arena, option, name);
    match kind {
        FindingKind::ThreadLost => {
            let runs_python = sites.iter().any(|site| site.role == Role::Code && language(site) == Some("python"));
            quoted(subject).filter(|name| runs_python && !name.contains([',', '\''])).map(named)
        }
        // The C library's own locks cannot be reached, and one without a known holder (the GIL, a static variable), or that was not recorded at
        // the fork, cannot be given free.
        FindingKind::LockOrphaned | FindingKind::LockDeadlock => {
            let part = if subject.contains("C library's") { "FORKGUARD_SAFE_POINT" } else { "FORKGUARD_LOCKS" };
            let is_curable = subject.contains("held by") && !UNRECORDED.iter().any(|holder| subject.ends_with(holder));
            option.split(" or ").find(|option| is_curable && option.starts_with(part))
        }
        // The guard knows the C library's streams, not those of interpreters.
        // Neither does it know what a compressor holds.
        FindingKind::BufferDuplicated => (!subject.starts_with("Python's") && !subject.contains(COMPRESSED)).then_some(option),
        FindingKind::EpollInherited | FindingKind::EpollSharedUse => subject.starts_with("epoll").then_some(option),
        FindingKind::ConnectionSharedUse => (!is_of_datagrams(subject)).then_some(option),
        FindingKind::FileOffsetShared => subject.contains("open for read at").then_some(option),
        FindingKind::TimerLost => (!subject.contains(" on the real clock")).then_some(option),
        FindingKind::RuntimeUnsafe => subject.contains("libgomp").then_some(option),
        FindingKind::ExitHandlerInherited => {
            [" removes ", " renames ", " sends SIG"].iter().any(|deed| subject.contains(deed)).then_some(option)
        }
        FindingKind::LockFileShared => subject.contains("released by the child").then_some(option),
        // Ruby, Perl and PHP keep their programs' handlers in tables of their own, behind one function for all signals.
        FindingKind::HandlerDropped => {
            let set_in = sites.iter().find(|site| site.role == Role::Set).and_then(language);
            let is_kept = !matches!(set_in, Some("ruby" | "perl" | "php"));
            subject.strip_prefix("SIG").filter(|_| is_kept).map(named)
        }
        _ => Some(option),
    }
}

/// The option with a name in it, as a shell takes it.
fn with_name<'a>(arena: &'a Arena, option: &'static str, name: &str) -> &'a str {
    arena.format(format_args!("{}", OptionWithName { option: option.trim_end_matches("NAME"), name }))
}

/// The language of a site's innermost frame.
fn language<'s>(site: &'s Site<'_>) -> Option<&'s str> {
    site.frames.first().map(|frame| &*frame.language)
}

/// The first name in quotes.
fn quoted(text: &str) -> Option<&str> {
    text.split('"').nth(1).filter(|name| !name.is_empty())
}
