//! Files that the host names: by its own pointers, which the kernel checks.
use super::memory::read_memory;
use super::syscall::syscall;
use crate::fixed::Text;
use core::mem::MaybeUninit;

/// Nanoseconds from the epoch to the birth of the file of this name (the address of a C string) below `directory`; None where there is none, or
/// its file system does not tell (statx(2), STATX_BTIME).
pub fn born_at(directory: i32, path: usize) -> Option<u64> {
    let mut stat = MaybeUninit::<libc::statx>::zeroed();
    let (flags, mask) = (libc::AT_SYMLINK_NOFOLLOW as usize, libc::STATX_BTIME as usize);
    // SAFETY: the kernel checks the name, and writes what we give it room for; zeros are such a struct, too.
    let stat = unsafe {
        let result = syscall(libc::SYS_statx, [directory as usize, path, flags, mask, stat.as_mut_ptr() as usize, 0]);
        (result == 0).then(|| stat.assume_init())?
    };
    let born = stat.stx_btime;
    (stat.stx_mask & libc::STATX_BTIME != 0).then(|| born.tv_sec as u64 * 1_000_000_000 + u64::from(born.tv_nsec))
}

/// A C string of the host's, as far as there is room for it.
pub fn read_text<const N: usize>(address: usize) -> Text<N> {
    let mut bytes = [0; N];
    let mut length = 0;
    // By few bytes: what follows the text need not be there.
    while length < N && !bytes[..length].contains(&0) {
        let end = (length + 16).min(N);
        if !read_memory(address + length, &mut bytes[length..end]) {
            break;
        }
        length = end;
    }
    Text::from_bytes(&bytes[..length])
}
