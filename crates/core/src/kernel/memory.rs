//! Memory: fault-proof reads and writes, and mappings of our own.
use super::process::process_id;
use super::syscall::{result_of, syscall};
use super::valgrind::leave_unchecked;
use core::mem::MaybeUninit;
use core::ops::Range;
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags, mmap_anonymous};

/// One process_vm_readv of this process's own memory: true when all of `into` was filled. Fault-proof: an address that is not
/// mapped is an answer, not a signal.
pub fn read_memory(address: usize, into: &mut [u8]) -> bool {
    read_memory_of(process_id(), address, into)
}

/// The same for another process's memory.
pub fn read_memory_of(process: u32, address: usize, into: &mut [u8]) -> bool {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = libc::iovec { iov_base: address as *mut _, iov_len: into.len() };
    let args = [process as usize, &raw const local as usize, 1, &raw const remote as usize, 1, 0];
    // SAFETY: the kernel writes at most iov_len bytes to `into`, and checks the other side itself.
    let got = unsafe { syscall(libc::SYS_process_vm_readv, args) };
    got == into.len() as isize
}

/// So many bytes that another process has at an address; None where they cannot be read.
pub fn bytes_of<const N: usize>(process: u32, address: usize) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    read_memory_of(process, address, &mut bytes).then_some(bytes)
}

/// Reads many ranges into as many buffers of the same sizes at once: true when all of them could be read.
pub fn read_scattered(from: &[libc::iovec], into: &[libc::iovec]) -> bool {
    let wanted: usize = from.iter().map(|v| v.iov_len).sum();
    let args = [process_id() as usize, into.as_ptr() as usize, into.len(), from.as_ptr() as usize, from.len(), 0];
    // SAFETY: the caller's buffers are its own memory; the kernel checks the other side itself.
    unsafe { syscall(libc::SYS_process_vm_readv, args) == wanted as isize }
}

/// Writes a word of this process, which has one thread: a page that the loader made read-only (RELRO) is writable meanwhile. Nothing
/// happens where the kernel forbids either.
pub fn overwrite(address: usize, value: usize) {
    let local = libc::iovec { iov_base: (&raw const value).cast_mut().cast(), iov_len: size_of::<usize>() };
    let remote = libc::iovec { iov_base: address as *mut _, iov_len: size_of::<usize>() };
    let args = [process_id() as usize, &raw const local as usize, 1, &raw const remote as usize, 1, 0];
    // SAFETY: the kernel reads `value`, and checks the other side itself.
    let write = || unsafe { syscall(libc::SYS_process_vm_writev, args) };
    let page = address & !0xfff..(address & !0xfff) + 0x1000;
    let read_only = -libc::EFAULT as isize;
    if write() == read_only && set_writable(page.clone(), true).is_ok() {
        write();
        let _ = set_writable(page, false);
    }
}

/// Lets pages of this process that may only be read be written, too, or only be read again.
///
/// # Errors
/// Those of mprotect(2).
pub fn set_writable(pages: Range<usize>, writable: bool) -> Result<(), Errno> {
    let protection = if writable { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_READ };
    // SAFETY: what can be read stays so, and its content stays.
    let result = unsafe { syscall(libc::SYS_mprotect, [pages.start, pages.len(), protection as usize, 0, 0, 0]) };
    result_of(result).map(drop)
}

/// Writes words, fault-proof: false where that memory is not there, or may not be written.
pub fn write_words(address: usize, words: &[i32]) -> bool {
    let local = libc::iovec { iov_base: words.as_ptr().cast_mut().cast(), iov_len: size_of_val(words) };
    let remote = libc::iovec { iov_base: address as *mut _, iov_len: size_of_val(words) };
    let args = [process_id() as usize, &raw const local as usize, 1, &raw const remote as usize, 1, 0];
    // SAFETY: the kernel reads `words`, and checks the other side itself.
    unsafe { syscall(libc::SYS_process_vm_writev, args) == size_of_val(words) as isize }
}

/// Reads words, fault-proof.
pub fn read_words(address: usize, into: &mut [i32]) -> bool {
    // SAFETY: plain words, viewed as bytes.
    read_memory(address, unsafe { core::slice::from_raw_parts_mut(into.as_mut_ptr().cast(), into.len() * 4) })
}

/// False where a sandbox forbids fault-proof reads.
pub fn can_read_memory() -> bool {
    let probe = 0x5eed_u32;
    read_value(&raw const probe as usize) == Some(probe)
}

