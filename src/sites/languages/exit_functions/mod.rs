//! Functions that interpreters run at their end, in a forked child, too: Ruby's `at_exit`, Perl's `END`, PHP's shutdown functions, Python's
//! `atexit` and `weakref.finalize`. Which there are is read at the fork, and which of them runs when a child does something to its leader.
mod function;
mod perl;
mod php;
mod ruby;

use super::python;
use crate::sites::store::{self, Language, SiteId, StoredFrame};
use forkguard_loader::Library;
use function::{Each, MOST};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// An interpreter's list.
struct Keeper {
    language: Language,
    /// Calls its argument with the functions in the order in which they will run; None where that is not known.
    functions: fn(Each<'_>) -> Option<()>,
    /// The function that would run next, where each is taken out of the list before it runs: 0 when none is left.
    next: Option<fn() -> Option<usize>>,
}

const KEEPERS: [Keeper; 3] = [
    Keeper { language: Language::Ruby, functions: ruby::functions, next: Some(ruby::next) },
    Keeper { language: Language::Perl, functions: perl::functions, next: Some(perl::next) },
    Keeper { language: Language::Php, functions: php::functions, next: None },
];

/// Looks for interpreters in a library that was loaded.
pub(super) fn search(library: &Library) {
    perl::FOUND.search(library, perl::Perl::of);
    php::FOUND.search(library, php::Php::of);
}

/// The functions of each keeper as they stood at the last fork, in the order in which they will run; 0 behind the last.
#[unsafe(link_section = "forkguard_words")]
static ORDER: [[AtomicUsize; MOST]; KEEPERS.len()] = [const { [const { AtomicUsize::new(0) }; MOST] }; KEEPERS.len()];

/// At a fork, by its thread: calls `each` with what stands for a function and its site, if this thread has the interpreter. False when it is
/// not known which there are.
pub(crate) fn exit_functions(mut each: impl FnMut(usize, SiteId)) -> bool {
    let mut is_known = python::exit_functions(&mut each);
    for (keeper, order) in KEEPERS.iter().zip(&ORDER) {
        let mut count = 0;
        let read = (keeper.functions)(&mut |function| {
            if let Some(place) = order.get(count) {
                place.store(function.id, Relaxed);
                count += 1;
            }
            if let Some(site) = function.site(keeper.language) {
                each(function.id, site);
            }
        });
        if let Some(end) = order.get(count).filter(|end| end.load(Relaxed) != 0) {
            end.store(0, Relaxed);
        }
        is_known |= read.is_some();
    }
    is_known
}

/// In a child: true when the function `id`, which the leader had at the fork, is what calls at `site`.
pub(crate) fn runs_exit_function(id: usize, function: SiteId, site: SiteId) -> bool {
    let Some(function) = store::frames_of(function).next() else { return false };
    let Some(place) = KEEPERS.iter().position(|keeper| keeper.language == function.language) else {
        return python::outermost_code() == Some(id);
    };
    let is_within = |frame: &StoredFrame| frame.file == function.file && frame.line >= function.line;
    match KEEPERS[place].next {
        Some(next) => {
            next().is_some_and(|next| is_last_taken(&ORDER[place], id, next)) && store::frames_of(site).any(|f| is_within(&f))
        }
        // What is not called by the program itself is called at its end.
        None => store::frames_of(site)
            .last()
            .is_some_and(|outermost| is_within(&outermost) && outermost.function == function.function),
    }
}

/// True when `id` stands right before `next` (0: at the end).
fn is_last_taken(order: &[AtomicUsize], id: usize, next: usize) -> bool {
    let after = |place: usize| order.get(place + 1).map_or(0, |id| id.load(Relaxed));
    order.iter().position(|known| known.load(Relaxed) == id).is_some_and(|place| after(place) == next)
}
