//! OpenMP regions of libgomp whose pool is lost: its threads, which belong to the thread that forked, are awaited in an inline futex. Calls
//! that enter a region are watched at the imports of their callers (see `forkguard_loader::Import`), in children that lost such a pool only.
use super::hit::report_hit;
use super::waits::{self, WaitReport};
use crate::describe::openmp;
use crate::findings::{Hazard, Hit};
use crate::guards;
use crate::ledger::Output;
use forkguard_core::fixed::Text;
use forkguard_core::fork::shared_page;
use forkguard_core::{gate, kernel, tls};
use forkguard_loader::{AtomicIdentity, Identity, Library, MemoryAccess, SymbolName, belongs_to, path_of, redirect_imports};
use forkguard_report::event::{FindingKind, Severity, Site};
use std::ffi::CStr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The names of its functions that enter a region begin so: GOMP_parallel, GOMP_parallel_start, GOMP_parallel_loop_dynamic …
const ENTRY: &str = "GOMP_parallel";
/// These leave a region.
const EXITS: [&str; 2] = ["GOMP_parallel_end", "GOMP_parallel_loop_end"];

/// A function that enters regions.
struct Region {
    /// Its address; 0: free.
    real: AtomicUsize,
    /// The loader's record of its library.
    library: AtomicUsize,
    /// The functions that `QUERIES` names.
    queries: [AtomicUsize; QUERIES.len()],
    /// The library as it was loaded then: who imports from it keeps it loaded, but another one may come to lie there.
    loaded: AtomicIdentity,
}

/// The functions that tell about the region to come.
const QUERIES: [&CStr; 5] =
    [c"omp_get_max_threads", c"omp_get_thread_limit", c"omp_get_active_level", c"omp_get_max_active_levels", c"omp_get_dynamic"];

const REGIONS: usize = 32;
static WATCHED: [Region; REGIONS] = [const {
    Region {
        real: AtomicUsize::new(0),
        library: AtomicUsize::new(0),
        queries: [const { AtomicUsize::new(0) }; QUERIES.len()],
        loaded: AtomicIdentity::new(),
    }
}; REGIONS];

/// The functions that the imports lead to instead.
static ENTRIES: [unsafe extern "C" fn(); REGIONS] = entries();

macro_rules! entries {
    ($($index:literal)*) => { [$(entry::<$index>),*] };
}

const fn entries() -> [unsafe extern "C" fn(); REGIONS] {
    entries!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31)
}

/// Records the caller and goes on to `enter`, whose arguments lie where the host put them.
#[unsafe(naked)]
unsafe extern "C" fn entry<const INDEX: usize>() {
    core::arch::naked_asm!(
        "mov rax, [rsp]",
        "mov r10, qword ptr [rip + forkguard_tls_caller@GOTTPOFF]",
        "mov qword ptr fs:[r10], rax",
        "jmp {enter}",
        enter = sym enter::<INDEX>,
    )
}

/// No function of the family has more arguments, and for all of them the third is the number of threads (libgomp/libgomp_g.h); what lies behind those of one that has fewer is its caller's.
type Enter = unsafe extern "C-unwind" fn(usize, usize, usize, usize, usize, usize, usize, usize) -> usize;

#[allow(clippy::too_many_arguments, reason = "as the functions of the family")]
unsafe extern "C-unwind" fn enter<const INDEX: usize>(
    code: usize,
    data: usize,
    threads: usize,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
) -> usize {
    let region = &WATCHED[INDEX];
    let alone = region.runs_alone();
    let report = if alone { WaitReport::Unchecked } else { before(region, threads as u32, tls::caller()) };
    let threads = if alone { 1 } else { threads };
    // SAFETY: the function that the import led to, with the host's own arguments.
    let result = unsafe {
        let real = std::mem::transmute::<usize, Enter>(region.real.load(Relaxed));
        real(code, data, threads, a, b, c, d, e)
    };
    waits::after(report, &result);
    result
}

/// In a forked child, before anything else: watches the regions of the runtimes whose pool it lost.
pub(super) fn watch() {
    if openmp::may_have_pools() {
        watch_lost_pools();
    }
}

