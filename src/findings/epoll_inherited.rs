//! epoll-inherited: an epoll, io_uring or inotify instance that child and leader share.
use super::*;

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for descriptor in evidence.inherited() {
        let name = match descriptor.kind {
            DescriptorKind::Epoll => "epoll instance",
            DescriptorKind::IoUring => "io_uring instance",
            DescriptorKind::Inotify => "inotify instance",
            _ => continue,
        };
        let watched = descriptor.members.as_ref().map_or(0, |m| m.len());
        let subject = match watched {
            0 => text!(evidence, "{name}, descriptor {}", descriptor.fd),
            n => text!(evidence, "{name}, descriptor {}, watching {n} descriptors", descriptor.fd),
        };
        found(evidence.finding(
            Kind::EpollInherited,
            Severity::Info,
            format_args!("{}", descriptor.fd),
            format_args!("{subject}"),
            evidence.sites([descriptor.site.as_slice()]),
        ));
    }
}
