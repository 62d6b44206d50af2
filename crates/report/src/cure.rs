//! What to do about a finding, in one line for the program at hand: its language, its server, its names. The whole text is in the finding.
use crate::catalogue::{
    AT_BLOCKS_END, AT_INTERPRETERS_END, COMPRESSED, FULL_PIPE, MOVED, OR_OPTION, OWN_HOLDER, RELEASED, RELEASED_AT_END,
    STATUS_LOST, Server, is_goodbye, is_of_datagrams, is_unshared, waits_alone,
};
use crate::event::{Finding, FindingKind, Frame, Role, Site};
use crate::text::{Place, Plain};
use std::fmt::{Display, Formatter, Result, Write};

/// Columns of a line with a cure.
const COLUMNS: usize = 120;
/// Columns of a name in it.
const NAME: usize = 40;

/// What the program is written in, as far as texts differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// CPython.
    Python,
    /// MRI.
    Ruby,
    /// Perl.
    Perl,
    /// PHP.
    Php,
    /// C, C++, Rust, Go …
    Native,
}

/// Beginnings of the names of interpreters.
const INTERPRETERS: [(&str, Language); 5] = [
    ("python", Language::Python),
    ("pypy", Language::Python),
    ("ruby", Language::Ruby),
    ("perl", Language::Perl),
    ("php", Language::Php),
];

/// The program at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// Its server.
    pub server: Server,
    /// Its language.
    pub language: Language,
}

impl Program {
    /// By its file and its name in the kernel (or in its title).
    pub fn recognise(executable: &str, name: &str) -> Program {
        let server = Server::recognise(executable, name);
        let language = match server {
            Server::Gunicorn | Server::Uwsgi | Server::Celery | Server::Rq => Language::Python,
            Server::Unicorn | Server::Puma => Language::Ruby,
            Server::Native | Server::Other => Self::interpreter(executable).unwrap_or(Language::Native),
        };
        Program { server, language }
    }

    /// The language that a program's file interprets.
    pub fn interpreter(executable: &str) -> Option<Language> {
        let file = executable.rsplit('/').next().unwrap_or_default();
        INTERPRETERS.iter().find(|(beginning, _)| file.starts_with(beginning)).map(|&(_, language)| language)
    }

    /// Where its code runs in each new child.
    const fn place(self) -> &'static str {
        match (self.server, self.language) {
            (Server::Gunicorn, _) => "gunicorn's post_fork",
            (Server::Uwsgi, _) => "a function under uWSGI's @postfork",
            (Server::Unicorn, _) => "Unicorn's after_fork",
            (Server::Puma, _) => "Puma's on_worker_boot",
            (Server::Celery, _) => "celery's worker_process_init",
            (Server::Rq, _) => "the job",
            (Server::Native, _) => "the worker (Apache: child_init, nginx: init_process)",
            (Server::Other, Language::Python) => "the child (a pool's initializer, os.register_at_fork)",
            (Server::Other, Language::Ruby) => "the child (fork's block)",
            (Server::Other, Language::Php) => "the child, after pcntl_fork",
            (Server::Other, Language::Perl) => "the child, after fork",
            (Server::Other, Language::Native) => "the child, after fork (pthread_atfork)",
        }
    }

    /// Where it sets signals in a worker: after the server has done so itself.
    const fn signal_place(self) -> &'static str {
        match self.server {
            Server::Gunicorn => "gunicorn's post_worker_init",
            Server::Celery => "celery's task_prerun",
            _ => self.place(),
        }
    }

    /// How its language calls code in each child, to stand for [`CHILD_HOOKS`] in a text.
    ///
    /// [`CHILD_HOOKS`]: crate::catalogue::CHILD_HOOKS
    pub const fn child_hook(self) -> &'static str {
        match self.language {
            Language::Python => " (a pool's initializer, os.register_at_fork)",
            Language::Ruby => " (fork's block, Process._fork)",
            Language::Perl | Language::Php => "",
            Language::Native => " (pthread_atfork)",
        }
    }

    /// How its language unblocks signals.
    const fn unblock(self) -> &'static str {
        match self.language {
            Language::Python => "signal.pthread_sigmask",
            Language::Perl => "POSIX::sigprocmask",
            Language::Php => "pcntl_sigprocmask",
            Language::Ruby => "pthread_sigmask, in an extension",
            Language::Native => "pthread_sigmask",
        }
    }

    /// How its language ends a process without running what is left to run.
    const fn ends_at_once(self) -> &'static str {
        match self.language {
            Language::Python => "os._exit()",
            Language::Ruby => "exit!",
            Language::Perl => "POSIX::_exit()",
            Language::Php => "posix_kill(getmypid(), SIGKILL)",
            Language::Native => "_exit()",
        }
    }

    /// How its language seeds a generator.
    const fn seed(self) -> &'static str {
        match self.language {
            Language::Python => "seed()",
            Language::Ruby => "a new Random",
            Language::Perl => "srand",
            Language::Php => "mt_srand",
            Language::Native => "srand or its like",
        }
    }
}

