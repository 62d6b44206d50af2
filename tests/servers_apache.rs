//! Apache's prefork workers, which start a program for each request.
mod common;

use common::server::*;
use std::collections::BTreeSet;
use std::process::Command;

#[test]
fn prefork_reloads_and_stops() {
    let (run, (leader, workers)) = compare("apache", |run| {
        let port = free_port();
        let mut command = Command::new("/usr/sbin/apache2");
        command.args(["-D", "FOREGROUND", "-f"]).arg(repository("tests/apps/apache.conf")).arg("-d").arg(&run.directory);
        command.env("PORT", port.to_string()).env("DIRECTORY", &run.directory).env("APPS", repository("tests/apps"));
        let server = run.start(command);
        serves(port);
        let first = server.workers(2, &BTreeSet::new());
        served_by(port, &first);
        Load::start(port).finish();
        server.signal(libc::SIGUSR1);
        let graceful = server.workers(2, &first);
        served_by(port, &graceful);
        server.signal(libc::SIGHUP);
        let restarted = server.workers(2, &graceful);
        served_by(port, &restarted);
        let leader = server.pid;
        (server.stop(libc::SIGTERM), (leader, [first, graceful, restarted].into_iter().flatten().collect()))
    });
    let report = run.report();
    Told::of(&report, leader, &workers).listens("127.0.0.1:").handles(&["SIGHUP", "SIGTERM", "SIGUSR1"]);
    no_alarm(&report);
    assert_eq!(run.printed(), Vec::<String>::new());
}
