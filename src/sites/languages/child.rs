//! Where the main thread of a forked child stands: read out of its memory, where what this process knows of its own interpreters lies at the same
//! addresses. The child runs on meanwhile; every read is fault-proof.
use super::{perl, python, ruby};
use crate::sites::stack_of::StackOf;
use crate::sites::store::{self, Frames, Language, SiteId};
use forkguard_loader::path_of;

/// The stack of a child whose native return addresses are given, innermost first: native code down to the interpreter, then what that runs. 0 unknown.
pub(crate) fn stack_of_child(child: u32, native: &[usize]) -> SiteId {
    let memory = StackOf::Child(child);
    let mut interpreted = Frames::new();
    let _ = python::add_frames_of_child(memory, &mut interpreted);
    let mut add = |language, file: &str, line, function: &str| {
        if let (Some(file), Some(function)) = (store::text(file), store::text(function)) {
            interpreted.push(language, file, function, line);
        }
    };
    ruby::frames_of_child(memory, &mut |file, line, method| add(Language::Ruby, file, line, method));
    perl::frames_of_child(memory, &mut |file, line| add(Language::Perl, file, line, ""));
    let mut frames = Frames::new();
    let shown = |&&address: &&usize| interpreted.is_empty() || !is_interpreter(address);
    native.iter().take_while(shown).for_each(|&address| {
        frames.push_native(address);
    });
    frames.extend(&interpreted);
    store::insert(&frames, 0).unwrap_or(0)
}

/// True for code of an interpreter.
fn is_interpreter(address: usize) -> bool {
    let is_perl =
        || path_of(address).is_some_and(|path| path.as_str().rsplit('/').next().is_some_and(|name| name.contains("perl")));
    python::is_code(address) || ruby::owns(address) || is_perl()
}
