//! What the library prints: of a child that lives on, and of what bites it at that moment. Short, whole lines, formatted without
//! allocating.
use crate::catalogue::Server;
use crate::cure::{self, Program};
use crate::event::{Cure, Finding, FindingKind, Frame, Role, Severity, Site, State};
use crate::text::{Count, Plain};
use std::fmt::{Result, Write};

/// How many findings are listed; the others are counted.
const LISTED: usize = 20;

/// What a summary is about.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The child that lives on; the leader itself where it is about that.
    pub child: u32,
    /// The process that forked it.
    pub leader: u32,
    /// What the leader is.
    pub program: Program,
    /// The leader's report file, where one is written.
    pub report: Option<&'a str>,
    /// Findings of severity info are listed, too.
    pub with_notes: bool,
    /// What guards did in the child.
    pub cures: &'a [Cure<'a>],
}

impl Head<'_> {
    fn write(&self, out: &mut dyn Write) -> Result {
        if self.child == self.leader {
            return write!(out, "forkguard: process {}: ", self.child);
        }
        let server = self.program.server.name();
        let gap = if server.is_empty() { "" } else { ", " };
        write!(out, "forkguard: {} {} ({server}{gap}forked by {}): ", self.noun(), self.child, self.leader)
    }

    const fn noun(&self) -> &'static str {
        if matches!(self.program.server, Server::Other) { "child" } else { "worker" }
    }
}

/// True for what is only counted beside warnings: the report has it.
fn is_counted(head: &Head, finding: &Finding) -> bool {
    finding.severity == Severity::Info && finding.state == State::Open && !head.with_notes
}

/// Writes the summary of one child: the findings that stand, what bit before what may bite, a cure for each kind, where to read on.
pub fn write<'f, 'a: 'f>(out: &mut dyn Write, head: &Head, findings: impl Iterator<Item = &'f Finding<'a>> + Clone) -> Result {
    let standing = findings.filter(|finding| matches!(finding.state, State::Open | State::Hit) && !finding.suppressed);
    head.write(out)?;
    counts(out, standing.clone())?;

    let mut listed = 0;
    let mut left = 0;
    let mut cured = [false; FindingKind::ALL.len()];
    let severities = [Severity::Error, Severity::Warning, Severity::Info];
    for (state, severity) in [State::Hit, State::Open].into_iter().flat_map(|state| severities.map(|it| (state, it))) {
        for (kind, cured) in FindingKind::ALL.into_iter().zip(&mut cured) {
            let rank = (state, severity, kind);
            let group = standing.clone().filter(|it| (it.state, it.severity, it.kind) == rank);
            let group = group.filter(|finding| !is_counted(head, finding));
            let mut cure = None;
            for (index, finding) in group.clone().enumerate() {
                if group.clone().take(index).any(|earlier| is_alike(earlier, finding)) {
                    continue;
                }
                if listed == LISTED {
                    left += 1;
                    continue;
                }
                listed += 1;
                cure.get_or_insert(finding);
                line(out, finding, group.clone().skip(index + 1).filter(|later| is_alike(finding, later)).count())?;
            }
            if let (Some(finding), false) = (cure, *cured) {
                *cured = true;
                let listed = standing.clone().filter(|it| it.kind == kind && !is_counted(head, it));
                write_cure(out, head, finding, listed)?;
            }
        }
    }
    if left > 0 {
        writeln!(out, "forkguard: {left} more are in the report")?;
    }
    guarded(out, head.cures)?;
    match head.report {
        Some(report) => writeln!(out, "forkguard: all of it: forkguard report {}", Plain(report)),
        None => Ok(()),
    }
}

/// Writes one bite at the moment it happens: what, every site that tells something from cause to effect, the cure.
pub fn write_hit(out: &mut dyn Write, head: &Head, finding: &Finding) -> Result {
    head.write(out)?;
    named(out, finding)?;
    story(out, finding)?;
    write_cure(out, head, finding, std::iter::once(finding))
}

