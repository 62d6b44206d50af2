//! The fingerprint of what a fork's child inherits: the same for forks that are alike, so that a report need not repeat itself.
use super::snapshot::{LockRecord, Snapshot, ThreadRecord};
use crate::fixed::Text;
use crate::registry::{atfork, descriptors, exit_handlers, random, signals};

/// Words mixed into one, as FxHash does, with the upper half folded in.
struct Mix(u64);

impl Mix {
    fn add(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 32;
    }

    fn add_all<const N: usize>(&mut self, words: [usize; N]) {
        words.into_iter().for_each(|word| self.add(word as u64));
    }

    fn add_text<const N: usize>(&mut self, text: &Text<N>) {
        text.as_str().bytes().for_each(|byte| self.add(u64::from(byte)));
    }
}

/// The fingerprint of a fork whose snapshot is taken. Facts that change from fork to fork by themselves (the stack of a thread without locks,
/// a file's position, the peer of an accepted connection) are no part of it.
pub fn of(snapshot: &Snapshot) -> u64 {
    let mut mix = Mix(snapshot.call as u64);
    mix.add_all([snapshot.thread as usize, snapshot.kernel_threads as usize, snapshot.starting as usize]);
    mix.add(snapshot.blocked);
    snapshot.blocking_calls.iter().for_each(|call| mix.add_all([call.signals as usize, call.site]));
    snapshot.threads.as_slice().iter().for_each(|thread| add_thread(&mut mix, thread));
    snapshot.locks.as_slice().iter().for_each(|lock| add_lock(&mut mix, lock));
    mix.add_all([snapshot.threads.missed() as usize, snapshot.locks.missed() as usize]);
    add_timers(&mut mix, snapshot);
    add_descriptors(&mut mix);
    add_signals(&mut mix);
    snapshot.buffers.as_slice().iter().for_each(|buffer| mix.add_all([buffer.stream, buffer.output.fd as usize]));
    exit_handlers::all().for_each(|handler| mix.add_all([handler.address(), handler.site()]));
    random::seeds().take(snapshot.seeds).for_each(|site| mix.add(site as u64));
    atfork::all().for_each(|registration| mix.add(registration.site() as u64));
    mix.add_all([atfork::missed() as usize, snapshot.random]);
    mix.0
}

fn add_thread(mix: &mut Mix, thread: &ThreadRecord) {
    let flags = usize::from(thread.detached) | usize::from(thread.fork_safe) << 1;
    mix.add_all([thread.tid as usize, thread.start, thread.site, thread.label, thread.code, flags, thread.holds as usize]);
    mix.add_text(&thread.name);
    if thread.holds > 0 {
        mix.add_all([thread.waits_for, thread.stack_at_fork]);
    }
}

fn add_lock(mix: &mut Mix, lock: &LockRecord) {
    let flags = usize::from(lock.own) | usize::from(lock.signal) << 1;
    let entry = &lock.entry;
    mix.add_all([entry.address, entry.kind as usize, entry.site, lock.holder as usize, lock.mutex_kind as usize, flags]);
}

fn add_timers(mix: &mut Mix, snapshot: &Snapshot) {
    mix.add(u64::from(snapshot.interval_timers));
    mix.add_all(snapshot.interval_sites);
    for timer in snapshot.timers.as_slice() {
        mix.add_all([timer.clock as usize, timer.signal as usize, timer.site, timer.created]);
    }
}

fn add_descriptors(mix: &mut Mix) {
    use descriptors::role::CONNECTED;
    for (fd, record) in descriptors::recorded() {
        let what = record.kind as usize | usize::from(record.role) << 8 | usize::from(record.marks) << 16;
        mix.add_all([fd as usize, what, record.site, record.opening as usize]);
        if record.role & CONNECTED != 0 {
            mix.add(u64::from(record.port));
            record.address.chunks_exact(8).for_each(|half| mix.add(u64::from_ne_bytes(half.try_into().unwrap_or_default())));
        }
    }
}

fn add_signals(mix: &mut Mix) {
    for number in 1..=signals::COUNT as i32 {
        // The site is no part: shells set the same handlers again and again.
        if let Some(set) = signals::settings(number).next() {
            mix.add_all([number as usize, set.handler, set.code]);
        }
    }
}