/// What to do about a finding, in one line behind `prefix`.
pub fn write_line(out: &mut dyn Write, prefix: &str, finding: &Finding, program: Program) -> Result {
    let (mut text, columns) = (Buffer::new(), COLUMNS - prefix.len());
    write!(text, "{}", ShortCure { finding, program })?;
    match whole_clauses(text.as_str(), columns) {
        Some(clauses) => writeln!(out, "{prefix}{clauses}"),
        None => writeln!(out, "{prefix}{}", AtMost(columns, text.as_str())),
    }
}

/// As much of a text as fits into so many columns, without a clause or a remark in parentheses that does not; None where that is too little.
fn whole_clauses(text: &str, columns: usize) -> Option<&str> {
    const LEAST: usize = 30;
    let Some((end, _)) = text.char_indices().nth(columns) else { return Some(text) };
    let fits = &text[..end];
    let last_of =
        |border: &str| fits.rmatch_indices(border).map(|(at, _)| at).find(|&at| border != " (" || ends_with_remark(&text[at..]));
    let last = [" or ", "; ", ": ", ", not ", " ("].into_iter().filter_map(last_of).max()?;
    let open = fits[..last].rfind(" (").filter(|&open| !fits[open..last].contains(')'));
    let clauses = fits[..open.unwrap_or(last)].trim_end_matches(',');
    (clauses.len() >= LEAST).then_some(clauses)
}

/// True for a remark in parentheses behind which nothing of the same clause follows.
fn ends_with_remark(text: &str) -> bool {
    let after = text.split_once(')').map_or("", |(_, after)| after);
    after.is_empty() || after.starts_with([',', ';', ':'])
}

/// A text of some length; what does not fit is left out.
struct Buffer {
    bytes: [u8; Buffer::CAPACITY],
    length: usize,
}

impl Buffer {
    const CAPACITY: usize = 512;

    const fn new() -> Buffer {
        Buffer { bytes: [0; Buffer::CAPACITY], length: 0 }
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for Buffer {
    fn write_str(&mut self, text: &str) -> Result {
        let room = text.len().min(Buffer::CAPACITY - self.length);
        let fits = (0..=room).rev().find_map(|end| text.get(..end)).unwrap_or_default();
        self.bytes[self.length..self.length + fits.len()].copy_from_slice(fits.as_bytes());
        self.length += fits.len();
        Ok(())
    }
}

/// The same text alone, as long as it is.
pub fn short<'f>(finding: &'f Finding<'_>, program: Program) -> impl Display + 'f {
    ShortCure { finding, program }
}

/// The option that would deal with it, where there is one.
pub fn option<'f>(finding: &'f Finding) -> Option<&'f str> {
    finding.cure.split_once(OR_OPTION).map(|(_, option)| option.trim_end_matches('.'))
}

/// Stands in the option that starts lost threads again before their names.
const REVIVE: &str = "FORKGUARD_THREADS=revive:";