/// What to do about one of `all`, and the option that does it for all of them (a thread that held a lock is not started again); the whole text is
/// in the report.
fn write_cure<'f, 'a: 'f>(
    out: &mut dyn Write,
    head: &Head,
    finding: &Finding,
    all: impl Iterator<Item = &'f Finding<'a>> + Clone,
) -> Result {
    cure::write_line(out, "forkguard:   cure: ", finding, head.program)?;
    if all.clone().any(|one| cure::option(one).is_none()) {
        return Ok(());
    }
    let options = all.filter_map(cure::option);
    write!(out, "forkguard:   or set ")?;
    cure::write_options(out, options)?;
    writeln!(out)
}

/// Writes the one line of further children whose findings are of the kinds that were printed of `first`: this one, and others that nothing was
/// printed of.
pub fn write_alike(out: &mut dyn Write, head: &Head, first: u32, more: u32) -> Result {
    head.write(out)?;
    let noun = head.noun();
    write!(out, "like {noun} {first}")?;
    if more > 0 {
        let plural = if head.program.server == Server::Other { "children" } else { "workers" };
        write!(out, ", as {more} more {} before it", if more == 1 { noun } else { plural })?;
    }
    writeln!(out)
}

/// Writes that a finding that was printed does not stand any more.
pub fn write_resolved(out: &mut dyn Write, head: &Head, kind: FindingKind, subject: &str, because: &str) -> Result {
    head.write(out)?;
    writeln!(out, "{} resolved: {}: {}", kind.name(), Plain(subject), Plain(because))
}

/// How many of each severity, and the end of the line.
fn counts<'f, 'a: 'f>(out: &mut dyn Write, findings: impl Iterator<Item = &'f Finding<'a>> + Clone) -> Result {
    let mut separator = "";
    for severity in [Severity::Error, Severity::Warning, Severity::Info] {
        let count = findings.clone().filter(|finding| finding.severity == severity).count() as u64;
        match (count, severity) {
            (0, _) => continue,
            (_, Severity::Info) => write!(out, "{separator}{count} info")?,
            _ => write!(out, "{separator}{}", Count(count, severity.name()))?,
        }
        separator = ", ";
    }
    writeln!(out, "{}", if separator.is_empty() { "no findings" } else { "" })
}

/// What is found, and how bad it is.
fn named(out: &mut dyn Write, finding: &Finding) -> Result {
    write!(out, "{} ({}): {}", finding.kind.name(), finding.severity.name(), Plain(&finding.subject))
}

/// Every site that tells something, and the end of the line.
fn story(out: &mut dyn Write, finding: &Finding) -> Result {
    // Where the source of one cause is known, addresses of others say nothing more.
    let sourced = |site: &Site| site.innermost().is_some_and(|frame| frame.file.is_some() && !frame.is_interpreters());
    let any_sourced = finding.story().any(|site| !site.role.is_effect() && sourced(site));
    // What an interpreter does for itself (it writes out its files as it ends) is nobody's line to edit.
    let is_own = |site: &Site| site.role == Role::Used && site.innermost().is_some_and(Frame::is_interpreters);
    let told = finding.story().filter(|site| !any_sourced || sourced(site) || site.role.is_effect() && !is_own(site));
    let told = told.filter_map(|site| Some((site, site.innermost()?)));
    let mut separator = ", ";
    for (index, (site, frame)) in told.clone().enumerate() {
        // Threads of a pool stood at one line.
        if told.clone().take(index).any(|(earlier, it)| earlier.role == site.role && it == frame) {
            continue;
        }
        write!(out, "{separator}{} at {frame}{}", deed(finding, site), whose(finding, frame))?;
        if let Some(caller) = site.caller(frame) {
            write!(out, ", called at {caller}")?;
        }
        separator = "\nforkguard:   ";
    }
    writeln!(out)
}

/// One finding: with all its sites when it bit, else with the line to edit and how many more there are of it.
fn line(out: &mut dyn Write, finding: &Finding, more: usize) -> Result {
    write!(out, "forkguard: ")?;
    named(out, finding)?;
    if finding.state == State::Hit {
        return story(out, finding);
    }
    let Some((deed, frame)) = place(finding) else { return writeln!(out) };
    write!(out, ", {deed} at {frame}{}", whose(finding, frame))?;
    if more > 0 { writeln!(out, ", and {more} more there") } else { writeln!(out) }
}

