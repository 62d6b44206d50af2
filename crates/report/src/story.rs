//! A story: what any number of reports say together. `forkguard report --format json` prints it, and every other format is made of it.
//!
//! Its JSON Schema is `docs/story.schema.json`. All texts are fit for a terminal: what would steer one is escaped (`\u{1b}`).
use crate::event::{FindingKind, ForkKind, Memory, Progress, Severity, Site, State};
use serde::Serialize;

/// Version of a story's format, in every one.
pub const STORY: u32 = 1;

/// What the reports say together.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Story {
    /// Version of this format: [`STORY`].
    #[cfg_attr(feature = "schema", schemars(extend("const" = STORY)))]
    pub story: u32,
    /// Version of the tool that told it.
    pub forkguard: String,
    /// How much it is made of, and how bad it is.
    pub totals: Totals,
    /// What is found, the worst first: one for all processes that have it, by kind and line of the application.
    pub findings: Vec<Finding>,
    /// The processes that forked, and those that no fork made: parents before their children.
    pub processes: Vec<Process>,
    /// Children that their leaders killed, by where they stood, the most frequent place first.
    pub killed: Vec<Killed>,
    /// Children one by one, in the order of their forks: first those with findings that hit, as many as are listed.
    pub workers: Vec<Worker>,
    /// Children that are not listed.
    pub workers_unlisted: u64,
    /// Lines that are no events, as many as are listed.
    pub broken: Vec<Broken>,
    /// Broken lines that are not listed.
    pub broken_unlisted: u64,
    /// What could not be read or placed.
    pub notes: Vec<String>,
}

/// How much there is.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Totals {
    /// Lines that are events.
    pub events: u64,
    /// Forks and other ways of making a process, seen singly.
    pub forks: u64,
    /// Findings that stand (open or hit) and are an error.
    pub error: u64,
    /// Those that are a warning.
    pub warning: u64,
    /// Those that are worth knowing.
    pub info: u64,
}

/// A process that forked, or that no fork made.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// The position in `processes` of the one that forked it.
    pub parent: Option<u32>,
    /// Its name, its program file and forkguard's mode and version in it; null when no file holds its own events.
    pub identity: Option<Identity>,
    /// Seconds since the epoch at its first event.
    pub since: f64,
    /// How it ended, where it did so by itself.
    pub end: Option<End>,
    /// What does not work in it, and events that it could not write, in words.
    pub limits: Vec<String>,
    /// What guards did in it about its own forks.
    pub guarded: Vec<Counted>,
    /// Its forks, equal ones together.
    pub forks: Vec<Forks>,
}

/// What a process is.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Identity {
    /// Its name in the kernel.
    pub name: String,
    /// Its program file.
    pub executable: String,
    /// `guard` or `observe`.
    pub mode: String,
    /// The library's version.
    pub forkguard: String,
}

/// How a process ended.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct End {
    /// Seconds since the epoch.
    pub time: f64,
    /// Its status.
    pub status: i32,
    /// Forks that it made.
    pub forks: u64,
    /// Processes that it made by ways that run no atfork handlers.
    pub spawns: u64,
}

/// Something, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counted {
    /// What it is.
    pub what: String,
    /// How often.
    pub count: u64,
}

/// Forks of one process whose children inherit the same.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Forks {
    /// How the children were made; null when the leader's event is in none of the files.
    pub kind: Option<ForkKind>,
    /// The errno of forks that failed.
    pub failed: Option<i32>,
    /// Their number.
    pub count: u64,
    /// Seconds since the epoch at the first one.
    pub first: f64,
    /// At the last one.
    pub last: f64,
    /// Where they were called.
    pub called_at: Option<String>,
    /// What the children inherit, and what they do not.
    pub inherits: Vec<Inherited>,
    /// The least and the greatest number of descriptors.
    pub descriptors: (u32, u32),
    /// Mean microseconds of the call, and of forkguard's own work in it.
    pub cost_us: (f64, f64),
    /// The leader's memory at the last one.
    pub memory: Option<Memory>,
    /// What guards did in the children.
    pub guarded: Vec<Counted>,
    /// What fixups came to.
    pub fixups: Vec<Fixups>,
    /// The children, the first of very many.
    pub children: Vec<u32>,
    /// What became of the children.
    pub outcomes: Vec<Outcome>,
}

