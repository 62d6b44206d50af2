//! file-offset-shared: a regular file that is read or written by position, which child and leader then share. Standard output and
//! error are shared on purpose, what is appended has no position of its own, and what is written in /dev/shm is mapped.
use crate::entry::Arena;
use crate::findings::evidence::Evidence;
use crate::findings::sqlite_inherited;
use forkguard_report::catalogue::MOVED;
use forkguard_report::event::{Descriptor, DescriptorKind, Finding, FindingKind, Severity};

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for file in evidence.files.iter().filter(|d| has_position(d)) {
        found(evidence.finding(
            FindingKind::FileOffsetShared,
            Severity::Info,
            format_args!("{}", file.fd),
            format_args!("{}", subject(evidence.arena, file)),
            evidence.arena.join([file.site.as_slice()]),
        ));
    }
}

fn subject<'a>(arena: &'a Arena, file: &Descriptor<'_>) -> &'a str {
    let mode = file.mode.as_deref().unwrap_or("read");
    let path = file.path.as_deref().unwrap_or("?");
    let offset = file.offset.unwrap_or(0);
    arena.format(format_args!("{path} (descriptor {}, open for {mode} at offset {offset})", file.fd))
}

/// One in which the child set the position, and finds it elsewhere.
pub(crate) fn moved<'a>(arena: &'a Arena, file: &Descriptor<'_>) -> &'a str {
    arena.format(format_args!("{}{MOVED}", subject(arena, file)))
}

/// A file whose position matters.
pub(crate) fn has_position(file: &Descriptor<'_>) -> bool {
    let path = file.path.as_deref().unwrap_or("?");
    let mode = file.mode.as_deref().unwrap_or("read");
    let is_segment = path.starts_with("/dev/shm/") && mode != "read";
    file.kind == DescriptorKind::File
        && !matches!(file.fd, 1 | 2)
        && !mode.ends_with("append")
        && !path.starts_with("/proc/")
        && !path.starts_with("/sys/")
        && !is_segment
        && !sqlite_inherited::is_database(file)
}
