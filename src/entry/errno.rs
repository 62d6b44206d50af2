//! errno of this thread.

/// Its value.
pub fn get() -> i32 {
    // SAFETY: the C library's own word of this thread.
    unsafe { *libc::__errno_location() }
}

/// Sets it.
pub fn set(value: i32) {
    // SAFETY: the C library's own word of this thread.
    unsafe { *libc::__errno_location() = value }
}

/// Runs `work` and leaves errno as it was.
pub fn preserve<R>(work: impl FnOnce() -> R) -> R {
    let before = get();
    let result = work();
    set(before);
    result
}
