//! The catalogue of findings: what each kind means and what cures it, for the server at hand.
//!
//! Tables of `&'static str` only: the preload library reads them where it may not allocate.
use crate::event::{DescriptorKind, FindingKind, ForkKind, LockKind, Role, Severity, SocketRole, State};
use std::fmt::{Display, Formatter, Result};

/// The server (or pool) that forks, as far as its texts differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// Anything else.
    Other,
    /// gunicorn.
    Gunicorn,
    /// uWSGI.
    Uwsgi,
    /// Unicorn.
    Unicorn,
    /// Puma.
    Puma,
    /// celery's prefork pool.
    Celery,
    /// An RQ worker, which forks for every job.
    Rq,
    /// Apache, nginx, php-fpm: servers whose children run no application code of their own hooks.
    Native,
}

/// The page with a section for each kind of finding.
const PAGE: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/findings.md");

/// A section of it.
struct Section(&'static str);

impl Display for Section {
    fn fmt(&self, out: &mut Formatter) -> Result {
        write!(out, "{PAGE}#{}", self.0)
    }
}

/// Beginnings of program names; scripts (gunicorn, celery …) show in the kernel's name, not in the executable's.
const SERVERS: &[(&str, Server)] = &[
    ("gunicorn", Server::Gunicorn),
    ("uwsgi", Server::Uwsgi),
    ("pyuwsgi", Server::Uwsgi),
    ("unicorn", Server::Unicorn),
    ("puma", Server::Puma),
    ("celery", Server::Celery),
    ("[celeryd", Server::Celery),
    ("rq", Server::Rq),
    ("nginx", Server::Native),
    ("apache2", Server::Native),
    ("httpd", Server::Native),
    ("php-fpm", Server::Native),
    ("postgres", Server::Native),
];

impl Server {
    /// All of them.
    pub const ALL: [Server; 8] = [
        Server::Other,
        Server::Gunicorn,
        Server::Uwsgi,
        Server::Unicorn,
        Server::Puma,
        Server::Celery,
        Server::Rq,
        Server::Native,
    ];

    /// The server by its program file and its name in the kernel (or in its title).
    pub fn recognise(executable: &str, name: &str) -> Server {
        let file = executable.rsplit('/').next().unwrap_or_default();
        let starts = |program: &str| SERVERS.iter().find(|(beginning, _)| program.starts_with(beginning));
        starts(name).or_else(|| starts(file)).map_or(Server::Other, |&(_, server)| server)
    }

    /// The name of the server whose script or module an interpreter was given (`python3 -m gunicorn`, `ruby /usr/bin/puma`), or a command of Django's
    /// or Flask's (`manage.py rqworker`): the kernel calls such a process by the interpreter. `arguments` are the process's, each with a zero byte behind it.
    pub fn script(arguments: &[u8]) -> Option<&'static str> {
        let mut words = arguments.split(|&byte| byte == 0).skip(1).filter_map(|word| std::str::from_utf8(word).ok());
        let given = loop {
            match words.next()? {
                "-c" | "-e" => return None,
                "-m" => break words.next()?.split('.').next()?,
                "-W" | "-X" | "-I" | "-r" => _ = words.next(),
                option if option.starts_with('-') => {}
                script => break script.rsplit('/').next()?,
            }
        };
        let given = match given {
            "manage.py" | "django-admin" | "flask" => {
                let command = words.find(|word| !word.starts_with('-'))?;
                command.strip_suffix("worker").unwrap_or(command)
            }
            server => server,
        };
        SERVERS.iter().find(|(name, _)| *name == given).map(|&(name, _)| name)
    }

    /// A frame's line as its file has it: Unicorn evaluates an application's `.ru` behind a line of its own (`Unicorn.builder`), and Ruby counts that.
    pub fn line_in_file(self, file: &str, line: u32) -> u32 {
        if self == Server::Unicorn && file.ends_with(".ru") { line.saturating_sub(1) } else { line }
    }

    /// Its name as its project writes it; empty for those that have no texts of their own.
    pub const fn name(self) -> &'static str {
        match self {
            Server::Other | Server::Native => "",
            Server::Gunicorn => "gunicorn",
            Server::Uwsgi => "uWSGI",
            Server::Unicorn => "Unicorn",
            Server::Puma => "Puma",
            Server::Celery => "celery",
            Server::Rq => "rq",
        }
    }
}

/// One kind of finding.
struct Entry {
    name: &'static str,
    explain: &'static str,
    cures: Cures,
}

/// One cure a server.
struct Cures {
    other: &'static str,
    gunicorn: &'static str,
    uwsgi: &'static str,
    unicorn: &'static str,
    puma: &'static str,
    celery: &'static str,
    rq: &'static str,
    native: &'static str,
}

