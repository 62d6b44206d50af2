//! Exceptions of the host's that pass frames of ours: what a fixup throws through fork, the unwinding of a thread that is cancelled in a call
//! that a hook makes.
//!
//! Rust's personality routine asks the unwinder that is linked into this library about every frame that has landing pads, but another unwinder
//! throws: it knows nothing of that one's contexts. Nothing has to be cleaned up there (see `hooks/mod.rs`), so that such an exception passes
//! as if there were no landing pads. The frames find the routine by a word that the compiler makes: ours is put into it.
use libc::{c_int, c_void};
use std::arch::asm;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

/// What every unwinder for C++ throws begins with.
#[repr(C)]
struct Exception {
    class: u64,
    cleanup: usize,
}

type Personality = unsafe extern "C" fn(c_int, c_int, u64, *const Exception, *mut c_void) -> c_int;

/// What a routine answers that lets the exception pass.
const CONTINUE_UNWIND: c_int = 8;

/// Rust's own routine.
static RUSTS: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());

/// Lets them pass from here on: called once, in the constructor.
pub(crate) fn let_pass() {
    let word = personality_word();
    RUSTS.store(word.load(Relaxed), Relaxed);
    word.store(personality as *mut c_void, Relaxed);
}

/// The word that every frame with landing pads names its personality routine by.
fn personality_word() -> &'static AtomicPtr<c_void> {
    let word: *mut *mut c_void;
    // SAFETY: takes an address.
    unsafe { asm!("lea {}, [rip + DW.ref.rust_eh_personality]", out(reg) word, options(nomem, nostack, preserves_flags)) };
    // SAFETY: a variable of this library, which nobody else writes.
    unsafe { AtomicPtr::from_ptr(word) }
}

/// What an unwinder calls for such a frame.
unsafe extern "C" fn personality(
    version: c_int,
    actions: c_int,
    class: u64,
    exception: *const Exception,
    context: *mut c_void,
) -> c_int {
    // SAFETY: an exception that is being thrown.
    if !is_own_code(unsafe { (*exception).cleanup }) {
        return CONTINUE_UNWIND;
    }
    // SAFETY: Rust's routine, of this type, called for a panic of ours as the unwinder would.
    unsafe {
        let rusts = std::mem::transmute::<*mut c_void, Personality>(RUSTS.load(Relaxed));
        rusts(version, actions, class, exception, context)
    }
}

/// True for code of this library, which lies between its file's header and its variables: what throws away a panic of ours is in it.
fn is_own_code(address: usize) -> bool {
    unsafe extern "C" {
        static __ehdr_start: u8;
    }
    ((&raw const __ehdr_start).addr()..personality_word().as_ptr().addr()).contains(&address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    struct Counts<'c>(&'c Cell<u32>);
    impl Drop for Counts<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }

    #[test]
    fn panics_of_ours_clean_up() {
        assert_eq!(personality_word().load(Relaxed), personality as *mut c_void);
        let dropped = Cell::new(0);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let _counts = Counts(&dropped);
            panic!("of ours");
        }));
        assert!(caught.is_err() && dropped.get() == 1);
    }

    #[test]
    fn exceptions_of_others_pass() {
        let exception = Exception { class: 0, cleanup: 0 };
        // SAFETY: neither is used for an exception of others.
        let said = unsafe { personality(1, 1, exception.class, &exception, std::ptr::null_mut()) };
        assert_eq!(said, CONTINUE_UNWIND);
    }
}
