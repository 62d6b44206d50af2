//! A line of every event, all of it borrowed, as the preload library makes them.
use forkguard_report::catalogue::Server;
use forkguard_report::event::*;
use std::borrow::Cow::Borrowed;

const PYTHON: Frame<'static> = Frame {
    language: Borrowed("python"),
    function: Some(Borrowed("connect \"quoted\" \\ ü")),
    file: Some(Borrowed("/srv/app.py")),
    line: Some(13),
    module: None,
    offset: None,
    build_id: None,
};

const NATIVE: Frame<'static> = Frame {
    language: Borrowed("native"),
    function: Some(Borrowed("PQconnectdb")),
    file: None,
    line: None,
    module: Some(Borrowed("/usr/lib/libpq.so.5")),
    offset: Some(0x1234),
    build_id: Some(Borrowed("00ff")),
};

const fn site(role: Role) -> Site<'static> {
    Site { role, thread: Some(7), frames: Borrowed(&[PYTHON, NATIVE]) }
}

const SITES: &[Site<'static>] = &[site(Role::Opened)];
const STORY: &[Site<'static>] = &[site(Role::Taken), site(Role::Stood), site(Role::Waits), site(Role::Used), site(Role::Reset)];

const THREADS: &[Thread<'static>] = &[Thread {
    tid: 8,
    name: Borrowed("beat\nten"),
    forking: false,
    recorded: true,
    detached: true,
    fork_safe: false,
    creator: Some(7),
    class: Some(Borrowed("Beat")),
    start: Some(NATIVE),
    site: Some(site(Role::Started)),
    stood: Some(site(Role::Stood)),
    starting: true,
    ended: false,
    awaits_work: false,
    holds: 1,
    waits_for: Some(Borrowed("0x7f00")),
}];

const LOCKS: &[Lock<'static>] = &[Lock {
    address: Some(Borrowed("0x7f00")),
    kind: LockKind::Mutex,
    name: None,
    holder: 8,
    holder_name: Borrowed("beat"),
    own: false,
    signal: false,
    shared: false,
    site: Some(site(Role::Taken)),
}];

const DESCRIPTORS: &[Descriptor<'static>] = &[Descriptor {
    fd: 5,
    kind: DescriptorKind::Socket,
    origin: Origin::Recorded,
    cloexec: true,
    thread: Some(7),
    site: Some(site(Role::Opened)),
    path: None,
    mode: None,
    offset: None,
    socket: Some(Socket {
        family: Borrowed("inet"),
        kind: Borrowed("stream"),
        role: SocketRole::Connected,
        local: Some(Borrowed("127.0.0.1:40000")),
        peer: Some(Borrowed("127.0.0.1:5432")),
        service: Some(Borrowed("PostgreSQL")),
    }),
    members: Some(Borrowed(&[6, 7])),
    added: Borrowed(SITES),
}];

const SIGNALS: &[Signal<'static>] = &[Signal {
    signal: Borrowed("SIGUSR2"),
    number: 12,
    disposition: Disposition::Handler,
    handler: Some(NATIVE),
    site: Some(site(Role::Set)),
    earlier: Borrowed(SITES),
}];

const TIMERS: &[Timer<'static>] = &[Timer {
    call: Borrowed("setitimer"),
    clock: Borrowed("real"),
    signal: Some(Borrowed("SIGALRM")),
    site: Some(site(Role::Armed)),
    created: Some(site(Role::Created)),
}];

const ATFORK: &[Atfork<'static>] = &[Atfork {
    library: Borrowed("/usr/lib/libopenblas.so.0"),
    site: None,
    prepare_us: Some(1.5),
    parent_us: None,
    child: false,
}];

const MEMORY: Memory = Memory { rss: 20_000, pss: Some(12_000), shared: None, private: Some(9_000) };

const CURE: Cure<'static> = Cure {
    guard: Guard::Sockets,
    action: Borrowed("severed"),
    subject: Borrowed("descriptor 5, TCP 127.0.0.1:5432"),
    us: 2.5,
    failed: None,
};

fn line(fork: Option<&'static str>, event: Event<'static>) -> Line<'static> {
    Line { schema: forkguard_report::SCHEMA, time: 1_700_000_000.25, pid: 7, ppid: 1, fork: fork.map(Borrowed), event }
}

