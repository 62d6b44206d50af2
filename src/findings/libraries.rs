//! What libraries are known for, by their names: the runtimes and generators that live in them.
use crate::entry::Arena;
use crate::sites::native;
use forkguard_loader::{LinkMap, MemoryAccess, Notes, own_and_next};
use forkguard_report::event::{Frame, Role, Site, Thread};
use std::borrow::Cow::Borrowed;

/// Libraries that start their threads again in a child by themselves, or do their work there without: libgc's child handler turns parallel marking off.
const RESTARTERS: &[&str] = &["libjemalloc", "libgc.so"];

/// Parts of library paths, and the generator that lives there.
const GENERATORS: &[(&str, &str)] =
    &[("/numpy/random/mtrand.", "numpy's global generator (numpy.random)"), ("/libphp", "PHP's mt_rand")];

/// Beginnings of library names, and what their threads are.
const RUNTIMES: &[(&str, &str)] = &[
    ("libgomp", "the OpenMP pool of libgomp"),
    ("libomp", "the OpenMP pool of LLVM"),
    ("libiomp5", "the OpenMP pool of Intel's runtime"),
    ("libtbb", "the thread pool of oneTBB"),
    ("cygrpc", "gRPC core"),
    ("libgrpc", "gRPC core"),
    ("libcuda.so", "CUDA"),
    ("libjvm.so", "the Java virtual machine"),
    ("libcoreclr.so", "the .NET runtime"),
    ("polars", "the thread pool of polars"),
    ("_polars_runtime", "the thread pool of polars"),
];

/// The last part of a path.
pub(super) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The generator in a library.
pub(super) fn generator(path: &str) -> Option<&'static str> {
    GENERATORS.iter().find(|(part, _)| path.contains(part)).map(|(_, name)| *name)
}

/// True for a library whose lost threads are not missed.
pub(super) fn restarts_threads(library: &str) -> bool {
    RESTARTERS.iter().any(|restarter| library.starts_with(restarter))
}

/// The library whose code started a thread.
pub(super) fn starter<'t>(thread: &'t Thread<'_>) -> Option<&'t str> {
    let frame = thread.site.as_ref().and_then(|s| s.frames.first()).or(thread.start.as_ref())?;
    frame.module.as_deref().map(base)
}

/// The path of the library that a thread's site begins in.
pub(super) fn starter_path<'t>(thread: &'t Thread<'_>) -> Option<&'t str> {
    thread.site.as_ref().and_then(|site| site.frames.first()?.module.as_deref())
}

/// The library of the runtime that a thread belongs to, and the runtime. `is_go`: of libraries that Go's linker made.
pub(super) fn runtime<'t>(thread: &'t Thread<'_>, is_go: impl Fn(&str) -> bool) -> Option<(&'t str, &'static str)> {
    let library = starter(thread)?;
    let known = RUNTIMES.iter().find(|(beginning, _)| library.starts_with(beginning)).map(|(_, runtime)| *runtime);
    let go = || starter_path(thread).is_some_and(is_go).then_some("the Go runtime");
    Some((library, known.or_else(go)?))
}

/// The library of the runtime that a thread belongs to.
pub(crate) fn runtime_library<'t>(thread: &'t Thread<'_>) -> Option<&'t str> {
    runtime(thread, native::module_is_go).map(|(library, _)| library)
}

/// The name of the runtime that a thread belongs to.
pub(crate) fn runtime_name(thread: &Thread<'_>) -> Option<&'static str> {
    runtime(thread, native::module_is_go).map(|(_, name)| name)
}

/// The site of a library that matters by being loaded.
pub(super) fn loaded_site<'a>(arena: &'a Arena, path: &'a str) -> Site<'a> {
    let frame = Frame {
        language: Borrowed("native"),
        function: None,
        file: None,
        line: None,
        module: Some(Borrowed(path)),
        offset: None,
        build_id: None,
    };
    Site { role: Role::Loaded, thread: None, frames: Borrowed(arena.one(frame)) }
}

/// Where the Go runtime is, if a library brought one.
pub(crate) fn go_site(arena: &Arena) -> Option<Site<'_>> {
    let go = own_and_next(MemoryAccess::FAULT_PROOF).find(is_go)?;
    Some(loaded_site(arena, arena.text(go.path().as_str())))
}

/// True for a library that Go's linker made.
pub(super) fn is_go(library: &LinkMap) -> bool {
    Notes::read(library, library.base).is_go
}
