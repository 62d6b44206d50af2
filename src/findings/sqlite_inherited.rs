//! sqlite-inherited: an open SQLite database. POSIX locks are not inherited, but the library believes to hold them.
use crate::findings::evidence::Evidence;
use crate::findings::libraries::base;
use forkguard_report::event::{Descriptor, DescriptorKind, Finding, FindingKind, Severity};

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for file in evidence.inherited.iter().filter(|d| d.kind == DescriptorKind::File) {
        if !is_database(file) {
            continue;
        }
        let path = file.path.as_deref().unwrap_or("?");
        found(evidence.finding(
            FindingKind::SqliteInherited,
            Severity::Info,
            format_args!("{}", file.fd),
            format_args!("database {path}, descriptor {}", file.fd),
            evidence.arena.join([file.site.as_slice()]),
        ));
    }
}

/// A file that SQLite's own code opened for writing and that is none of its side files. (Looking into the file would be noticed: by a
/// watcher, by a file that answers only once.)
pub(crate) fn is_database(file: &Descriptor<'_>) -> bool {
    let module = file.site.as_ref().and_then(|s| s.frames.first()?.module.as_deref());
    let path = file.path.as_deref().unwrap_or("?");
    module.is_some_and(is_sqlite)
        && file.mode.as_deref() == Some("read-write")
        && !["-wal", "-journal", "-shm"].iter().any(|suffix| path.ends_with(suffix))
}

/// True for the path of SQLite's own library.
pub(crate) fn is_sqlite(module: &str) -> bool {
    base(module).contains("sqlite")
}
