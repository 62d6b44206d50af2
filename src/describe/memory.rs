//! How much memory a process has, in kilobytes.
use forkguard_core::kernel;
use forkguard_report::event::Memory;

/// Resident kilobytes above which the leader reads no smaps_rollup: the kernel would walk pages for longer than the report takes.
const MOST_WALKED: u64 = 64 << 10;

/// The leader's memory: what statm has, and all of it while the walk is cheap.
pub(super) fn leader_memory() -> Option<Memory> {
    let mut bytes = [0u8; 128];
    let text = std::str::from_utf8(kernel::read_file(c"/proc/self/statm", &mut bytes)).ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    let rss = pages * 4;
    if rss <= MOST_WALKED { own_memory() } else { Some(Memory { rss, pss: None, shared: None, private: None }) }
}

/// All of this process's memory: the kernel walks every page for it.
pub(crate) fn own_memory() -> Option<Memory> {
    let mut bytes = [0u8; 2048];
    let text = std::str::from_utf8(kernel::read_file(c"/proc/self/smaps_rollup", &mut bytes)).ok()?;
    let field = |name: &str| -> Option<u64> {
        text.lines().find_map(|l| l.strip_prefix(name)?.trim().strip_suffix("kB")?.trim().parse().ok())
    };
    let sum = |names: [&str; 2]| Some(field(names[0])? + field(names[1])?);
    Some(Memory {
        rss: field("Rss:")?,
        pss: field("Pss:"),
        shared: sum(["Shared_Clean:", "Shared_Dirty:"]),
        private: sum(["Private_Clean:", "Private_Dirty:"]),
    })
}
