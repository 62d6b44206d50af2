//! Seeds of random generators: native code of the application's, or of packages that it loads, that takes one from the kernel before a fork has
//! a generator whose state every child copies.
use crate::entry::record;
use crate::sites::{self, Seed};
use forkguard_core::registry::random;
use libc::{c_char, c_int, c_long, c_uint, c_void, size_t, ssize_t};
use std::ffi::CStr;

/// A seed was taken. Those of the system's own libraries are not recorded: these know of forks, or want no more than a salt.
pub(super) fn seeded(caller: usize, seed: Seed) {
    record(|_| {
        let taker = sites::seed_taker(caller, seed)?;
        random::record_seed(taker, || sites::capture(caller));
        Some(())
    });
}

/// A generator of the C library's is about to be used.
pub(super) fn used(caller: usize) {
    random::record(|| record(|_| sites::generator_user(caller)).flatten());
}

/// CPython's `random.Random` takes so many bytes: the whole state of a Mersenne twister.
const TWISTER: size_t = 624 * 4;
const FOUR_WORDS: size_t = 4 * 4;

/// So many bytes are taken by getrandom(2). What may be insecure is the salt of a hash; a call for none asks whether there is such a call.
pub(super) fn taken(caller: usize, length: size_t, flags: c_uint) {
    if length != 0 && flags & libc::GRND_INSECURE == 0 {
        seeded(caller, seed_of(length));
    }
}

fn seed_of(length: size_t) -> Seed {
    match length {
        TWISTER => Seed::Interpreters,
        FOUR_WORDS => Seed::FourWords,
        _ => Seed::Any,
    }
}

hook! {
    /// getrandom(2).
    fn getrandom(buffer: *mut c_void, length: size_t, flags: c_uint) -> ssize_t = libc::getrandom;
    |caller| {
        taken(caller, length, flags);
        real(buffer, length, flags)
    }
}
hook! {
    /// getentropy(3).
    fn getentropy(buffer: *mut c_void, length: size_t) -> c_int;
    |caller| {
        seeded(caller, seed_of(length));
        real(buffer, length)
    }
}

/// True for a name that the kernel has read.
#[inline(always)]
pub(super) fn is_named(path: *const c_char, name: &CStr) -> bool {
    // SAFETY: the text is read until it differs, so not past its end.
    name.to_bytes_with_nul().iter().enumerate().all(|(index, &byte)| unsafe { *path.add(index) as u8 } == byte)
}

/// A file was opened: the kernel's device gives seeds, too.
#[inline(always)]
pub(super) fn opened(path: *const c_char, fd: c_int, caller: usize) {
    if fd >= 0 && (is_named(path, c"/dev/urandom") || is_named(path, c"/dev/random")) {
        seeded(caller, Seed::Interpreters);
    }
}

macro_rules! generators {
    ($(fn $name:ident($($arg:ident: $type:ty),*) -> $ret:ty;)*) => {
        $(hook! {
            /// As the C library's: the first use of its generators is noted. (Those of random(3) have a lock: see `libc_locks`.)
            fn $name($($arg: $type),*) -> $ret;
            |caller| {
                used(caller);
                real($($arg),*)
            }
        })*
    };
}

generators! {
    fn drand48() -> f64;
    fn lrand48() -> c_long;
    fn mrand48() -> c_long;
    fn srand48(seed: c_long) -> ();
}