/// The options that would deal with several findings of one kind: one option for all lost threads that it can name.
pub fn write_options<'f>(out: &mut dyn Write, mut options: impl Iterator<Item = &'f str> + Clone) -> Result {
    let names = options.clone().filter_map(revived);
    let Some(first) = options.next() else { return Ok(()) };
    if revived(first).is_none() || names.clone().nth(1).is_none() {
        return write!(out, "{}", Plain(first));
    }
    let is_plain = !options.any(|option| option.contains('\''));
    let quote = if is_plain && !first.contains('\'') { "" } else { "'" };
    let (variable, value) = REVIVE.split_once('=').unwrap_or_default();
    write!(out, "{variable}={quote}{value}")?;
    let mut separator = "";
    for (index, name) in names.clone().enumerate() {
        let (before, pattern) = (names.clone().take(index), Pattern::of(name, names.clone()));
        if before.map(|name| Pattern::of(name, names.clone())).any(|earlier| earlier == pattern) {
            continue;
        }
        write!(out, "{separator}{}{}", Plain(pattern.stem), if pattern.is_open { "*" } else { "" })?;
        separator = ",";
    }
    out.write_str(quote)
}

/// An option that names a lost thread, with the name of another one in its stead; None for other options and threads without a name.
pub fn renamed_option(option: &str, subject: &str) -> Option<String> {
    revived(option)?;
    let name = subject.strip_prefix("thread \"")?.split_once('"')?.0;
    (!name.contains([',', '\''])).then(|| OptionWithName { option: REVIVE, name }.to_string())
}

/// An option that ends with a name, as a shell takes it. A name with a quotation mark in it is not for this.
pub struct OptionWithName<'n> {
    /// The variable and its value up to the name.
    pub option: &'n str,
    pub name: &'n str,
}

impl Display for OptionWithName<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let OptionWithName { option, name } = self;
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:/@+".contains(&byte));
        match option.split_once('=').filter(|_| !is_plain) {
            Some((variable, value)) => write!(out, "{variable}='{value}{name}'"),
            None => write!(out, "{option}{name}"),
        }
    }
}

/// The thread that an option names.
fn revived(option: &str) -> Option<&str> {
    let (variable, value) = option.split_once('=')?;
    let value = value.trim_matches('\'');
    REVIVE.strip_prefix(variable)?.strip_prefix('=').and_then(|before| value.strip_prefix(before))
}

/// One thread's name, or what those of a pool begin with, which are numbered.
#[derive(PartialEq, Eq)]
struct Pattern<'n> {
    stem: &'n str,
    is_open: bool,
}

impl<'n> Pattern<'n> {
    fn of(name: &'n str, mut all: impl Iterator<Item = &'n str>) -> Pattern<'n> {
        let stem = |name: &'n str| name.trim_end_matches(|char: char| char.is_ascii_digit());
        let is_other = |other: &str| other != name;
        let is_open = !stem(name).is_empty() && all.any(|other| is_other(other) && stem(other) == stem(name));
        Pattern { stem: if is_open { stem(name) } else { name }, is_open }
    }
}

/// The cure in one sentence.
pub(crate) struct ShortCure<'f, 'a> {
    pub(crate) finding: &'f Finding<'a>,
    pub(crate) program: Program,
}

impl ShortCure<'_, '_> {
    /// The lost thread that it is about, by name.
    fn thread(&self) -> Option<&str> {
        let subject = &*self.finding.subject;
        let lost = ["held by ", "lost at the fork: ", " joins "].iter().find_map(|before| Some(subject.split_once(before)?.1));
        let (_, rest) = lost.unwrap_or(subject).split_once('"')?;
        rest.split_once('"').map(|(name, _)| name).filter(|name| !name.is_empty())
    }

    /// The runtime that all lost threads belong to.
    fn runtime(&self) -> Option<&str> {
        let (_, lost) = self.finding.subject.split_once("lost at the fork: ")?;
        let (count, rest) = lost.split_once(" of ")?;
        rest.split_once(" (").filter(|_| !count.contains('(')).map(|(runtime, _)| runtime)
    }

    /// True where an installed package made what it is about, for the application.
    fn is_made_by_package(&self) -> bool {
        let made = self.finding.sites.iter().find(|site| site.role == Role::Created);
        let maker = made.and_then(|site| site.frames.iter().find(|frame| frame.party().is_some()));
        maker.is_some_and(|frame| frame.package().is_some())
    }

    /// What it is about, without its number and the like.
    fn it(&self) -> &str {
        let end = self.finding.subject.find([',', '(']).unwrap_or(self.finding.subject.len());
        self.finding.subject[..end].trim_end()
    }