/// The line to edit, and what was done there.
fn place<'f>(finding: &'f Finding) -> Option<(&'static str, &'f Frame<'f>)> {
    let of = |site: &Site, frame| Some((deed(finding, site), frame?));
    let ours = finding.sites.iter().find_map(|site| of(site, site.application()));
    ours.or_else(|| finding.sites.iter().find_map(|site| of(site, site.innermost())))
}

/// What was done at a site of a finding.
fn deed(finding: &Finding, site: &Site) -> &'static str {
    match (finding.kind, site.role) {
        (FindingKind::ConnectionInherited | FindingKind::ConnectionSharedUse, Role::Started) => "by a thread started",
        (_, role) => role.deed(),
    }
}

/// True for findings of one kind of which the second says nothing new: the same was done at the same line.
fn is_alike(one: &Finding, other: &Finding) -> bool {
    let known = place(one).filter(|(_, frame)| frame.line.is_some());
    let same = |(deed, frame): &(&str, &Frame)| {
        place(other).is_some_and(|it| it.0 == *deed && it.1.file == frame.file && it.1.line == frame.line)
    };
    one.state == State::Open && other.state == State::Open && known.is_some_and(|it| same(&it))
}

/// What stands behind a line of source that is shown because no line of the application is known.
fn whose(finding: &Finding, shown: &Frame) -> &'static str {
    let has_own = finding.sites.iter().any(|site| site.application().is_some());
    if has_own || shown.file.is_none() || shown.is_interpreters() { "" } else { " (a library's line)" }
}

