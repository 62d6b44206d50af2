//! While a thread stands still, nobody is to come before the tool: a turn of another program's takes milliseconds.
use rustix::process::{getpriority_process, setpriority_process};

/// The highest priority for this thread until the value is dropped; None where its user may not take it (root may, and who has CAP_SYS_NICE).
pub(crate) struct Highest {
    before: i32,
}

impl Highest {
    pub(crate) fn take() -> Option<Highest> {
        const HIGHEST: i32 = -20;
        let before = getpriority_process(None).ok()?;
        setpriority_process(None, HIGHEST).ok()?;
        Some(Highest { before })
    }
}

impl Drop for Highest {
    fn drop(&mut self) {
        let _ = setpriority_process(None, self.before);
    }
}
