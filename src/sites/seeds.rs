//! Who takes a seed for a random generator from the kernel.
use super::capture::capture;
use forkguard_loader::{LinkMap, MemoryAccess};
use forkguard_report::text::{is_runtime, is_system_path};

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

/// What stands for the code that takes a seed, by a return address in it: its library, or its site where it is code of an interpreter that seeds
/// a generator of its own (`is_for_interpreter`), or C++'s library, whose caller counts. None for what need not be recorded.
pub(crate) fn seed_taker(caller: usize, is_for_interpreter: bool) -> Option<usize> {
    let library = LinkMap::around(MemoryAccess::FAULT_PROOF, caller)?;
    let path = library.path();
    let path = path.as_str();
    if path.contains("/libstdc++.") || is_runtime(path) && is_for_interpreter {
        return Some(capture(caller)).filter(|&site| site != caller);
    }
    let counts = !is_runtime(path) && !is_system_path(path) && !FORK_SAFE.iter().any(|part| path.contains(part));
    counts.then_some(library.base | 1)
}