/// The same sentence around each server's place for code that runs in a new worker, with an end that depends on the language.
macro_rules! cures {
    ($before:literal, $after:literal) => {
        cures!($before, $after, python = "", ruby = "", c = "")
    };
    ($before:literal, $after:literal, python = $python:literal, ruby = $ruby:literal, c = $c:literal) => {
        cures!(
            @ $before, $after, $python, $ruby, $c, "gunicorn's post_fork hook", "a handler of celery's worker_process_init signal"
        )
    };
    // Where signals are set: after the worker has done so itself.
    (signal: $before:literal, $after:literal) => {
        cures!(
            @ $before, $after, "", "", "",
            "gunicorn's post_worker_init hook (post_fork comes before the worker resets its signals)",
            "a handler of celery's task_prerun signal (worker_process_init comes before the pool sets most signals)"
        )
    };
    (@ $before:literal, $after:literal, $python:literal, $ruby:literal, $c:literal, $gunicorn:literal, $celery:literal) => {
        Cures {
            other: concat!(
                $before,
                "the child right after the fork (os.register_at_fork in Python, pthread_atfork in C)",
                $after,
                $c
            ),
            gunicorn: concat!($before, $gunicorn, $after, $python),
            uwsgi: concat!($before, "a function under uWSGI's @postfork (module uwsgidecorators)", $after, $python),
            unicorn: concat!($before, "Unicorn's after_fork block", $after, $ruby),
            puma: concat!($before, "Puma's on_worker_boot block", $after, $ruby),
            celery: concat!($before, $celery, $after, $python),
            rq: concat!($before, "the job (RQ forks a process for each)", $after, $python),
            native: concat!($before, "the worker's own start (Apache: child_init, nginx: init_process)", $after, $c),
        }
    };
}

/// Stands in the cures of [`Server::Other`] behind the child, for all languages.
pub const CHILD_HOOKS: &str = " (os.register_at_fork in Python, pthread_atfork in C)";

/// Stands in a cure before the option that would deal with the finding, too.
pub const OR_OPTION: &str = " Or run it with ";

/// Explains a thread-lost finding whose thread works for the process that forks, and cures it.
pub const EXPLAIN_LEADERS_THREAD: &str = "Only the thread that forks exists in the child. This one works for the process that started it \
    (it feeds, watches or collects from its children), and a child does without it.";
/// Explains a thread-lost finding of a child that was made to run one function.
pub const EXPLAIN_FUNCTIONS_THREAD: &str = "Only the thread that forks exists in the child. This child runs one function (multiprocessing): \
    it needs the thread only if that function gives it work or waits for it, which is an error of its own.";
/// The cure of a lost thread that a library started for itself as it was loaded.
pub const CURE_LIBRARYS_THREAD: &str = "Nothing, as long as the child does without what the library has it do; else load the library in the child, not before the fork.";
/// The cure of a lost thread that a library's code in another lost thread started.
pub const CURE_HELPERS_THREAD: &str = "Nothing of its own: where the thread that started it is started again, it is, too.";

/// The cure of a lost thread of the runtime whose thread forks.
pub const CURE_RUNTIMES_THREAD: &str = "Fork before the runtime starts, or execute a program in the child; leave it to who starts the \
    program to put it into the background.";

/// See [`EXPLAIN_LEADERS_THREAD`].
pub const CURE_LEADERS_THREAD: &str =
    "Leave it where it is: started in a child, too, it would take the work of the process that forks.";

/// Behind a lock on a file that the leader holds.
pub const RELEASED: &str = " is released by the child";
/// The same of an exit handler or a destructor.
pub const RELEASED_AT_END: &str = " is released by the child as it ends";

/// Behind a file that the child reads or writes where it did not mean to.
pub const MOVED: &str = ": another process moved the position after this one had set it";

/// Behind who would read a full pipe: it waits for a process that cannot end before it has written.
pub const FULL_PIPE: &str = " waits for its end first";
/// Explains such a wait.
pub const EXPLAIN_FULL_PIPE: &str = "A process cannot end before what it has written fits into the pipe (64 KiB, as a rule), and who would read \
    that waits for the end: neither goes on.";
/// The cure of such a wait.
pub const CURE_FULL_PIPE: &str = "Read what a child sends before its end is waited for (multiprocessing: Queue.get, then Process.join; subprocess: communicate).";

/// Stands in the subject of a wait in a process of one thread.
pub const WAITS_ALONE: &str = " with no other thread in its process";
/// Explains one for what is no lock.
pub const EXPLAIN_WAITS_ALONE: &str = "This thread waits for what only another thread of its process would do (wake it up, end, release it), and \
    there is none: it does not come back. What another process does in its own copy of the memory does not reach it.";
/// The cure of such a wait.
pub const CURE_WAITS_ALONE: &str = "Start the thread that would wake it up in the process that waits, not before the fork; what another process \
    is to give needs a pipe, or objects that are made for several processes.";

/// Stands in the subject of a wait for an object that only its own process wakes up others for.
pub const UNSHARED: &str =
    " that was made for one process, but lies in memory that processes share: what another one does wakes nobody here";