/// What guards did: a line for each kind of deed.
fn guarded(out: &mut dyn Write, cures: &[Cure]) -> Result {
    let alike = |one: &Cure, other: &Cure| (one.guard, &one.action, one.failed) == (other.guard, &other.action, other.failed);
    for (index, cure) in cures.iter().enumerate() {
        if cures[..index].iter().any(|earlier| alike(earlier, cure)) {
            continue;
        }
        let more = cures[index + 1..].iter().filter(|later| alike(later, cure)).count();
        write!(out, "forkguard: guarded: {}", Plain(&cure.subject))?;
        if more > 0 {
            write!(out, " and {more} more")?;
        }
        match cure.failed {
            None => writeln!(out, ": {}", Plain(&cure.action))?,
            Some(errno) => writeln!(out, ": could not be {} (errno {errno})", Plain(&cure.action))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cure::Language;
    use crate::event::Guard;

    fn finding(kind: FindingKind, severity: Severity, subject: &'static str, sites: Vec<Site<'static>>) -> Finding<'static> {
        Finding {
            id: "7.1:x:y".into(),
            kind,
            severity,
            state: State::Open,
            child: Some(9),
            subject: subject.into(),
            at: vec![].into(),
            sites: sites.into(),
            explain: kind.explain().into(),
            cure: kind.cure(Server::Gunicorn).into(),
            suppressed: false,
        }
    }

    fn site(role: Role, file: Option<&'static str>) -> Site<'static> {
        let native = Frame {
            language: "native".into(),
            function: Some("PQconnectdb".into()),
            file: None,
            line: None,
            module: Some("/usr/lib/libpq.so.5".into()),
            offset: Some(0x1234),
            build_id: None,
        };
        let source = file.map(|file| Frame {
            language: "python".into(),
            function: Some("start".into()),
            file: Some(file.into()),
            line: Some(13),
            ..native.clone()
        });
        Site { role, thread: None, frames: [native].into_iter().chain(source).collect() }
    }

    fn head(server: Server, report: Option<&str>) -> Head<'_> {
        Head {
            child: 9,
            leader: 7,
            program: Program { server, language: Language::Python },
            report,
            with_notes: false,
            cures: &[],
        }
    }

    fn summary(server: Server, report: Option<&str>, findings: &[Finding]) -> String {
        let mut out = String::new();
        write(&mut out, &head(server, report), findings.iter()).unwrap();
        out
    }

    #[test]
    fn a_worker_with_findings() {
        let moot = Finding { state: State::Moot, ..finding(FindingKind::TimerLost, Severity::Warning, "alarm", vec![]) };
        let findings = [
            finding(FindingKind::HandlerInherited, Severity::Info, "SIGUSR2", vec![]),
            finding(FindingKind::HandlerInherited, Severity::Info, "SIGUSR1", vec![]),
            finding(FindingKind::RngShared, Severity::Info, "numpy.random", vec![]),
            finding(
                FindingKind::ConnectionInherited,
                Severity::Info,
                "TCP 127.0.0.1:5432 (PostgreSQL)",
                vec![site(Role::Opened, None)],
            ),
            finding(FindingKind::ThreadLost, Severity::Info, "thread \"pool\" (tid 9)", vec![]),
            finding(
                FindingKind::ThreadLost,
                Severity::Warning,
                "thread \"be\nat\" (tid 8)",
                vec![site(Role::Started, Some("/srv/app.py"))],
            ),
            moot,
        ];
        assert_eq!(
            summary(Server::Gunicorn, Some("/run/user/0/forkguard/7.jsonl"), &findings),
            "forkguard: worker 9 (gunicorn, forked by 7): 1 warning, 5 info\n\
             forkguard: thread-lost (warning): thread \"be\\nat\" (tid 8), started at app.py:13 in start\n\
             forkguard:   cure: start \"be\\nat\" (app.py:13) in gunicorn's post_fork, not before the fork\n\
             forkguard: all of it: forkguard report /run/user/0/forkguard/7.jsonl\n"
        );
    }

    #[test]
    fn notes_are_listed_when_all_is_asked_for() {
        let connection = finding(
            FindingKind::ConnectionInherited,
            Severity::Info,
            "TCP 127.0.0.1:5432 (PostgreSQL), descriptor 3",
            vec![site(Role::Opened, None)],
        );
        let mut out = String::new();
        write(&mut out, &Head { with_notes: true, ..head(Server::Gunicorn, None) }, [connection].iter()).unwrap();
        assert_eq!(
            out,
            "forkguard: worker 9 (gunicorn, forked by 7): 1 info\n\
             forkguard: connection-inherited (info): TCP 127.0.0.1:5432 (PostgreSQL), descriptor 3, opened at libpq.so.5+0x1234 (PQconnectdb)\n\
             forkguard:   cure: connect to TCP 127.0.0.1:5432 in gunicorn's post_fork, not before the fork\n"
        );
    }

    #[test]
    fn a_child_of_something_else_without_a_report() {
        let findings = [finding(FindingKind::RngShared, Severity::Info, "numpy.random", vec![])];
        assert_eq!(summary(Server::Other, None, &findings), "forkguard: child 9 (forked by 7): 1 info\n");
        assert_eq!(summary(Server::Native, None, &[]), "forkguard: worker 9 (forked by 7): no findings\n");
    }

    #[test]
    fn many_findings_are_counted() {
        let mut findings = vec![finding(FindingKind::ThreadLost, Severity::Warning, "thread", vec![]); 25];
        findings.push(finding(FindingKind::LockOrphaned, Severity::Error, "mutex 0x7f00", vec![]));
        let text = summary(Server::Uwsgi, Some("r"), &findings);
        assert!(text.starts_with(
            "forkguard: worker 9 (uWSGI, forked by 7): 1 error, 25 warnings\nforkguard: lock-orphaned (error): mutex 0x7f00\n"
        ));
        assert_eq!(text.matches("thread-lost (warning)").count(), 19);
        assert!(text.ends_with("\nforkguard: 6 more are in the report\nforkguard: all of it: forkguard report r\n"));
    }

    #[test]
    fn an_option_is_named_where_it_deals_with_all_threads_of_a_line() {
        let lost = |name: &'static str, cure: &'static str| Finding {
            cure: cure.into(),
            ..finding(FindingKind::ThreadLost, Severity::Warning, name, vec![site(Role::Started, Some("app.py"))])
        };
        let one = lost("thread \"t-1\" (tid 5)", "Start it. Or run it with FORKGUARD_THREADS=revive:t-1.");
        let two = lost("thread \"t-2\" (tid 6)", "Start it. Or run it with FORKGUARD_THREADS=revive:t-2.");
        let text = summary(Server::Gunicorn, None, &[one.clone(), two]);
        assert!(text.contains("and 1 more there") && text.contains("or set FORKGUARD_THREADS=revive:t-*"), "{text}");
        // It held a lock.
        let text = summary(Server::Gunicorn, None, &[one, lost("thread \"t-2\" (tid 6)", "Start it.")]);
        assert!(text.contains("and 1 more there") && !text.contains("or set"), "{text}");
    }

    #[test]
    fn what_bit_comes_before_what_may() {
        let hit = |kind, severity| Finding { state: State::Hit, ..finding(kind, severity, "it", vec![]) };
        let findings = [
            finding(FindingKind::ThreadLost, Severity::Warning, "it", vec![]),
            hit(FindingKind::HandlerInherited, Severity::Info),
            hit(FindingKind::HandlerDropped, Severity::Warning),
            Finding { state: State::Resolved, ..hit(FindingKind::LockDeadlock, Severity::Error) },
            hit(FindingKind::JoinLostThread, Severity::Error),
        ];
        let text = summary(Server::Gunicorn, None, &findings);
        let kinds: Vec<&str> = text.lines().filter_map(|line| line.strip_suffix("): it")).collect();
        assert_eq!(
            kinds,
            [
                "forkguard: join-lost-thread (error",
                "forkguard: handler-dropped (warning",
                "forkguard: handler-inherited (info",
                "forkguard: thread-lost (warning"
            ]
        );
        assert!(text.starts_with("forkguard: worker 9 (gunicorn, forked by 7): 1 error, 2 warnings, 1 info\n"), "{text}");
    }

    #[test]
    fn what_bit_is_told_whole_in_a_summary() {
        let sites = vec![
            site(Role::Set, Some("/srv/app.py")),
            site(Role::Reset, Some("/usr/lib/python3/dist-packages/gunicorn/base.py")),
        ];
        let dropped = Finding { state: State::Hit, ..finding(FindingKind::HandlerDropped, Severity::Warning, "SIGUSR2", sites) };
        let text = summary(Server::Gunicorn, None, &[dropped]);
        assert_eq!(
            text.lines().skip(1).take(2).collect::<Vec<_>>(),
            [
                "forkguard: handler-dropped (warning): SIGUSR2, set at app.py:13 in start",
                "forkguard:   reset at gunicorn/base.py:13 in start"
            ]
        );
    }

    fn bite(sites: Vec<Site<'static>>) -> String {
        let subject = "semaphore at 0x7f10, held by thread \"beat\" (tid 8)";
        let finding = Finding { state: State::Hit, ..finding(FindingKind::LockDeadlock, Severity::Error, subject, sites) };
        let mut out = String::new();
        write_hit(&mut out, &head(Server::Gunicorn, Some("r")), &finding).unwrap();
        let cure = "forkguard:   cure: start \"beat\" in gunicorn's post_fork, or make the lock anew there\n";
        out.strip_suffix(cure).unwrap().to_owned()
    }

    #[test]
    fn what_an_interpreter_does_for_itself_is_left_out() {
        let mut used = site(Role::Used, None);
        used.frames.to_mut()[0].module = Some("/usr/lib/libpython3.11.so.1.0".into());
        let sites = vec![site(Role::Opened, Some("/srv/app.py")), used];
        let finding = finding(FindingKind::BufferDuplicated, Severity::Error, "a log", sites);
        let mut out = String::new();
        write_hit(&mut out, &head(Server::Gunicorn, None), &finding).unwrap();
        assert!(out.contains("opened at app.py:13 in start\n") && !out.contains("used at"), "{out}");
    }

    #[test]
    fn what_one_line_made_is_one_line() {
        let thread = |subject| {
            finding(FindingKind::ThreadLost, Severity::Warning, subject, vec![site(Role::Started, Some("/srv/app.py"))])
        };
        let printed =
            summary(Server::Gunicorn, None, &["thread \"pool-1\"", "thread \"pool-2\"", "thread \"pool-3\""].map(thread));
        assert_eq!(
            printed.lines().nth(1),
            Some("forkguard: thread-lost (warning): thread \"pool-1\", started at app.py:13 in start, and 2 more there")
        );
        assert_eq!(printed.matches("thread-lost").count(), 1);
    }

    #[test]
    fn a_bite_tells_from_cause_to_effect() {
        const HEAD: &str = "forkguard: worker 9 (gunicorn, forked by 7): lock-deadlock (error): \
             semaphore at 0x7f10, held by thread \"beat\" (tid 8)";
        let waits = site(Role::Waits, Some("/srv/venv/lib/python3.11/site-packages/gunicorn/glogging.py"));
        let stood = site(Role::Stood, Some("/srv/app.py"));
        let taken = site(Role::Taken, Some("/srv/log.py"));
        assert_eq!(
            bite(vec![waits.clone(), stood.clone(), taken]),
            format!(
                "{HEAD}, taken at log.py:13 in start\n\
                 forkguard:   stood at app.py:13 in start\n\
                 forkguard:   waits at gunicorn/glogging.py:13 in start\n"
            )
        );
        assert_eq!(
            bite(vec![site(Role::Taken, None), stood, waits.clone()]),
            format!("{HEAD}, stood at app.py:13 in start\nforkguard:   waits at gunicorn/glogging.py:13 in start\n")
        );
        assert_eq!(
            bite(vec![site(Role::Taken, None), site(Role::Waits, None)]),
            format!(
                "{HEAD}, taken at libpq.so.5+0x1234 (PQconnectdb)\n\
                 forkguard:   waits at libpq.so.5+0x1234 (PQconnectdb)\n"
            )
        );
        // Two threads of a pool stood there.
        let stood = site(Role::Stood, Some("/srv/app.py"));
        assert_eq!(bite(vec![stood.clone(), stood]), format!("{HEAD}, stood at app.py:13 in start\n"));
        // No line of the application is known.
        assert_eq!(bite(vec![waits]), format!("{HEAD}, waits at gunicorn/glogging.py:13 in start (a library's line)\n"));
        assert_eq!(bite(vec![]), format!("{HEAD}\n"));
    }

    #[test]
    fn further_workers() {
        let mut out = String::new();
        write_alike(&mut out, &head(Server::Puma, Some("r")), 8, 0).unwrap();
        write_alike(&mut out, &head(Server::Rq, None), 8, 1).unwrap();
        write_alike(&mut out, &head(Server::Other, None), 8, 200).unwrap();
        assert_eq!(
            out,
            "forkguard: worker 9 (Puma, forked by 7): like worker 8\n\
             forkguard: worker 9 (rq, forked by 7): like worker 8, as 1 more worker before it\n\
             forkguard: child 9 (forked by 7): like child 8, as 200 more children before it\n"
        );
    }

    #[test]
    fn what_was_printed_is_taken_back() {
        let mut out = String::new();
        let because = "the child started it again";
        write_resolved(&mut out, &head(Server::Gunicorn, None), FindingKind::ThreadLost, "thread \"beat\" (tid 8)", because)
            .unwrap();
        assert_eq!(
            out,
            "forkguard: worker 9 (gunicorn, forked by 7): thread-lost resolved: thread \"beat\" (tid 8): the child started it again\n"
        );
    }

    #[test]
    fn a_full_buffer_is_an_error_and_no_panic() {
        struct Full;
        impl Write for Full {
            fn write_str(&mut self, _: &str) -> Result {
                Err(std::fmt::Error)
            }
        }
        let head = head(Server::Other, None);
        assert!(write(&mut Full, &head, [].iter()).is_err());
        assert!(write_hit(&mut Full, &head, &finding(FindingKind::LockDeadlock, Severity::Error, "it", vec![])).is_err());
    }

    #[test]
    fn what_guards_did_is_told_by_its_kind() {
        let cure = |subject: &'static str, failed| Cure {
            guard: Guard::Sockets,
            action: "severed".into(),
            subject: subject.into(),
            us: 1.0,
            failed,
        };
        let mut out = String::new();
        guarded(&mut out, &[cure("descriptor 5", None), cure("descriptor 6", Some(24)), cure("descriptor 7", None)]).unwrap();
        let told = "forkguard: guarded: descriptor 5 and 1 more: severed\n\
                    forkguard: guarded: descriptor 6: could not be severed (errno 24)\n";
        assert_eq!(out, told);
    }
}
