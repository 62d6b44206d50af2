//! How the memory of libraries is read: by plain loads, or through the kernel where a library may be unloaded meanwhile.
use core::ffi::CStr;
use core::mem::MaybeUninit;
use core::ptr::copy_nonoverlapping;
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use object::pod::{Pod, bytes_of_mut, bytes_of_slice_mut};

/// A way to read this process's own memory. No address of it is ever read at zero.
#[derive(Clone, Copy)]
pub struct MemoryAccess {
    direct: bool,
}

impl MemoryAccess {
    /// Reads through the kernel (process_vm_readv): memory that is not mapped is an answer, not a signal.
    pub const FAULT_PROOF: MemoryAccess = MemoryAccess { direct: false };

    /// Reads by plain loads.
    ///
    /// # Safety
    /// As long as the result is used, no library that is read through it is unloaded, and the loader's list does not change.
    pub const unsafe fn direct() -> MemoryAccess {
        MemoryAccess { direct: true }
    }

    /// True where the caller of [`MemoryAccess::direct`] vouches that what is read stays loaded.
    pub(crate) fn is_direct(self) -> bool {
        self.direct
    }

    /// The value at an address.
    #[inline]
    pub fn read<T: Pod>(self, address: usize) -> Option<T> {
        if address == 0 {
            return None;
        }
        if self.direct {
            // SAFETY: `direct` vouches for the memory, Pod for the value.
            return Some(unsafe { (address as *const T).read_unaligned() });
        }
        let mut value = zeroed::<T>();
        kernel::read_memory(address, bytes_of_mut(&mut value)).then_some(value)
    }

    /// Reads so many values; false when one of them cannot be read.
    pub fn fill<T: Pod>(self, address: usize, into: &mut [T]) -> bool {
        let into = bytes_of_slice_mut(into);
        if self.direct {
            // SAFETY: as in `read`; what is read belongs to libraries, and so is not `into`.
            unsafe { copy_nonoverlapping(address as *const u8, into.as_mut_ptr(), into.len()) };
            return true;
        }
        kernel::read_memory(address, into)
    }

    /// The C string at an address, as far as it can be read and fits.
    pub fn text<const N: usize>(self, address: usize) -> Text<N> {
        /// A page is a multiple of this.
        const STEP: usize = 64;
        let mut bytes = [0u8; N];
        let mut length = 0;
        while length < N {
            let step = if self.direct { 1 } else { (STEP - address.wrapping_add(length) % STEP).min(N - length) };
            let part = &mut bytes[length..length + step];
            if address == 0 || !self.fill(address + length, part) {
                break;
            }
            length += step;
            if part.contains(&0) {
                break;
            }
        }
        Text::from_bytes(&bytes[..length])
    }

    /// True when the C string at an address is this one.
    pub(crate) fn is_text(self, address: usize, text: &CStr) -> bool {
        self.starts_with(address, text.to_bytes_with_nul())
    }

    /// True when these bytes are at an address.
    pub(crate) fn starts_with(self, address: usize, bytes: &[u8]) -> bool {
        if self.direct {
            return bytes.iter().zip(address..).all(|(byte, place)| self.read(place) == Some(*byte));
        }
        let mut read = [0u8; 256];
        let mut parts = bytes.chunks(read.len()).zip((address..).step_by(read.len()));
        parts.all(|(part, place)| self.fill(place, &mut read[..part.len()]) && read[..part.len()] == *part)
    }
}

/// A value of zero bytes.
pub(crate) fn zeroed<T: Pod>() -> T {
    // SAFETY: any bytes are a value (Pod).
    unsafe { MaybeUninit::zeroed().assume_init() }
}
