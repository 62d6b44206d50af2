//! Memory for the work on one event: handed out front to back, given back as a whole. Never the host's allocator, which a fork in a
//! signal handler may have interrupted.
use std::cell::Cell;
use std::fmt::{self, Write};
use std::marker::PhantomData;

/// The memory. What is put in is never dropped: it must not own anything.
pub(crate) struct Arena {
    start: *mut u8,
    size: usize,
    /// At its end, for what must be done when the rest is full.
    reserve: Cell<usize>,
    used: Cell<usize>,
}

impl Arena {
    /// An arena in the memory from `start` on, whose last bytes are a reserve.
    ///
    /// # Safety
    /// The memory must be the arena's alone, for as long as it lives.
    pub(crate) unsafe fn new((start, size): (*mut u8, usize), reserve: usize) -> Arena {
        Arena { start, size, reserve: Cell::new(reserve), used: Cell::new(0) }
    }

    /// From now on the reserve is used, too.
    pub(crate) fn open_reserve(&self) {
        self.reserve.set(0);
    }

    fn take(&self, size: usize, align: usize) -> Option<*mut u8> {
        let start = self.used.get().next_multiple_of(align);
        let end = start.checked_add(size)?;
        if end > self.size - self.reserve.get() {
            return None;
        }
        self.used.set(end);
        // SAFETY: start lies within the pages.
        Some(unsafe { self.start.add(start) })
    }

    /// A list with room for `capacity` entries (none at all when the arena is full).
    pub(crate) fn list<T>(&self, capacity: usize) -> ArenaList<'_, T> {
        let start = capacity.checked_mul(size_of::<T>()).and_then(|size| self.take(size, align_of::<T>()));
        let capacity = if start.is_some() { capacity } else { 0 };
        let start = start.map_or(std::ptr::NonNull::dangling().as_ptr(), |s| s.cast());
        ArenaList { start, capacity, len: 0, arena: PhantomData }
    }

    /// A list of one.
    pub(crate) fn one<T>(&self, item: T) -> &[T] {
        let mut list = self.list(1);
        list.push(item);
        list.done()
    }

    /// All items of some lists, as one.
    pub(crate) fn join<T: Clone, const N: usize>(&self, lists: [&[T]; N]) -> &[T] {
        let mut list = self.list(lists.iter().map(|l| l.len()).sum());
        lists.into_iter().flatten().for_each(|item| list.push(item.clone()));
        list.done()
    }

    /// A copy of the text; empty when the arena is full.
    pub(crate) fn text(&self, text: &str) -> &str {
        self.format(format_args!("{text}"))
    }

    /// `text`, which lies at the arena's end, with `more` behind it; None when the arena is full or something was put behind it.
    pub(crate) fn extend<'a>(&'a self, text: &'a str, more: &str) -> Option<&'a str> {
        // SAFETY: only compared.
        let end = unsafe { self.start.add(self.used.get()) };
        if !text.is_empty() && !std::ptr::eq(text.as_bytes().as_ptr_range().end, end) {
            return None;
        }
        let place = self.take(more.len(), 1)?;
        // SAFETY: the place is new, as long as `more`, and follows `text` (or begins it).
        unsafe {
            place.copy_from_nonoverlapping(more.as_ptr(), more.len());
            let start = if text.is_empty() { place.cast_const() } else { text.as_ptr() };
            Some(std::str::from_utf8_unchecked(std::slice::from_raw_parts(start, text.len() + more.len())))
        }
    }

    /// The formatted text, cut where the arena ends.
    pub(crate) fn format(&self, arguments: fmt::Arguments<'_>) -> &str {
        struct Into<'a>(&'a Arena, usize);
        impl Write for Into<'_> {
            fn write_str(&mut self, s: &str) -> fmt::Result {
                let place = self.0.take(s.len(), 1).ok_or(fmt::Error)?;
                // SAFETY: the place is new and as long as the text; takes of one byte's alignment follow each other.
                unsafe { place.copy_from_nonoverlapping(s.as_ptr(), s.len()) };
                self.1 += s.len();
                Ok(())
            }
        }
        let start = self.used.get();
        let mut into = Into(self, 0);
        let _ = into.write_fmt(arguments);
        let length = into.1;
        // SAFETY: `length` bytes of whole strings were written from `start` on.
        unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(self.start.add(start), length)) }
    }
}

/// A growing list in an arena.
pub(crate) struct ArenaList<'a, T> {
    start: *mut T,
    capacity: usize,
    len: usize,
    arena: PhantomData<&'a Arena>,
}

impl<'a, T> ArenaList<'a, T> {
    /// Adds an entry; nothing when there is no room.
    pub(crate) fn push(&mut self, item: T) {
        if self.len < self.capacity {
            // SAFETY: within the capacity.
            unsafe { self.start.add(self.len).write(item) };
            self.len += 1;
        }
    }

    /// The entries so far.
    pub(crate) fn as_slice(&self) -> &[T] {
        // SAFETY: the first `len` were written.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }

    /// The finished list.
    pub(crate) fn done(self) -> &'a [T] {
        // SAFETY: the first `len` were written, and live as long as the arena.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}