/// Explains one.
pub const EXPLAIN_UNSHARED: &str = "A lock, condition, barrier or semaphore that was not made process-shared is waited for within one process: \
    another process that shares the memory may release it, but the kernel wakes up nobody here.";
/// The cure of one.
pub const CURE_UNSHARED: &str = "Make it process-shared (pthread_mutexattr_setpshared and its like with PTHREAD_PROCESS_SHARED, sem_init with a \
    second argument of 1); std::mutex, std::condition_variable and Rust's locks never are: use POSIX's, boost::interprocess or a pipe.";

/// True for such a wait, by the subject of its finding.
pub fn is_unshared(kind: FindingKind, subject: &str) -> bool {
    kind == FindingKind::LockDeadlock && subject.contains(UNSHARED)
}

/// True for a wait in a process of one thread for what is no lock, by the subject of its finding.
pub fn waits_alone(kind: FindingKind, subject: &str) -> bool {
    const LOCKS: [&str; 3] = ["lock", "mutex", "static variable"];
    kind == FindingKind::LockDeadlock && subject.contains(WAITS_ALONE) && !LOCKS.iter().any(|lock| subject.contains(lock))
}

/// Explains a lock-orphaned finding whose lock the forking thread itself holds.
pub const EXPLAIN_OWN_LOCK: &str = "The child's thread holds it under the thread id it had in the leader: \
    in the child, locking it again blocks and unlocking it fails or does nothing.";

/// Who holds such a lock, as a subject names it.
pub const OWN_HOLDER: &str = "the forking thread itself";
/// See [`EXPLAIN_OWN_LOCK`].
pub const CURE_OWN_LOCK: &str = "Release it before the fork, or fork where it is not held; a library that holds it over the fork on \
    purpose makes it anew in the child's handler (pthread_atfork).";

/// Explains one whose lock lies in memory that processes share.
pub const EXPLAIN_SHARED_LOCK: &str = "It lies in memory that processes share, though it was not made for several: the child's lock is the leader's, \
    whose thread may still release it, but wakes nobody in the child.";

/// Stands in the subject of a wait for a process whose status nobody gets.
pub const STATUS_LOST: &str = "the status of process";

/// Explains one.
pub const EXPLAIN_STATUS_LOST: &str = "While a process ignores SIGCHLD, the kernel keeps no status of the programs that it starts: each wait for \
    one fails (ECHILD), and who takes that for its end does not know whether it succeeded.";

/// The cure of one.
pub const CURE_STATUS_LOST: &str = "Set SIGCHLD to SIG_DFL in the child, at its start.";

/// Begins the subject of a use of a client's socket for datagrams.
pub const UDP: &str = "UDP socket ";

/// Begins the subject of a use of a socket by which the kernel is asked.
pub const NETLINK: &str = "netlink socket, ";

/// True for a use of either.
pub fn is_of_datagrams(subject: &str) -> bool {
    subject.starts_with(UDP) || subject.starts_with(NETLINK)
}

/// Explains one.
pub const EXPLAIN_UDP: &str = "The child has sent and read on a socket that others send on, too: an answer goes to whoever reads first, \
    whoever has asked.";

/// The cure of one.
pub const CURE_UDP: &str = "Make the socket in each process that asks, not before the fork.";

/// Cures a connection that child and leader share, used or not.
const OWN_CONNECTION: Cures = cures!(
    "Connect in ",
    " instead of before the fork; or drop the inherited connection there without a goodbye and connect anew",
    python = " (SQLAlchemy: engine.dispose(close=False)).",
    ruby = "; or close it in before_fork.",
    c = "."
);

/// Behind the name of a function of a library's that an interpreter runs at its end.
pub const AT_INTERPRETERS_END: &str = " at the interpreter's end";

/// Behind the name of a function by which a block is left that was entered before the fork.
pub const AT_BLOCKS_END: &str = " at the end of a block of the leader's";

/// Stands in the subject of a connection that an exit handler or a destructor of the child uses.
pub const AS_IT_ENDS: &str = ", used as the child ends";
/// Cures such a use where the program itself ends its children.
pub const CURE_GOODBYE: &str = "End the child by _exit (os._exit in Python, exit! in Ruby), so that no exit handler and no destructor that it \
    has from its leader says goodbye there; or have them leave alone what another process opened (compare process ids).";

/// True for a use that [`CURE_GOODBYE`] cures. A server's workers do not end by the application's own words.
pub fn is_goodbye(subject: &str, server: Server) -> bool {
    server == Server::Other && subject.ends_with(AS_IT_ENDS)
}

/// Stands in the subject of a file whose bytes are compressed before they are buffered.
pub const COMPRESSED: &str = ", more in its compressor";
/// Cures one: a flush leaves the compressor's state, and the end of the file that it will write.
pub const CURE_COMPRESSED: &str = "Close the file before the fork; or end the child by os._exit. To flush it does not help: the child's copy of the \
    compressor still writes the end of the file when it is destroyed.";

