//! sqlite-inherited: an open SQLite database. POSIX locks are not inherited, but the library believes to hold them.
use super::*;

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for file in evidence.inherited().filter(|d| d.kind == DescriptorKind::File) {
        let by_library = opened_by_sqlite(file) && file.mode.as_deref() == Some("read-write");
        if !by_library && !evidence.databases.contains(&file.fd) {
            continue;
        }
        let path = file.path.as_deref().unwrap_or("?");
        if ["-wal", "-journal", "-shm"].iter().any(|suffix| path.ends_with(suffix)) {
            continue;
        }
        found(evidence.finding(
            Kind::SqliteInherited,
            Severity::Info,
            format_args!("{}", file.fd),
            format_args!("database {path}, descriptor {}", file.fd),
            evidence.sites([file.site.as_slice()]),
        ));
    }
}

fn opened_by_sqlite(file: &Descriptor<'_>) -> bool {
    let module = file.site.as_ref().and_then(|s| s.frames.first()?.module.as_deref());
    module.is_some_and(|m| base(m).contains("sqlite3"))
}