/// Reads a plain value from this process's own memory, fault-proof.
pub fn read_value<T: Plain>(address: usize) -> Option<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: the bytes of a zeroed T, and any bytes are a T (Plain).
    unsafe {
        let bytes = core::slice::from_raw_parts_mut(value.as_mut_ptr().cast::<u8>(), size_of::<T>());
        read_memory(address, bytes).then(|| value.assume_init())
    }
}

/// Types for which any bytes are a value.
///
/// # Safety
/// Every bit pattern must be valid.
pub unsafe trait Plain: Copy {}
// SAFETY: integers.
unsafe impl Plain for u8 {}
// SAFETY: integers.
unsafe impl Plain for u16 {}
// SAFETY: integers.
unsafe impl Plain for u32 {}
// SAFETY: integers.
unsafe impl Plain for i32 {}
// SAFETY: integers.
unsafe impl Plain for u64 {}
// SAFETY: integers.
unsafe impl Plain for usize {}
// SAFETY: arrays of integers.
unsafe impl<const N: usize> Plain for [usize; N] {}
// SAFETY: arrays of integers.
unsafe impl<const N: usize> Plain for [u32; N] {}
// SAFETY: arrays of integers.
unsafe impl<const N: usize> Plain for [i32; N] {}

/// Maps a page of zeros that this process and its later children share; it is never unmapped.
pub fn map_shared_page() -> Option<*mut u8> {
    // SAFETY: a new mapping at an address that the kernel chooses.
    let page = unsafe { mmap_anonymous(core::ptr::null_mut(), 4096, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED) };
    page.ok().map(|p| p.cast()).inspect(|page: &*mut u8| leave_unchecked(page.addr(), 4096))
}

/// Lets ksmd merge equal pages of this process and of its later children (PR_SET_MEMORY_MERGE).
///
/// # Errors
/// EINVAL before Linux 6.4 and without CONFIG_KSM.
pub fn merge_equal_pages() -> Result<(), Errno> {
    const SET_MEMORY_MERGE: usize = 67;
    // SAFETY: takes integers.
    result_of(unsafe { syscall(libc::SYS_prctl, [SET_MEMORY_MERGE, 1, 0, 0, 0, 0]) }).map(drop)
}

/// This process and its later children get no more huge pages (PR_SET_THP_DISABLE).
///
/// # Errors
/// EINVAL where the kernel knows none.
pub fn disable_huge_pages() -> Result<(), Errno> {
    // SAFETY: takes integers.
    result_of(unsafe { syscall(libc::SYS_prctl, [libc::PR_SET_THP_DISABLE as usize, 1, 0, 0, 0, 0]) }).map(drop)
}

/// Anonymous memory of our own, all zero, given back when dropped.
pub struct Pages {
    start: *mut u8,
    length: usize,
}

impl Pages {
    /// Maps `length` bytes, touched only as they are used.
    pub fn map(length: usize) -> Option<Pages> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address that the kernel chooses.
        let start =
            unsafe { mmap_anonymous(core::ptr::null_mut(), length, protection, MapFlags::PRIVATE | MapFlags::NORESERVE).ok()? };
        leave_unchecked(start.addr(), length);
        Some(Pages { start: start.cast(), length })
    }

    /// Maps `length` bytes whose first `guard` cannot be touched; those from `wiped` on are empty in a forked child.
    pub fn map_guarded(length: usize, guard: usize, wiped: usize) -> Option<Pages> {
        let pages = Self::map(length)?;
        // SAFETY: the mapping is ours and new.
        unsafe {
            rustix::mm::mprotect(pages.start.cast(), guard, MprotectFlags::empty()).ok()?;
            rustix::mm::madvise(pages.start.add(wiped).cast(), length - wiped, Advice::LinuxWipeOnFork).ok()?;
        }
        Some(pages)
    }

    /// Gives the memory from `offset` on back to the system: it reads as zeros again.
    pub fn give_back(&mut self, offset: usize) {
        // SAFETY: within the mapping, which nobody else uses.
        let _ = unsafe { rustix::mm::madvise(self.start.add(offset).cast(), self.length - offset, Advice::LinuxDontNeed) };
    }

    /// Where it starts.
    pub fn start(&self) -> *mut u8 {
        self.start
    }

    /// Bytes.
    pub fn length(&self) -> usize {
        self.length
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, whole, and nothing borrows from it any more.
        let _ = unsafe { rustix::mm::munmap(self.start.cast(), self.length) };
    }
}