const fn entry(kind: FindingKind) -> &'static Entry {
    match kind {
        FindingKind::ThreadLost => &Entry {
            name: "thread-lost",
            explain: "Only the thread that forks exists in the child: this one is gone there. What it did stops without a word, \
                and whoever waits for it to do something may wait for ever.",
            cures: cures!("Start it in ", ", once in every worker, instead of before the fork."),
        },
        FindingKind::LockOrphaned => &Entry {
            name: "lock-orphaned",
            explain: "The thread that holds it does not exist in the child and will not release it there: \
                a thread of the child that has to wait for it waits, as a rule for ever.",
            cures: cures!(
                "Start the thread that takes it in ",
                " instead of before the fork; or make the lock anew there before its first use."
            ),
        },
        FindingKind::ConnectionInherited => &Entry {
            name: "connection-inherited",
            explain: "Child and leader share one connection: if both use it, their requests and answers mix, \
                and a goodbye of one (a protocol's or TLS's) ends it for the other.",
            cures: OWN_CONNECTION,
        },
        FindingKind::SocketInherited => &Entry {
            name: "socket-inherited",
            explain: "The child has a copy of a connection that its leader accepted: as long as it lives and does not close that, the client \
                sees no end of the connection, though the leader has closed it.",
            cures: cures!(
                "Close the child's copy in ",
                ", or fork before connections are accepted; or shut the connection down (shutdown) before the leader closes it."
            ),
        },
        FindingKind::EpollInherited => &Entry {
            name: "epoll-inherited",
            explain: "Child and leader share one instance in the kernel: what one adds, removes or takes out of it \
                is changed for the other, too.",
            cures: cures!(
                "Make it in ",
                " instead of before the fork; or close the inherited one there and make a new one",
                python = " (asyncio: a new event loop).",
                ruby = ".",
                c = "."
            ),
        },
        FindingKind::FileOffsetShared => &Entry {
            name: "file-offset-shared",
            explain: "Child and leader share one position in this file: reading or writing in one moves it for the other, \
                so data are skipped, read twice or written to the wrong place.",
            cures: cures!("Open it in ", " instead of before the fork; open a log with O_APPEND; or use pread and pwrite."),
        },
        FindingKind::SqliteInherited => &Entry {
            name: "sqlite-inherited",
            explain: "SQLite forbids to carry an open database across a fork: its file locks stay with the leader, \
                so the child works without them and can corrupt the file.",
            cures: cures!("Close it before the fork and open it in ", "."),
        },
        FindingKind::HandlerInherited => &Entry {
            name: "handler-inherited",
            explain: "The application's handler runs in the child, too, on a copy of the leader's state, until the worker \
                sets this signal itself; if it resets it, the default action applies, which ends the process for most signals.",
            cures: cures!(
                signal: "If the handler is meant for the workers, set it in ",
                "; if for the leader only, reset it there."
            ),
        },
        FindingKind::SignalsBlocked => &Entry {
            name: "signals-blocked",
            explain: "The child, or the program that it executes, starts with it blocked or ignored: sent there, it does nothing \
                until it is unblocked or handled there.",
            cures: cures!(
                "Fork with it unblocked, or unblock it in ",
                "",
                python = " (signal.pthread_sigmask).",
                ruby = ".",
                c = " (pthread_sigmask)."
            ),
        },
        FindingKind::TimerLost => &Entry {
            name: "timer-lost",
            explain: "A fork does not hand timers down: this one never fires in the child, \
                and what it was to start or to end there does not happen.",
            cures: cures!("Arm it in ", " again."),
        },
        FindingKind::RuntimeUnsafe => &Entry {
            name: "runtime-unsafe",
            explain: "This runtime was started before the fork and relies on threads or state that the child does not get: \
                using it in the child may hang, fail or crash.",
            cures: cures!("Use it for the first time in ", " or later in the worker, not before the fork."),
        },
        FindingKind::RngShared => &Entry {
            name: "rng-shared",
            explain: "Every child starts from the same state of this generator: unless seeded anew, \
                all of them draw the same numbers.",
            cures: cures!("Seed it in ", "", python = " (numpy: numpy.random.seed()).", ruby = " (a new Random).", c = "."),
        },
        FindingKind::BufferDuplicated => &Entry {
            name: "buffer-duplicated",
            explain: "This output was in the leader's buffer at the fork and is in the child's copy of it, too: if both write it (exit, fflush, \
                fclose), it appears twice.",
            cures: cures!("Flush the stream before the fork; or end the child by _exit; or drop its copy in ", "."),
        },
        FindingKind::ExitHandlerInherited => &Entry {
            name: "exit-handler-inherited",
            explain: "The application registered this handler, made this object or entered this block before the fork: each child that ends by \
                exit runs it, as the leader does, and what it removes or ends there is the leader's, too.",
            cures: cures!(
                "Have the handler return where the process id is not the one that it was registered in; or end the child by _exit; \
                or register it in ",
                " if it is meant for workers."
            ),
        },
        FindingKind::PipeInherited => &Entry {
            name: "pipe-inherited",
            explain: "A pipe ends when its last descriptor is closed: as long as this process holds an end that is not meant for it, \
                whoever reads at the other end sees no end of file, and whoever writes no EPIPE.",
            cures: cures!(
                "Close it in ",
                "; or open it with O_CLOEXEC, after the forks that do not need it",
                python = ".",
                ruby = ".",
                c = "."
            ),
        },
        FindingKind::LockFileShared => &Entry {
            name: "lock-file-shared",
            explain: "A lock of flock(2) or F_OFD_SETLK belongs to the open file: the child shares it, its unlock releases it for both, and \
                it lasts until both have closed the file. A lock of F_SETLK is the leader's alone, and ends with it: the child has none.",
            cures: cures!(
                "Open the file anew and take the lock in ",
                "; in a child only close what it inherited, without unlocking it; a daemon takes the lock after its last fork."
            ),
        },
        FindingKind::LockDeadlock => &Entry {
            name: "lock-deadlock",
            explain: "This thread waits for a lock that nobody in its process will release: it does not come back.",
            cures: cures!(
                "Start the thread that takes the lock in ",
                " instead of before the fork; or make the lock anew there before its first use."
            ),
        },
        FindingKind::JoinLostThread => &Entry {
            name: "join-lost-thread",
            explain: "This thread waits for what only a lost thread would do (end, answer, wake it up): it does not come back.",
            cures: cures!("Start what it waits for (the thread, the pool, the runtime) in ", " instead of before the fork."),
        },
        FindingKind::ConnectionSharedUse => &Entry {
            name: "connection-shared-use",
            explain: "The child has sent, received or said goodbye on a connection that its leader opened: requests and answers of \
                both mix on it, and what one ends is ended for the other.",
            cures: OWN_CONNECTION,
        },
        FindingKind::EpollSharedUse => &Entry {
            name: "epoll-shared-use",
            explain: "The child has changed or waited on the leader's instance: what it adds, removes or takes out of it \
                is changed for the leader, too.",
            cures: cures!(
                "Close the inherited instance and make a new one in ",
                "",
                python = " (asyncio: a new event loop).",
                ruby = ".",
                c = "."
            ),
        },
        FindingKind::HandlerDropped => &Entry {
            name: "handler-dropped",
            explain: "The application had set a handler for this signal before the fork, and the worker took it away: there, \
                another handler runs now, or the signal is ignored, or its default action applies, which ends the process for most signals.",
            cures: cures!(signal: "Set the handler in ", ", after the worker's own reset."),
        },
        FindingKind::FdLeakedExec => &Entry {
            name: "fd-leaked-exec",
            explain: "The program that is executed holds it open without knowing of it: who reads from its other end sees no end, \
                a port or a lock stays taken, and the programs of a closed terminal are not hung up, as long as that program runs.",
            cures: cures!(
                "Make it with SOCK_CLOEXEC or O_CLOEXEC, or set FD_CLOEXEC on it; or, if workers do not need it, close it in ",
                "."
            ),
        },
        FindingKind::ClosedDescriptorUsed => &Entry {
            name: "closed-descriptor-used",
            explain: "The child has closed all descriptors, as a daemon does, and what opened this one before the fork does not know: what it \
                writes, reads or watches there fails, or goes into what was opened under the same number since.",
            cures: cures!(
                "Open it in ",
                ", once all descriptors are closed; or keep its descriptor open there",
                python = " (python-daemon: files_preserve).",
                ruby = ".",
                c = "."
            ),
        },
        FindingKind::SiblingWaitedFor => &Entry {
            name: "sibling-waited-for",
            explain: "Only the process that started a program can wait for it: in its child waitpid fails at once (ECHILD), and who takes that \
                for the program's end goes on too early and without its status (Python's Popen.wait returns 0).",
            cures: cures!("Wait for it in the process that started it, and tell the child by a pipe; or start it in ", "."),
        },
        FindingKind::AtforkStuck => &Entry {
            name: "atfork-stuck",
            explain: "fork() does not return in the child: a handler that this library registered with pthread_atfork waits for what \
                nobody in the child will give.",
            cures: cures!(
                "Start the thread that has what the handler waits for in ",
                " instead of before the fork; and tell the library's authors: a handler in the child must not wait."
            ),
        },
    }
}

