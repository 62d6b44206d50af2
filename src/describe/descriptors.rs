//! The open descriptors: which are open and what they are comes from the kernel, where they came from out of the table, and only
//! when the two fit together: a number that was reused behind our back has no provenance.
use super::site;
use crate::entry::Arena;
use forkguard_core::descriptor::{self, Kind, Record, role};
use forkguard_core::fixed::Text;
use forkguard_core::raw;
use forkguard_report::catalogue::{service, service_of_path};
use forkguard_report::event::{Descriptor, DescriptorKind, List, Origin, Role, Socket, SocketRole};
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrAny, SocketAddrUnix, SocketType, sockopt};
use std::borrow::Cow::{self, Borrowed};
use std::fmt::{Display, Write};
use std::net::{IpAddr, SocketAddr};

/// Descriptors that are listed; further ones are counted.
const LISTED: usize = 512;

/// The descriptors of these numbers, as far as they are open still.
pub(super) fn all<'a>(arena: &'a Arena, numbers: &[i32]) -> &'a [Descriptor<'a>] {
    let mut list = arena.list(numbers.len());
    numbers.iter().filter_map(|&fd| describe(arena, fd)).for_each(|descriptor| list.push(descriptor));
    list.done()
}

/// The numbers of all open descriptors, which `directory` lists (see [`raw::path_of_thread`]), ours left out, and how many are left out for
/// want of room.
pub(super) fn numbers<'a>(arena: &'a Arena, directory: &Text<80>) -> (&'a [i32], u32) {
    let mut list = arena.list(LISTED);
    let mut missed = 0;
    let own = descriptor::OWN.load(std::sync::atomic::Ordering::Relaxed);
    raw::each_entry_with(directory.as_cstr().unwrap_or_default(), |directory, name| {
        match name.to_str().ok().and_then(|n| n.parse::<i32>().ok()).filter(|&fd| fd != own && fd != directory) {
            Some(_) if list.as_slice().len() == LISTED => missed += 1,
            Some(fd) => list.push(fd),
            None => {}
        }
    });
    (list.done(), missed)
}

/// One descriptor; None when it was closed meanwhile.
pub(crate) fn describe(arena: &Arena, fd: i32) -> Option<Descriptor<'_>> {
    let of = raw::descriptor(fd);
    let stat = rustix::fs::fstat(of).ok()?;
    let flags = rustix::io::fcntl_getfd(of).ok()?;
    let file_type = FileType::from_raw_mode(stat.st_mode);
    let path = if file_type == FileType::Socket { None } else { link(arena, fd) };
    let kind = kind_of(file_type, path);
    let socket = (kind == DescriptorKind::Socket).then(|| endpoints(fd));
    let record = descriptor::record(fd).filter(|r| fits(r, kind, socket.as_ref()));
    let opened = matches!(kind, DescriptorKind::File).then(|| rustix::fs::fcntl_getfl(of).ok()).flatten();
    Some(Descriptor {
        fd,
        kind,
        origin: origin(record),
        cloexec: flags.contains(rustix::io::FdFlags::CLOEXEC),
        thread: record.map(|r| r.thread).filter(|&t| t != 0),
        site: record.and_then(|r| site(arena, Role::Opened, r.thread, r.site)),
        path: path.map(Borrowed),
        mode: opened.map(|f| Borrowed(mode(f))),
        offset: opened.and_then(|_| position_of(fd)),
        socket: socket.map(|ends| ends.socket(arena, record)),
        members: (kind == DescriptorKind::Epoll).then(|| members(arena, fd)),
    })
}

/// True for a socket whose bytes belong together.
pub(crate) fn is_stream(fd: i32) -> bool {
    matches!(sockopt::socket_type(raw::descriptor(fd)), Ok(SocketType::STREAM | SocketType::SEQPACKET))
}

/// The name of a socket that the table says was connect()ed, without an arena; None when the kernel has something else there by now.
pub(crate) fn name_of_connection(fd: i32) -> Option<Text<96>> {
    let record = descriptor::record(fd).filter(|r| r.kind == Kind::Socket && r.role & role::CONNECTED != 0)?;
    let of = raw::descriptor(fd);
    let family = Some(sockopt::socket_domain(of).ok()?);
    let listens = sockopt::socket_acceptconn(of).unwrap_or(false);
    let ends = Ends { family, kind: None, listens, local: None, peer: rustix::net::getpeername(of).ok().flatten() };
    let fits = !listens && ends.fits(&record);
    fits.then(|| ends.name(fd, &record))
}

