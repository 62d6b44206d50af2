//! The mappings of a process.
use std::fs;
use std::ops::Range;

/// One line of /proc/PID/maps.
#[derive(Debug, Clone)]
pub(crate) struct Mapping {
    pub(crate) range: Range<usize>,
    pub(crate) executable: bool,
    pub(crate) writable: bool,
    /// Writes are seen by this process only.
    pub(crate) private: bool,
    /// Where in the file it begins.
    pub(crate) offset: usize,
    /// The file, or a name in brackets; empty for memory without one.
    pub(crate) path: String,
}

/// True for a process that has forkguard's library loaded, by the library's name.
pub fn has_library(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/maps")).is_ok_and(|maps| maps.contains("/libforkguard."))
}

/// All mappings, by address.
pub(crate) fn parse(text: &str) -> Vec<Mapping> {
    text.lines().filter_map(mapping).collect()
}

fn mapping(line: &str) -> Option<Mapping> {
    let mut fields = line.splitn(6, ' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let access = fields.next()?.as_bytes();
    let hex = |text| usize::from_str_radix(text, 16).ok();
    let offset = hex(fields.next()?)?;
    let path = fields.nth(2).unwrap_or_default().trim_start();
    Some(Mapping {
        range: hex(start)?..hex(end)?,
        writable: access.get(1) == Some(&b'w'),
        executable: access.get(2) == Some(&b'x'),
        private: access.get(3) == Some(&b'p'),
        offset,
        path: path.to_owned(),
    })
}

/// The mapping that an address is in.
pub(crate) fn of(mappings: &[Mapping], address: usize) -> Option<&Mapping> {
    let index = mappings.partition_point(|mapping| mapping.range.end <= address);
    mappings.get(index).filter(|mapping| mapping.range.contains(&address))
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_with_blanks_and_none() {
        let text = "7f00-7f80 r-xp 00001000 08:01 77                         /srv/my app/lib.so (deleted)\n8000-9000 rw-s 00000000 00:00 0 \n";
        let [file, shared] = &super::parse(text)[..] else { panic!("two mappings") };
        assert_eq!((file.path.as_str(), file.offset, file.executable), ("/srv/my app/lib.so (deleted)", 0x1000, true));
        assert!(shared.path.is_empty() && !shared.private);
        assert!(super::of(&super::parse(text), 0x7f80).is_none());
    }
}
