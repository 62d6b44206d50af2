//! The figures as CSV (RFC 4180), in kilobytes.
use super::compare::Table;
use super::facts::{Look, Process};
use std::io::{Result, Write};

/// A row a process and moment.
pub(super) fn look(out: &mut dyn Write, look: &Look) -> Result<()> {
    writeln!(out, "seconds,requests,role,pid,rss,pss,uss,shared,copied,new,huge,swap")?;
    for moment in &look.moments {
        let all = std::iter::once(("leader", &moment.leader)).chain(moment.workers.iter().map(|worker| ("worker", worker)));
        for (role, process) in all {
            let Process { pid, rss, pss, uss, huge, swap, .. } = process;
            let pages = process.pages.map_or(",,".to_owned(), |pages| format!("{},{},{}", pages.shared, pages.copied, pages.new));
            writeln!(out, "{:.3},{},{role},{pid},{rss},{pss},{uss},{pages},{huge},{swap}", moment.seconds, moment.requests)?;
        }
    }
    Ok(())
}

/// A row a variant.
pub(super) fn table(out: &mut dyn Write, table: &Table) -> Result<()> {
    writeln!(out, "variant,workers,ready_seconds,pss_at_start,pss_after,total_at_start,total_after,saved_2,saved_8,saved_32")?;
    for row in &table.rows {
        let saved = row.saved.map_or(",,".to_owned(), |[two, eight, many]| format!("{two},{eight},{many}"));
        writeln!(
            out,
            "{},{},{:.2},{},{},{},{},{saved}",
            row.variant, row.workers, row.ready_seconds, row.pss_at_start, row.pss_after, row.total_at_start, row.total_after
        )?;
    }
    Ok(())
}
