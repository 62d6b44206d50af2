//! Prints a JSON Schema: of a report's lines (the text of `docs/report.schema.json`), or with the argument `story` of what the tool makes
//! of them (the text of `docs/story.schema.json`).
use std::io::{Result, Write, stdout};

fn main() -> Result<()> {
    let story = std::env::args().nth(1).is_some_and(|argument| argument == "story");
    let schema = if story { forkguard_report::story_schema() } else { forkguard_report::schema() };
    writeln!(stdout(), "{schema:#}")
}