    /// The cure of signals that a child, or a program, does not get: `SIGTERM, SIGINT blocked, SIGPIPE ignored in /bin/sleep`.
    fn give_signals(&self, out: &mut Formatter) -> Result {
        let subject = &*self.finding.subject;
        let (signals, program) =
            subject.split_once(" in ").map_or((subject, None), |(signals, program)| (signals, Some(program)));
        let (blocked, rest) = signals.split_once(" blocked").map_or((None, signals), |(blocked, rest)| (Some(blocked), rest));
        let ignored = rest.strip_suffix(" ignored").map(|ignored| ignored.trim_start_matches(", "));
        let blocked = blocked.or(ignored.is_none().then_some(signals));
        if let Some(blocked) = blocked {
            write!(out, "unblock {} ({})", AtMost(NAME, Plain(blocked)), self.program.unblock())?;
        }
        if let Some(ignored) = ignored {
            let and = if blocked.is_some() { " and " } else { "" };
            write!(out, "{and}set {} to the default", AtMost(NAME, Plain(ignored)))?;
        }
        match program {
            Some(program) => write!(out, " before {} is executed", AtMost(NAME, Plain(program))),
            None => write!(out, " in {}", self.program.place()),
        }
    }

    /// The line that started the thread which holds the lock.
    fn start(&self) -> Bracketed<Place<'_>> {
        let held = self.finding.subject.contains("held by ");
        let started = self.finding.sites.iter().find(|site| held && site.role == Role::Started);
        Bracketed(started.and_then(Site::application).map(Frame::place))
    }

    /// The line to edit.
    fn line(&self) -> Bracketed<Place<'_>> {
        let cause = |site: &&Site| !site.role.is_effect();
        Bracketed(self.finding.sites.iter().filter(cause).find_map(|site| site.application()).map(Frame::place))
    }
}

/// Something in brackets behind a word, if there is something.
struct Bracketed<T>(Option<T>);

impl<T: Display> Display for Bracketed<T> {
    fn fmt(&self, out: &mut Formatter) -> Result {
        self.0.as_ref().map_or(Ok(()), |inner| write!(out, " ({inner})"))
    }
}

