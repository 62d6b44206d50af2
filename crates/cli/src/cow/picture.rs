//! The table of `--compare` as a picture (SVG): what a worker takes, at the start and then.
use super::compare::{Row, Table};
use crate::terminal::megabytes;
use askama::Template;

/// Widths in pixels: of the picture, of the names, and of the longest bar.
const WIDTH: u64 = 760;
const LABELS: u64 = 290;
const LONGEST: u64 = 390;
/// Heights: of the head, and of a row.
const HEAD: u64 = 58;
const ROW: u64 = 40;

/// The whole picture.
#[derive(Template)]
#[template(path = "memory.svg", escape = "html")]
struct Picture<'a> {
    title: &'static str,
    then: String,
    rows: Vec<Bars<'a>>,
    height: u64,
}

/// What is drawn of a row.
struct Bars<'a> {
    name: &'a str,
    y: u64,
    start: Bar,
    after: Bar,
}

impl Bars<'_> {
    fn of(y: u64, row: &Row, bar: impl Fn(u64) -> Bar) -> Bars<'_> {
        Bars { name: &row.variant, y, start: bar(row.pss_at_start), after: bar(row.pss_after) }
    }
}

struct Bar {
    width: u64,
    text: String,
}

/// The picture's text.
pub(super) fn of(table: &Table) -> String {
    let most = table.rows.iter().flat_map(|row| [row.pss_at_start, row.pss_after]).max().unwrap_or(0).max(1);
    let bar = |kilobytes: u64| Bar { width: kilobytes * LONGEST / most, text: megabytes(kilobytes) };
    let bars = |(y, row)| Bars::of(y, row, bar);
    let picture = Picture {
        title: "Memory of a worker (PSS)",
        then: table.then(),
        rows: (HEAD..).step_by(ROW as usize).zip(&table.rows).map(bars).collect(),
        height: HEAD + ROW * table.rows.len() as u64,
    };
    picture.to_string()
}
