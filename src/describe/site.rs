//! Sites and frames of the report.
use super::program::own_server;
use crate::entry::Arena;
use crate::entry::arena::ArenaList;
use crate::sites::store::StoredFrame;
use crate::sites::{self, SiteId, StackOf, native};
use forkguard_core::fork::Snapshot;
use forkguard_core::registry::{atfork, descriptors, random};
use forkguard_loader::link_map_of;
use forkguard_report::event::{Frame, Role, Site};
use std::borrow::Cow::{self, Borrowed};

/// A site of the registries: the native frame that made the call, then the application's; None for an unknown address.
pub(crate) fn site<'a>(arena: &'a Arena, role: Role, thread: u32, site: SiteId) -> Option<Site<'a>> {
    let (address, outer) = (sites::address_of(site), sites::frames_of(site));
    native::learn(calls(site));
    let count = |address: usize| if address == 0 { 1 } else { native::count(address - 1) };
    let mut frames = arena.list(count(address) + outer.clone().map(|stored| count(stored.address)).sum::<usize>());
    let mut callers = outer.clone().map(|stored| stored.address);
    if address != 0 {
        add_native(arena, &mut frames, address, callers.next());
    }
    outer.for_each(|stored| match stored.address {
        0 => frames.push(frame(&stored)),
        address => add_native(arena, &mut frames, address, callers.next()),
    });
    of_frames(role, thread, frames.done())
}

/// The native code of a site: the addresses right before its return addresses.
fn calls(site: SiteId) -> impl Iterator<Item = usize> {
    let addresses = [sites::address_of(site)].into_iter().chain(sites::frames_of(site).map(|stored| stored.address));
    addresses.filter(|&address| address != 0).map(|address| address - 1)
}

/// Looks up the native code of a fork's sites together, so that each file is opened once: [`site`] asks for them one by one.
pub(super) fn look_up_sites(snapshot: &Snapshot, stacks: &[SiteId], descriptors: &[i32]) {
    let threads = snapshot.threads.as_slice().iter();
    let started = threads.clone().map(|thread| thread.start).filter(|&start| start != 0);
    let sites = [snapshot.site].into_iter().chain(threads.map(|thread| thread.site));
    let sites = sites.chain(snapshot.locks.as_slice().iter().map(|lock| lock.entry.site));
    let sites = sites.chain(descriptors.iter().filter_map(|&fd| descriptors::record(fd)).map(|record| record.site));
    let sites = sites.chain(stacks.iter().copied());
    let sites = sites.chain(atfork::all().map(|registration| registration.site()));
    let sites = sites.chain(random::seeds().take(snapshot.seeds)).chain([snapshot.random]);
    native::learn(sites.flat_map(calls).chain(started));
}

/// A site by return addresses, innermost first; None without one.
pub(crate) fn native_site<'a>(
    arena: &'a Arena,
    role: Role,
    thread: u32,
    addresses: impl Iterator<Item = usize> + Clone,
) -> Option<Site<'a>> {
    native::learn(addresses.clone().map(|address| address - 1));
    let mut frames = arena.list(addresses.clone().map(|address| native::count(address - 1)).sum());
    let mut callers = addresses.clone().skip(1);
    addresses.for_each(|address| add_native(arena, &mut frames, address, callers.next()));
    of_frames(role, thread, frames.done())
}

/// Adds the frames of a return address, and of that of its caller only the call: a function without a name, which the library was entered by
/// from another one, gets the name that was called (the one called may have jumped on).
fn add_native<'a>(arena: &'a Arena, frames: &mut ArenaList<'a, Frame<'a>>, address: usize, caller: Option<usize>) {
    native::frames(arena, address - 1, |frame| {
        let function = frame.function.clone().or_else(|| called(arena, address, caller.filter(|&caller| caller != 0)?));
        frames.push(Frame { function, ..frame });
    });
}

/// The function of another library that the call before `caller` leads to, if that library has the address.
fn called(arena: &Arena, address: usize, caller: usize) -> Option<Cow<'_, str>> {
    let library = link_map_of(address)?;
    let is_entry = |&target: &usize| link_map_of(target) == Some(library);
    let entry = || sites::call_target(StackOf::Thread, caller).filter(is_entry);
    native::data_symbol(arena, (link_map_of(caller) != Some(library)).then(entry).flatten()?)
}

fn of_frames<'a>(role: Role, thread: u32, frames: &'a [Frame<'a>]) -> Option<Site<'a>> {
    (!frames.is_empty()).then(|| Site { role, thread: (thread != 0).then_some(thread), frames: Borrowed(frames) })
}

/// Where a call was made, by its return address, in one short text; empty when unknown.
pub(crate) fn call_text(arena: &Arena, address: usize) -> &str {
    if address == 0 {
        return "";
    }
    native::learn([address - 1].into_iter());
    let frame = native::frame(arena, address - 1);
    match (&frame.file, frame.line, &frame.module, &frame.function) {
        (Some(file), Some(line), ..) => arena.format(format_args!("{file}:{line}")),
        (_, _, Some(module), Some(function)) => arena.format(format_args!("{function} in {module}")),
        (_, _, Some(module), None) => arena.format(format_args!("{module}+{:#x}", frame.offset.unwrap_or(0))),
        _ => "",
    }
}

/// The interpreted frames of a site, innermost first.
pub(crate) fn interpreted_frames(site: SiteId) -> impl Iterator<Item = Frame<'static>> {
    sites::frames_of(site).filter(|stored| stored.address == 0).map(|stored| frame(&stored))
}

/// The innermost frame of a site, if it is an interpreted one.
pub(super) fn innermost_interpreted(site: SiteId) -> Option<Frame<'static>> {
    sites::frames_of(site).next().filter(|stored| stored.address == 0).map(|stored| frame(&stored))
}

/// The outermost frame of a site that is an interpreted one.
pub(super) fn outermost_interpreted(site: SiteId) -> Option<Frame<'static>> {
    sites::frames_of(site).filter(|stored| stored.address == 0).last().map(|stored| frame(&stored))
}

/// A frame of an interpreter's.
fn frame(stored: &StoredFrame) -> Frame<'static> {
    let text = |t: &'static str| (!t.is_empty()).then_some(Borrowed(t));
    let line = if stored.file.ends_with(".ru") { own_server().line_in_file(stored.file, stored.line) } else { stored.line };
    Frame {
        language: Borrowed(stored.language.name()),
        function: text(stored.function),
        file: text(stored.file),
        line: (line != 0).then_some(line),
        module: None,
        offset: None,
        build_id: None,
    }
}

/// An address as the report writes it; None for 0.
pub(super) fn hex(arena: &Arena, address: usize) -> Option<Cow<'_, str>> {
    (address != 0).then(|| Borrowed(arena.format(format_args!("{address:#x}"))))
}