/// How a peer that connect() was given may be written: `127.0.0.1:5432`, a unix path, `@` and an abstract name. None without a name.
pub(crate) fn peer_name(fd: i32, record: &Record) -> Option<Text<112>> {
    match recorded_peer(record) {
        Some(peer) => Some(Text::of(format_args!("{}", SocketAddr::new(peer.ip().to_canonical(), peer.port())))),
        None if i32::from(record.family) == libc::AF_UNIX => {
            rustix::net::getpeername(raw::descriptor(fd)).ok().flatten().map(|peer| written(&peer))
        }
        None => None,
    }
}

/// True for a connection to this machine itself, whose port it gives.
pub(crate) fn loopback_port(record: &Record) -> Option<u16> {
    let is_own = |ip: IpAddr| ip.is_unspecified() || ip.to_canonical().is_loopback();
    recorded_peer(record).filter(|peer| is_own(peer.ip())).map(|peer| peer.port())
}

/// True for a file that is read or written by position.
pub(crate) fn is_positioned(fd: i32) -> bool {
    let of = raw::descriptor(fd);
    rustix::fs::fstat(of).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
        && rustix::fs::fcntl_getfl(of).is_ok_and(|flags| !flags.contains(OFlags::APPEND))
}

/// Where a file's position stands.
fn position_of(fd: i32) -> Option<u64> {
    rustix::fs::seek(raw::descriptor(fd), rustix::fs::SeekFrom::Current(0)).ok()
}

fn link(arena: &Arena, fd: i32) -> Option<&str> {
    target("thread-self", fd).ok().map(|path| arena.text(path.as_str()))
}

/// What a process's descriptor is open on, in the kernel's words.
fn target(process: impl Display, fd: i32) -> rustix::io::Result<Text<1024>> {
    let mut path = Text::<48>::new();
    let _ = path.write_fmt(format_args!("/proc/{process}/fd/{fd}"));
    let mut bytes = [0u8; 1024];
    let read = rustix::fs::readlinkat_raw(rustix::fs::CWD, path.as_cstr().unwrap_or(c""), &mut bytes[..])?;
    Ok(Text::from_bytes(bytes.get(..read).unwrap_or_default()))
}

/// Whether another process has what this one has under `fd` open under `number`; None where we may not look.
pub(crate) fn is_shared_with(process: u32, number: i32, fd: i32) -> Option<bool> {
    match (target("thread-self", fd), target(process, number)) {
        (Ok(own), Ok(theirs)) => Some(own.as_str() == theirs.as_str()),
        (_, Err(Errno::ACCESS | Errno::PERM)) => None,
        // There is no /proc here.
        (Err(_), _) if raw::process_exists(process) => None,
        _ => Some(false),
    }
}

const ANONYMOUS: &[(&str, DescriptorKind)] = &[
    ("anon_inode:[eventpoll]", DescriptorKind::Epoll),
    ("anon_inode:[eventfd]", DescriptorKind::Eventfd),
    ("anon_inode:[timerfd]", DescriptorKind::Timerfd),
    ("anon_inode:[signalfd]", DescriptorKind::Signalfd),
    ("anon_inode:inotify", DescriptorKind::Inotify),
    ("anon_inode:[fanotify]", DescriptorKind::Inotify),
    ("anon_inode:[io_uring]", DescriptorKind::IoUring),
    ("anon_inode:[pidfd]", DescriptorKind::Pidfd),
    ("pidfd:", DescriptorKind::Pidfd),
    ("/memfd:", DescriptorKind::Memfd),
];

fn kind_of(file_type: FileType, path: Option<&str>) -> DescriptorKind {
    let path = path.unwrap_or_default();
    if let Some((_, kind)) = ANONYMOUS.iter().find(|(beginning, _)| path.starts_with(beginning)) {
        return *kind;
    }
    match file_type {
        FileType::Socket => DescriptorKind::Socket,
        FileType::RegularFile => DescriptorKind::File,
        FileType::Directory => DescriptorKind::Directory,
        FileType::Fifo => DescriptorKind::Pipe,
        FileType::CharacterDevice | FileType::BlockDevice => DescriptorKind::Device,
        _ => DescriptorKind::Other,
    }
}

