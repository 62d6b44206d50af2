//! FORKGUARD_SAFE_POINT under a real server: a thread of its preloaded application holds a lock whenever it forks.
mod common;

use common::server::*;
use std::collections::BTreeSet;

/// Every worker has the lock: those of the start, of a reload, and the one in place of a killed one. Without the guard the first request
/// hangs.
#[test]
fn gunicorn_forks_when_the_lock_is_free() {
    let run = Run::guarded("safe-point-gunicorn");
    let port = free_port();
    let mut command = gunicorn(port, "tests/apps", "safe_point:app", &["--timeout=60"]);
    command.env("FORKGUARD_SAFE_POINT", "10000");
    let server = run.start(command);
    serves(port);
    let first = server.workers(2, &BTreeSet::new());
    served_by(port, &first);
    kill(*first.first().expect("a worker"), libc::SIGKILL);
    let second = server.workers(2, &BTreeSet::from([*first.first().expect("a worker")]));
    served_by(port, &second);
    assert!(server.stop(libc::SIGTERM).success());

    let report = run.report();
    no_hits(&report);
    // A semaphore that its holder waits for itself is reported as ever, as info.
    let orphans: Vec<_> = report.findings("lock-orphaned").filter(|e| e.json["severity"] != "info").map(|e| e.text).collect();
    assert!(orphans.is_empty(), "{orphans:#?}");
    for worker in first.union(&second).filter(|&pid| report.events("child").any(|event| event.json["pid"] == *pid)) {
        let settled = report.events("child").find(|event| event.json["pid"] == *worker).expect("its event");
        let waited = |cure: &serde_json::Value| cure["guard"] == "safe-point" && cure["failed"].is_null();
        assert!(list(settled, "cures").any(waited), "{}", settled.text);
    }
    assert!(run.printed().iter().all(|line| !line.contains("without a safe point")), "{:?}", run.printed());
}
