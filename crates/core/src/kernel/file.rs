//! Files that the host names: by its own pointers, which the kernel checks.
use super::memory::read_memory;
use super::syscall::syscall;
use crate::fixed::Text;
use core::mem::MaybeUninit;

/// What statx(2) tells of the file of this name (the address of a C string) below `directory`; None where there is none.
fn stat(directory: i32, path: usize) -> Option<libc::statx> {
    let mut stat = MaybeUninit::<libc::statx>::zeroed();
    let (flags, mask) = (libc::AT_SYMLINK_NOFOLLOW as usize, libc::STATX_BTIME as usize);
    // SAFETY: the kernel checks the name, and writes what we give it room for; zeros are such a struct, too.
    unsafe {
        let result = syscall(libc::SYS_statx, [directory as usize, path, flags, mask, stat.as_mut_ptr() as usize, 0]);
        (result == 0).then(|| stat.assume_init())
    }
}

/// True for the name of a file below `directory`.
pub fn is_file(directory: i32, path: usize) -> bool {
    stat(directory, path).is_some()
}

/// Nanoseconds from the epoch to the birth of the file of this name below `directory`; None where there is none, or its file system does not tell
/// (STATX_BTIME).
pub fn born_at(directory: i32, path: usize) -> Option<u64> {
    let stat = stat(directory, path)?;
    let born = stat.stx_btime;
    (stat.stx_mask & libc::STATX_BTIME != 0).then(|| born.tv_sec as u64 * 1_000_000_000 + u64::from(born.tv_nsec))
}

/// A C string of the host's, as far as there is room for it.
pub fn read_text<const N: usize>(address: usize) -> Text<N> {
    const PAGE: usize = 4096;
    let mut bytes = [0; N];
    let mut length = 0;
    // Page by page: what follows the text need not be there.
    while length < N && !bytes[..length].contains(&0) {
        let end = (length + PAGE - (address.wrapping_add(length)) % PAGE).min(N);
        if !read_memory(address.wrapping_add(length), &mut bytes[length..end]) {
            break;
        }
        length = end;
    }
    Text::from_bytes(&bytes[..length])
}
