//! FORKGUARD_SIGNALS and FORKGUARD_SIGNALS_KEEP: whose handlers a child loses, whose it keeps, and that no server notices.
mod common;

use common::server::*;
use common::{Report, scratch};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const KEEP: (&str, &str) = ("FORKGUARD_SIGNALS_KEEP", "USR1,USR2");

fn application(file: &str) -> PathBuf {
    repository("tests/apps/signals").join(file)
}

/// The lines that a Python program printed under the library with these options, and its report.
fn printed(run: &Run, program: &str, arguments: &[&str], options: &[(&str, &str)]) -> Vec<String> {
    let mut command = venv("python");
    command.arg(application(program)).args(arguments).envs(options.iter().copied());
    let path = [application(""), application("site-packages")].map(|path| path.to_str().expect("UTF-8").to_string());
    command.env("PYTHONPATH", path.join(":"));
    assert!(run.start(command).ended().success());
    fs::read_to_string(run.directory.join("stdout")).expect("stdout").lines().map(String::from).collect()
}

/// Every state that the report gives this finding last, and why.
fn last(report: &Report, kind: &str, subject: &str) -> Vec<(String, String)> {
    let about = |finding: &serde_json::Value| finding["kind"] == kind && finding["subject"] == subject;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_string();
    let found = report.last_states().into_iter().filter(about);
    found.map(|finding| (text(&finding["state"]), text(&finding["because"]))).collect()
}

fn resolved(because: &str) -> Vec<(String, String)> {
    vec![("resolved".to_string(), because.to_string())]
}

/// The signals that a child's summary lists as dealt with by `guard`.
fn dealt_with(report: &Report, guard: &str) -> BTreeSet<String> {
    let cures = report.events("child").flat_map(|child| list(child, "cures"));
    let of_guard = cures.filter(|cure| cure["guard"] == guard && cure["failed"].is_null());
    of_guard.map(|cure| cure["subject"].as_str().expect("a name").to_string()).collect()
}

/// A server that the application is itself lives by the handlers that its workers inherit: they finish their work at SIGTERM.
#[test]
fn an_application_that_forks_keeps_its_handlers() {
    let (run, _) = compare("signals-own-server", |run| (printed(run, "prefork.py", &[], &[]), ()));
    assert_eq!(dealt_with(&run.report(), "signals"), BTreeSet::new());
    let lines = fs::read_to_string(run.directory.join("stdout")).expect("stdout");
    assert!(lines.contains("finished its work\nended by 7\n"), "{lines}");
}

#[test]
fn an_application_that_forks_loses_them_where_that_was_asked_for() {
    let run = Run::guarded("signals-own-server-application");
    let lines = printed(&run, "prefork.py", &[], &[("FORKGUARD_SIGNALS", "application")]);
    assert_eq!(lines.last().expect("a line"), "ended by -15");
    let dealt_with = dealt_with(&run.report(), "signals");
    assert_eq!(dealt_with, ["SIGTERM", "SIGUSR1"].map(String::from).into(), "not SIGALRM, which a timer sends");
}

/// What the worker of somebody else's server prints about its signals, and the report, which lists those that were reset.
fn small_server(options: &[(&str, &str)], resets: &[&str]) -> (Vec<String>, Report) {
    let name = options.iter().flat_map(|(_, value)| ["-", value]).collect::<String>();
    let run = Run::guarded(&format!("signals-small-server{name}"));
    let lines = printed(&run, "bin/small-server", &[&["graceful"], resets].concat(), options);
    (lines, run.report())
}

const UNCHANGED: [&str; 8] = [
    "SIGHUP stop caught",
    "SIGINT default_int_handler caught",
    "SIGTERM stop caught",
    "SIGUSR1 dump caught",
    "SIGUSR2 dump caught",
    "SIGALRM dump caught",
    "SIGXCPU dump caught",
    "ended by 3",
];

