//! Who takes a seed for a random generator from the kernel.
use super::capture::capture;
use super::languages::ruby;
use super::store::{Language, frames_of};
use super::unwind::{Start, return_addresses};
use crate::entry::scratch::on_scratch_stack;
use forkguard_core::flags;
use forkguard_loader::{LinkMap, MemoryAccess, path_of};
use forkguard_report::text::{is_runtime, is_system_path};
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

/// Beginnings of the names of libraries, and parts of the paths of packages, that handle forks themselves or want a salt only.
const FORK_SAFE: [&str; 12] = [
    "/libcrypto",
    "/libssl",
    "/cryptography/",
    "/libuuid",
    "/libsodium",
    "/libgcrypt",
    "/libgnutls",
    "/libapr",
    "/libjemalloc",
    "/libmimalloc",
    "/libexpat",
    "/libsqlite3",
];

/// What a seed may be for, by the call that takes it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seed {
    /// Not known.
    Any,
    /// The state of an interpreter's own generator.
    Interpreters,
    /// As much as numpy's generators take (`SeedSequence`: four words of 32 bits), by Python's `secrets`, and as MRI's.
    FourWords,
}

/// What stands for the code that takes a seed, by a return address in it: its library, or its site where it is code of an interpreter that seeds
/// a generator of its own or numpy's, or C++'s library, whose caller counts. None for what need not be recorded.
pub(crate) fn seed_taker(caller: usize, seed: Seed) -> Option<usize> {
    let library = LinkMap::around(MemoryAccess::FAULT_PROOF, caller)?;
    let path = library.path();
    let path = path.as_str();
    let is_for_interpreter = || match seed {
        Seed::Any => false,
        Seed::Interpreters => is_runtime(path),
        Seed::FourWords if ruby::owns(caller) => on_scratch_stack(|_| ruby::seeds_generator()).unwrap_or(false),
        Seed::FourWords => is_runtime(path) && is_for_numpy(Start::here(), caller),
    };
    if path.contains("/libstdc++.") || is_for_interpreter() {
        return Some(capture(caller)).filter(|&site| site != caller);
    }
    let counts = !is_runtime(path) && !is_system_path(path) && !FORK_SAFE.iter().any(|part| path.contains(part));
    counts.then_some(library.base | 1)
}

/// True when numpy's generators led to this call. A token and an identifier are as long as a seed: not every one is looked at.
fn is_for_numpy(start: Start, caller: usize) -> bool {
    const MOST: u16 = 512;
    const DEPTH: usize = 32;
    static LOOKS: AtomicU16 = AtomicU16::new(0);
    if flags::is_forked_child() || LOOKS.load(Relaxed) >= MOST {
        return false;
    }
    LOOKS.fetch_add(1, Relaxed);
    let (mut found, mut left) = (false, DEPTH);
    return_addresses(start, caller, &mut |address| {
        left -= 1;
        found = path_of(address).is_some_and(|path| path.as_str().contains("/numpy/random/"));
        !found && left > 0
    });
    found
}

/// The site at which code uses a generator of the C library's; None where a library of the system's or of an interpreter does for itself.
pub(crate) fn generator_user(caller: usize) -> Option<usize> {
    let path = on_scratch_stack(|_| path_of(caller)).flatten()?;
    let site = capture(caller);
    let is_interpreted = || frames_of(site).any(|frame| frame.language != Language::Native);
    (!is_runtime(path.as_str()) && !is_system_path(path.as_str()) || is_interpreted()).then_some(site)
}
