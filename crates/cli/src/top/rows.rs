//! The processes that are shown, a row each, and the order in which they stand.
use super::figures::{Figures, percent};
use super::findings::Counts;
use std::collections::HashSet;
use std::time::Duration;

/// A process.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) pid: u32,
    /// How deep it stands in the tree.
    pub(super) depth: usize,
    pub(super) figures: Figures,
    pub(super) age: Duration,
    /// Percent of one processor, lately.
    pub(super) processor: f64,
    /// Private memory that came since it began, in kilobytes; None where its beginning is not known.
    pub(super) growth: Option<i64>,
    pub(super) findings: Counts,
    /// What it waits for, if it hangs.
    pub(super) hangs: Option<String>,
}

/// How rows are sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// Workers below their leaders.
    #[default]
    Tree,
    Pss,
    Growth,
    Processor,
    Age,
}

impl Order {
    /// The one after it.
    pub(super) fn next(self) -> Order {
        match self {
            Order::Tree => Order::Pss,
            Order::Pss => Order::Growth,
            Order::Growth => Order::Processor,
            Order::Processor => Order::Age,
            Order::Age => Order::Tree,
        }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Order::Tree => "tree",
            Order::Pss => "PSS",
            Order::Growth => "growth",
            Order::Processor => "CPU",
            Order::Age => "age",
        }
    }

    /// Rows, which come as a tree, in this order: the largest first.
    pub(super) fn sorted(self, rows: &[Row]) -> Vec<Row> {
        let mut rows = rows.to_vec();
        match self {
            Order::Tree => return rows,
            Order::Pss => rows.sort_by_key(|row| std::cmp::Reverse(row.figures.pss())),
            Order::Growth => rows.sort_by_key(|row| std::cmp::Reverse(row.growth)),
            Order::Processor => rows.sort_by(|one, other| other.processor.total_cmp(&one.processor)),
            Order::Age => rows.sort_by_key(|row| std::cmp::Reverse(row.age)),
        }
        rows.iter_mut().for_each(|row| row.depth = 0);
        rows
    }
}

/// Numbers and depths of processes, children below their parents: all below `roots`, in the order of their numbers.
pub(super) fn tree(roots: &[u32], all: &[(u32, u32)]) -> Vec<(u32, usize)> {
    let mut shown = Vec::new();
    let mut seen = HashSet::new();
    let mut rest: Vec<(u32, usize)> = roots.iter().rev().map(|&root| (root, 0)).collect();
    while let Some((pid, depth)) = rest.pop() {
        if !seen.insert(pid) {
            continue;
        }
        shown.push((pid, depth));
        let mut children: Vec<u32> = all.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| *child).collect();
        children.sort_unstable();
        rest.extend(children.into_iter().rev().map(|child| (child, depth + 1)));
    }
    shown
}

/// The heads of the columns.
pub(super) const HEADS: [&str; 8] = ["PID", "NAME", "AGE", "PSS", "GROWTH", "CPU%", "FINDINGS", "STATE"];

impl Row {
    /// What stands in the columns.
    pub(super) fn cells(&self) -> [String; 8] {
        [
            self.pid.to_string(),
            format!("{}{}", "  ".repeat(self.depth), forkguard_report::text::Plain(&self.figures.stat.name)),
            length(self.age),
            self.figures.pss().map_or_else(unknown, |kilobytes| size(kilobytes as i64)),
            self.growth.map_or_else(unknown, |kilobytes| format!("{}{}", if kilobytes > 0 { "+" } else { "" }, size(kilobytes))),
            format!("{:.0}", self.processor),
            self.findings_text(),
            self.state(),
        ]
    }

    fn findings_text(&self) -> String {
        let Counts { hit, open } = self.findings;
        match (hit, open) {
            (0, 0) => String::new(),
            (0, open) => format!("{open} open"),
            (hit, 0) => format!("{hit} hit"),
            (hit, open) => format!("{hit} hit, {open} open"),
        }
    }

    fn state(&self) -> String {
        if let Some(what) = &self.hangs {
            return format!("hangs: {}", forkguard_report::text::Plain(what));
        }
        match self.figures.stat.state {
            'R' => "runs".to_owned(),
            'D' => "waits for a disk".to_owned(),
            'T' | 't' => "is stopped".to_owned(),
            _ => "waits".to_owned(),
        }
    }
}

/// The processor time between two looks.
pub(super) fn lately(before: Option<&Figures>, now: &Figures, time: Duration) -> f64 {
    let before = before.filter(|before| before.stat.start == now.stat.start);
    before.map_or(0.0, |before| percent(now.stat.ticks.saturating_sub(before.stat.ticks), time))
}

fn unknown() -> String {
    "-".to_owned()
}

/// Of a length of time the one or two units that matter.
fn length(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{:02}h", seconds / 86400, seconds % 86400 / 3600),
    }
}

/// Kilobytes in the unit that makes them short.
fn size(kilobytes: i64) -> String {
    let of = |unit: f64, name: &str| {
        let number = kilobytes as f64 / unit;
        if number.abs() < 10.0 { format!("{number:.1}{name}") } else { format!("{number:.0}{name}") }
    };
    match kilobytes.abs() {
        0..1024 => format!("{kilobytes}K"),
        1024..1_048_576 => of(1024.0, "M"),
        _ => of(1_048_576.0, "G"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_short() {
        assert_eq!([512, 1536, 20_480, 3_145_728, -2048].map(size), ["512K", "1.5M", "20M", "3.0G", "-2.0M"]);
        assert_eq!([5, 65, 3660, 90_000].map(|s| length(Duration::from_secs(s))), ["5s", "1m05s", "1h01m", "1d01h"]);
    }

    #[test]
    fn a_tree_of_processes() {
        let all = [(12, 10), (11, 10), (13, 11), (20, 1), (10, 1)];
        assert_eq!(tree(&[10], &all), [(10, 0), (11, 1), (13, 2), (12, 1)]);
    }
}
