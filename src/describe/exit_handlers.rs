//! Exit handlers that the application registered before a fork.
use super::site::{innermost_interpreted, interpreted_frames, outermost_interpreted, site};
use crate::entry::Arena;
use crate::sites::{SiteId, native};
use forkguard_core::registry::exit_handlers::{self, CAPACITY};
use forkguard_report::catalogue::{AT_BLOCKS_END, AT_INTERPRETERS_END};
use forkguard_report::event::{Frame, Role, Site};
use std::borrow::Cow::{self, Borrowed};

/// One of them.
pub(crate) struct ExitHandler<'a> {
    /// Its place in the order of registrations.
    pub(crate) index: usize,
    /// Its function, in words.
    pub(crate) name: &'a str,
    /// Where it was registered, and the function.
    pub(crate) sites: &'a [Site<'a>],
}

/// Those that a child has: in the leader all, in the child those that it did not register itself.
pub(crate) fn exit_handlers(arena: &Arena, in_child: bool) -> &[ExitHandler<'_>] {
    let mut list = arena.list(CAPACITY);
    let handlers = exit_handlers::all().filter(|handler| !in_child || handler.is_inherited());
    handlers.for_each(|handler| list.push(exit_handler(arena, handler)));
    list.done()
}

/// A destructor that has led to `site`, in words.
pub(crate) fn destructor(arena: &Arena, site: SiteId) -> &str {
    match innermost_interpreted(site) {
        // Ruby's are blocks, by the name of the method that they stand in.
        Some(Frame { language, .. }) if language == "ruby" => "the finalizer of an object",
        Some(Frame { function: Some(function), .. }) => arena.format(format_args!("{function}() of an object")),
        _ => "the destructor of an object",
    }
}

/// The function by which a `with` block is left, and which has led to `site`: it is called by the function in which that was `made` which the
/// block's end takes away.
pub(crate) fn left_block(made: SiteId, site: SiteId) -> Option<Cow<'static, str>> {
    let is_exit = |frame: &Frame| frame.function.as_deref().is_some_and(|function| function.ends_with("__exit__"));
    let made_it =
        |caller: &Frame| interpreted_frames(made).any(|frame| (&frame.file, &frame.function) == (&caller.file, &caller.function));
    let callers = interpreted_frames(site).skip(1);
    let left = interpreted_frames(site).zip(callers).find(|(frame, caller)| is_exit(frame) && made_it(caller));
    left.and_then(|(frame, _)| frame.function)
}

/// The same in words.
pub(crate) fn blocks_end(arena: &Arena, made: SiteId, site: SiteId) -> &str {
    arena.format(format_args!("{}(){AT_BLOCKS_END}", left_block(made, site).unwrap_or_default()))
}

/// What an interpreter runs at its end that has led to `site`, in words.
pub(crate) fn end_function(arena: &Arena, site: SiteId) -> &str {
    match outermost_interpreted(site).and_then(|frame| frame.function) {
        Some(function) => arena.format(format_args!("{function}(){AT_INTERPRETERS_END}")),
        None => arena.format(format_args!("a function{AT_INTERPRETERS_END}")),
    }
}

/// One handler.
pub(crate) fn exit_handler<'a>(arena: &'a Arena, handler: &exit_handlers::ExitHandler) -> ExitHandler<'a> {
    let interpreted = innermost_interpreted(handler.site()).filter(|_| handler.is_interpreted());
    let registered = if handler.is_interpreted() { None } else { site(arena, Role::Registered, 0, handler.site()) };
    let frame = interpreted.unwrap_or_else(|| {
        native::learn([handler.address()].into_iter());
        native::frame(arena, handler.address())
    });
    let name = match &frame.function {
        Some(block) if block.ends_with(" block") => arena.format(format_args!("{block} of {}", frame.place())),
        Some(function) => arena.format(format_args!("{function}()")),
        None => arena.format(format_args!("{frame}")),
    };
    ExitHandler { index: handler.index(), name, sites: arena.join([registered.as_slice(), &[code(arena, frame)]]) }
}

/// True for the site of a function that the application's authors wrote, or one of Python's own that removes files for them.
pub(crate) fn is_applications_function(site: SiteId) -> bool {
    let removes = |file: &str| file.ends_with("/tempfile.py") || file.ends_with("/shutil.py");
    innermost_interpreted(site)
        .is_some_and(|frame| frame.is_application() || frame.package().is_none() && frame.file.as_deref().is_some_and(removes))
}

fn code<'a>(arena: &'a Arena, frame: Frame<'a>) -> Site<'a> {
    Site { role: Role::Code, thread: None, frames: Borrowed(arena.one(frame)) }
}