/// One line of every event.
pub fn lines() -> [Line<'static>; 14] {
    [
        line(
            None,
            Event::Process(Process {
                forkguard: Borrowed("0.1.0"),
                name: Borrowed("gunicorn"),
                executable: Borrowed("/usr/bin/python3.11"),
                mode: Borrowed("guard"),
                limits: Borrowed(&[Borrowed("no /proc")]),
            }),
        ),
        line(
            Some("7.1"),
            Event::Fork(Fork {
                kind: ForkKind::Fork,
                child: Some(9),
                failed: None,
                detail: Detail::Full,
                like: None,
                thread: 7,
                site: Some(site(Role::Fork)),
                counts: Counts { threads: 2, locks: 1, descriptors: 1, spawns: 0 },
                threads: Borrowed(THREADS),
                locks: Borrowed(LOCKS),
                descriptors: Borrowed(DESCRIPTORS),
                signals: Borrowed(SIGNALS),
                blocked: Borrowed(&[Borrowed("SIGTERM")]),
                blocked_at: Borrowed(SITES),
                timers: Borrowed(TIMERS),
                atfork: Borrowed(ATFORK),
                memory: Some(MEMORY),
                cost_us: Cost { prepare: 12.0, report: 100.5, fork: 300.25 },
                truncated: Truncated::default(),
            }),
        ),
        line(
            Some("7.1"),
            Event::Child(Child {
                settled: Borrowed("epoll_wait"),
                age: 0.125,
                child_us: 3.5,
                atfork_us: Borrowed(&[None, Some(2.5)]),
                memory: Some(MEMORY),
                findings: FindingCounts { error: 0, warning: 1, info: 1 },
                cured: 0,
                stood: Borrowed(SITES),
                cures: Borrowed(&[CURE]),
                cures_unlisted: 1,
            }),
        ),
        line(Some("7.1"), Event::Guarded(CURE)),
        line(Some("7.1"), Event::Fixup(Fixup { name: Borrowed("cache"), progress: Progress::Done, us: Some(1.5) })),
        line(
            Some("7.1"),
            Event::Finding(Finding {
                id: Borrowed("7.1:connection-inherited:5"),
                kind: FindingKind::ConnectionInherited,
                severity: Severity::Info,
                state: State::Open,
                child: Some(9),
                subject: Borrowed("TCP 127.0.0.1:5432 (PostgreSQL)"),
                at: Borrowed(&[Borrowed("/srv/app/db.py:12 in <module>")]),
                sites: Borrowed(SITES),
                explain: Borrowed(FindingKind::ConnectionInherited.explain()),
                cure: Borrowed("Connect later."),
                suppressed: false,
            }),
        ),
        line(
            Some("7.1"),
            Event::FindingState(FindingState {
                id: Borrowed("7.1:connection-inherited:5"),
                state: State::Hit,
                severity: Some(Severity::Error),
                because: Borrowed("sent on by the child"),
            }),
        ),
        line(
            None,
            Event::LastWords(LastWords {
                child: 9,
                signal: Borrowed("SIGABRT"),
                state: Borrowed("waits"),
                site: Some(site(Role::Stood)),
                us: 850.5,
            }),
        ),
        line(Some("7.1"), Event::Exec(Exec { program: Borrowed("/bin/sh"), call: Borrowed("execve") })),
        line(Some("7.1"), Event::Exit(Exit { status: 3, call: Borrowed("_exit"), forks: 2, spawns: 1 })),
        line(
            None,
            Event::LockTaken(LockTaken {
                lock: Borrowed("00112233445566aa"),
                kind: LockKind::Mutex,
                name: Some(Borrowed("counters_lock")),
                thread: 8,
                thread_name: Borrowed("worker"),
                site: Some(SITES[0].clone()),
            }),
        ),
        line(
            None,
            Event::WorstMoment(WorstMoment {
                lock: Borrowed("00112233445566aa"),
                holder: Some(8),
                taken_by_fork: false,
                waited_us: 12.5,
            }),
        ),
        line(
            Some("7.1"),
            Event::WhatIf(Finding {
                id: Borrowed("7.1:thread-lost:10"),
                kind: FindingKind::ThreadLost,
                severity: Severity::Warning,
                state: State::Open,
                child: Some(9),
                subject: Borrowed("thread \"refresh\" (tid 10)"),
                at: Borrowed(&[Borrowed("/srv/app/db.py:12 in <module>")]),
                sites: Borrowed(SITES),
                explain: Borrowed(FindingKind::ThreadLost.explain()),
                cure: Borrowed("Start it later."),
                suppressed: false,
            }),
        ),
        line(None, Event::Lost(Lost { events: 4, because: Borrowed("No space left on device") })),
    ]
}

/// A fork that is like the one among the samples.
fn alike() -> Line<'static> {
    let fork = Fork {
        kind: ForkKind::Fork,
        child: Some(10),
        failed: None,
        detail: Detail::Like,
        like: Some(Borrowed("7.1")),
        thread: 0,
        site: None,
        counts: Counts::default(),
        threads: Borrowed(&[]),
        locks: Borrowed(&[]),
        descriptors: Borrowed(&[]),
        signals: Borrowed(&[]),
        blocked: Borrowed(&[]),
        blocked_at: Borrowed(&[]),
        timers: Borrowed(&[]),
        atfork: Borrowed(&[]),
        memory: None,
        cost_us: Cost { prepare: 12.0, report: 5.5, fork: 200.25 },
        truncated: Truncated::default(),
    };
    line(Some("7.2"), Event::Fork(fork))
}

/// A fork like an earlier one, and the life of a finding of every kind: found, then in every state.
pub fn lives() -> Vec<Line<'static>> {
    let mut lines = vec![alike()];
    for kind in FindingKind::ALL {
        let id: &str = format!("7.1:{}:0x7f00-8", kind.name()).leak();
        let finding = Finding {
            id: Borrowed(id),
            kind,
            severity: Severity::Error,
            state: State::Hit,
            child: Some(9),
            subject: Borrowed("semaphore at 0x7f00, held by thread \"beat\" (tid 8)"),
            at: Borrowed(&[Borrowed("/srv/app/db.py:12 in <module>")]),
            sites: Borrowed(STORY),
            explain: Borrowed(kind.explain()),
            cure: Borrowed(kind.cure(Server::Celery)),
            suppressed: false,
        };
        lines.push(line(Some("7.1"), Event::Finding(finding)));
        for state in [State::Open, State::Hit, State::Resolved, State::Moot, State::Untouched] {
            let because = Borrowed("thread 9 waits for it in sem_wait");
            lines.push(line(Some("7.1"), Event::FindingState(FindingState { id: Borrowed(id), state, severity: None, because })));
        }
    }
    lines
}
