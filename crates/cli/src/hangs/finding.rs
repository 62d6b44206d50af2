//! A hang as a finding of the report, written for the leader: it is told, counted and judged like those of the library.
use crate::inspect::{Inspected, Inspection, Sure};
use crate::story::application_lines;
use crate::story::single::{event, lines};
use forkguard_report::catalogue::Server;
use forkguard_report::event::{Event, Finding, FindingKind, FindingState, Role, Severity, Site, State};
use forkguard_report::{Line, SCHEMA, SUFFIX};
use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// A process that hangs.
pub(crate) struct Hang<'a> {
    pub(super) thread: &'a Inspected,
    /// What it waits for, and why nobody ends that.
    pub(super) subject: String,
    pub(crate) is_sure: bool,
    /// Where it waits: hangs at one place are told once.
    pub(super) place: String,
}

impl<'a> Hang<'a> {
    /// The worst wait of a process; None where none is suspicious. Where a handler or somebody unseen could end a wait, only the threads that a fork
    /// lost make it suspicious: a process that never lost any may well be meant to wait.
    pub(crate) fn of(inspection: &'a Inspection) -> Option<Hang<'a>> {
        let waits = inspection.threads.iter().filter_map(|thread| Some((thread, thread.verdict.as_ref()?)));
        let (thread, verdict) = waits.min_by_key(|(_, verdict)| verdict.certainty)?;
        let lost = !inspection.lost_threads.is_empty();
        let is_sure = match verdict.certainty {
            Sure::Proved => true,
            Sure::UnlessSignalled if lost => true,
            Sure::Suspected | Sure::UnlessSignalled if lost => false,
            _ => return None,
        };
        let lock = thread.lock.as_ref()?;
        let variable = lock.variable.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
        let who = if thread.tid == inspection.pid { "the main thread".to_owned() } else { format!("thread {}", thread.name) };
        let subject =
            format!("{who} waits for the {}{variable} at {}: {}", lock.kind, lock.address, verdict.text.trim_end_matches('.'));
        let line = thread.frames.iter().find(|frame| frame.is_application()).or(thread.frames.first());
        Some(Hang { thread, subject, is_sure, place: line.map(|frame| format!("{frame:#}")).unwrap_or_default() })
    }

    /// In a few words: what it waits for, and where.
    pub(crate) fn short(&self) -> String {
        let lock = self.thread.lock.as_ref().map(|lock| format!("{} at {}", lock.kind, lock.address)).unwrap_or_default();
        let line = self.thread.frames.iter().find(|frame| frame.is_application()).or(self.thread.frames.first());
        lock + &line.map(|frame| format!(", {frame}")).unwrap_or_default()
    }

    fn kind(&self) -> FindingKind {
        match self.thread.lock.as_ref().map(|lock| lock.kind.as_str()) {
            Some("end of a thread" | "condition variable" | "barrier" | "futex") => FindingKind::JoinLostThread,
            _ => FindingKind::LockDeadlock,
        }
    }

    /// From cause to effect.
    fn sites(&self, inspection: &Inspection) -> Vec<Site<'static>> {
        let holders = inspection.lost_threads.iter().filter(|lost| lost.holds);
        let stood = holders.map(|lost| Site { role: Role::Stood, thread: Some(lost.tid), frames: lost.frames.clone().into() });
        let waits = Site { role: Role::Waits, thread: Some(self.thread.tid), frames: self.thread.frames.clone().into() };
        stood.chain([waits]).collect()
    }
}

/// True for a hang that the library in the process has reported.
pub(super) fn is_known(inspection: &Inspection) -> bool {
    let hang = [FindingKind::LockDeadlock, FindingKind::JoinLostThread, FindingKind::AtforkStuck];
    inspection.findings.iter().any(|finding| hang.contains(&finding.kind))
}

/// The file of the report in which hangs are.
pub(super) struct Record {
    directory: PathBuf,
    /// Processes that hang, with the line's beginning and the id of each one's finding.
    open: HashMap<u32, (Origin, String)>,
}

/// The fork that made a process.
#[derive(Clone)]
struct Origin {
    leader: u32,
    parent: u32,
    fork: String,
}

impl Record {
    pub(super) fn new(directory: PathBuf) -> Record {
        Record { directory, open: HashMap::new() }
    }

    /// Writes that a process hangs, where the library has reported the fork that made it.
    pub(super) fn hangs(&mut self, inspection: &Inspection, hang: &Hang) {
        let Some(origin) = self.origin(inspection.own_pid) else { return };
        let kind = hang.kind();
        let address = hang.thread.lock.as_ref().map_or("", |lock| &lock.address);
        let id = format!("{}:{}:{address}", origin.fork, kind.name());
        let sites = hang.sites(inspection);
        let server = inspection.parent.as_ref().map_or(Server::Other, |parent| Server::recognise("", &parent.name));
        let finding = Finding {
            id: id.clone().into(),
            kind,
            severity: Severity::Error,
            state: State::Hit,
            child: Some(inspection.own_pid),
            subject: hang.subject.clone().into(),
            at: application_lines(&sites).into_iter().map(Into::into).collect(),
            sites: sites.into(),
            explain: kind.explain().into(),
            cure: kind.cure(server).into(),
            suppressed: false,
        };
        self.write(&origin, Event::Finding(finding));
        self.open.insert(inspection.pid, (origin, id));
    }

    /// Writes that a process hangs no more; false where it was never written that it does.
    pub(crate) fn goes_on(&mut self, pid: u32) -> bool {
        let Some((origin, id)) = self.open.remove(&pid) else { return false };
        let because = "the child went on after all".into();
        self.write(&origin, Event::FindingState(FindingState { id: id.into(), state: State::Resolved, severity: None, because }));
        true
    }

    /// The last fork whose child has this number.
    fn origin(&self, child: u32) -> Option<Origin> {
        let mark = format!(r#""child":{child}"#);
        let entries = fs::read_dir(&self.directory).ok()?.flatten().map(|entry| entry.path());
        let files = entries.filter(|path| path.as_os_str().as_encoded_bytes().ends_with(SUFFIX.as_bytes()));
        let lines = files.filter_map(|path| fs::File::open(path).ok()).flat_map(lines);
        let forks = lines.filter(|line| line.contains(r#""event":"fork""#) && line.contains(&mark));
        let of_child = forks.filter_map(|line| event(&line));
        let last = of_child.filter(|line| matches!(&line.event, Event::Fork(fork) if fork.child == Some(child)));
        let line = last.max_by(|one, other| one.time.total_cmp(&other.time))?;
        Some(Origin { leader: line.pid, parent: line.ppid, fork: line.fork?.into_owned() })
    }

    /// Adds a line, as the leader would have written it. What cannot be written was printed.
    fn write(&self, origin: &Origin, event: Event<'_>) {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let fork = Some(origin.fork.clone().into());
        let line = Line { schema: SCHEMA, time, pid: origin.leader, ppid: origin.parent, fork, event };
        let Ok(mut bytes) = serde_json::to_vec(&line) else { return };
        bytes.push(b'\n');
        let path = self.directory.join(format!("outside-{}{SUFFIX}", std::process::id()));
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        let _ = file.and_then(|mut file| file.write_all(&bytes));
    }
}
