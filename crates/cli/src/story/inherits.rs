//! What a fork's child inherits, and what it does not.
use super::keep::Keep;
use super::records::{DISPOSITIONS, InheritedShape};
use forkguard_report::event::{Detail, Fork, Lock, Socket, SocketRole};
use forkguard_report::text::Count;

/// Names in a list before the others are counted.
const NAMED: usize = 8;

/// Sockets by what they do.
const SOCKETS: [(&str, SocketRole); 4] = [
    ("connections", SocketRole::Connected),
    ("connections of unknown origin", SocketRole::Peer),
    ("accepted", SocketRole::Accepted),
    ("listening", SocketRole::Listening),
];

/// A list for each kind of thing.
pub(crate) fn inherits(fork: &Fork, keep: &Keep) -> Vec<InheritedShape> {
    let mut lists = Vec::new();
    let mut say = |what: &'static str, names: Vec<String>, left_out: u32| {
        if names.is_empty() && left_out == 0 {
            return;
        }
        let more = names.len().saturating_sub(NAMED) as u64 + u64::from(left_out);
        let names = names.iter().take(NAMED).map(|name| keep.text(name)).collect();
        lists.push(InheritedShape { what, names, more });
    };
    if fork.detail == Detail::Counts {
        let counts = &fork.counts;
        let (threads, locks) = (Count(counts.threads.into(), "thread"), Count(counts.locks.into(), "held lock"));
        say("counts only", vec![threads.to_string(), locks.to_string()], 0);
    }
    if fork.counts.spawns > 0 {
        say("processes made without atfork handlers since the fork before", vec![fork.counts.spawns.to_string()], 0);
    }
    let lost = fork.threads.iter().filter(|thread| !thread.forking);
    say("threads lost", lost.map(|thread| format!("{} (tid {})", thread.name, thread.tid)).collect(), fork.truncated.threads);
    let locks = fork.locks.iter().filter(|lock| !lock.signal);
    say("locks held", locks.map(lock).collect(), fork.truncated.locks);
    for (what, role) in SOCKETS {
        let sockets = fork.descriptors.iter().filter_map(|descriptor| descriptor.socket.as_ref());
        say(what, sockets.filter(|socket| socket.role == role).map(socket).collect(), 0);
    }
    for (what, disposition) in DISPOSITIONS {
        let signals = fork.signals.iter().filter(|signal| signal.disposition == disposition);
        say(what, signals.map(|signal| signal.signal.to_string()).collect(), 0);
    }
    say("signals blocked", fork.blocked.iter().map(ToString::to_string).collect(), 0);
    say("timers lost", fork.timers.iter().map(|timer| format!("{} ({})", timer.call, timer.clock)).collect(), 0);
    let libraries = fork.atfork.iter().map(|atfork| atfork.library.rsplit('/').next().unwrap_or_default().to_owned());
    say("atfork handlers", libraries.collect(), fork.truncated.atfork);
    if fork.truncated.findings > 0 {
        say("findings not written", vec![fork.truncated.findings.to_string()], 0);
    }
    lists
}

fn lock(lock: &Lock) -> String {
    let place = lock.name.as_deref().or(lock.address.as_deref()).unwrap_or("without address");
    format!("{} {place} by {} (tid {})", lock.kind.name(), lock.holder_name, lock.holder)
}

fn socket(socket: &Socket) -> String {
    let address = if socket.role == SocketRole::Listening { &socket.local } else { &socket.peer };
    let service = socket.service.as_ref().map(|service| format!(" ({service})")).unwrap_or_default();
    format!("{}{service}", address.as_deref().unwrap_or("no address"))
}
