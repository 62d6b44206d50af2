//! The terminal that a person reads on.
use anstyle::{AnsiColor, Style};
use forkguard_report::event::Severity;
use std::fmt::Display;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

/// Headings.
pub(crate) const HEAD: Style = Style::new().bold();
/// What matters less.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// Commands to type.
pub(crate) const COMMAND: Style = AnsiColor::Green.on_default();

/// Lines of prose are no longer than this however wide the terminal is.
const READABLE: usize = 120;

/// The colour of a severity.
pub(crate) fn style(severity: Severity) -> Style {
    match severity {
        Severity::Error => AnsiColor::Red.on_default().bold(),
        Severity::Warning => AnsiColor::Yellow.on_default().bold(),
        Severity::Info => AnsiColor::Cyan.on_default(),
    }
}

/// Columns of the terminal that stdout is, or that COLUMNS tells; None where lines may be as long as they are.
pub(crate) fn columns() -> Option<usize> {
    columns_of(&io::stdout())
}

/// The same for stderr, or whatever else is printed to.
pub(crate) fn columns_of(stream: &(impl IsTerminal + AsFd)) -> Option<usize> {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let size = || stream.is_terminal().then(|| rustix::termios::tcgetwinsize(stream).ok()).flatten();
    told.or_else(|| size().map(|size| size.ws_col.into())).filter(|&columns: &usize| columns >= 20)
}

/// Prose behind `first`, its further lines behind as many blanks as `indent`; at most as wide as the terminal.
pub(crate) fn wrapped(text: impl Display, first: &str, indent: usize, columns: Option<usize>) -> String {
    let text = text.to_string();
    let Some(columns) = columns else { return format!("{first}{text}") };
    let indent = " ".repeat(indent);
    let options = textwrap::Options::new(columns.min(READABLE).max(indent.len() + 20))
        .initial_indent(first)
        .subsequent_indent(&indent)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .break_words(false);
    textwrap::fill(&text, options)
}

/// Megabytes, of kilobytes.
pub(crate) fn megabytes(kilobytes: u64) -> String {
    match kilobytes {
        0..10_240 => format!("{:.1} MB", kilobytes as f64 / 1024.0),
        _ => format!("{} MB", (kilobytes + 512) / 1024),
    }
}
