//! The lines of a program that findings are grouped by and known again by.
use super::keep::{Keep, Stack};
use crate::symbols::Symbols;
use forkguard_report::event::{FindingKind, Frame, Role, Site};
use forkguard_report::story::Place;

/// The line that a finding is grouped by: the application's where its cause is, or else where it shows; else the innermost that is known.
pub(crate) fn place(sites: &[Site<'static>]) -> Option<Place> {
    let own = sites.iter().find_map(Site::application).map(|frame| (frame, true));
    let (frame, application) = own.or_else(|| Some((innermost(sites)?, false)))?;
    Some(Place {
        file: frame.file.as_ref()?.to_string(),
        line: frame.line,
        function: frame.function.as_ref().map(ToString::to_string),
        application,
    })
}

/// The innermost frame of the first site that has one.
pub(crate) fn innermost<'s>(sites: &'s [Site<'static>]) -> Option<&'s Frame<'s>> {
    sites.iter().find_map(|site| site.innermost())
}

/// The lines that a person would edit, now that more of them are known.
pub(crate) fn application_lines(sites: &[Site]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in sites.iter().filter_map(Site::application).map(|frame| format!("{frame:#}")) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// Where a fork was called: its stack, with native code resolved, to the line that is shown.
pub(crate) fn called_at(keep: &Keep, stack: Stack, symbols: &mut Symbols) -> Option<String> {
    if stack.is_empty() {
        return None;
    }
    let (frames, _) = symbols.frames(keep.frames(stack));
    Site { role: Role::Fork, thread: None, frames: frames.into() }.innermost().map(|frame| format!("{frame:#}"))
}

/// A finding's fingerprint: kind, file and function; without the line's number, which changes as the file is edited above it.
pub(crate) fn fingerprint(kind: FindingKind, line: &str, place: Option<&Place>) -> String {
    let place = match place {
        Some(Place { file, function: Some(function), .. }) => format!("{file}\0{function}"),
        _ => line.to_owned(),
    };
    format!("{:016x}", fnv1a(&format!("{}\0{place}", kind.name())))
}

/// FNV-1a of 64 bits: the same in every run, on every machine and in every version of the tool.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// A subject without the numbers that differ from run to run: addresses, thread ids, ports. Those that end a name stay.
pub(crate) fn without_numbers(subject: &str) -> String {
    let word = |word: &str| {
        let number =
            word.trim_start_matches(|char: char| !char.is_alphanumeric()).starts_with(|char: char| char.is_ascii_digit());
        if number { "#".to_owned() } else { word.to_owned() }
    };
    subject.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_differ_by_more_than_numbers() {
        let subject = "semaphore at 0x361d2a50, held by thread \"beat\" (tid 11759)";
        assert_eq!(without_numbers(subject), "semaphore at # held by thread \"beat\" (tid #");
        assert_eq!(without_numbers("SIGUSR2"), "SIGUSR2");
    }

    #[test]
    fn fingerprints_outlive_an_edit_above() {
        let place = |line, function: Option<&str>| Place {
            file: "/srv/app.py".into(),
            line: Some(line),
            function: function.map(str::to_owned),
            application: true,
        };
        let of = |place: Place| fingerprint(FindingKind::ThreadLost, &format!("x:{:?}", place.line), Some(&place));
        assert_eq!(of(place(1, Some("f"))), of(place(2, Some("f"))));
        assert_ne!(of(place(1, Some("f"))), of(place(1, Some("g"))));
        assert_ne!(of(place(1, None)), of(place(2, None)));
        // A published test vector of FNV-1a.
        assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
    }
}