/// Some of what a child inherits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Inherited {
    /// What they are: "threads lost", "connections".
    pub what: String,
    /// By name.
    pub names: Vec<String>,
    /// How many more there were.
    pub more: u64,
}

/// Runs of one fixup that came to the same.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fixups {
    /// Its name.
    pub name: String,
    /// What they came to.
    pub progress: Progress,
    /// How many.
    pub count: u64,
    /// Mean microseconds.
    pub took_us: Option<f64>,
    /// In which children, the first of very many.
    pub children: Vec<u32>,
}

/// What became of children.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Outcome {
    /// In words.
    pub what: String,
    /// Of how many.
    pub count: u64,
    /// Of which, the first of very many.
    pub children: Vec<u32>,
}

/// What is found, once for all processes that have it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// The id of the first one that is as bad, in the report.
    pub id: String,
    /// Stays the same from run to run, as long as kind and place do: 16 hex digits.
    pub fingerprint: String,
    /// What is found.
    pub kind: FindingKind,
    /// How bad it is where it is worst.
    pub severity: Severity,
    /// Where its life stands there.
    pub state: State,
    /// What it is about, by name, there.
    pub subject: String,
    /// What else it is about, the first of very many.
    pub other_subjects: Vec<String>,
    /// The lines of the application to edit.
    pub at: Vec<String>,
    /// The innermost line of the application, or else of what is known, which the finding is grouped by.
    pub place: Option<Place>,
    /// Where it was made, from cause to effect.
    pub sites: Vec<Site<'static>>,
    /// What will happen.
    pub explain: String,
    /// What to do, for the server at hand.
    pub cure: String,
    /// A rule of FORKGUARD_SUPPRESS silences it.
    pub suppressed: bool,
    /// In which states it is, in how many children.
    pub lives: Vec<Life>,
    /// In how many children it is at all.
    pub children: u64,
    /// The processes that forked the children.
    pub leaders: Vec<u32>,
    /// Seconds since the epoch when it was first seen.
    pub first: f64,
    /// When it was last seen.
    pub last: f64,
}

/// A line of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Place {
    /// The source file.
    pub file: String,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// The function.
    pub function: Option<String>,
    /// True for a line of the application's own.
    pub application: bool,
}

/// A state, and the children in which the finding is in it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Life {
    /// The state.
    pub state: State,
    /// How bad it is in it.
    pub severity: Severity,
    /// Why, in the first of them.
    pub because: String,
    /// In how many children.
    pub count: u64,
    /// In which, the first of very many.
    pub children: Vec<u32>,
    /// How many of the children have ended.
    pub ended: u64,
}

/// One child.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Worker {
    /// Its process id.
    pub pid: u32,
    /// The position in `processes` of the one that forked it.
    pub process: u32,
    /// The fork, as `LEADER.SEQUENCE`.
    pub fork: String,
    /// Seconds since the epoch at its fork.
    pub begin: f64,
    /// At its end or exec; null where it wrote of none.
    pub end: Option<f64>,
    /// What became of it, in words.
    pub outcome: Option<String>,
    /// Positions in `findings` of what hit it.
    pub hits: Vec<u32>,
}

/// Children that their leaders ended by a signal which leaves no time, all at one place.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Killed {
    /// The signal: `SIGABRT`, `SIGKILL` or `SIGQUIT`.
    pub signal: String,
    /// Their main threads `runs`, `waits`, or waits for what nothing interrupts (`disk`).
    pub state: String,
    /// Where their main threads stood; null where that is unknown.
    pub site: Option<Site<'static>>,
    /// How many there are.
    pub count: u64,
    /// Their ids, as many as are listed.
    pub children: Vec<u32>,
    /// Seconds since the epoch at the first signal and at the last.
    pub first: f64,
    /// See `first`.
    pub last: f64,
}

/// A line that is no event.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Broken {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
}

impl Finding {
    /// True when somebody has to care for it: it is open, or it happened.
    pub fn stands(&self) -> bool {
        matches!(self.state, State::Open | State::Hit)
    }
}

impl Process {
    /// Its name and id.
    pub fn title(&self) -> String {
        format!("{} {}", self.identity.as_ref().map_or("process", |identity| &identity.name), self.pid)
    }
}
