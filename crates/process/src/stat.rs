//! What /proc/PID/stat says of a process: the shortest of its files that names its parent.
use std::fs;

/// A process that lives, as its file `stat` tells (proc_pid_stat(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    pub name: String,
    /// The kernel's letter.
    pub state: char,
    pub parent: u32,
    /// Processor time so far, in ticks.
    pub ticks: u64,
    /// When it began, in ticks since boot: with its number it names a process.
    pub start: u64,
}

impl Stat {
    /// None for a process that is gone, or has ended.
    pub fn of(pid: u32) -> Option<Stat> {
        Stat::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Number, name in parentheses, state, parent, …
    fn parse(text: &str) -> Option<Stat> {
        let (name, words) = text.split_once('(')?.1.rsplit_once(") ")?;
        let words: Vec<&str> = words.split_whitespace().collect();
        let number = |index: usize| words.get(index)?.parse::<u64>().ok();
        let state = words.first()?.chars().next().filter(|state| !matches!(state, 'Z' | 'X'))?;
        let (parent, ticks) = (number(1)? as u32, number(11)? + number(12)?);
        Some(Stat { name: name.to_owned(), state, parent, ticks, start: number(19)? })
    }
}

/// The parent of a process that lives.
pub fn living_parent(pid: u32) -> Option<u32> {
    Stat::of(pid).map(|stat| stat.parent)
}

#[cfg(test)]
mod tests {
    use super::Stat;

    #[test]
    fn a_name_may_have_anything_in_it() {
        let text = "812 (a) (b c) S 800 812 800 0 -1 4194560 1 2 3 4 70 30 0 0 20 0 1 0 5000 9 9 9\n";
        let stat = Stat::parse(text).expect("a process");
        assert_eq!((stat.name.as_str(), stat.state, stat.parent), ("a) (b c", 'S', 800));
        assert_eq!((stat.ticks, stat.start), (100, 5000));
        assert_eq!(Stat::parse(&text.replace(" S ", " Z ")), None);
    }
}