impl FindingKind {
    /// All of them, in the order of `docs/findings.md`.
    pub const ALL: [FindingKind; 25] = [
        FindingKind::ThreadLost,
        FindingKind::LockOrphaned,
        FindingKind::ConnectionInherited,
        FindingKind::SocketInherited,
        FindingKind::EpollInherited,
        FindingKind::FileOffsetShared,
        FindingKind::SqliteInherited,
        FindingKind::HandlerInherited,
        FindingKind::SignalsBlocked,
        FindingKind::TimerLost,
        FindingKind::RuntimeUnsafe,
        FindingKind::RngShared,
        FindingKind::BufferDuplicated,
        FindingKind::ExitHandlerInherited,
        FindingKind::PipeInherited,
        FindingKind::LockFileShared,
        FindingKind::LockDeadlock,
        FindingKind::JoinLostThread,
        FindingKind::ConnectionSharedUse,
        FindingKind::EpollSharedUse,
        FindingKind::HandlerDropped,
        FindingKind::FdLeakedExec,
        FindingKind::ClosedDescriptorUsed,
        FindingKind::SiblingWaitedFor,
        FindingKind::AtforkStuck,
    ];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        entry(self).name
    }

    /// True for what the child finds when it happens; the others are hazards that the leader finds at the fork.
    pub const fn is_bite(self) -> bool {
        matches!(
            self,
            FindingKind::LockDeadlock
                | FindingKind::JoinLostThread
                | FindingKind::ConnectionSharedUse
                | FindingKind::EpollSharedUse
                | FindingKind::HandlerDropped
                | FindingKind::FdLeakedExec
                | FindingKind::ClosedDescriptorUsed
                | FindingKind::SiblingWaitedFor
                | FindingKind::AtforkStuck
        )
    }

    /// True for a hazard that a child may meet without any call: one that ended may have done so, one that only executed a program has not.
    pub const fn is_met_unseen(self) -> bool {
        matches!(self, FindingKind::RngShared)
    }

    /// The address of its section of `docs/findings.md`.
    pub const fn docs(self) -> impl Display {
        Section(self.name())
    }

    /// What will happen in the child.
    pub const fn explain(self) -> &'static str {
        entry(self).explain
    }

    /// What to do about it under `server`.
    pub const fn cure(self, server: Server) -> &'static str {
        let cures = &entry(self).cures;
        match server {
            Server::Other => cures.other,
            Server::Gunicorn => cures.gunicorn,
            Server::Uwsgi => cures.uwsgi,
            Server::Unicorn => cures.unicorn,
            Server::Puma => cures.puma,
            Server::Celery => cures.celery,
            Server::Rq => cures.rq,
            Server::Native => cures.native,
        }
    }
}

