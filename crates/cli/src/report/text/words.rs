//! Words that several parts of the text use.
use std::time::{Duration, UNIX_EPOCH};

/// How much is shown, and how wide.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    /// What is resolved or moot is listed, too.
    pub(crate) all: bool,
    /// Stacks are shown whole.
    pub(crate) stacks: bool,
    /// None where lines may be as long as they are.
    pub(crate) columns: Option<usize>,
}

/// Children in a list before the others are counted.
const CHILDREN: usize = 16;

/// " 12 13 14", or the first of many.
pub(super) fn names(children: &[u32], count: u64) -> String {
    let shown = children.len().min(CHILDREN);
    let more = count.saturating_sub(shown as u64);
    let more = if shown > 0 && more > 0 { format!(" and {more} more") } else { String::new() };
    children.iter().take(CHILDREN).fold(String::new(), |names, child| format!("{names} {child}")) + &more
}

/// "in 3 children: 12 13 14", or only their number where nobody knows them.
pub(crate) fn in_children(children: &[u32], count: u64) -> String {
    let noun = if count == 1 { "child" } else { "children" };
    let colon = if children.is_empty() { "" } else { ":" };
    format!("in {count} {noun}{colon}{}", names(children, count))
}

/// The date and time of day, in UTC; what no clock shows is shown as the nearest that one does.
pub(crate) fn date(time: f64) -> String {
    const LAST: f64 = 253_402_300_799.0;
    let since = Duration::from_millis((time.clamp(0.0, LAST) * 1000.0).round() as u64);
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string().replace('T', " ").replace('Z', "")
}