impl Display for ShortCure<'_, '_> {
    fn fmt(&self, out: &mut Formatter) -> Result {
        let (place, it, line) = (self.program.place(), AtMost(NAME, Plain(self.it())), self.line());
        // "In the child" says it.
        let later = if self.program.server == Server::Other { "" } else { ", not before the fork" };
        let thread = self.thread().map(|name| AtMost(NAME, Plain(name)));
        match (self.finding.kind, thread) {
            (FindingKind::ThreadLost, Some(thread)) => write!(out, "start \"{thread}\"{line} in {place}{later}"),
            (FindingKind::ThreadLost, None) => write!(out, "start the thread{line} in {place}{later}"),
            (FindingKind::JoinLostThread, _) if self.runtime().is_some() => {
                write!(out, "use {} first in {place}{later}", self.runtime().unwrap_or_default())
            }
            (FindingKind::JoinLostThread, None) => write!(out, "make what it waits for{line} in {place}{later}"),
            (FindingKind::JoinLostThread, Some(thread)) => write!(out, "start \"{thread}\" in {place}{later}"),
            (kind, _) if is_unshared(kind, &self.finding.subject) => {
                out.write_str("make it process-shared (PTHREAD_PROCESS_SHARED, sem_init's pshared); std::mutex never is")
            }
            (FindingKind::LockDeadlock, _) if waits_alone(self.finding.kind, &self.finding.subject) => {
                write!(out, "start the thread that would wake it up in {place}; another process needs a pipe to do so")
            }
            // Nobody makes a lock of the C library's anew.
            (FindingKind::LockOrphaned | FindingKind::LockDeadlock, Some(thread))
                if self.finding.subject.contains("C library's") =>
            {
                write!(out, "start \"{thread}\"{} in {place}", self.start())
            }
            (FindingKind::LockOrphaned | FindingKind::LockDeadlock, Some(thread)) => {
                write!(out, "start \"{thread}\"{} in {place}, or make the lock anew there", self.start())
            }
            (FindingKind::LockOrphaned | FindingKind::LockDeadlock, None) if !self.finding.subject.contains(OWN_HOLDER) => {
                write!(out, "start the thread that takes it in {place}, or make the lock anew there")
            }
            (FindingKind::ConnectionSharedUse, _) if self.finding.subject.starts_with("the self-pipe") => {
                write!(out, "set the handler{line}, and the pipe that it writes to, anew in {place}")
            }
            (FindingKind::ConnectionSharedUse, _) if is_goodbye(&self.finding.subject, self.program.server) => {
                write!(out, "end the child by {}: what closes {it}{line} must not run there", self.program.ends_at_once())
            }
            (FindingKind::ConnectionSharedUse, _) if is_of_datagrams(&self.finding.subject) => {
                write!(out, "make the socket{line} in {place}{later}")
            }
            (FindingKind::ConnectionInherited | FindingKind::ConnectionSharedUse, _) => {
                write!(out, "connect to {it}{line} in {place}{later}")
            }
            (FindingKind::EpollInherited | FindingKind::EpollSharedUse, _) => {
                write!(out, "make it{line} in {place}{later}")
            }
            (FindingKind::FileOffsetShared, _) if self.finding.subject.ends_with(MOVED) => {
                write!(out, "open it{line} in {place}")
            }
            (FindingKind::FileOffsetShared, _) => write!(out, "open it{line} in {place}, or with O_APPEND"),
            (FindingKind::SqliteInherited, _) => write!(out, "close it{line} before the fork, open it in {place}"),
            (FindingKind::HandlerInherited, _) if self.finding.subject.contains(" sent to end it") => {
                write!(out, "reset {it} in {}, or let its handler{line} end the process", self.program.signal_place())
            }
            (FindingKind::HandlerInherited | FindingKind::HandlerDropped, _) => {
                write!(out, "set {it}'s handler{line} in {}", self.program.signal_place())
            }
            (FindingKind::SignalsBlocked, _) if self.finding.subject.contains(" sent to end it") => {
                write!(out, "set {it} to the default in {}", self.program.signal_place())
            }
            (FindingKind::SignalsBlocked, _) if self.finding.subject.contains(STATUS_LOST) => {
                write!(out, "set SIGCHLD to SIG_DFL in {}", self.program.signal_place())
            }
            (FindingKind::SignalsBlocked, _) => self.give_signals(out),
            (FindingKind::TimerLost, _) => write!(out, "arm it again{line} in {place}"),
            (FindingKind::RuntimeUnsafe, _) => write!(out, "use {it} first in {place}{later}"),
            (FindingKind::RngShared, _) => write!(out, "seed it in {place} ({})", self.program.seed()),
            (FindingKind::BufferDuplicated, _) if self.finding.subject.contains(COMPRESSED) => {
                write!(out, "close the file{line} before the fork, or end the child by {}", self.program.ends_at_once())
            }
            (FindingKind::BufferDuplicated, _) => write!(out, "flush the stream{line} before the fork"),
            (FindingKind::ExitHandlerInherited, _) if self.finding.subject.contains(AT_INTERPRETERS_END) => {
                write!(out, "end the child by {}: the process{line} is its leader's", self.program.ends_at_once())
            }
            (FindingKind::ExitHandlerInherited, _) if self.finding.subject.contains(AT_BLOCKS_END) => {
                write!(out, "end the child by {} inside the block{line}, which it leaves otherwise", self.program.ends_at_once())
            }
            (FindingKind::ExitHandlerInherited, _) if self.is_made_by_package() => {
                write!(out, "have the package make it{line} in {place}")
            }
            (FindingKind::ExitHandlerInherited, _) => {
                write!(out, "let it{line} return where getpid() is not the process that registered or made it")
            }
            (FindingKind::PipeInherited, _) if self.finding.subject.ends_with(FULL_PIPE) => {
                write!(out, "read the pipe{line} before waiting for the end of who writes there")
            }
            (FindingKind::PipeInherited, _) => write!(out, "close the end{line} that the process does not use, in {place}"),
            (FindingKind::LockFileShared, _) if self.finding.subject.contains("it had locked") => {
                write!(out, "close it{line} in {place}, or unlock it before it is closed")
            }
            (FindingKind::LockFileShared, _) if self.finding.subject.contains("the child has none") => {
                write!(out, "take the lock{line} in the process that goes on, after its last fork")
            }
            (FindingKind::LockFileShared, _) if self.finding.subject.ends_with(RELEASED_AT_END) => {
                write!(out, "end the child by {}: what unlocks it{line} must not run there", self.program.ends_at_once())
            }
            (FindingKind::LockFileShared, _) if self.finding.subject.ends_with(RELEASED) => {
                write!(
                    out,
                    "leave the lock{line} alone in the child: unlock it only in the process that took it (compare getpid())"
                )
            }
            (FindingKind::LockFileShared, _) => write!(out, "open the file{line} anew and take the lock in {place}"),
            (FindingKind::SocketInherited, _) => {
                write!(out, "close the child's copy{line} in {place}, or fork before connections are accepted")
            }
            (FindingKind::FdLeakedExec, _) => {
                write!(out, "make it{line} with O_CLOEXEC or SOCK_CLOEXEC, or set FD_CLOEXEC on it")
            }
            (FindingKind::ClosedDescriptorUsed, _) => {
                write!(out, "open it{line} in the child once all descriptors are closed, or leave its descriptor open there")
            }
            (FindingKind::SiblingWaitedFor, _) => {
                write!(out, "wait for it in the process that started it{line}, or start it in {place}")
            }
            _ => write!(out, "{}", FirstWay(&self.finding.cure)),
        }
    }
}

