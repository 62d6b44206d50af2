//! runtime-unsafe: a runtime that does not survive a fork runs threads in the leader, or holds a device.
use super::*;

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

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    let mut seen = evidence.arena.list::<&str>(16);
    for thread in evidence.lost_threads() {
        let Some((library, runtime)) = runtime_of(thread) else { continue };
        if seen.as_slice().contains(&runtime) {
            continue;
        }
        seen.push(runtime);
        let count = evidence.lost_threads().filter(|t| runtime_of(t).is_some_and(|(_, r)| r == runtime)).count();
        found(evidence.finding(
            Kind::RuntimeUnsafe,
            Severity::Warning,
            format_args!("{library}"),
            format_args!("{runtime} ({library}), {count} lost thread{}", if count == 1 { "" } else { "s" }),
            evidence.sites([thread.site.as_slice()]),
        ));
    }
    if let Some(library) = evidence.go {
        let count = evidence.lost_threads().filter(|t| !t.recorded).count();
        found(evidence.finding(
            Kind::RuntimeUnsafe,
            Severity::Warning,
            format_args!("go"),
            format_args!("the Go runtime ({}), {count} threads started past every hook", base(library)),
            evidence.sites([&[loaded_at(evidence.arena, library)]]),
        ));
    }
    if let Some(device) = evidence.inherited().find(|d| d.path.as_deref().is_some_and(|p| p.starts_with("/dev/nvidia"))) {
        found(evidence.finding(
            Kind::RuntimeUnsafe,
            Severity::Warning,
            format_args!("nvidia"),
            format_args!("a CUDA context ({}, descriptor {})", device.path.as_deref().unwrap_or("?"), device.fd),
            evidence.sites([device.site.as_slice()]),
        ));
    }
}

/// The library of the runtime that a thread belongs to.
pub(crate) fn library_of<'t>(thread: &'t Thread<'_>) -> Option<&'t str> {
    runtime_of(thread).map(|(library, _)| library)
}

/// The library and the runtime that a thread belongs to.
fn runtime_of<'t>(thread: &'t Thread<'_>) -> Option<(&'t str, &'static str)> {
    let library = thread_lost::started_by(thread)?;
    if let Some((_, runtime)) = RUNTIMES.iter().find(|(beginning, _)| library.starts_with(beginning)) {
        return Some((library, runtime));
    }
    let path = thread.site.as_ref().and_then(|s| s.frames.first()?.module.as_deref())?;
    native::module_is_go(path).then_some((library, "the Go runtime"))
}
