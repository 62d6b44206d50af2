//! file-offset-shared: a regular file that is read or written by position, which child and leader then share. Standard output and
//! error are shared on purpose, and what is appended has no position of its own.
use super::*;

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    let files = evidence.inherited().filter(|d| d.kind == DescriptorKind::File && !matches!(d.fd, 1 | 2));
    for file in files.filter(|d| !sqlite_inherited::is_database(d)) {
        let mode = file.mode.as_deref().unwrap_or("read");
        let path = file.path.as_deref().unwrap_or("?");
        if mode.ends_with("append") || path.starts_with("/proc/") || path.starts_with("/sys/") {
            continue;
        }
        let offset = file.offset.unwrap_or(0);
        found(evidence.finding(
            Kind::FileOffsetShared,
            Severity::Info,
            format_args!("{}", file.fd),
            format_args!("{path} (descriptor {}, open for {mode} at offset {offset})", file.fd),
            evidence.sites([file.site.as_slice()]),
        ));
    }
}