/// True when the table's record can be of what the kernel has.
fn fits(record: &Record, kind: DescriptorKind, ends: Option<&Ends>) -> bool {
    match record.kind {
        Kind::Socket => ends.is_some_and(|e| e.fits(record)),
        Kind::Pipe => kind == DescriptorKind::Pipe,
        Kind::Epoll => kind == DescriptorKind::Epoll,
        Kind::Eventfd => kind == DescriptorKind::Eventfd,
        Kind::Timerfd => kind == DescriptorKind::Timerfd,
        Kind::Signalfd => kind == DescriptorKind::Signalfd,
        Kind::Inotify => kind == DescriptorKind::Inotify,
        Kind::Memfd => kind == DescriptorKind::Memfd,
        Kind::File => matches!(
            kind,
            DescriptorKind::File
                | DescriptorKind::Directory
                | DescriptorKind::Device
                | DescriptorKind::Pipe
                | DescriptorKind::Other
        ),
        Kind::Start => true,
        Kind::None => false,
    }
}

fn origin(record: Option<Record>) -> Origin {
    match record {
        None => Origin::Unknown,
        Some(r) if r.role & role::FORKED != 0 => Origin::Forked,
        Some(r) if r.kind == Kind::Start => Origin::Start,
        Some(_) => Origin::Recorded,
    }
}

fn mode(flags: OFlags) -> &'static str {
    match (flags & OFlags::RWMODE, flags.contains(OFlags::APPEND)) {
        (OFlags::WRONLY, false) => "write",
        (OFlags::WRONLY, true) => "write append",
        (OFlags::RDWR, false) => "read-write",
        (OFlags::RDWR, true) => "read-write append",
        (_, false) => "read",
        (_, true) => "read append",
    }
}

/// The descriptors that an epoll instance watches.
fn members(arena: &Arena, fd: i32) -> List<'_, i32> {
    let path = raw::path_of_thread(format_args!("fdinfo/{fd}"));
    let mut bytes = [0u8; 8192];
    let text = path.as_cstr().map(|p| raw::read_file(p, &mut bytes)).unwrap_or_default();
    let mut list = arena.list(128);
    for line in std::str::from_utf8(text).unwrap_or_default().lines() {
        let number = line.strip_prefix("tfd:").and_then(|l| l.split_whitespace().next());
        if let Some(number) = number.and_then(|n| n.parse().ok()) {
            list.push(number);
        }
    }
    Borrowed(list.done())
}

/// A socket as the kernel describes it.
struct Ends {
    family: Option<AddressFamily>,
    kind: Option<SocketType>,
    listens: bool,
    local: Option<SocketAddrAny>,
    peer: Option<SocketAddrAny>,
}

fn endpoints(fd: i32) -> Ends {
    let of = raw::descriptor(fd);
    Ends {
        family: sockopt::socket_domain(of).ok(),
        kind: sockopt::socket_type(of).ok(),
        listens: sockopt::socket_acceptconn(of).unwrap_or(false),
        local: rustix::net::getsockname(of).ok(),
        peer: rustix::net::getpeername(of).ok().flatten(),
    }
}

impl Ends {
    /// A peer that the kernel names must be the one that connect() was given.
    fn fits(&self, record: &Record) -> bool {
        let same_family = record.family == 0 || self.family.is_none_or(|f| f.as_raw() == record.family);
        let recorded = (record.role & role::CONNECTED != 0).then(|| recorded_peer(record)).flatten();
        let same_peer = match (recorded, self.peer.as_ref().and_then(inet)) {
            (Some(recorded), Some(peer)) => recorded.port() == peer.port() && same_address(recorded.ip(), peer.ip()),
            _ => true,
        };
        same_family && same_peer
    }