#[inline(never)]
fn watch_lost_pools() {
    let lazily = guards::regions_are_single();
    let mut last = 0;
    for (_, thread) in openmp::lost_pool(|_| true) {
        // The threads of a pool start in the same function.
        if thread.start == 0 || std::mem::replace(&mut last, thread.start) == thread.start {
            continue;
        }
        if !openmp::is_runtime(thread.start) {
            continue;
        }
        // SAFETY: the pool's threads ran in it, so it is loaded, and this process's only thread does not unload it.
        if let Some(library) = Library::around(unsafe { MemoryAccess::direct() }, thread.start) {
            // SAFETY: a forked child has one thread; an entry goes on to the function that it stands for.
            unsafe { redirect_imports(&library, openmp::RUNTIME, ENTRY, lazily, |name, real| entry_for(&library, name, real)) };
        }
    }
}

/// True when the regions of this copy of the runtime, by its link map, are watched.
pub(crate) fn is_watched(library: usize) -> bool {
    WATCHED.iter().any(|region| region.library.load(Relaxed) == library)
}

/// The entry that an import of a region function leads to from now on.
fn entry_for(library: &Library, name: &str, real: usize) -> Option<usize> {
    if EXITS.contains(&name) {
        return None;
    }
    let index = WATCHED.iter().position(|region| [0, real].contains(&region.real.load(Relaxed)))?;
    let region = &WATCHED[index];
    if region.real.load(Relaxed) == 0 || !region.loaded.still_loaded() {
        for (place, name) in region.queries.iter().zip(QUERIES) {
            place.store(library.function(&SymbolName::new(name, None))?, Relaxed);
        }
        region.library.store(library.link_map.address, Relaxed);
        region.loaded.set(Identity::around(real));
        region.real.store(real, Relaxed);
    }
    Some(ENTRIES[index] as usize)
}

/// True in a forked child's first thread, which its pool was lost with.
fn is_first_thread() -> bool {
    kernel::thread_id() == kernel::process_id() && gate::owns_registries()
}

impl Region {
    /// True when a guard runs its regions with the thread that enters them alone.
    fn runs_alone(&self) -> bool {
        let library = self.library.load(Relaxed);
        let lost = || openmp::lost_pool(|thread| belongs_to(thread.start, library)).next().is_some();
        guards::regions_are_single() && gate::awake() && !gate::is_guest() && is_first_thread() && lost()
    }

    /// True when a region of so many threads (0: as many as usual) is certain to need others than its first.
    fn needs_others(&self, threads: u32) -> bool {
        let [most, limit, level, levels, adjusted] = self.queries.each_ref().map(|function| {
            // SAFETY: functions that take nothing and return an int.
            unsafe { std::mem::transmute::<usize, extern "C" fn() -> i32>(function.load(Relaxed))() }
        });
        let threads = if threads == 0 { most as u32 } else { threads };
        threads.min(limit as u32) > 1 && level == 0 && levels > 0 && adjusted == 0
    }
}

fn before(region: &Region, threads: u32, caller: usize) -> WaitReport {
    if !gate::awake() || tls::inside() != 0 || gate::is_guest() || !is_first_thread() {
        return WaitReport::Unchecked;
    }
    let library = region.library.load(Relaxed);
    let pool = || openmp::lost_pool(|thread| belongs_to(thread.start, library));
    let Some((fork, _)) = pool().next().filter(|_| region.needs_others(threads)) else { return WaitReport::Unchecked };
    shared_page::begin_wait();
    waits::with_site(caller, |scratch, site| {
        let id = Text::<64>::of(format_args!("{:#x}", region.real.load(Relaxed)));
        report_hit(scratch, Severity::Error, Output::Stderr, FindingKind::JoinLostThread, |arena| {
            let threads = crate::describe::losses(arena, fork).threads;
            let lost = || pool().filter(|(of, _)| std::ptr::eq(*of, fork));
            let count = lost().count();
            let path = path_of(region.real.load(Relaxed))?;
            let file = arena.text(path.as_str().rsplit('/').next()?);
            let thread = threads.iter().find(|t| lost().any(|(_, record)| record.tid == t.tid))?;
            let site: Option<Site<'_>> = waits::wait_site(arena, site);
            let subject = format_args!(
                "{} enters an OpenMP region of {file}, whose pool is lost: {count} thread{}",
                waits::waiter(arena),
                if count == 1 { "" } else { "s" }
            );
            Some(Hit {
                kind: FindingKind::JoinLostThread,
                what: arena.text(id.as_str()),
                subject: arena.format(subject),
                sites: arena.join([site.as_slice(), thread.site.as_slice()]),
                hazard: Some(Hazard { fork, kind: FindingKind::RuntimeUnsafe, what: file }),
            })
        });
        waits::reported(FindingKind::JoinLostThread, id.as_str())
    })
}