/// The first of the ways that a text names, to stand in the middle of a line.
struct FirstWay<'a>(&'a str);

impl Display for FirstWay<'_> {
    fn fmt(&self, out: &mut Formatter) -> Result {
        let way = self.0.split(". ").next().and_then(|sentence| sentence.split(';').next()).unwrap_or_default();
        let way = way.trim_end_matches('.');
        let mut letters = way.chars();
        letters.next().map_or(Ok(()), |first| write!(out, "{}{}", first.to_ascii_lowercase(), Plain(letters.as_str())))
    }
}

/// A text of so many columns at most.
pub(crate) struct AtMost<T>(pub(crate) usize, pub(crate) T);

impl<T: Display> Display for AtMost<T> {
    fn fmt(&self, out: &mut Formatter) -> Result {
        let AtMost(columns, text) = self;
        let mut length = Columns { out: &mut Nowhere, left: usize::MAX };
        write!(length, "{text}")?;
        match usize::MAX - length.left <= *columns {
            true => write!(out, "{text}"),
            false => {
                write!(Columns { out: &mut *out, left: columns - 1 }, "{text}")?;
                out.write_char('…')
            }
        }
    }
}

/// Lets so many characters through.
struct Columns<'o> {
    out: &'o mut dyn Write,
    left: usize,
}

impl Write for Columns<'_> {
    fn write_str(&mut self, text: &str) -> Result {
        for char in text.chars().take(self.left) {
            self.out.write_char(char)?;
            self.left -= 1;
        }
        Ok(())
    }
}

/// Takes everything.
struct Nowhere;

impl Write for Nowhere {
    fn write_str(&mut self, _: &str) -> Result {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Severity, State};

    fn short(server: Server, executable: &str, kind: FindingKind, subject: &'static str, file: Option<&'static str>) -> String {
        let site = |file| site(Role::Started, &[file]);
        short_at(server, executable, kind, subject, file.map(site))
    }