/// The same with these signals reset: CPython's own table does not know.
fn lines_without(reset: &[&str]) -> Vec<String> {
    let line = |line: &str| match reset.iter().any(|name| line.starts_with(name)) {
        true => line.replace(" caught", " not caught"),
        false => line.to_string(),
    };
    let mut lines: Vec<String> = UNCHANGED.map(line).into();
    if reset.contains(&"SIGTERM") {
        *lines.last_mut().expect("a line") = "ended by -15".to_string();
    }
    lines
}

#[test]
fn a_preloaded_applications_handlers_do_not_steer_the_workers_of_others() {
    let (lines, report) = small_server(&[], &[]);
    assert_eq!(lines, lines_without(&["SIGHUP", "SIGTERM"]));
    assert_eq!(dealt_with(&report, "signals"), ["SIGHUP", "SIGTERM"].map(String::from).into());
    assert_eq!(last(&report, "handler-inherited", "SIGTERM"), resolved("forkguard reset it to its default"));
    assert_eq!(last(&report, "handler-inherited", "SIGUSR1"), [("open".to_string(), String::new())]);
    no_hits(&report);
}

#[test]
fn whose_handlers_are_reset_is_a_matter_of_the_option() {
    for (value, reset) in [
        ("auto", &["SIGHUP", "SIGTERM"][..]),
        ("application", &["SIGHUP", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGXCPU"]),
        ("none", &[]),
        ("INT,SIGALRM", &["SIGINT", "SIGALRM"]),
    ] {
        let (lines, report) = small_server(&[("FORKGUARD_SIGNALS", value)], &[]);
        assert_eq!(lines, lines_without(reset), "{value}");
        assert_eq!(dealt_with(&report, "signals"), reset.iter().map(|name| name.to_string()).collect(), "{value}");
    }
    let (lines, report) = small_server(&[("FORKGUARD", "observe"), ("FORKGUARD_SIGNALS", "application")], &[]);
    assert_eq!(lines, UNCHANGED);
    assert_eq!(dealt_with(&report, "signals"), BTreeSet::new());
}

/// Reset by the server twice, the application's function is there both times: in the kernel and in CPython's own table.
#[test]
fn a_kept_handler_is_python_s_own_again() {
    let (lines, report) = small_server(&[("FORKGUARD_SIGNALS_KEEP", "USR2,TERM")], &["SIGUSR2", "SIGTERM"]);
    let again = ["SIGUSR2 dump caught", "SIGTERM stop caught"].map(String::from);
    let expected: Vec<String> = [&again[..], &again, &lines_without(&["SIGHUP"])].concat();
    assert_eq!(lines, expected);
    assert_eq!(dealt_with(&report, "signals-keep"), ["SIGTERM", "SIGUSR2"].map(String::from).into());
    assert_eq!(last(&report, "handler-inherited", "SIGUSR2"), resolved("forkguard put the application's handler back"));
    no_hits(&report);

    let (lines, _) = small_server(&[("FORKGUARD", "observe"), ("FORKGUARD_SIGNALS_KEEP", "USR2")], &["SIGUSR2"]);
    assert_eq!(lines[0], "SIGUSR2 0 not caught");
}

/// gunicorn takes SIGUSR2 for its arbiter and resets it in the worker; SIGUSR1 it has a handler of its own for.
#[test]
fn gunicorn_keeps_an_applications_handler() {
    let run = Run::guarded("signals-gunicorn-keep");
    let port = free_port();
    let mut command = gunicorn(port, "tests/apps/signals", "graceful:app", &[]);
    command.envs([KEEP]);
    let server = run.start(command);
    let stdout = || fs::read_to_string(run.directory.join("stdout")).expect("stdout");
    serves(port);
    let mut old = BTreeSet::new();
    for round in 1..=2 {
        let workers = server.workers(2, &old);
        served_by(port, &workers);
        for (worker, count) in workers.iter().zip(2 * round - 1..) {
            // Its own: it opens its logs again.
            kill(*worker, libc::SIGUSR1);
            kill(*worker, libc::SIGUSR2);
            wait_for("the application's handler", || (stdout().matches("dumped").count() == count).then_some(()));
        }
        assert_eq!(server.workers_now(), workers, "all live");
        old = workers;
        server.signal(libc::SIGHUP);
    }
    served_by(port, &server.workers(2, &old));
    assert!(server.stop(libc::SIGTERM).success());
    let report = run.report();
    assert_eq!(stdout().matches("dumped").count(), 4, "and not by SIGUSR1");
    let kept = last(&report, "handler-inherited", "SIGUSR2");
    assert!(
        kept.len() >= 6 && kept.iter().all(|end| *end == resolved("forkguard put the application's handler back")[0]),
        "{kept:?}"
    );
    // After a reload the application's is in effect at the fork, and the worker sets its own over it.
    let own = last(&report, "handler-inherited", "SIGUSR1");
    let dropped = ("hit".to_string(), "handler-dropped".to_string());
    assert!(own.iter().all(|end| *end == resolved("the child set a handler of its own")[0] || *end == dropped), "{own:?}");
    assert_eq!(last(&report, "handler-dropped", "SIGUSR2"), []);
    // SIGHUP, too, was the application's, and is not kept.
    only_hits(&report, &["handler-dropped"]);
}

/// gunicorn sets anew what it needs; of what it leaves alone, `application` resets what the application has set.
#[test]
fn gunicorn_lives_without_an_applications_handlers() {
    let caught = |options: &[(&str, &str)]| {
        let run = Run::guarded("signals-gunicorn-application");
        let port = free_port();
        let mut command = gunicorn(port, "tests/apps/signals", "graceful:app", &[]);
        command.envs(options.iter().copied());
        let server = run.start(command);
        serves(port);
        let workers = server.workers(2, &BTreeSet::new());
        served_by(port, &workers);
        let caught = Masks::of(*workers.first().expect("a worker")).caught;
        assert!(server.stop(libc::SIGTERM).success());
        caught
    };
    let bit = |number: i32| 1 << (number - 1);
    let inherited = caught(&[]);
    assert_ne!(inherited & bit(libc::SIGXCPU), 0, "{inherited:x}");
    assert_eq!(caught(&[("FORKGUARD_SIGNALS", "application")]), inherited & !bit(libc::SIGXCPU));
}

/// What the kernel does at each signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Masks {
    caught: u64,
    ignored: u64,
}

impl Masks {
    fn of(pid: u32) -> Masks {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process that lives");
        let mask = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a mask");
            u64::from_str_radix(line.trim(), 16).expect("hexadecimal")
        };
        Masks { caught: mask("SigCgt:"), ignored: mask("SigIgn:") }
    }
}

