//! What a process runs.
use crate::stat::Stat;
use forkguard_report::catalogue::Server;
use std::fs;

/// The server that a process is: by its name in the kernel, by its title, or by the script that its interpreter was given.
pub(crate) fn server(pid: u32) -> Server {
    let title = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let name = Stat::of(pid).map(|stat| stat.name).unwrap_or_default();
    let names = [name.as_str(), &String::from_utf8_lossy(&title), Server::script(&title).unwrap_or_default()];
    names.into_iter().map(|name| Server::recognise("", name)).find(|&server| server != Server::Other).unwrap_or(Server::Other)
}
