//! What a descriptor is, by the kernel, and whether a record of the table can be of that.
use super::socket::Endpoints;
use forkguard_core::registry::descriptors::{FdKind, Record};
use forkguard_report::event::DescriptorKind;
use rustix::fs::FileType;

/// How the kernel names what has no path.
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

/// The kind of a descriptor, by its type and what it is open on.
pub(super) fn kind_of(file_type: FileType, path: Option<&str>) -> DescriptorKind {
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
pub(super) fn fits(record: &Record, kind: DescriptorKind, ends: Option<&Endpoints>) -> bool {
    match record.kind {
        FdKind::Socket => ends.is_some_and(|e| e.fits(record)),
        FdKind::Pipe => kind == DescriptorKind::Pipe,
        FdKind::Epoll => kind == DescriptorKind::Epoll,
        FdKind::Eventfd => kind == DescriptorKind::Eventfd,
        FdKind::Timerfd => kind == DescriptorKind::Timerfd,
        FdKind::Signalfd => kind == DescriptorKind::Signalfd,
        FdKind::Inotify => kind == DescriptorKind::Inotify,
        FdKind::Memfd => kind == DescriptorKind::Memfd,
        FdKind::Terminal => kind == DescriptorKind::Device,
        FdKind::File => matches!(
            kind,
            DescriptorKind::File
                | DescriptorKind::Directory
                | DescriptorKind::Device
                | DescriptorKind::Pipe
                | DescriptorKind::Other
        ),
        FdKind::Start => true,
        FdKind::None => false,
    }
}
