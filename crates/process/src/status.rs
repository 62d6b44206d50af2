//! What /proc says of processes and threads.
use crate::error::Error;
use std::fs;
use std::io::ErrorKind;

/// A process or a thread, as its file `status` tells.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// Its number here.
    pub id: u32,
    /// Its number in the innermost PID namespace that it is in: what the process itself takes for it.
    pub own_id: u32,
    /// How many PID namespaces see it.
    pub namespaces: usize,
    pub name: String,
    /// The kernel's letter: R runs, S sleeps, D is in a call that nothing interrupts, T is stopped, Z has ended.
    pub state: char,
    pub parent: u32,
    /// Effective user.
    pub user: u32,
    /// A bit for each signal that has a handler, of number 1 in the lowest.
    pub caught: u64,
    /// A bit for each signal that is ignored.
    pub ignored: u64,
    /// How often a thread has given up a processor by itself.
    pub switches: u64,
}

impl Status {
    fn parse(text: &str) -> Option<Status> {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
        let number = |name| field(name)?.parse().ok();
        let signals = |name| u64::from_str_radix(field(name)?, 16).ok();
        let ids: Vec<u32> = field("NSpid").unwrap_or_default().split_whitespace().filter_map(|id| id.parse().ok()).collect();
        let id = number("Pid")?;
        Some(Status {
            id,
            own_id: ids.last().copied().unwrap_or(id),
            namespaces: ids.len().max(1),
            name: field("Name")?.to_owned(),
            state: field("State")?.chars().next()?,
            parent: number("PPid")?,
            user: field("Uid")?.split_whitespace().nth(1)?.parse().ok()?,
            caught: signals("SigCgt")?,
            ignored: signals("SigIgn")?,
            switches: field("voluntary_ctxt_switches")?.parse().ok()?,
        })
    }
}

/// The status of a process.
pub fn status(pid: u32) -> Result<Status, Error> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::NoProcess(pid),
        _ => Error::Unreadable(path, error),
    })?;
    let status = Status::parse(&text).ok_or(Error::NoProcess(pid))?;
    if status.state == 'Z' { Err(Error::Ended(pid)) } else { Ok(status) }
}

/// The threads of a process that exist now, in order.
pub fn tasks(pid: u32) -> Vec<Status> {
    let mut tasks: Vec<_> = numbers(&format!("/proc/{pid}/task"))
        .filter_map(|tid| Status::parse(&fs::read_to_string(format!("/proc/{pid}/task/{tid}/status")).ok()?))
        .collect();
    tasks.sort_by_key(|task| task.id);
    tasks
}

/// All processes that /proc shows.
pub fn processes() -> impl Iterator<Item = u32> {
    numbers("/proc")
}

/// True for a process of the user that this one runs as.
pub fn same_user(status: &Status) -> bool {
    status.user == nix::unistd::geteuid().as_raw()
}

fn numbers(directory: &str) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn a_thread_in_a_container() {
        let text = "Name:\tgunicorn: worker\nState:\tS (sleeping)\nPid:\t812\nPPid:\t800\nUid:\t33\t34\t33\t33\nNSpid:\t812\t9\nSigIgn:\t0000000000001000\nSigCgt:\t0000000000004002\nvoluntary_ctxt_switches:\t7\n";
        let status = Status::parse(text).expect("status");
        assert_eq!((status.id, status.own_id, status.namespaces, status.parent, status.user), (812, 9, 2, 800, 34));
        assert_eq!((status.name.as_str(), status.state, status.switches), ("gunicorn: worker", 'S', 7));
        assert_eq!((status.caught, status.ignored), (0x4002, 0x1000));
    }
}
