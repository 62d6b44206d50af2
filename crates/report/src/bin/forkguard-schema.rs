//! Prints the JSON Schema of a report's lines: the text of `docs/report.schema.json`.
use std::io::{Result, Write, stdout};

fn main() -> Result<()> {
    writeln!(stdout(), "{:#}", forkguard_report::schema())
}
