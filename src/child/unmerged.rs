//! What is printed where ksmd was to merge pages and does not.
use super::announced::is_new;
use crate::emit;
use crate::guards::MERGED;
use forkguard_report::event::Cure;

/// The child settles.
pub(super) fn print(cures: &[Cure<'_>]) {
    let Some(errno) = cures.iter().find(|cure| cure.action == MERGED).and_then(|cure| cure.failed) else { return };
    if is_new("unmerged", "") {
        match errno {
            libc::ENODEV => emit::print_line(format_args!(
                "FORKGUARD_MEMORY=ksm: no page is merged, because ksmd does not run on this host; root starts it: \
                 echo 1 > /sys/kernel/mm/ksm/run"
            )),
            libc::EINVAL => emit::print_line(format_args!(
                "FORKGUARD_MEMORY=ksm: no page is merged: that takes Linux 6.4 or newer with CONFIG_KSM"
            )),
            _ => emit::print_line(format_args!("FORKGUARD_MEMORY=ksm: no page is merged: the kernel refuses it (errno {errno})")),
        }
    }
}
