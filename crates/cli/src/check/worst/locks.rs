//! Which locks the first run's report names: those that a thread other than the forking ones took.
use crate::input::Error;
use crate::server::Place;
use crate::symbols::{DebugFiles, Symbols};
use forkguard_report::event::{Event, LockKind, LockTaken, Site, WorstMoment};
use forkguard_report::text::Plain;
use indexmap::IndexMap;
use std::collections::{BTreeSet, HashMap};

/// A lock that threads of a leader take which does not fork in them.
pub(super) struct Lock {
    /// What the library knows it by.
    pub(super) id: String,
    pub(super) kind: LockKind,
    pub(super) name: Option<String>,
    /// The application's line that takes it; else the innermost one known.
    pub(super) at: Option<String>,
    pub(super) is_applications: bool,
    pub(super) threads: BTreeSet<String>,
}

impl Lock {
    fn of(taken: &LockTaken<'static>, symbols: &mut Symbols) -> Lock {
        // Lines that the program's debug information tells, where the library did not look.
        let resolved = |site: &Site<'static>| Site { frames: symbols.frames(site.frames.to_vec()).0.into(), ..site.clone() };
        let site = taken.site.as_ref().map(resolved);
        let own = site.as_ref().and_then(Site::application);
        let frame = own.or_else(|| site.as_ref()?.innermost());
        Lock {
            id: taken.lock.to_string(),
            kind: taken.kind,
            name: taken.name.as_ref().map(|name| Plain(name).to_string()),
            at: frame.map(ToString::to_string),
            is_applications: own.is_some(),
            threads: BTreeSet::new(),
        }
    }

    /// `mutex counters_lock, taken at main.c:12 in count by "worker"`.
    pub(super) fn title(&self) -> String {
        let name = match (&self.name, self.kind) {
            (Some(name), LockKind::Libc) => format!("the C library's lock of {name}()"),
            (Some(name), kind) => format!("{} {name}", kind.name()),
            (None, kind) => kind.name().to_owned(),
        };
        let at = self.at.as_ref().map(|at| format!(", taken at {at}")).unwrap_or_default();
        let threads: Vec<String> = self.threads.iter().map(|name| format!("{:?}", Plain(name).to_string())).collect();
        format!("{name}{at} by {}", threads.join(", "))
    }
}

/// The locks of a run, those of the application's lines first.
pub(super) fn learnt(place: &Place) -> Result<Vec<Lock>, Error> {
    let mut forkers: HashMap<u32, BTreeSet<u32>> = HashMap::new();
    let mut taken: Vec<(u32, LockTaken<'static>)> = Vec::new();
    place.each_line(|line| match line.event {
        Event::Fork(fork) => _ = forkers.entry(line.pid).or_default().insert(fork.thread),
        Event::LockTaken(lock) => taken.push((line.pid, lock)),
        _ => {}
    })?;
    let by_others = taken.iter().filter(|(pid, lock)| forkers.get(pid).is_some_and(|own| !own.contains(&lock.thread)));
    let (debug_files, mut locks) = (DebugFiles::default(), IndexMap::<&str, Lock>::new());
    let mut symbols = Symbols::new(&debug_files);
    for (_, lock) in by_others {
        let known = locks.entry(&lock.lock).or_insert_with(|| Lock::of(lock, &mut symbols));
        known.threads.insert(lock.thread_name.to_string());
    }
    let mut locks: Vec<Lock> = locks.into_values().collect();
    locks.sort_by_key(|lock| !lock.is_applications);
    Ok(locks)
}

/// What became of the forks that waited for a lock.
#[derive(Default)]
pub(super) struct Moments {
    /// At which another thread had it.
    pub(super) held: u64,
    /// Which took it themselves first, as handlers of pthread_atfork do.
    pub(super) taken_by_fork: u64,
}

/// Those of a run.
pub(super) fn moments(place: &Place) -> Result<Moments, Error> {
    let mut moments = Moments::default();
    place.each_line(|line| {
        if let Event::WorstMoment(WorstMoment { holder, taken_by_fork, .. }) = line.event {
            moments.held += u64::from(holder.is_some());
            moments.taken_by_fork += u64::from(taken_by_fork);
        }
    })?;
    Ok(moments)
}
