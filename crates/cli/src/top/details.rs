//! One process with its threads and their stacks, as `inspect` tells it.
use crate::inspect;

/// The lines about a process.
pub(super) fn lines(pid: u32) -> Vec<String> {
    let Some(inspection) = inspect::apart(pid) else {
        return vec![format!("Process {pid} cannot be looked into: forkguard inspect {pid} tells why.")];
    };
    let mut text = Vec::new();
    // Memory takes all that is written.
    let _ = inspect::print_whole(&mut text, &inspection, None);
    let text = String::from_utf8_lossy(&text);
    anstream::adapter::strip_str(&text).to_string().lines().map(str::to_owned).collect()
}
