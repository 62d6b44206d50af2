//! The functions behind our hooks: found without a lock and without allocating, so that a hook works before the constructor, in
//! a signal handler and inside the loader.
//!
//! `dlsym(RTLD_NEXT)` takes the loader's lock: called lazily on the lock path it deadlocks against thread creation during dlopen.
//! `forkguard_loader` reads what dlsym would look up.
use forkguard_core::dispatch::LockDispatch;
use forkguard_loader::{Library, MemoryAccess, SymbolName, next_libraries};
use libc::c_void;
use std::ffi::CStr;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

/// One hooked function's real address. Until it is known, the address of a stub that finds it and goes on.
#[repr(C)]
pub struct Real {
    address: AtomicPtr<c_void>,
    name: &'static CStr,
    /// Of a function of which the C library has more than one.
    version: Option<&'static CStr>,
    /// The door of a lock hook, which must know the function, too.
    door: Option<&'static LockDispatch>,
}

/// For functions that are hooked otherwise.
pub const NO_DOOR: Option<&'static LockDispatch> = None;

impl Real {
    /// For the macros that make hooks.
    pub const fn new(
        early: unsafe extern "C" fn(),
        door: Option<&'static LockDispatch>,
        name: &'static CStr,
        version: Option<&'static CStr>,
    ) -> Real {
        Real { address: AtomicPtr::new(early as *mut c_void), name, version, door }
    }

    /// The address to call.
    #[inline(always)]
    pub fn address(&self) -> *mut c_void {
        self.address.load(Relaxed)
    }

    /// Finds the real function now.
    pub fn resolve(&self) {
        self.set(self.find(|name| loaded_with_the_program().find_map(|library| library.function(name))));
    }

    /// An older C library has what it has under the version of then (timer_create before 2.34).
    fn find(&self, by_name: impl Fn(&SymbolName<'static>) -> Option<usize>) -> Option<usize> {
        let of_version = by_name(&SymbolName::new(self.name, self.version));
        of_version.or_else(|| self.version.and_then(|_| by_name(&SymbolName::new(self.name, None))))
    }

    fn set(&self, found: Option<usize>) {
        let found = found.map_or(missing as *mut c_void, |found| found as *mut c_void);
        let unknown = self.address.swap(found, Relaxed);
        if let Some(door) = self.door {
            door.targets.real.store(found.cast(), Relaxed);
            let _ = door.current.compare_exchange(unknown.cast(), found.cast(), Relaxed, Relaxed);
        }
    }
}

/// The libraries behind ours. The loader's list is complete before any of our code can run, and what was loaded with the program (all that
/// is looked through until the C library answers) is never unloaded.
fn loaded_with_the_program() -> impl Iterator<Item = Library> + Clone {
    // SAFETY: as above.
    next_libraries(unsafe { MemoryAccess::direct() })
}

/// So many libraries are looked into once for all names: as a rule the C library is one of them.
const NEAR: usize = 8;

/// Finds all of them: called once, in the constructor.
pub fn resolve_all() {
    #[expect(improper_ctypes, reason = "only this library's own code looks inside")]
    unsafe extern "C" {
        #[link_name = "__start_forkguard_reals"]
        static FIRST: Real;
        #[link_name = "__stop_forkguard_reals"]
        static END: Real;
    }
    // SAFETY: the linker puts every `Real` into one section and bounds it with these two symbols.
    let reals = unsafe {
        let (first, end) = (&raw const FIRST, &raw const END);
        std::slice::from_raw_parts(first, end.offset_from_unsigned(first))
    };
    let mut libraries = loaded_with_the_program();
    let near: [Option<Library>; NEAR] = std::array::from_fn(|_| libraries.next());
    for real in reals {
        real.set(real.find(|name| {
            let in_near = near.iter().flatten().find_map(|library| library.function(name));
            in_near.or_else(|| libraries.clone().find_map(|library| library.function(name)))
        }));
    }
}

/// Stands for a function that this C library does not have: fails with ENOSYS.
unsafe extern "C" fn missing() -> isize {
    crate::entry::errno::set(libc::ENOSYS);
    -1
}

/// For the stubs of functions that are called before the constructor.
pub extern "C" fn resolve_early(real: &Real) {
    real.resolve();
}
