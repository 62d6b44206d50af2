//! What the kernel says of a process's mappings (proc_pid_smaps(5)).
use crate::maps::{self, Mapping};
use std::fs;
use std::io;
use std::ops::AddAssign;

/// Sizes in kilobytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Resident.
    pub rss: u64,
    /// Resident, a page of n processes counted as 1/n.
    pub pss: u64,
    /// Resident, of this process alone.
    pub uss: u64,
    /// Of no file, resident.
    pub anonymous: u64,
    /// In huge pages.
    pub huge: u64,
    pub swap: u64,
}

impl AddAssign for Sizes {
    fn add_assign(&mut self, other: Sizes) {
        self.rss += other.rss;
        self.pss += other.pss;
        self.uss += other.uss;
        self.anonymous += other.anonymous;
        self.huge += other.huge;
        self.swap += other.swap;
    }
}

impl Sizes {
    fn add_line(&mut self, line: &str) -> Option<()> {
        let (name, value) = line.split_once(':')?;
        let place = match name {
            "Rss" => &mut self.rss,
            "Pss" => &mut self.pss,
            "Private_Clean" | "Private_Dirty" => &mut self.uss,
            "Anonymous" => &mut self.anonymous,
            "AnonHugePages" => &mut self.huge,
            "Swap" => &mut self.swap,
            _ => return None,
        };
        *place += value.trim().strip_suffix(" kB")?.parse::<u64>().ok()?;
        Some(())
    }
}

/// All of a process: one walk of the kernel's.
///
/// # Errors
/// The process is gone, or another user's.
pub fn rollup(pid: u32) -> io::Result<Sizes> {
    let mut sizes = Sizes::default();
    fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?.lines().for_each(|line| _ = sizes.add_line(line));
    Ok(sizes)
}

/// Each mapping with its sizes, by address.
pub(super) fn mappings(pid: u32) -> io::Result<Vec<(Mapping, Sizes)>> {
    Ok(parse(&fs::read_to_string(format!("/proc/{pid}/smaps"))?))
}

fn parse(text: &str) -> Vec<(Mapping, Sizes)> {
    let mut all: Vec<(Mapping, Sizes)> = Vec::new();
    for line in text.lines() {
        // The lines of a mapping's sizes begin with a capital letter.
        if line.starts_with(|first: char| first.is_ascii_uppercase()) {
            all.last_mut().and_then(|(_, sizes)| sizes.add_line(line));
        } else {
            all.extend(maps::parse(line).into_iter().map(|mapping| (mapping, Sizes::default())));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_mapping_and_its_sizes() {
        let text = "55d0-55f0 rw-p 00000000 00:00 0                          [heap]\nSize: 128 kB\nRss:                 100 kB\n\
                    Pss:                  40 kB\nPrivate_Clean:         4 kB\nPrivate_Dirty:        16 kB\nAnonymous: 100 kB\nVmFlags: rd wr\n\
                    7f00-7f10 r--p 00000000 08:01 7 /lib/c.so\nRss: 8 kB\n";
        let [(heap, sizes), (file, of_file)] = &super::parse(text)[..] else { panic!("two") };
        assert_eq!((heap.path.as_str(), sizes.rss, sizes.pss, sizes.uss, sizes.anonymous), ("[heap]", 100, 40, 20, 100));
        assert_eq!((file.path.as_str(), of_file.rss), ("/lib/c.so", 8));
    }
}
