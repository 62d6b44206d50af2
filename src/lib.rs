//! libforkguard.so: preloaded into prefork servers, it knows at every fork which threads, locks, descriptors and signal
//! dispositions exist, and reports what the child inherits broken.
//!
//! Imports run one way (`scripts/check-house`): hooks write into the registries of `forkguard-core`; at a fork a snapshot is taken;
//! `describe` turns it into the report's types; `findings` are pure rules over those; `guards` act in the child; the `ledger` holds what was
//! reported and done; `emit` writes bytes. `fork.rs` conducts.
#[cfg(not(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64")))]
compile_error!("forkguard runs on Linux with glibc on x86_64");

#[macro_use]
mod entry;

mod api;
mod child;
mod describe;
mod emit;
mod findings;
mod fork;
mod guards;
mod hooks;
mod leader;
mod ledger;
mod options;
mod sites;

use forkguard_loader::{LinkMap, MemoryAccess, own_and_next};

/// The library wakes up: after the C library, before the program's `main`.
#[ctor::ctor(unsafe)]
fn wake() {
    entry::foreign_exceptions::let_pass();
    entry::real::resolve_all();
    hooks::resolve_redhooks();
    // SAFETY: reads what the C library keeps.
    forkguard_core::kernel::set_vdso(unsafe { libc::getauxval(libc::AT_SYSINFO_EHDR) } as usize);
    leave_unchecked();
    std::panic::set_hook(Box::new(emit::fault));
    if hooks::seccomp::may_begin() {
        hooks::begin();
    }
}

/// Valgrind has no say about the variables of this library.
fn leave_unchecked() {
    // SAFETY: the libraries in front of ours (the program, other preloaded ones) are never unloaded.
    let own = own_and_next(unsafe { MemoryAccess::direct() }).next();
    let variables = own.iter().flat_map(LinkMap::variables);
    variables.for_each(|(start, length)| forkguard_core::kernel::valgrind::leave_unchecked(start, length));
}

/// The process ends: what its exit handlers do is recorded, what comes later is passed through.
extern "C" fn sleep() {
    hooks::end();
}

#[used]
#[unsafe(link_section = ".fini_array")]
static SLEEP: extern "C" fn() = sleep;