impl ForkKind {
    /// How the process was made, in words.
    pub const fn name(self) -> &'static str {
        match self {
            ForkKind::Fork => "fork",
            ForkKind::Daemon => "daemon",
            ForkKind::Forkpty => "forkpty",
            ForkKind::Internal => "fork inside a library",
            ForkKind::RawFork => "_Fork",
            ForkKind::Vfork => "vfork",
            ForkKind::Clone => "clone",
            ForkKind::PosixSpawn => "posix_spawn",
            ForkKind::System => "system",
            ForkKind::Popen => "popen",
            ForkKind::Syscall => "fork by a raw system call",
        }
    }
}

impl Severity {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

impl State {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Hit => "hit",
            State::Resolved => "resolved",
            State::Moot => "moot",
            State::Untouched => "untouched",
        }
    }
}

impl Role {
    /// What was done at the site, to stand before "at …".
    pub const fn deed(self) -> &'static str {
        match self {
            Role::Fork => "forked",
            Role::Started => "started",
            Role::Taken => "taken",
            Role::Opened => "opened",
            Role::Written => "written",
            Role::Set => "set",
            Role::Armed => "armed",
            Role::Created => "created",
            Role::Blocked => "blocked",
            Role::Added => "added",
            Role::Registered => "registered",
            Role::Used => "used",
            Role::Waits => "waits",
            Role::Reset => "reset",
            Role::Stood => "stood",
            Role::Loaded => "loaded",
            Role::Code => "runs",
        }
    }
}

impl LockKind {
    /// The lock in words, to stand in a subject.
    pub const fn name(self) -> &'static str {
        match self {
            LockKind::Mutex => "mutex",
            LockKind::RecursiveMutex => "recursive mutex",
            LockKind::ErrorcheckMutex => "error-checking mutex",
            LockKind::C11Mutex => "C11 mutex",
            LockKind::RwlockRead => "read-write lock (held for reading)",
            LockKind::RwlockWrite => "read-write lock (held for writing)",
            LockKind::SpinLock => "spin lock",
            LockKind::Semaphore => "semaphore",
            LockKind::Libc => "lock inside the C library",
            LockKind::PythonLock => "threading.Lock",
            LockKind::PythonRlock => "threading.RLock",
        }
    }
}

impl SocketRole {
    /// The role in words, to stand before "socket".
    pub const fn name(self) -> &'static str {
        match self {
            SocketRole::Connected => "connected",
            SocketRole::Accepted => "accepted",
            SocketRole::Listening => "listening",
            SocketRole::Pair => "paired",
            SocketRole::Idle => "unconnected",
            SocketRole::Peer => "connected (by whom is unknown)",
        }
    }
}

