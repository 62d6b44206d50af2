//! A hang, for whoever reads what the server writes to standard error.
use super::finding::Hang;
use crate::inspect::{self, Inspection};
use crate::terminal::columns_of;
use forkguard_report::text::Plain;
use std::io::{self, Write};

/// Prints what `inspect` would say, once for each place; of further processes a line.
pub(super) fn hangs(inspection: &Inspection, hang: &Hang, is_new: bool) {
    let who = named(inspection);
    let headline = match is_new {
        true => format!("forkguard: {who} hangs"),
        false => format!("forkguard: {who} hangs, too, at {}", Plain(&hang.place)),
    };
    let mut out = anstream::AutoStream::auto(io::stderr().lock());
    // Nobody may read it any more.
    let _ = writeln!(out, "{headline}").and_then(|()| match is_new {
        true => inspect::print_stuck(&mut out, inspection, columns_of(&io::stderr())),
        false => Ok(()),
    });
}

/// Prints that a process goes on.
pub(super) fn goes_on(pid: u32) {
    anstream::eprintln!("forkguard: process {pid} goes on: it does not hang any more");
}

/// A sentence for the summary.
pub(super) fn suspicion(inspection: &Inspection, hang: &Hang) -> String {
    let place = if hang.place.is_empty() { String::new() } else { format!(" (at {})", hang.place) };
    Plain(&format!("{} may have hung: {}{place}", named(inspection), hang.subject)).to_string()
}

/// `process 12 worker, child of 10 leader`.
fn named(inspection: &Inspection) -> String {
    let parent = inspection.parent.as_ref().map(|parent| format!(", child of {} {}", parent.pid, parent.name));
    Plain(&format!("process {} {}{}", inspection.pid, inspection.name, parent.unwrap_or_default())).to_string()
}
