//! A number for what a fork's child inherits: the same for forks that are alike, so that a report need not repeat itself.
use crate::fixed::Text;
use crate::fork::{Inner, LockRecord, ThreadRecord};
use crate::{atfork, descriptor, signal};

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

/// Of a fork whose snapshot is taken. What changes from one fork to the next though nothing else does (where a thread without locks stands,
/// a file's position, the peer of an accepted connection) is no part of it.
pub fn of(inner: &Inner) -> u64 {
    let mut mix = Mix(inner.door as u64);
    mix.add_all([inner.thread as usize, inner.kernel_threads as usize, inner.starting as usize]);
    mix.add(inner.blocked);
    inner.threads.as_slice().iter().for_each(|thread| add_thread(&mut mix, thread));
    inner.locks.as_slice().iter().for_each(|lock| add_lock(&mut mix, lock));
    mix.add_all([inner.threads.missed() as usize, inner.locks.missed() as usize]);
    add_timers(&mut mix, inner);
    add_descriptors(&mut mix);
    add_signals(&mut mix);
    atfork::all().for_each(|registration| mix.add(registration.site() as u64));
    mix.add_all([atfork::missed() as usize, inner.random]);
    mix.0
}

fn add_thread(mix: &mut Mix, thread: &ThreadRecord) {
    let flags = usize::from(thread.detached) | usize::from(thread.fork_safe) << 1;
    mix.add_all([thread.tid as usize, thread.start, thread.site, thread.label, thread.code, flags, thread.holds as usize]);
    mix.add_text(&thread.name);
    if thread.holds > 0 {
        mix.add_all([thread.waits_for, thread.stood]);
    }
}

fn add_lock(mix: &mut Mix, lock: &LockRecord) {
    let flags = usize::from(lock.own) | usize::from(lock.signal) << 1;
    let entry = &lock.entry;
    mix.add_all([entry.address, entry.kind as usize, entry.site, lock.holder as usize, lock.mutex_kind as usize, flags]);
}

fn add_timers(mix: &mut Mix, inner: &Inner) {
    mix.add(u64::from(inner.interval_timers));
    mix.add_all(inner.interval_sites);
    for timer in inner.timers.as_slice() {
        mix.add_all([timer.clock as usize, timer.signal as usize, timer.site]);
    }
}

fn add_descriptors(mix: &mut Mix) {
    use descriptor::role::CONNECTED;
    for (fd, record) in descriptor::recorded() {
        let what = record.kind as usize | usize::from(record.role) << 8 | usize::from(record.marks) << 16;
        mix.add_all([fd as usize, what, record.site, record.opening as usize]);
        if record.role & CONNECTED != 0 {
            mix.add(u64::from(record.port));
            record.address.chunks_exact(8).for_each(|half| mix.add(u64::from_ne_bytes(half.try_into().unwrap_or_default())));
        }
    }
}

fn add_signals(mix: &mut Mix) {
    for number in 1..=signal::COUNT as i32 {
        // Where it was set last is no part: shells set the same handlers again and again.
        if let Some(set) = signal::settings(number).next() {
            mix.add_all([number as usize, set.handler, set.code]);
        }
    }
}