impl DescriptorKind {
    /// The descriptor in words, to stand in a subject.
    pub const fn name(self) -> &'static str {
        match self {
            DescriptorKind::Socket => "socket",
            DescriptorKind::File => "file",
            DescriptorKind::Directory => "directory",
            DescriptorKind::Pipe => "pipe",
            DescriptorKind::Device => "device",
            DescriptorKind::Epoll => "epoll instance",
            DescriptorKind::IoUring => "io_uring instance",
            DescriptorKind::Eventfd => "eventfd",
            DescriptorKind::Timerfd => "timerfd",
            DescriptorKind::Signalfd => "signalfd",
            DescriptorKind::Inotify => "inotify or fanotify instance",
            DescriptorKind::Memfd => "memfd",
            DescriptorKind::Pidfd => "pidfd",
            DescriptorKind::Other => "descriptor",
        }
    }
}

/// What usually answers at an internet port.
const PORTS: &[(u16, &str)] = &[
    (25, "SMTP"),
    (53, "DNS"),
    (80, "HTTP"),
    (88, "Kerberos"),
    (389, "LDAP"),
    (443, "HTTPS"),
    (465, "SMTP over TLS"),
    (514, "syslog"),
    (587, "SMTP submission"),
    (636, "LDAP over TLS"),
    (1433, "SQL Server"),
    (1521, "Oracle"),
    (1883, "MQTT"),
    (2181, "ZooKeeper"),
    (2379, "etcd"),
    (3306, "MySQL"),
    (4222, "NATS"),
    (4317, "OTLP over gRPC"),
    (4318, "OTLP over HTTP"),
    (5432, "PostgreSQL"),
    (5671, "RabbitMQ (AMQP) over TLS"),
    (5672, "RabbitMQ (AMQP)"),
    (6379, "Redis"),
    (6432, "PgBouncer"),
    (6650, "Pulsar"),
    (8123, "ClickHouse over HTTP"),
    (8125, "StatsD"),
    (8126, "Datadog trace agent"),
    (8200, "Vault"),
    (8500, "Consul"),
    (9000, "ClickHouse or FastCGI"),
    (9042, "Cassandra"),
    (9092, "Kafka"),
    (9200, "Elasticsearch"),
    (11211, "memcached"),
    (26379, "Redis Sentinel"),
    (27017, "MongoDB"),
];

/// What usually answers at a Unix socket, by a part of its path; the first that fits counts.
const PATHS: &[(&str, &str)] = &[
    ("/.s.PGSQL.6432", "PgBouncer"),
    ("/.s.PGSQL.", "PostgreSQL"),
    ("/mysql", "MySQL"),
    ("/mariadb", "MySQL"),
    ("/redis", "Redis"),
    ("/memcached", "memcached"),
    ("/mongodb-", "MongoDB"),
    ("/dev/log", "syslog"),
    ("/systemd/journal/", "systemd journal"),
    ("/docker.sock", "Docker"),
    ("/containerd.sock", "containerd"),
    ("/dbus/", "D-Bus"),
    ("/dbus-", "D-Bus"),
    ("/nscd/", "nscd"),
    ("/datadog/", "Datadog agent"),
    ("/php-fpm", "php-fpm"),
];

/// What usually answers at `port`.
pub fn service(family_is_inet: bool, port: u16) -> Option<&'static str> {
    if !family_is_inet {
        return None;
    }
    PORTS.iter().find(|&&(known, _)| known == port).map(|&(_, service)| service)
}

