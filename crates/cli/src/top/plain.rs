//! One table, for a file, a pipe or a script.
use super::gather::Gatherer;
use super::rows::{HEADS, Row};
use crate::input::Error;
use std::io::{self, Write};
use std::time::Duration;

/// Columns that are numbers: they end where their heads end.
pub(super) const NUMBERS: [bool; 8] = [true, false, true, true, true, true, false, false];

/// Prints the table of two looks that lie `moment` apart.
pub(super) fn print(root: Option<u32>, moment: Duration) -> Result<(), Error> {
    let mut gatherer = Gatherer::new(root);
    gatherer.look();
    std::thread::sleep(moment);
    gatherer.look_for_hangs();
    let rows = gatherer.look();
    write(&mut anstream::AutoStream::auto(io::stdout().lock()), &rows).map_err(Error::Output)
}

fn write(out: &mut dyn Write, rows: &[Row]) -> io::Result<()> {
    if rows.is_empty() {
        writeln!(out, "No process of yours has forked under forkguard's library.")?;
        return writeln!(out, "\nnext: forkguard run -- SERVER ARGUMENTS…, or forkguard top PID");
    }
    let lines: Vec<[String; 8]> = std::iter::once(HEADS.map(str::to_owned)).chain(rows.iter().map(Row::cells)).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..HEADS.len()).map(width).collect();
    for line in &lines {
        let cells = line.iter().zip(&widths).zip(NUMBERS).map(|((cell, &width), number)| match number {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::samples::rows;

    #[test]
    fn one_table() {
        let mut out = Vec::new();
        super::write(&mut out, &rows()).unwrap();
        let table = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines.len() == 5 && lines[0].starts_with(" PID  NAME"), "{table}");
        assert!(lines[2].ends_with("1 hit, 2 open  hangs: semaphore at 0x1141c8e0, held_lock.py:20 in app"), "{table}");
    }
}
