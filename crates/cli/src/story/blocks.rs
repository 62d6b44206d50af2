//! The lines of many files, in blocks that several threads read at once. A block ends where a line does; a line that is longer than all
//! reason is broken.
use crate::input::ReportFile;
use std::fs::File;
use std::io::{self, Read};

/// Bytes of a block.
const BLOCK: usize = 1 << 20;

/// Bytes of the longest line that is read: far above what the library writes.
const LONGEST: usize = 1 << 26;

/// Some lines of a file.
pub(crate) struct Block {
    /// Position of the block in all that is read.
    pub(crate) number: usize,
    /// Position of its file among the files.
    pub(crate) file: usize,
    pub(crate) bytes: Vec<u8>,
}

/// The blocks of files, one after the other, and of those that cannot be read the error.
pub(crate) struct Blocks<'a> {
    files: &'a [ReportFile],
    file: usize,
    open: Option<File>,
    /// The beginning of the line that the next block begins with.
    rest: Vec<u8>,
    number: usize,
}

impl Blocks<'_> {
    pub(crate) fn new(files: &[ReportFile]) -> Blocks<'_> {
        Blocks { files, file: 0, open: None, rest: Vec::new(), number: 0 }
    }

    /// The next block of the file at hand; none at its end.
    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let open = match &mut self.open {
            Some(open) => open,
            closed => closed.insert(File::open(&self.files[self.file].path)?),
        };
        let mut bytes = std::mem::take(&mut self.rest);
        loop {
            let read = open.take(BLOCK as u64).read_to_end(&mut bytes)?;
            if read == 0 {
                return Ok((!bytes.is_empty()).then_some(bytes));
            }
            if let Some(end) = memchr::memrchr(b'\n', &bytes) {
                self.rest = bytes.split_off(end + 1);
                return Ok(Some(bytes));
            }
            if bytes.len() > LONGEST {
                return Ok(Some(bytes));
            }
        }
    }
}

impl Iterator for Blocks<'_> {
    type Item = (usize, io::Result<Block>);

    fn next(&mut self) -> Option<Self::Item> {
        while self.file < self.files.len() {
            let (file, number) = (self.file, self.number);
            let block = self.read().map(|bytes| bytes.map(|bytes| Block { number, file, bytes }));
            if let Ok(Some(block)) = block {
                self.number += 1;
                return Some((file, Ok(block)));
            }
            (self.file, self.open) = (self.file + 1, None);
            self.rest.clear();
            if let Err(error) = block {
                return Some((file, Err(error)));
            }
        }
        None
    }
}

/// The lines of a block, without their ends.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_several_files_are_whole() {
        let directory = tempfile::tempdir().unwrap();
        let long = "x".repeat(3 * BLOCK);
        let files: Vec<ReportFile> = [format!("a\n{long}\nb"), String::new(), "c\n\nd\n".into()]
            .iter()
            .enumerate()
            .map(|(number, content)| {
                let path = directory.path().join(number.to_string());
                std::fs::write(&path, content).unwrap();
                ReportFile { path, listed: true }
            })
            .collect();
        let mut found: Vec<(usize, usize)> = Vec::new();
        for (file, block) in Blocks::new(&files) {
            found.extend(lines(&block.unwrap().bytes).map(|line| (file, line.len())));
        }
        assert_eq!(found, [(0, 1), (0, long.len()), (0, 1), (2, 1), (2, 0), (2, 1)]);
    }
}