/// True while a process waits for something: its start is over.
fn waits(pid: u32) -> bool {
    const CALLS: [i64; 10] = [
        libc::SYS_accept,
        libc::SYS_accept4,
        libc::SYS_epoll_wait,
        libc::SYS_epoll_pwait,
        libc::SYS_poll,
        libc::SYS_ppoll,
        libc::SYS_select,
        libc::SYS_pselect6,
        libc::SYS_futex,
        libc::SYS_read,
    ];
    let call = fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
    call.split(' ').next().and_then(|number| number.parse().ok()).is_some_and(|number: i64| CALLS.contains(&number))
}

/// The different masks of these processes, once all of them wait.
fn masks(pids: &BTreeSet<u32>) -> BTreeSet<Masks> {
    wait_for("processes that wait", || pids.iter().all(|&pid| waits(pid)).then_some(()));
    pids.iter().map(|&pid| Masks::of(pid)).collect()
}

/// The workers of a server have the same signals caught and ignored without the library, with it, and with handlers to be kept.
fn same_masks(name: &str, masks: impl Fn(&Run, &[(&str, &str)]) -> BTreeSet<Masks>) {
    let run = |kind: &str, guarded, options: &[(&str, &str)]| {
        masks(&Run { directory: scratch(&format!("signals-masks-{name}-{kind}")), guarded }, options)
    };
    let natively = run("control", false, &[]);
    assert!(!natively.is_empty());
    assert_eq!(run("guarded", true, &[]), natively, "{name}");
    assert_eq!(run("kept", true, &[KEEP]), natively, "{name} with kept handlers");
}

