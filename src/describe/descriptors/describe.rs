//! Open descriptors, and the report's type for each.
use super::file::{mode_of, target};
use super::kind::{fits, kind_of};
use super::socket::Endpoints;
use crate::describe::site::site;
use crate::entry::Arena;
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_core::registry::descriptors::{self, FdKind, Record, role};
use forkguard_report::event::{Descriptor, DescriptorKind, Origin, Role, Site};
use rustix::fs::FileType;
use rustix::io::{Errno, FdFlags};
use std::borrow::Cow::Borrowed;

/// Descriptors that are listed; further ones are counted.
const MOST_LISTED: usize = 512;

/// The descriptors of these numbers, as far as they are open still.
pub(crate) fn all<'a>(arena: &'a Arena, numbers: &[i32]) -> &'a [Descriptor<'a>] {
    let mut list = arena.list(numbers.len());
    numbers.iter().filter_map(|&fd| describe(arena, fd)).for_each(|descriptor| list.push(descriptor));
    list.done()
}

/// The numbers of all open descriptors but ours, which `directory` lists (see [`kernel::path_of_thread`]), and how many the list has no room for.
pub(crate) fn numbers<'a>(arena: &'a Arena, directory: &Text<80>) -> (&'a [i32], u32) {
    let mut list = arena.list(MOST_LISTED);
    let mut missed = 0;
    let own = descriptors::OWN.load(std::sync::atomic::Ordering::Relaxed);
    kernel::each_entry_with(directory.as_cstr().unwrap_or_default(), |directory, name| {
        match name.to_str().ok().and_then(|n| n.parse::<i32>().ok()).filter(|&fd| fd != own && fd != directory) {
            Some(_) if list.as_slice().len() == MOST_LISTED => missed += 1,
            Some(fd) => list.push(fd),
            None => {}
        }
    });
    (list.done(), missed)
}

/// One descriptor; None when it was closed meanwhile.
pub(crate) fn describe(arena: &Arena, fd: i32) -> Option<Descriptor<'_>> {
    let descriptor = kernel::borrow(fd);
    let stat = rustix::fs::fstat(descriptor).ok()?;
    let flags = rustix::io::fcntl_getfd(descriptor).ok()?;
    let file_type = FileType::from_raw_mode(stat.st_mode);
    let path = if file_type == FileType::Socket { None } else { target("thread-self", fd).ok() };
    let path = path.map(|path| arena.text(path.as_str()));
    let kind = kind_of(file_type, path);
    let socket = (kind == DescriptorKind::Socket).then(|| Endpoints::of(fd));
    let record = descriptors::record(fd).filter(|r| fits(r, kind, socket.as_ref()));
    let opened = matches!(kind, DescriptorKind::File).then(|| rustix::fs::fcntl_getfl(descriptor).ok()).flatten();
    let members = (kind == DescriptorKind::Epoll).then(|| members(arena, fd));
    Some(Descriptor {
        fd,
        kind,
        origin: origin(record),
        cloexec: flags.contains(FdFlags::CLOEXEC),
        thread: record.map(|r| r.thread).filter(|&t| t != 0),
        site: record.and_then(|r| site(arena, Role::Opened, r.thread, r.site)),
        path: path.map(Borrowed),
        mode: opened.map(|f| Borrowed(mode_of(f))),
        offset: opened.and_then(|_| kernel::position(fd)),
        socket: socket.map(|ends| ends.socket(arena, record)),
        members: members.map(Borrowed),
        added: Borrowed(members.map_or(&[], |members| added(arena, fd, members))),
    })
}

/// True when what this process has open under `fd` another one has under `number`; None where forkguard may not look.
pub(crate) fn is_shared_with(process: u32, number: i32, fd: i32) -> Option<bool> {
    match (target("thread-self", fd), target(process, number)) {
        (Ok(own), Ok(theirs)) => Some(own.as_str() == theirs.as_str()),
        (_, Err(Errno::ACCESS | Errno::PERM)) => None,
        // There is no /proc here.
        (Err(_), _) if kernel::process_exists(process) => None,
        _ => Some(false),
    }
}

/// What the kernel calls an open file, as /proc/PID/fd names it; None for a number that is not open.
pub(crate) fn kernel_name(fd: i32) -> Option<Text<64>> {
    target("thread-self", fd).ok().map(|name| Text::of(format_args!("{}", name.as_str())))
}

/// True when another process has what the kernel calls so open under that number.
pub(crate) fn has_open(process: u32, fd: i32, kernel_name: &str) -> bool {
    target(process, fd).is_ok_and(|name| name.as_str() == kernel_name)
}

/// Where a descriptor came from.
fn origin(record: Option<Record>) -> Origin {
    match record {
        None => Origin::Unknown,
        Some(r) if r.role & role::FORKED != 0 => Origin::Forked,
        Some(r) if r.kind == FdKind::Start => Origin::Start,
        Some(_) => Origin::Recorded,
    }
}

/// The descriptors that an epoll instance watches.
fn members(arena: &Arena, fd: i32) -> &[i32] {
    let path = kernel::path_of_thread(format_args!("fdinfo/{fd}"));
    let mut bytes = [0u8; 8192];
    let text = path.as_cstr().map(|p| kernel::read_file(p, &mut bytes)).unwrap_or_default();
    let mut list = arena.list(128);
    for line in std::str::from_utf8(text).unwrap_or_default().lines() {
        let number = line.strip_prefix("tfd:").and_then(|l| l.split_whitespace().next());
        if let Some(number) = number.and_then(|n| n.parse().ok()) {
            list.push(number);
        }
    }
    list.done()
}

/// Where an epoll instance's members were added, each place once.
fn added<'a>(arena: &'a Arena, epoll: i32, members: &[i32]) -> &'a [Site<'a>] {
    const PLACES: usize = 4;
    let mut places = arena.list::<usize>(PLACES);
    for place in members.iter().filter_map(|&fd| descriptors::added_at(fd, epoll)) {
        if !places.as_slice().contains(&place) {
            places.push(place);
        }
    }
    let places = places.done();
    let mut sites = arena.list(places.len());
    places.iter().filter_map(|&place| site(arena, Role::Added, 0, place)).for_each(|site| sites.push(site));
    sites.done()
}
