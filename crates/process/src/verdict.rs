//! Whether a wait can end: what the facts prove, and what they only suggest.
use crate::lock::{Kind, Lock};
use std::fmt::Write;

/// How sure a verdict is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// The wait cannot end.
    Proved,
    /// No thread can end the wait, but the program has signal handlers, and one of them could.
    UnlessSignalled,
    /// It looks so; something that cannot be seen may end it.
    Suspected,
}

/// What is to be said of a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub certainty: Certainty,
    /// One or two sentences.
    pub text: String,
}

/// A thread in a wait without a limit of time, and its process.
pub(crate) struct Situation<'a> {
    /// The thread's number, and those of all threads, as the process itself numbers them.
    pub(crate) thread: u32,
    pub(crate) threads: &'a [u32],
    /// Every other thread is in a wait without a limit of time that only this process can end.
    pub(crate) all_wait: bool,
    pub(crate) process: u32,
    /// The process that forked it and its threads, numbered in the same namespace; none where that is not known.
    pub(crate) parent: Option<(u32, &'a [u32])>,
    /// No other process can write the word.
    pub(crate) private: bool,
    /// The locks that other threads wait for.
    pub(crate) waits: &'a [(u32, Lock)],
    /// The signals that have handlers, as text.
    pub(crate) handlers: &'a str,
    /// Interpreted code waits for an event or a condition: what a signal's handler may well set.
    pub(crate) may_expect_signal: bool,
}

impl Situation<'_> {
    /// What is to be said of the wait for `lock`; None where nothing is wrong with it as far as can be seen.
    pub(crate) fn verdict(&self, lock: &Lock) -> Option<Verdict> {
        if !self.private {
            return None;
        }
        match lock.owner {
            Some(owner) if lock.kind == Kind::Join => self.lost_thread(owner),
            Some(owner) => self.owned(lock, owner),
            None if self.threads.len() == 1 => Some(self.alone(lock)),
            None => self.together(lock),
        }
    }

    /// Several threads, none of which could go on; a signal's handler may be what they wait for.
    fn together(&self, lock: &Lock) -> Option<Verdict> {
        let text = "Every thread of this process waits without a limit of time for something that only a thread of this process can give.";
        let is_sure = self.all_wait && (self.handlers.is_empty() || !lock.kind.may_be_given_by_handler());
        is_sure.then(|| Verdict { certainty: Certainty::Suspected, text: text.to_owned() })
    }

    fn owned(&self, lock: &Lock, owner: u32) -> Option<Verdict> {
        let kind = lock.kind.name();
        if owner == self.thread {
            return proved(format!("The thread holds this {kind} itself and waits for it again."));
        }
        if !self.threads.contains(&owner) {
            return proved(format!(
                "Orphaned: the {kind} is held by thread {owner}, {}; nobody can release it.",
                self.whereabouts(owner)
            ));
        }
        let circle = self.circle(owner)?;
        let mut text = format!("Deadlock: thread {} waits for thread {owner}", self.thread);
        circle.iter().for_each(|next| _ = write!(text, ", which waits for thread {next}"));
        proved(text + ".")
    }

    fn lost_thread(&self, thread: u32) -> Option<Verdict> {
        if self.threads.contains(&thread) {
            return None;
        }
        proved(format!("It waits for the end of thread {thread}, {}: nobody will tell it.", self.whereabouts(thread)))
    }

    /// Where a thread is that is not in this process.
    fn whereabouts(&self, thread: u32) -> String {
        match self.parent {
            Some((parent, threads)) if threads.contains(&thread) => {
                format!("a thread of the parent process {parent} that this process, its fork, does not have")
            }
            _ if thread < self.process => "which this process does not have: it was lost at a fork, or has ended".to_owned(),
            _ => "which does not exist in this process any more".to_owned(),
        }
    }

    /// The owners from `owner` on, up to this thread; None if the chain ends elsewhere.
    fn circle(&self, owner: u32) -> Option<Vec<u32>> {
        let mut chain = Vec::new();
        let mut current = owner;
        while current != self.thread {
            let (_, lock) = self.waits.iter().find(|(thread, _)| *thread == current)?;
            current = lock.owner.filter(|next| !chain.contains(next))?;
            chain.push(current);
        }
        Some(chain)
    }

    /// The only thread of a process waits for a word of its own.
    fn alone(&self, lock: &Lock) -> Verdict {
        let give = match lock.kind {
            Kind::Condition | Kind::Barrier | Kind::Word => "wake it",
            Kind::Semaphore => "post it",
            _ => "release it",
        };
        let handlers = self.handlers;
        let could_be_signalled = lock.kind.may_be_given_by_handler();
        if could_be_signalled && self.may_expect_signal {
            let text = match handlers {
                "" => "The only thread of this process waits for an event that nothing in the process can set.".to_owned(),
                _ => format!(
                    "The only thread of this process waits for something that only a signal's handler could give it ({handlers})."
                ),
            };
            return Verdict { certainty: Certainty::Suspected, text };
        }
        let (certainty, but) = match could_be_signalled && !handlers.is_empty() {
            true => (Certainty::UnlessSignalled, format!(", unless a handler of {handlers} does")),
            false => (Certainty::Proved, String::new()),
        };
        let text = format!(
            "Orphaned: the {} lies in this process's own memory and its only thread waits for it: no other thread is there to {give}{but}.",
            lock.kind.name()
        );
        Verdict { certainty, text }
    }
}