/// The masks of both workers of an HTTP server.
fn of_workers(server: Server, port: u16, end: i32) -> BTreeSet<Masks> {
    serves(port);
    let workers = server.workers(2, &BTreeSet::new());
    served_by(port, &workers);
    let masks = masks(&workers);
    server.stop(end);
    masks
}

#[test]
fn masks_of_gunicorn() {
    same_masks("gunicorn", |run, options| {
        let port = free_port();
        let mut command = gunicorn(port, "tests/apps", "clean:app", &[]);
        command.envs(options.iter().copied());
        of_workers(run.start(command), port, libc::SIGTERM)
    });
}

#[test]
fn masks_of_uwsgi() {
    same_masks("uwsgi", |run, options| {
        let port = free_port();
        let mut command = uwsgi(port, "tests/apps/signals", "graceful:app", &[]);
        command.envs(options.iter().copied());
        of_workers(run.start(command), port, libc::SIGQUIT)
    });
}

fn masks_of_ruby(program: &str, configuration: &str, end: i32) {
    same_masks(program, |run, options| {
        let port = free_port();
        let mut command = Command::new(program);
        command.arg(configuration).arg(repository(&format!("tests/apps/{program}.rb"))).arg(repository("tests/apps/clean.ru"));
        command.env("PORT", port.to_string()).envs(options.iter().copied());
        of_workers(run.start(command), port, end)
    });
}

#[test]
fn masks_of_unicorn() {
    masks_of_ruby("unicorn", "--config-file", libc::SIGQUIT);
}

#[test]
fn masks_of_puma() {
    masks_of_ruby("puma", "--config", libc::SIGTERM);
}

#[test]
fn masks_of_apache() {
    same_masks("apache", |run, options| {
        let port = free_port();
        let mut command = Command::new("/usr/sbin/apache2");
        command.args(["-D", "FOREGROUND", "-f"]).arg(repository("tests/apps/apache.conf")).arg("-d").arg(&run.directory);
        command.env("PORT", port.to_string()).env("DIRECTORY", &run.directory).env("APPS", repository("tests/apps"));
        command.envs(options.iter().copied());
        of_workers(run.start(command), port, libc::SIGTERM)
    });
}

#[test]
fn masks_of_nginx() {
    same_masks("nginx", |run, options| {
        let (port, pid) = (free_port(), run.directory.join("pid"));
        fs::copy(repository("tests/apps/nginx.conf"), run.directory.join("nginx.conf")).expect("nginx.conf");
        let listen = format!("server {{ listen 127.0.0.1:{port}; location / {{ return 200 \"worker $pid\"; }} }}");
        fs::write(run.directory.join("listen.conf"), listen).expect("listen.conf");
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-p").arg(&run.directory).args(["-c", "nginx.conf", "-e", "error.log"]).envs(options.iter().copied());
        // Its end would end the daemon, too, which may not have left its group yet.
        let mut starter = run.start(command);
        assert!(starter.status().success());
        let server = Server::adopt(pid_file(&pid));
        serves(port);
        // One of them may answer all that asks for one thing at a time.
        let masks = masks(&server.workers(2, &BTreeSet::new()));
        server.signal(libc::SIGQUIT);
        server.gone();
        masks
    });
}

#[test]
fn masks_of_php_fpm() {
    same_masks("php-fpm", |run, options| {
        let mut command = Command::new(php_fpm());
        command.args(["--no-php-ini", "--allow-to-run-as-root", "--fpm-config"]).arg(repository("tests/apps/php-fpm.conf"));
        command.arg("--prefix").arg(&run.directory).env("FPM", free_port().to_string()).envs(options.iter().copied());
        let server = run.start(command);
        let masks = masks(&server.workers(2, &BTreeSet::new()));
        server.stop(libc::SIGQUIT);
        masks
    });
}

#[test]
fn masks_of_postgresql() {
    let (_, ()) = compare("signals-masks-postgresql", |run| {
        let mut postgres = Postgres::start_in("signals", run.guarded);
        // Its own processes beside those of connections.
        let masks = masks(&workers(postgres.pid(), 5, &BTreeSet::new()));
        (masks, _ = postgres.stop())
    });
}
