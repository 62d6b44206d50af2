//! What /proc says of one process.
use std::fs;
use std::time::Duration;

/// Ticks of the kernel's clock in a second: what /proc counts processor time and starts in (USER_HZ).
const TICKS: u64 = 100;

/// A process as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) name: String,
    pub(super) parent: u32,
    /// The kernel's letter.
    pub(super) state: char,
    /// When it began, in ticks since boot: with its number it names a process.
    pub(super) start: u64,
    /// Processor time so far, in ticks.
    pub(super) ticks: u64,
    /// Proportional share of its memory, in kilobytes; None where that may not be read.
    pub(super) pss: Option<u64>,
    /// Memory that is its own alone, in kilobytes.
    pub(super) private: Option<u64>,
}

impl Figures {
    /// None for a process that is gone, or has ended.
    pub(super) fn of(pid: u32) -> Option<Figures> {
        let mut figures = Figures::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
        let memory = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let kilobytes = |name: &str| field(&memory, name);
        figures.pss = kilobytes("Pss:");
        figures.private = kilobytes("Private_Clean:").zip(kilobytes("Private_Dirty:")).map(|(clean, dirty)| clean + dirty);
        Some(figures)
    }

    /// The words of proc_pid_stat(5): number, name in parentheses, state, parent, …
    fn parse(stat: &str) -> Option<Figures> {
        let (name, words) = stat.split_once('(')?.1.rsplit_once(") ")?;
        let words: Vec<&str> = words.split(' ').collect();
        let number = |index: usize| words.get(index)?.parse::<u64>().ok();
        let state = words.first()?.chars().next().filter(|state| !matches!(state, 'Z' | 'X'))?;
        Some(Figures {
            name: name.to_owned(),
            parent: number(1)? as u32,
            state,
            start: number(19)?,
            ticks: number(11)? + number(12)?,
            pss: None,
            private: None,
        })
    }

    /// How long it has been there; `uptime` is that of the system.
    pub(super) fn age(&self, uptime: Duration) -> Duration {
        uptime.saturating_sub(Duration::from_millis(self.start * 1000 / TICKS))
    }
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
}

/// Since the system began.
pub(super) fn uptime() -> Duration {
    let text = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let seconds = text.split(' ').next().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs_f64(seconds.unwrap_or(0.0))
}

/// Percent of one processor: ticks in a length of time.
pub(super) fn percent(ticks: u64, time: Duration) -> f64 {
    let seconds = time.as_secs_f64();
    if seconds > 0.0 { ticks as f64 * 100.0 / TICKS as f64 / seconds } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_have_anything_in_it() {
        let stat = "812 (a) (b c) S 800 812 800 0 -1 4194560 1 2 3 4 70 30 0 0 20 0 1 0 5000 9 9 9";
        let figures = Figures::parse(stat).expect("figures");
        assert_eq!((figures.name.as_str(), figures.parent, figures.ticks, figures.start), ("a) (b c", 800, 100, 5000));
        assert_eq!(figures.age(Duration::from_secs(60)), Duration::from_secs(10));
        assert_eq!(Figures::parse(&stat.replace(" S ", " Z ")), None);
        assert_eq!(percent(50, Duration::from_secs(2)), 25.0);
    }
}