    fn socket<'a>(&self, arena: &'a Arena, record: Option<Record>) -> Socket<'a> {
        let peer = self.peer.as_ref().map(|p| address(arena, p)).filter(|t| !t.is_empty());
        let recorded = record.filter(|r| r.role & role::CONNECTED != 0).and_then(|r| recorded_peer(&r));
        let inet_peer = self.peer.as_ref().and_then(inet).or(recorded);
        let peer = peer.or_else(|| recorded.map(|p| arena.format(format_args!("{p}"))));
        let service = match (inet_peer, peer) {
            (Some(address), _) => service(true, address.port()),
            (None, Some(path)) => service_of_path(path),
            (None, None) => None,
        };
        Socket {
            family: family(arena, self.family),
            kind: socket_type(arena, self.kind),
            role: self.role(record),
            local: self.local.as_ref().map(|l| address(arena, l)).filter(|t| !t.is_empty()).map(Borrowed),
            peer: peer.map(Borrowed),
            service: service.map(Borrowed),
        }
    }

    /// As in the findings, [`crate::findings::connection_inherited::subject`].
    fn name(&self, fd: i32, record: &Record) -> Text<96> {
        let peer = self.peer.as_ref().and_then(inet).or_else(|| recorded_peer(record));
        let unix = self.peer.as_ref().map(written).filter(|path| !path.is_empty());
        let mut name = Text::new();
        let _ = match (peer, unix) {
            (Some(peer), _) => write!(name, "TCP {peer}"),
            (None, Some(path)) => write!(name, "unix {}", path.as_str()),
            (None, None) => write!(name, "a connection"),
        };
        let service =
            peer.map_or_else(|| unix.as_ref().and_then(|path| service_of_path(path.as_str())), |p| service(true, p.port()));
        let _ = service.map(|service| write!(name, " ({service})"));
        let _ = write!(name, ", descriptor {fd}");
        name
    }

    fn role(&self, record: Option<Record>) -> SocketRole {
        let did = |bit| record.is_some_and(|r| r.role & bit != 0);
        match () {
            () if self.listens => SocketRole::Listening,
            () if did(role::CONNECTED) => SocketRole::Connected,
            () if did(role::ACCEPTED) => SocketRole::Accepted,
            () if did(role::PAIR) => SocketRole::Pair,
            () if self.peer.is_some() => SocketRole::Peer,
            () => SocketRole::Idle,
        }
    }
}

/// connect() to the wildcard address reaches the loopback one.
fn same_address(recorded: IpAddr, peer: IpAddr) -> bool {
    recorded.is_unspecified() || recorded.to_canonical() == peer.to_canonical()
}

fn recorded_peer(record: &Record) -> Option<SocketAddr> {
    match i32::from(record.family) {
        libc::AF_INET => {
            let [a, b, c, d, ..] = record.address;
            Some(SocketAddr::from(([a, b, c, d], record.port)))
        }
        libc::AF_INET6 => Some(SocketAddr::from((record.address, record.port))),
        _ => None,
    }
}

fn inet(address: &SocketAddrAny) -> Option<SocketAddr> {
    SocketAddr::try_from(address.clone()).ok()
}

fn address<'a>(arena: &'a Arena, address: &SocketAddrAny) -> &'a str {
    arena.text(written(address).as_str())
}

/// An address as people write it; empty for one without a name.
fn written(address: &SocketAddrAny) -> Text<112> {
    if let Some(inet) = inet(address) {
        return Text::of(format_args!("{inet}"));
    }
    let Ok(unix) = SocketAddrUnix::try_from(address.clone()) else { return Text::new() };
    if let Some(name) = unix.abstract_name() {
        return Text::of(format_args!("@{}", Text::<110>::from_bytes(name).as_str()));
    }
    unix.path_bytes().map_or(Text::new(), Text::from_bytes)
}

fn family(arena: &Arena, family: Option<AddressFamily>) -> Cow<'_, str> {
    match family {
        Some(AddressFamily::INET) => Borrowed("inet"),
        Some(AddressFamily::INET6) => Borrowed("inet6"),
        Some(AddressFamily::UNIX) => Borrowed("unix"),
        Some(AddressFamily::NETLINK) => Borrowed("netlink"),
        Some(AddressFamily::PACKET) => Borrowed("packet"),
        Some(other) => Borrowed(arena.format(format_args!("{}", other.as_raw()))),
        None => Borrowed("unknown"),
    }
}

fn socket_type(arena: &Arena, kind: Option<SocketType>) -> Cow<'_, str> {
    match kind {
        Some(SocketType::STREAM) => Borrowed("stream"),
        Some(SocketType::DGRAM) => Borrowed("datagram"),
        Some(SocketType::SEQPACKET) => Borrowed("seqpacket"),
        Some(SocketType::RAW) => Borrowed("raw"),
        Some(other) => Borrowed(arena.format(format_args!("{}", other.as_raw()))),
        None => Borrowed("unknown"),
    }
}
