//! The story as JSON: `docs/story.schema.json`.
use forkguard_report::story::Story;
use std::io::{Result, Write};

/// Writes the story on one line.
pub(crate) fn write(mut out: &mut dyn Write, story: &Story) -> Result<()> {
    serde_json::to_writer(&mut out, story)?;
    writeln!(out)
}
