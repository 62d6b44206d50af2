//! The pages of a process, one by one (proc_pid_pagemap(5)).
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

pub(super) const PAGE: usize = 4096;

/// The entry of a page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Page(u64);

impl Page {
    const FRAME: u64 = (1 << 55) - 1;

    /// In memory.
    pub(super) fn is_present(self) -> bool {
        self.0 >> 63 & 1 != 0
    }

    /// In no other page table.
    pub(super) fn is_exclusive(self) -> bool {
        self.0 >> 56 & 1 != 0
    }

    /// A page of a file or of shared memory.
    pub(super) fn is_file(self) -> bool {
        self.0 >> 61 & 1 != 0
    }

    /// Its number in the machine's memory; None without CAP_SYS_ADMIN.
    pub(super) fn frame(self) -> Option<u64> {
        Some(self.0 & Page::FRAME).filter(|&frame| frame != 0)
    }
}

/// The file of a process.
pub(super) struct Pagemap(File);

impl Pagemap {
    pub(super) fn open(pid: u32) -> io::Result<Pagemap> {
        File::open(format!("/proc/{pid}/pagemap")).map(Pagemap)
    }

    /// The pages of a range; fewer where it ends meanwhile.
    pub(super) fn read(&self, range: Range<usize>) -> Vec<Page> {
        let mut bytes = vec![0; range.len() / PAGE * 8];
        let mut filled = 0;
        while filled < bytes.len() {
            match self.0.read_at(&mut bytes[filled..], (range.start / PAGE * 8 + filled) as u64) {
                Ok(count) if count > 0 => filled += count,
                _ => break,
            }
        }
        let (words, _) = bytes[..filled].as_chunks::<8>();
        words.iter().map(|word| Page(u64::from_le_bytes(*word))).collect()
    }
}
