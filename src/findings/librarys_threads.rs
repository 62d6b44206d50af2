//! Threads that an installed library starts for itself while it is loaded, and that wait for the first work: no line of the application's starts
//! them, so none could start them in the child.
use forkguard_report::event::{Frame, Site, Thread};

/// True for a thread that a library started while it was loaded, whose code is the library's, too, and that waits for work of a queue.
pub(super) fn is_idle_since_load(thread: &Thread<'_>) -> bool {
    thread.site.as_ref().is_some_and(is_started_by_load)
        && runs_librarys_code(thread)
        && (thread.awaits_work || thread.stood.as_ref().is_some_and(is_in_queue))
}

fn interpreted<'s>(site: &'s Site<'_>) -> impl Iterator<Item = &'s Frame<'s>> + Clone {
    site.frames.iter().filter(|frame| frame.language != "native")
}

/// Between the start and the application's innermost line a library's file is loaded.
fn is_started_by_load(site: &Site<'_>) -> bool {
    let outer = interpreted(site).skip(1).map(Some).chain([None]);
    let mut up_to_application = interpreted(site).zip(outer).take_while(|(frame, _)| !frame.is_application());
    up_to_application.any(|(frame, outer)| is_loaded(frame, outer))
}

/// True for the lines of a file that is loaded by its name: a program that an installed script begins is none.
fn is_loaded(frame: &Frame<'_>, outer: Option<&Frame<'_>>) -> bool {
    let file = frame.file.as_deref().unwrap_or_default();
    match frame.function.as_deref() {
        Some("<top (required)>") => file.ends_with(".rb") && !["/bin/", "/exe/"].iter().any(|part| file.contains(part)),
        // What is run as a program has nothing around it, or `runpy`.
        Some("<module>") => {
            let importer = outer.and_then(|outer| outer.file.as_deref());
            file.ends_with(".py")
                && !file.ends_with("/__main__.py")
                && importer.is_some_and(|importer| !importer.contains("runpy"))
        }
        _ => false,
    }
}

/// Ruby does not tell a thread's code: it is the block at the line that starts it.
fn runs_librarys_code(thread: &Thread<'_>) -> bool {
    match thread.start.as_ref().filter(|start| start.language != "native") {
        Some(start) => start.package().is_some(),
        None => thread.site.as_ref().and_then(|site| interpreted(site).next()).is_some_and(|frame| frame.language == "ruby"),
    }
}

/// It stands in `get` of Python's module `queue`.
fn is_in_queue(stood: &Site<'_>) -> bool {
    let is_of =
        |frame: &&Frame<'_>, file: &str| frame.package().is_none() && frame.file.as_deref().is_some_and(|f| f.ends_with(file));
    let name = |frame: &Frame<'_>| frame.function.as_deref().map(|name| name.rsplit('.').next().unwrap_or(name) == "get");
    let waits = interpreted(stood).find(|frame| !is_of(frame, "/threading.py"));
    waits.filter(|frame| is_of(frame, "/queue.py")).and_then(name) == Some(true)
}
