//! Rows that the tests show.
use super::figures::Figures;
use super::findings::Counts;
use super::rows::Row;
use forkguard_process::Stat;
use forkguard_process::sharing::Sizes;
use std::time::Duration;

fn row(pid: u32, depth: usize, state: char, hit: u64, hangs: Option<&str>) -> Row {
    let figures = Figures {
        stat: Stat { name: "gunicorn".to_owned(), state, parent: 1, ticks: 50, start: 100 },
        memory: Some(Sizes { pss: u64::from(pid) * 10, uss: 900, ..Sizes::default() }),
    };
    Row {
        pid,
        depth,
        figures,
        age: Duration::from_secs(u64::from(pid)),
        processor: if state == 'R' { 99.6 } else { 0.0 },
        growth: (depth > 0).then_some(i64::from(pid) - 4000),
        findings: Counts { hit, open: depth as u64 * 2 },
        hangs: hangs.map(str::to_owned),
    }
}

pub(super) fn rows() -> Vec<Row> {
    let waits = "semaphore at 0x1141c8e0, held_lock.py:20 in app";
    vec![row(4711, 0, 'S', 0, None), row(4712, 1, 'S', 1, Some(waits)), row(4713, 1, 'R', 0, None), row(4714, 1, 'S', 1, None)]
}