/// What usually answers at a Unix socket's path.
pub fn service_of_path(path: &str) -> Option<&'static str> {
    let user_bus = path.ends_with("/bus").then_some("D-Bus");
    PATHS.iter().find(|(part, _)| path.contains(part)).map(|&(_, service)| service).or(user_bus)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_kind_has_its_texts() {
        let names: HashSet<_> = FindingKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), FindingKind::ALL.len());
        for kind in FindingKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert!(kind.explain().ends_with('.'), "{}", kind.name());
            let cures: HashSet<_> = Server::ALL.iter().map(|&server| kind.cure(server)).collect();
            assert_eq!(cures.len(), Server::ALL.len(), "{}: a cure each", kind.name());
            for text in cures.iter().chain([&kind.explain()]) {
                assert!(text.ends_with('.') && !text.contains("  ") && !text.contains(".."), "{text}");
            }
        }
    }

    #[test]
    fn cures_name_the_place_in_the_server() {
        for (server, place) in [
            (Server::Uwsgi, "@postfork"),
            (Server::Unicorn, "after_fork"),
            (Server::Puma, "on_worker_boot"),
            (Server::Celery, "worker_process_init"),
            (Server::Other, "os.register_at_fork"),
        ] {
            for kind in FindingKind::ALL {
                assert!(kind.cure(server).contains(place), "{}: {}", kind.name(), kind.cure(server));
            }
        }
        assert_eq!(
            FindingKind::ThreadLost.cure(Server::Gunicorn),
            "Start it in gunicorn's post_fork hook, once in every worker, instead of before the fork."
        );
        for kind in [FindingKind::HandlerInherited, FindingKind::HandlerDropped] {
            assert!(kind.cure(Server::Gunicorn).contains("post_worker_init"));
            assert!(kind.cure(Server::Celery).contains("task_prerun"));
        }
    }

    #[test]
    fn names_are_those_of_the_report() {
        for severity in [Severity::Info, Severity::Warning, Severity::Error] {
            assert_eq!(serde_json::to_value(severity).unwrap(), severity.name());
        }
        for state in [State::Open, State::Hit, State::Resolved, State::Moot, State::Untouched] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
    }

    #[test]
    fn servers_are_recognised() {
        for (executable, name, server) in [
            ("/usr/bin/python3.11", "gunicorn", Server::Gunicorn),
            ("/usr/bin/python3.11", "gunicorn: maste", Server::Gunicorn),
            ("/usr/bin/uwsgi-core", "uwsgi", Server::Uwsgi),
            ("/usr/bin/uwsgi-core", "my title", Server::Uwsgi),
            ("/usr/bin/ruby3.1", "unicorn", Server::Unicorn),
            ("/usr/bin/ruby3.1", "unicorn_rails", Server::Unicorn),
            ("/usr/bin/ruby3.1", "puma", Server::Puma),
            ("/usr/bin/python3.11", "celery", Server::Celery),
            ("/usr/bin/python3.11", "[celeryd: celer", Server::Celery),
            ("/usr/sbin/nginx", "nginx", Server::Native),
            ("/usr/sbin/apache2", "apache2", Server::Native),
            ("/usr/sbin/php-fpm8.2", "php-fpm8.2", Server::Native),
            ("/usr/bin/python3.11", "python3", Server::Other),
            ("/opt/gunicorn/bin/python3", "python3", Server::Other),
            ("", "", Server::Other),
        ] {
            assert_eq!(Server::recognise(executable, name), server, "{executable} {name}");
        }
    }

    #[test]
    fn scripts_of_servers_are_recognised() {
        for (arguments, name) in [
            ("python3\0-m\0gunicorn\0--preload\0app:app\0", Some("gunicorn")),
            ("python3\0-u\0-W\0ignore\0-m\0gunicorn.app.wsgiapp\0app:app\0", Some("gunicorn")),
            ("/usr/bin/python3\0/srv/venv/bin/gunicorn\0app:app\0", Some("gunicorn")),
            ("ruby\0-I\0lib\0/usr/bin/puma\0", Some("puma")),
            ("python3\0manage.py\0rqworker\0default\0", Some("rq")),
            ("python3\0/srv/venv/bin/flask\0--debug\0rq\0worker\0", Some("rq")),
            ("python3\0manage.py\0runserver\0", None),
            ("python3\0manage.py\0", None),
            ("python3\0celery.py\0", None),
            ("python3\0-m\0gunicornish\0", None),
            ("python3\0-c\0gunicorn\0", None),
            ("python3\0app.py\0gunicorn\0", None),
            ("python3\0-m\0", None),
            ("python3\0", None),
            ("", None),
        ] {
            assert_eq!(Server::script(arguments.as_bytes()), name, "{arguments}");
        }
    }

    #[test]
    fn lines_are_those_of_the_file() {
        assert_eq!(Server::Unicorn.line_in_file("/srv/config.ru", 7), 6);
        assert_eq!(Server::Unicorn.line_in_file("/srv/app.rb", 7), 7);
        assert_eq!(Server::Puma.line_in_file("/srv/config.ru", 7), 7);
    }

    #[test]
    fn services_are_named() {
        assert_eq!(service(true, 5432), Some("PostgreSQL"));
        assert_eq!(service(false, 5432), None);
        assert_eq!(service(true, 50123), None);
        assert!(PORTS.is_sorted_by(|a, b| a.0 < b.0));
        for (path, name) in [
            ("/var/run/postgresql/.s.PGSQL.5432", Some("PostgreSQL")),
            ("/run/mysqld/mysqld.sock", Some("MySQL")),
            ("/run/redis/redis-server.sock", Some("Redis")),
            ("/dev/log", Some("syslog")),
            ("/var/run/docker.sock", Some("Docker")),
            ("/run/dbus/system_bus_socket", Some("D-Bus")),
            ("/run/user/1000/bus", Some("D-Bus")),
            ("@/tmp/dbus-Xy12", Some("D-Bus")),
            ("/srv/app/app.sock", None),
        ] {
            assert_eq!(service_of_path(path), name, "{path}");
        }
    }
}
