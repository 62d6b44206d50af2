//! The table of `--compare` as one HTML file that needs nothing else, with its picture.
use super::compare::{Row, Table, signed};
use super::picture;
use crate::terminal::megabytes;
use askama::Template;
use std::ffi::OsString;
use std::io::{Error, Result, Write};

/// The whole page.
#[derive(Template)]
#[template(path = "memory.html")]
struct Page<'a> {
    program: String,
    picture: String,
    then: String,
    rows: Vec<Line<'a>>,
    notes: &'a [String],
}

/// A way of starting the server.
struct Line<'a> {
    row: &'a Row,
    sizes: [String; 4],
    saved: Option<[String; 3]>,
}

impl Line<'_> {
    fn of(row: &Row) -> Line<'_> {
        let sizes = [row.pss_at_start, row.pss_after, row.total_at_start, row.total_after].map(megabytes);
        Line { row, sizes, saved: row.saved.map(|saved| saved.map(signed)) }
    }
}

/// Writes the page.
pub(super) fn table(out: &mut dyn Write, table: &Table, command: &[OsString]) -> Result<()> {
    let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
    let rows = table.rows.iter().map(Line::of).collect();
    let page = Page { program: words.join(" "), picture: picture::of(table), then: table.then(), rows, notes: &table.notes };
    page.write_into(out).map_err(Error::other)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::super::compare::{Row, Table};

    #[test]
    fn the_page_has_the_picture_and_every_row() {
        let row = |variant: &str, saved| Row {
            variant: variant.to_owned(),
            workers: 4,
            ready_seconds: 1.25,
            pss_at_start: 20 << 10,
            pss_after: 30 << 10,
            total_at_start: 100 << 10,
            total_after: 140 << 10,
            own_after: 25 << 10,
            saved,
        };
        let rows = vec![row("without preload", None), row("with preload", Some([-5 << 10, 60 << 10, 800 << 10]))];
        let table = Table { requests: 1000, rows, notes: vec!["ksm was not tried".to_owned()] };
        let mut page = Vec::new();
        super::table(&mut page, &table, &["server".into(), "<app>".into()]).expect("written");
        let page = String::from_utf8(page).expect("UTF-8");
        assert!(page.contains("<svg") && !page.contains("<app>"), "{page}");
        for cell in ["with preload", "30 MB", "1.2 s", "-5.0 MB", "800 MB", "after 1000 requests", "ksm was not tried"] {
            assert!(page.contains(cell), "{cell}: {page}");
        }
    }
}