    /// A Python site with these files, innermost first.
    fn site(role: Role, files: &[&'static str]) -> Site<'static> {
        let frame = |file: &'static str| Frame {
            language: "python".into(),
            function: Some("start".into()),
            file: Some(file.into()),
            line: Some(13),
            module: None,
            offset: None,
            build_id: None,
        };
        Site { role, thread: None, frames: files.iter().map(|file| frame(file)).collect() }
    }

    fn short_at(
        server: Server,
        executable: &str,
        kind: FindingKind,
        subject: &'static str,
        site: Option<Site<'static>>,
    ) -> String {
        let finding = Finding {
            id: "7.1:x:y".into(),
            kind,
            severity: Severity::Warning,
            state: State::Open,
            child: Some(9),
            subject: subject.into(),
            at: vec![].into(),
            sites: site.into_iter().collect(),
            explain: kind.explain().into(),
            cure: format!("{}{OR_OPTION}FORKGUARD_X=y.", kind.cure(server)).into(),
            suppressed: false,
        };
        assert_eq!(option(&finding), Some("FORKGUARD_X=y"));
        let mut out = String::new();
        let program = Program { server, language: Program::recognise(executable, "").language };
        write_line(&mut out, "cure: ", &finding, program).unwrap();
        out
    }

    #[test]
    fn names_are_filled_in() {
        let app = Some("/srv/app.py");
        assert_eq!(
            short(Server::Gunicorn, "", FindingKind::ThreadLost, "thread \"beat\" (tid 8)", app),
            "cure: start \"beat\" (app.py:13) in gunicorn's post_fork, not before the fork\n"
        );
        assert_eq!(
            short(
                Server::Other,
                "/usr/bin/ruby3.1",
                FindingKind::LockDeadlock,
                "thread \"a\" (tid 3) waits for the mutex at 0x7, held by thread \"b\" (tid 8)",
                Some("/srv/app.rb")
            ),
            "cure: start \"b\" (app.rb:13) in the child (fork's block), or make the lock anew there\n"
        );
        let of_runtime =
            "a thread waits for a condition; lost at the fork: 2 threads of the Java virtual machine (\"GC\", \"VM\")";
        assert_eq!(
            short(Server::Gunicorn, "", FindingKind::JoinLostThread, of_runtime, None),
            "cure: use the Java virtual machine first in gunicorn's post_fork, not before the fork\n"
        );
        assert_eq!(
            short(Server::Other, "/srv/server", FindingKind::ThreadLost, "an unnamed thread (tid 8)", Some("/srv/main.c")),
            "cure: start the thread (main.c:13) in the child, after fork (pthread_atfork)\n"
        );
        assert_eq!(
            short(Server::Puma, "", FindingKind::ConnectionInherited, "TCP 127.0.0.1:5432 (PostgreSQL), descriptor 3", app),
            "cure: connect to TCP 127.0.0.1:5432 (app.py:13) in Puma's on_worker_boot, not before the fork\n"
        );
        assert_eq!(
            short(Server::Gunicorn, "", FindingKind::HandlerDropped, "SIGUSR2", app),
            "cure: set SIGUSR2's handler (app.py:13) in gunicorn's post_worker_init\n"
        );
        assert_eq!(
            short(Server::Gunicorn, "", FindingKind::LockFileShared, "the lock by flock on /run/app.pid, descriptor 3", app),
            "cure: open the file (app.py:13) anew and take the lock in gunicorn's post_fork\n"
        );
        assert_eq!(
            short(
                Server::Celery,
                "/usr/bin/python3",
                FindingKind::SignalsBlocked,
                "SIGTERM, SIGINT blocked by the forking thread",
                app
            ),
            "cure: unblock SIGTERM, SIGINT (signal.pthread_sigmask) in celery's worker_process_init\n"
        );
        assert_eq!(
            short(Server::Other, "", FindingKind::SignalsBlocked, "SIGTERM blocked, SIGPIPE ignored in /bin/sleep", app),
            "cure: unblock SIGTERM (pthread_sigmask) and set SIGPIPE to the default before /bin/sleep is executed\n"
        );
        assert_eq!(
            short(Server::Other, "", FindingKind::SignalsBlocked, "SIGTERM ignored in /bin/sleep", app),
            "cure: set SIGTERM to the default before /bin/sleep is executed\n"
        );
        assert_eq!(
            short(Server::Other, "", FindingKind::SignalsBlocked, "SIGTERM, sent to end it, has not done so in 2.0 s", app),
            "cure: set SIGTERM to the default in the child, after fork (pthread_atfork)\n"
        );
        assert_eq!(
            short(Server::Other, "", FindingKind::ExitHandlerInherited, "stop_broker", app),
            "cure: let it (app.py:13) return where getpid() is not the process that registered or made it\n"
        );
        let at_end = "_exit_function() at the interpreter's end sends SIGTERM to process 7 (\"python3\")";
        assert_eq!(
            short(Server::Gunicorn, "", FindingKind::ExitHandlerInherited, at_end, app),
            "cure: end the child by _exit(): the process (app.py:13) is its leader's\n"
        );
    }

    #[test]
    fn what_a_package_made_is_no_handler_of_the_applications() {
        let removes = "rmtree() removes /tmp/matplotlib-x/fontlist.json";
        let sentence = |files: &[&'static str]| {
            short_at(Server::Gunicorn, "", FindingKind::ExitHandlerInherited, removes, Some(site(Role::Created, files)))
        };
        assert_eq!(
            sentence(&[
                "/usr/lib/python3.11/json.py",
                "/srv/venv/lib/python3.11/site-packages/matplotlib/font.py",
                "/srv/app.py"
            ]),
            "cure: have the package make it (app.py:13) in gunicorn's post_fork\n"
        );
        assert_eq!(
            sentence(&["/usr/lib/python3.11/tempfile.py", "/srv/app.py"]),
            "cure: let it (app.py:13) return where getpid() is not the process that registered or made it\n"
        );
    }

    #[test]
    fn one_option_names_all_threads() {
        let options = |options: &[&str]| {
            let mut out = String::new();
            write_options(&mut out, options.iter().copied()).unwrap();
            out
        };
        assert_eq!(options(&["FORKGUARD_FILES=own", "FORKGUARD_FILES=own"]), "FORKGUARD_FILES=own");
        let (beat, mail) = ("FORKGUARD_THREADS=revive:beat", "FORKGUARD_THREADS='revive:the mailer'");
        assert_eq!(options(&[beat, beat]), beat);
        assert_eq!(options(&[beat, mail, beat]), "FORKGUARD_THREADS='revive:beat,the mailer'");
        let numbered = ["pool-1", "pool-2", "beat", "pool-13"].map(|name| format!("{REVIVE}{name}"));
        assert_eq!(options(&numbered.each_ref().map(String::as_str)), "FORKGUARD_THREADS=revive:pool-*,beat");
    }

    #[test]
    fn goodbyes_and_compressors() {
        let subject = "TCP 127.0.0.1:5432 (PostgreSQL), descriptor 3, used as the child ends";
        let sentence = |kind, subject, executable| short(Server::Other, executable, kind, subject, Some("/srv/app.py"));
        const BUFFER: &str = "a.gz (descriptor 3, 10 bytes in Python's buffer, more in its compressor)";
        let line = sentence(FindingKind::BufferDuplicated, BUFFER, "/usr/bin/python3");
        assert_eq!(line, "cure: close the file (app.py:13) before the fork, or end the child by os._exit()\n");
        let line = sentence(FindingKind::ConnectionSharedUse, subject, "/usr/bin/ruby");
        assert_eq!(line, "cure: end the child by exit!: what closes TCP 127.0.0.1:5432 (app.py:13) must not run there\n");
    }

    #[test]
    fn what_does_not_fit_is_left_out_by_clauses() {
        let text =
            "start \"a thread\" (app.py:3) in the child (a pool's initializer, os.register_at_fork), or make the lock anew there";
        let at = |columns| whole_clauses(text, columns);
        assert_eq!(at(200), Some(text));
        assert_eq!(at(90), text.split(", or make").next());
        assert_eq!(at(70), text.split(" (a pool's").next());
        assert_eq!((at(44), at(20)), (text.split(" (a pool's").next(), None));
        let text = "connect to unix /tmp/pymp-1/listener-7 (app.py:4) in gunicorn's post_fork, not before the fork";
        assert_eq!((whole_clauses(text, 80), whole_clauses(text, 60)), (text.split(", not").next(), None));
        assert_eq!(
            whole_clauses("end the child by _exit(), or wait: it is a little too long", 45),
            Some("end the child by _exit(), or wait")
        );
    }

    #[test]
    fn no_cure_is_longer_than_a_line() {
        let executables = ["/usr/bin/python3", "/usr/bin/ruby", "/usr/bin/perl", "/usr/bin/php", "/srv/server"];
        const SUBJECT: &str = "thread \"a name that somebody gave it and that is longer than anybody would think of\" (tid 8)";
        for (server, executable) in Server::ALL.into_iter().flat_map(|server| executables.map(|it| (server, it))) {
            for kind in FindingKind::ALL {
                let line = short(server, executable, kind, SUBJECT, Some("/srv/application.py"));
                assert!(line.trim_end().chars().count() <= COLUMNS && line.len() > 30, "{line}");
            }
        }
    }
}
