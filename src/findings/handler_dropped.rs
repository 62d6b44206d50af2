//! handler-dropped: the application had set a handler before the fork, and somebody else reset the signal in the child. A party that resets
//! its own handler does so on purpose.
use forkguard_report::event::{Frame, Site};

/// Files of CPython's own that stand between the code that sets a handler and the call.
const WRAPPERS: [&str; 1] = ["/signal.py"];

/// True for a frame that is merely on the way to the call.
pub(crate) fn is_wrapper(frame: &Frame<'_>) -> bool {
    WRAPPERS.iter().any(|end| frame.file.as_deref().is_some_and(|file| file.ends_with(end)))
}

/// The party that made a setting: the innermost frame that is not merely on the way to the call.
fn party<'s>(site: &'s Site<'_>) -> Option<&'s Frame<'s>> {
    let mut interpreted = site.frames.iter().filter(|frame| frame.language != "native");
    interpreted.find(|frame| !is_wrapper(frame)).or_else(|| site.frames.first())
}

/// True when the application set the handler and another party reset it, or native code of different files did.
pub(crate) fn is_foreign(set: &Site<'_>, reset: &Site<'_>) -> bool {
    let Some((setter, resetter)) = party(set).zip(party(reset)) else { return false };
    match setter.language == "native" {
        true => resetter.language == "native" && setter.module != resetter.module && !share_a_library(set, reset),
        false => setter.is_application() && !resetter.is_application(),
    }
}

/// True when a library stands on both stacks, as an Apache module does that sets and resets through functions of others; also when a frame
/// has no module, because its library was unloaded since. The program and the C library stand on all stacks.
fn share_a_library(one: &Site<'_>, other: &Site<'_>) -> bool {
    if one.frames.iter().chain(&other.frames[..]).any(|frame| frame.module.is_none()) {
        return true;
    }
    let everywhere = |frame: &&Frame<'_>| {
        let program = one.frames.last().is_some_and(|outermost| outermost.module == frame.module);
        program || frame.module.as_deref().is_some_and(|module| module.contains("/libc.so"))
    };
    let mut libraries = one.frames.iter().filter(|frame| !everywhere(frame));
    libraries.any(|library| other.frames.iter().any(|frame| frame.module == library.module))
}
