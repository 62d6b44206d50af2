//! The memory of another process, read a page at a time and kept: one look is one picture.
use forkguard_frames::Memory;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::IoSliceMut;

const PAGE: usize = 4096;

/// What was read of a process.
pub(crate) struct ProcessMemory {
    pid: Pid,
    /// A part of a stack as it was at a moment before: where it begins, and its bytes.
    stack: RefCell<(usize, Vec<u8>)>,
    /// None: cannot be read.
    pages: RefCell<HashMap<usize, Option<Box<[u8; PAGE]>>>>,
}

impl ProcessMemory {
    pub(crate) fn new(pid: u32) -> ProcessMemory {
        ProcessMemory { pid: Pid::from_raw(pid as i32), stack: RefCell::default(), pages: RefCell::default() }
    }

    /// Whose it is.
    pub(crate) fn process(&self) -> u32 {
        self.pid.as_raw() as u32
    }

    /// Forgets what was read: the next picture begins, of which a part of a stack is known.
    pub(crate) fn renew(&self, start: usize, bytes: Vec<u8>) {
        self.pages.borrow_mut().clear();
        *self.stack.borrow_mut() = (start, bytes);
    }

    /// True when this was read from the stack that is known.
    fn read_stack(&self, address: usize, into: &mut [u8]) -> bool {
        let stack = self.stack.borrow();
        let part = || stack.1.get(address.checked_sub(stack.0)?..)?.get(..into.len());
        part().map(|part| into.copy_from_slice(part)).is_some()
    }

    /// Reads at least the page of `address` and as many after it, in one call.
    pub(crate) fn fetch(&self, address: usize, pages: usize) {
        let start = address & !(PAGE - 1);
        let mut bytes = vec![0; pages * PAGE];
        let remote = [RemoteIoVec { base: start, len: bytes.len() }];
        let got = process_vm_readv(self.pid, &mut [IoSliceMut::new(&mut bytes)], &remote).unwrap_or(0);
        let mut known = self.pages.borrow_mut();
        for (index, page) in bytes[..got].chunks_exact(PAGE).enumerate() {
            known.insert(start + index * PAGE, page.try_into().ok().map(Box::new));
        }
        if got < PAGE {
            known.insert(start, None);
        }
    }
}

impl Memory for &ProcessMemory {
    fn read(self, mut address: usize, mut into: &mut [u8]) -> bool {
        if self.read_stack(address, into) {
            return true;
        }
        while !into.is_empty() {
            let (page, at) = (address & !(PAGE - 1), address % PAGE);
            if !self.pages.borrow().contains_key(&page) {
                self.fetch(page, 1);
            }
            let pages = self.pages.borrow();
            let Some(Some(bytes)) = pages.get(&page) else { return false };
            let (part, rest) = into.split_at_mut(into.len().min(PAGE - at));
            part.copy_from_slice(&bytes[at..at + part.len()]);
            address += part.len();
            into = rest;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{PAGE, ProcessMemory};
    use forkguard_frames::Memory;

    #[test]
    fn reads_over_pages_and_stops_where_there_are_none() {
        let bytes: Vec<u8> = (0..3 * PAGE).map(|i| i as u8 ^ (i >> 8) as u8).collect();
        let memory = &ProcessMemory::new(std::process::id());
        let mut read = vec![0; 2 * PAGE];
        assert!(memory.read(bytes.as_ptr() as usize + 100, &mut read));
        assert_eq!(read, bytes[100..100 + 2 * PAGE]);
        assert!(!memory.read(0x10, &mut [0; 8]));
        assert!(!memory.read(usize::MAX - 3, &mut [0; 3]));
    }
}
