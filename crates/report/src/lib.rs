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