fn proved(text: String) -> Option<Verdict> {
    Some(Verdict { certainty: Certainty::Proved, text })
}

#[cfg(test)]
mod tests {
    use super::{Certainty, Situation};
    use crate::lock::{Kind, Lock};

    fn lock(kind: Kind, owner: Option<u32>) -> Lock {
        Lock { kind, address: 0x1000, owner, name: None, function: None }
    }

    fn worker() -> Situation<'static> {
        Situation {
            thread: 20,
            threads: &[20],
            all_wait: true,
            process: 20,
            parent: Some((10, &[10, 11])),
            private: true,
            waits: &[],
            handlers: "",
            may_expect_signal: false,
        }
    }

    #[test]
    fn the_parents_thread_holds_it() {
        let verdict = worker().verdict(&lock(Kind::Mutex, Some(11))).expect("a verdict");
        assert_eq!(verdict.certainty, Certainty::Proved);
        assert!(verdict.text.contains("held by thread 11, a thread of the parent process 10"), "{}", verdict.text);
    }

    #[test]
    fn a_living_thread_holds_it() {
        let two = Situation { threads: &[20, 21], all_wait: false, ..worker() };
        assert_eq!(two.verdict(&lock(Kind::Mutex, Some(21))), None);
        assert_eq!(two.verdict(&lock(Kind::Semaphore, None)), None);
    }

    #[test]
    fn two_threads_wait_for_each_other() {
        let waits = [(21, lock(Kind::Mutex, Some(20)))];
        let two = Situation { threads: &[20, 21], waits: &waits, ..worker() };
        let verdict = two.verdict(&lock(Kind::Mutex, Some(21))).expect("a verdict");
        assert_eq!(verdict.text, "Deadlock: thread 20 waits for thread 21, which waits for thread 20.");
    }

    #[test]
    fn a_handler_may_post_a_semaphore_but_release_no_mutex() {
        let unexpected = Situation { handlers: "SIGTERM", ..worker() };
        let verdict = unexpected.verdict(&lock(Kind::Semaphore, None)).expect("a verdict");
        assert_eq!(verdict.certainty, Certainty::UnlessSignalled);
        assert!(verdict.text.ends_with("to post it, unless a handler of SIGTERM does."), "{}", verdict.text);
        let handled = Situation { may_expect_signal: true, ..unexpected };
        assert_eq!(handled.verdict(&lock(Kind::Semaphore, None)).map(|v| v.certainty), Some(Certainty::Suspected));
        assert_eq!(handled.verdict(&lock(Kind::Library, None)).map(|v| v.certainty), Some(Certainty::Proved));
        assert_eq!(Situation { private: false, ..worker() }.verdict(&lock(Kind::Mutex, Some(11))), None);
    }
}
