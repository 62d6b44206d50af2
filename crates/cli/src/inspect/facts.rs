//! What is found of a process, as `--json` writes it.
use super::descriptors;
use crate::symbols::Symbols;
use forkguard_process::{Certainty, Status, Thread, Verdict, View, Wait};
use forkguard_report::event::{Finding, Frame};
use serde::{Deserialize, Serialize};

/// A process.
#[derive(Serialize, Deserialize)]
pub(crate) struct Inspection {
    pub(crate) pid: u32,
    /// What the process itself takes for its number, in a container.
    pub(crate) own_pid: u32,
    pub(crate) name: String,
    pub(crate) parent: Option<Named>,
    /// How long its threads stood still, in microseconds.
    pub(crate) stopped_us: u64,
    pub(crate) threads: Vec<Inspected>,
    /// Threads of the parent that this process does not have, and where they are now.
    pub(crate) lost_threads: Vec<Lost>,
    /// What the library has reported of this process.
    pub(crate) findings: Vec<Finding<'static>>,
}

/// A process by number and name.
#[derive(Serialize, Deserialize)]
pub(crate) struct Named {
    pub(crate) pid: u32,
    pub(crate) name: String,
}

/// A thread of it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Inspected {
    pub(crate) tid: u32,
    pub(crate) name: String,
    /// The kernel's letter.
    pub(crate) state: char,
    /// `running`, or the system call that it is in.
    pub(crate) wait: String,
    /// The kernel's function that it sleeps in.
    pub(crate) kernel_function: Option<String>,
    /// The wait ends by itself after some time.
    pub(crate) timed: bool,
    /// The descriptor that it waits on, where that is a socket which the parent has open, too.
    pub(crate) shared_socket: Option<usize>,
    pub(crate) lock: Option<Held>,
    pub(crate) verdict: Option<Judged>,
    pub(crate) frames: Vec<Frame<'static>>,
}

/// The lock that a thread waits for.
#[derive(Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) kind: String,
    pub(crate) address: String,
    /// The variable that it lies in.
    pub(crate) variable: Option<String>,
    /// The function of the C library that takes it.
    pub(crate) function: Option<String>,
    /// The thread that has it, as the process itself numbers threads.
    pub(crate) owner: Option<u32>,
}

/// Whether a wait can end.
#[derive(Serialize, Deserialize)]
pub(crate) struct Judged {
    pub(crate) certainty: Sure,
    pub(crate) text: String,
}

/// How sure that is, the surest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Sure {
    /// Nothing can end it.
    Proved,
    /// No thread can; a handler of a signal could.
    UnlessSignalled,
    /// It looks so.
    Suspected,
}

/// A thread of the parent.
#[derive(Serialize, Deserialize)]
pub(crate) struct Lost {
    pub(crate) tid: u32,
    pub(crate) name: String,
    /// By the lock's own words it is the one that holds what is waited for.
    pub(crate) holds: bool,
    pub(crate) frames: Vec<Frame<'static>>,
}

impl Inspection {
    pub(crate) fn of(view: &View) -> Inspection {
        let Status { id, own_id, name, .. } = view.process.clone();
        Inspection {
            pid: id,
            own_pid: own_id,
            name,
            parent: view.parent.as_ref().map(|parent| Named { pid: parent.id, name: parent.name.clone() }),
            stopped_us: view.stopped.as_micros() as u64,
            threads: view.threads.iter().map(|thread| Inspected::of(view, thread)).collect(),
            lost_threads: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// True when a thread waits for what no thread can give.
    pub(crate) fn is_stuck(&self) -> bool {
        self.threads.iter().filter_map(|thread| thread.verdict.as_ref()).any(|verdict| verdict.certainty != Sure::Suspected)
    }

    /// True when a thread may do so.
    pub(crate) fn is_suspect(&self) -> bool {
        self.threads.iter().any(|thread| thread.verdict.is_some())
    }

    /// Adds the threads of the parent, which may hold what is waited for. Only a parent that runs the same program has forked it.
    pub(crate) fn add_lost_threads(&mut self, view: &View, parent: &View) {
        let owners: Vec<u32> = view.threads.iter().filter_map(|thread| thread.lock.as_ref()?.owner).collect();
        if parent.program != view.program {
            return;
        }
        let lost = parent
            .threads
            .iter()
            .filter(|thread| thread.status.id != parent.process.id || owners.contains(&thread.status.own_id));
        self.lost_threads = lost
            .map(|thread| Lost {
                tid: thread.status.id,
                name: thread.status.name.clone(),
                holds: owners.contains(&thread.status.own_id),
                frames: thread.stack.clone(),
            })
            .collect();
    }

    /// Adds what the library knows: of the lock, if it is known, else all that has bitten.
    pub(crate) fn add_findings(&mut self, findings: Vec<Finding<'static>>) {
        let addresses: Vec<String> =
            self.threads.iter().filter_map(|thread| Some(thread.lock.as_ref()?.address.clone())).collect();
        let names = |finding: &Finding| {
            let what = finding.id.rsplit(':').next().unwrap_or_default().split('-').next().unwrap_or_default();
            addresses.iter().any(|address| address == what)
        };
        let any = findings.iter().any(names);
        self.findings =
            findings.into_iter().filter(|finding| if any { names(finding) } else { finding.kind.is_bite() }).collect();
    }

    /// The same with the source of native code, where debug information is installed.
    pub(crate) fn resolved(self, symbols: &mut Symbols) -> Inspection {
        let resolved = serde_json::to_vec(&self).ok().and_then(|line| serde_json::from_slice(&symbols.resolve(&line)).ok());
        resolved.unwrap_or(self)
    }
}

impl Inspected {
    fn of(view: &View, thread: &Thread) -> Inspected {
        let call = |number: u32| format!("system call {number}");
        Inspected {
            tid: thread.status.id,
            name: thread.status.name.clone(),
            state: thread.status.state,
            wait: match thread.wait {
                Wait::Running => "running".to_owned(),
                Wait::Elsewhere => "kernel".to_owned(),
                Wait::Call(known) => known.name().map_or_else(|| call(known.number), str::to_owned),
            },
            kernel_function: thread.kernel_function.clone(),
            timed: thread.wait.futex().is_some_and(|futex| futex.timed),
            shared_socket: descriptors::shared(view, thread),
            lock: thread.lock.as_ref().map(|lock| Held {
                kind: lock.kind.name().to_owned(),
                address: format!("{:#x}", lock.address),
                variable: lock.name.clone(),
                function: lock.function.clone(),
                owner: lock.owner,
            }),
            verdict: thread.verdict.as_ref().map(Judged::of),
            frames: thread.stack.clone(),
        }
    }
}

impl Judged {
    fn of(verdict: &Verdict) -> Judged {
        let certainty = match verdict.certainty {
            Certainty::Proved => Sure::Proved,
            Certainty::UnlessSignalled => Sure::UnlessSignalled,
            Certainty::Suspected => Sure::Suspected,
        };
        Judged { certainty, text: verdict.text.clone() }
    }
}
