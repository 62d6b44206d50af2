//! What forkguard says: the events of a report and the catalogue of findings.
//!
//! The preload library writes these types as JSON Lines without allocating (every list and string may be borrowed); the tool
//! reads them back owned. `docs/report.schema.json` and `docs/story.schema.json` are generated from them.
pub mod catalogue;
pub mod cure;
pub mod directories;
pub mod event;
pub mod log_line;
pub mod pattern;
#[cfg(feature = "schema")]
mod schema;
pub mod story;
pub mod summary;
pub mod suppress;
pub mod text;

pub use event::{Event, Line, SCHEMA};
#[cfg(feature = "schema")]
pub use schema::{schema, story_schema};

/// How the names of report files end.
pub const SUFFIX: &str = ".jsonl";

/// What each line begins with. Within a text it cannot stand: the text's quotes are escaped.
const BEGINNING: &[u8] = br#"{"schema":"#;

/// The whole line behind the beginning of another: a process that SIGKILL ends within its write leaves a line without end
/// (generic_perform_write of Linux' mm/filemap.c stops at a page's end), and the next writer's line follows it.
pub fn after_torn(line: &[u8]) -> Option<&[u8]> {
    let start = line.windows(BEGINNING.len()).rposition(|part| part == BEGINNING)?;
    (start > 0).then(|| &line[start..])
}

#[cfg(test)]
mod tests {
    use super::after_torn;

    #[test]
    fn a_line_behind_a_torn_one_is_whole() {
        let whole = br#"{"schema":1,"name":"{\"schema\":"}"#;
        assert_eq!(after_torn(whole), None);
        assert_eq!(after_torn(b"no line"), None);
        let torn: Vec<u8> = [&whole[..15], &whole[..3], &whole[..20], whole].concat();
        assert_eq!(after_torn(&torn), Some(&whole[..]));
    }
}
