//! `check --what-if-preload`: the server is run as it is, and each worker that waits for work tells what a child of its own would inherit broken. Of
//! an application that its workers load that is what they would inherit, were it loaded before the fork. What is made in the server's
//! hooks for new workers is made there with preload, too, and is none of it.
use super::verdict::Level;
use crate::closing;
use crate::input::Error;
use crate::outcome::{self, Finding};
use crate::server::{Place, Setting};
use crate::terminal::megabytes;
use crate::terminal::{HEAD, wrapped};
use forkguard_report::Line;
use forkguard_report::event::{self, Event, FindingKind, Frame};
use forkguard_report::text::Count;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Result as Written, Write};

/// How the run is to be done.
pub(super) fn setting() -> Setting {
    ("FORKGUARD_WHAT_IF".to_owned(), "fork".to_owned())
}

/// Functions of servers that call the application's hooks for new workers: a part of the file's path, and the function's name.
const HOOK_CALLERS: [(&str, &str); 6] = [
    // post_fork, and functions of os.register_at_fork.
    ("/gunicorn/arbiter.py", "spawn_worker"),
    // post_worker_init.
    ("/gunicorn/workers/", "init_process"),
    // Functions with @postfork.
    ("/uwsgidecorators.py", ""),
    // after_fork, after_worker_ready.
    ("/unicorn/http_server.rb", "init_worker_process"),
    ("/unicorn/http_server.rb", "worker_loop"),
    // before_worker_boot, on_worker_boot.
    ("/puma/", "run_hook"),
];
/// Parts of the paths of the servers' files.
const SERVERS: [&str; 4] = ["/gunicorn/", "/uwsgidecorators.py", "/unicorn/", "/puma/"];

/// What preload would change.
pub(super) struct WhatIf {
    /// What would be broken in the workers.
    findings: Vec<Finding>,
    /// What all workers would use instead of one each.
    shared: Vec<Finding>,
    /// Memory that each worker had to itself when it began to wait for work, in kilobytes.
    private: Vec<u64>,
}

impl WhatIf {
    /// By the report of a run.
    pub(super) fn of(place: &Place, level: Level) -> Result<WhatIf, Error> {
        let directory = tempfile::tempdir().map_err(Error::Output)?;
        let supposed = Place::of(Some(directory.path()), "")?;
        let file = directory.path().join(format!("preload{}", forkguard_report::SUFFIX));
        let mut out = File::create(&file).map_err(|error| Error::Unwritable(file.clone(), error))?;
        let mut private = Vec::new();
        let mut written = Ok(());
        place.each_line(|line| {
            if let Event::Child(child) = &line.event {
                private.extend(child.memory.and_then(|memory| memory.private));
            }
            if let Some(line) = supposed_line(line).filter(|_| written.is_ok()) {
                written = write(&mut out, &line);
            }
        })?;
        written.map_err(|error| Error::Unwritable(file, error))?;
        let own = outcome::read(&supposed)?.findings.into_iter().filter(|finding| !finding.at.is_empty());
        let (findings, others): (Vec<Finding>, Vec<Finding>) = own.partition(|finding| level.counts(finding));
        let shared = others.into_iter().filter(is_shared).collect();
        Ok(WhatIf { findings, shared, private })
    }

    /// How many findings there would be.
    pub(super) fn findings(&self) -> usize {
        self.findings.len()
    }

    /// Kilobytes that preload saves at most: one process has once what each worker has now.
    fn saved(&self) -> u64 {
        self.private.iter().sum::<u64>() - self.private.iter().max().copied().unwrap_or_default()
    }

    /// The memory first, then what would break.
    pub(super) fn write(&self, out: &mut dyn Write, columns: Option<usize>) -> Written<()> {
        writeln!(out, "{HEAD}With preload{HEAD:#}, an estimate from how the workers are now")?;
        writeln!(out, "{}", wrapped(self.memory(), "  ", 4, columns))?;
        for finding in &self.shared {
            let text = format!("would be one for all workers, instead of one each: {}", finding.subject);
            writeln!(out, "{}", wrapped(text, "  ", 4, columns))?;
        }
        if self.findings.is_empty() {
            return writeln!(out, "  would break nothing of what the application had when its workers began to wait for work\n");
        }
        writeln!(out, "  would break {}:\n", Count(self.findings.len() as u64, "thing"))?;
        for finding in &self.findings {
            closing::one(out, finding, columns)?;
            writeln!(out)?;
        }
        Ok(())
    }

    fn memory(&self) -> String {
        let (saved, count) = (self.saved(), self.private.len());
        if saved == 0 {
            return "would save no memory: there is nothing that several workers have".to_owned();
        }
        let each = self.private.iter().sum::<u64>() / count as u64;
        format!(
            "would save up to {} in {}: each has {} to itself when it begins to wait for work, most of which they would share",
            megabytes(saved),
            Count(count as u64, "worker"),
            megabytes(each)
        )
    }

    /// The same as JSON.
    pub(super) fn json(&self) -> Value {
        json!({
            "saves_kb_at_most": self.saved(),
            "private_kb": self.private,
            "findings": self.findings.iter().map(Finding::json).collect::<Vec<_>>(),
            "shared": self.shared.iter().map(Finding::json).collect::<Vec<_>>(),
        })
    }
}

/// True for what each worker should have for itself; whether that is so is seen only when they use it.
fn is_shared(finding: &Finding) -> bool {
    matches!(finding.kind, FindingKind::ConnectionInherited | FindingKind::EpollInherited) && !finding.suppressed
}

/// The line as it would stand in the report of a run with preload.
fn supposed_line(line: Line<'static>) -> Option<Line<'static>> {
    let event = match line.event {
        Event::WhatIf(finding) if !is_made_in_hook(&finding) => Event::Finding(finding),
        Event::Process(process) => Event::Process(process),
        _ => return None,
    };
    Some(Line { event, ..line })
}

fn write(out: &mut File, line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    out.write_all(&text)
}

/// True for what the application made in a hook of its server: the server's innermost frame is that which calls such hooks.
fn is_made_in_hook(finding: &event::Finding) -> bool {
    let is_in = |frame: &&Frame, part: &str| frame.file.as_deref().is_some_and(|file| file.contains(part));
    let is_servers = |frame: &&Frame| SERVERS.iter().any(|part| is_in(frame, part));
    let calls_hooks = |frame: &Frame| {
        let function = frame.function.as_deref().unwrap_or_default();
        HOOK_CALLERS.iter().any(|(part, name)| is_in(&frame, part) && function.contains(name))
    };
    let sites = finding.story().filter(|site| site.application().is_some());
    sites.filter_map(|site| site.frames.iter().find(is_servers)).next().is_some_and(calls_hooks)
}
