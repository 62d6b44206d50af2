//! Containers of fixed capacity that count what did not fit.
use core::fmt;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A thread's name, of at most 15 bytes as the kernel's: written by one thread, read by others.
#[repr(transparent)]
pub struct AtomicName([AtomicU64; 2]);

impl AtomicName {
    /// None; from zeros.
    pub const fn new() -> AtomicName {
        AtomicName([const { AtomicU64::new(0) }; 2])
    }

    /// Sets it, up to the first zero.
    pub fn set(&self, name: &[u8]) {
        let mut bytes = [0u8; 16];
        let length = name.iter().position(|&b| b == 0).unwrap_or(name.len()).min(15);
        bytes[..length].copy_from_slice(&name[..length]);
        for (word, chunk) in self.0.iter().zip(bytes.chunks_exact(8)) {
            word.store(u64::from_ne_bytes(chunk.try_into().unwrap_or_default()), Relaxed);
        }
    }

    /// The name; empty when there is none.
    pub fn get(&self) -> Text<16> {
        let mut bytes = [0u8; 16];
        for (word, chunk) in self.0.iter().zip(bytes.chunks_exact_mut(8)) {
            chunk.copy_from_slice(&word.load(Relaxed).to_ne_bytes());
        }
        Text::from_bytes(&bytes)
    }
}

impl Default for AtomicName {
    fn default() -> AtomicName {
        AtomicName::new()
    }
}

/// A list of at most N entries. The length comes first: a short list touches one page.
#[repr(C)]
pub struct Fixed<T: Copy, const N: usize> {
    len: usize,
    missed: u32,
    items: [MaybeUninit<T>; N],
}

impl<T: Copy, const N: usize> Fixed<T, N> {
    /// An empty list.
    pub const fn new() -> Self {
        Fixed { len: 0, missed: 0, items: [const { MaybeUninit::uninit() }; N] }
    }

    /// Empties it. What is empty is not written: its page would be copied after a fork.
    pub fn clear(&mut self) {
        if (self.len, self.missed) != (0, 0) {
            (self.len, self.missed) = (0, 0);
        }
    }

    /// Adds an entry, or counts it as missed.
    pub fn push(&mut self, item: T) {
        match self.items.get_mut(self.len) {
            Some(place) => {
                place.write(item);
                self.len += 1;
            }
            None => self.missed += 1,
        }
    }

    /// Takes back what was added beyond so many entries.
    pub fn truncate(&mut self, len: usize) {
        if self.len > len {
            self.len = len;
        }
    }

    /// Counts entries that were not even looked at.
    pub fn miss(&mut self, count: u32) {
        if count != 0 {
            self.missed += count;
        }
    }

    /// How many entries did not fit.
    pub fn missed(&self) -> u32 {
        self.missed
    }

    /// Keeps the entries that `keep` wants; it may change them.
    pub fn retain(&mut self, mut keep: impl FnMut(&mut T) -> bool) {
        let mut kept = 0;
        for i in 0..self.len.min(N) {
            // SAFETY: the first `len` items were written by push.
            let mut item = unsafe { self.items[i].assume_init() };
            if keep(&mut item) {
                self.items[kept].write(item);
                kept += 1;
            }
        }
        self.truncate(kept);
    }

    /// The entries, to be changed.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: the first `len` items were written by push.
        unsafe { core::slice::from_raw_parts_mut(self.items.as_mut_ptr().cast(), self.len.min(N)) }
    }

    /// The entries.
    pub fn as_slice(&self) -> &[T] {
        // SAFETY: the first `len` items were written by push.
        unsafe { core::slice::from_raw_parts(self.items.as_ptr().cast(), self.len.min(N)) }
    }
}

impl<T: Copy, const N: usize> Default for Fixed<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Text of at most N bytes; what does not fit is cut at a character's border.
#[derive(Clone, Copy)]
pub struct Text<const N: usize> {
    len: usize,
    bytes: [u8; N],
}

impl<const N: usize> Text<N> {
    /// The empty text.
    pub const fn new() -> Self {
        Text { len: 0, bytes: [0; N] }
    }

    /// The formatted text.
    pub fn of(arguments: fmt::Arguments<'_>) -> Self {
        let mut text = Self::new();
        let _ = fmt::Write::write_fmt(&mut text, arguments);
        text
    }

    /// The text up to the first NUL, with bytes that are no UTF-8 replaced by `?`.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut text = Self::new();
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        let mut rest = &bytes[..end];
        while !rest.is_empty() {
            match core::str::from_utf8(rest) {
                Ok(good) => {
                    text.append(good);
                    break;
                }
                Err(e) => {
                    text.append(core::str::from_utf8(&rest[..e.valid_up_to()]).unwrap_or(""));
                    text.append("?");
                    rest = &rest[(e.valid_up_to() + e.error_len().unwrap_or(rest.len())).min(rest.len())..];
                }
            }
        }
        text
    }

    /// Appends as much as fits.
    pub fn append(&mut self, text: &str) {
        let mut end = text.len().min(N - self.len);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.bytes[self.len..self.len + end].copy_from_slice(&text.as_bytes()[..end]);
        self.len += end;
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.len]).unwrap_or("")
    }

    /// The text with a NUL behind it, for system calls; None when there is no room for it.
    pub fn as_cstr(&self) -> Option<&core::ffi::CStr> {
        core::ffi::CStr::from_bytes_until_nul(self.bytes.get(..=self.len)?).ok()
    }

    /// True when nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.append(s);
        Ok(())
    }
}

impl<const N: usize> PartialEq for Text<N> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
