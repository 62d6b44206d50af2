//! epoll-inherited: an epoll, io_uring or inotify instance, a signalfd, or a timer of timerfd_create, that child and leader share.
use crate::entry::Arena;
use crate::findings::evidence::Evidence;
use forkguard_report::event::{Descriptor, DescriptorKind, Finding, FindingKind, Severity};

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for descriptor in evidence.inherited.iter() {
        let Some(subject) = subject(evidence.arena, descriptor) else { continue };
        found(evidence.finding(
            FindingKind::EpollInherited,
            Severity::Info,
            format_args!("{}", descriptor.fd),
            format_args!("{subject}"),
            evidence.arena.join([descriptor.site.as_slice(), &descriptor.added]),
        ));
    }
}

/// What an instance is, by name; None for what is none.
pub(crate) fn subject<'a>(arena: &'a Arena, descriptor: &Descriptor<'_>) -> Option<&'a str> {
    let name = match descriptor.kind {
        DescriptorKind::Epoll => "epoll instance",
        DescriptorKind::IoUring => "io_uring instance",
        DescriptorKind::Inotify => "inotify instance",
        DescriptorKind::Signalfd => "signalfd",
        DescriptorKind::Timerfd => "timer of timerfd_create",
        _ => return None,
    };
    let watched = descriptor.members.as_ref().map_or(0, |m| m.len());
    Some(match watched {
        0 => arena.format(format_args!("{name}, descriptor {}", descriptor.fd)),
        n => arena.format(format_args!("{name}, descriptor {}, watching {n} descriptors", descriptor.fd)),
    })
}
