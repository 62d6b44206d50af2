//! Clients of real servers whose leader connects, forks and lives on, under FORKGUARD_SOCKETS=sever: the children find their connection closed
//! and make one of their own, the leader's session outlives them.
mod common;

use common::fixture::Fixture;
use common::server::*;
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

fn application(file: &str) -> PathBuf {
    repository("tests/apps/clients").join(file)
}

/// The client prints for each of its two children what its first and its second attempt came to.
fn reconnects(name: &str, mut client: Command, first: &str) {
    let run = Run::guarded(&format!("sever-{name}"));
    client.env("FORKGUARD_SOCKETS", "sever");
    let status = run.start(client).ended();
    let stdout = fs::read_to_string(run.directory.join("stdout")).expect("stdout");
    let stderr = fs::read_to_string(run.directory.join("stderr")).expect("stderr");
    assert!(status.success(), "{name}: {status}: {stdout}{stderr}");
    let child = [format!("child: {first}"), "child: 3 in another session".to_string()];
    let expected = [&child[..], &child[..], &["leader: 4 in the same session".to_string()]].concat();
    assert_eq!(stdout.lines().collect::<Vec<_>>(), expected, "{name}: {stderr}");
    severed(&run);
}

/// Without an attempt that fails.
const AT_ONCE: &str = "2 in another session";

/// The report lists every connection as severed, and no finding as hit.
fn severed(run: &Run) {
    let report = run.report();
    no_alarm(&report);
    no_hits(&report);
    let inherited = report.last_states_of("connection-inherited");
    assert_eq!(inherited.len(), 2, "one a child: {inherited:#?}");
    for finding in inherited {
        assert_eq!(finding["state"], "resolved", "{finding:#}");
        assert!(finding["because"].as_str().is_some_and(|text| text.starts_with("forkguard severed")), "{finding:#}");
    }
}

fn python(client: &str, url: &str) -> Command {
    let mut command = venv("python");
    command.arg(application("clients.py")).args([client, url]);
    command
}

#[test]
fn postgresql() {
    let postgres = Postgres::start("sever-postgresql");
    reconnects("psycopg2", python("psycopg2", &postgres.url()), "OperationalError");
    reconnects("psycopg", python("psycopg", &postgres.url()), "OperationalError");
    let url = format!("postgresql+psycopg2://demo@{}/postgres", postgres.address);
    reconnects("sqlalchemy", python("sqlalchemy", &url), "OperationalError");
    reconnects("sqlalchemy-pre-ping", python("sqlalchemy_pre_ping", &url), AT_ONCE);
    let mut ruby = Command::new("ruby");
    ruby.arg(application("pg.rb")).arg(postgres.url());
    reconnects("ruby-pg", ruby, "PG::ConnectionBad");
}

/// pg_basebackup makes the connection of its log's receiver right before it forks that, which alone goes on to use it.
#[test]
fn postgresql_base_backup() {
    let postgres = Postgres::start("sever-base-backup");
    for (option, value) in [("FORKGUARD_SOCKETS", "spare"), ("FORKGUARD_PROFILE", "cure")] {
        let run = Run::guarded(&format!("sever-base-backup-{value}"));
        let mut backup = postgres_program("pg_basebackup");
        backup.args(["--pgdata=backup", "--wal-method=stream", "--checkpoint=fast", "--no-sync", "-d", &postgres.url()]);
        backup.env(option, value);
        let status = run.start(backup).ended();
        assert!(status.success(), "{option}: {status}: {:?}", fs::read_to_string(run.directory.join("stderr")));
        assert!(run.directory.join("backup/backup_manifest").exists(), "{option}: a whole backup");
        let report = run.report();
        let cures = report.events("child").flat_map(|child| child.json["cures"].as_array().expect("cures"));
        assert_eq!(cures.filter(|cure| cure["action"] == "severed").count(), 1, "{option}: the connection that main made");
    }
}

#[test]
fn redis() {
    let (directory, address) = (common::scratch("sever-redis-server"), free_address(6379));
    let mut redis = Command::new("redis-server");
    common::without_options(&mut redis).args(["--save", "", "--port"]).arg(address.port().to_string());
    redis.arg("--bind").arg(address.ip().to_string());
    let _redis = Server::start(redis, &directory);
    wait_for("redis", || TcpStream::connect(address).ok());
    let url = format!("redis://{address}/0");
    reconnects("redis-single", python("redis_single", &url), "ConnectionError");
    reconnects("redis-pool", python("redis_pool", &url), AT_ONCE);
    let mut hiredis = Command::new(Fixture::new("special/client_hiredis.c").build().expect("builds"));
    hiredis.arg(address.ip().to_string()).arg(address.port().to_string());
    reconnects("hiredis", hiredis, "Broken pipe");
}

fn web_server(directory: &Path, identity: &[&str]) -> (Server, SocketAddrV4) {
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, free_port());
    let mut command = venv("python");
    command.arg(application("http_server.py")).arg(address.port().to_string()).args(identity);
    common::without_options(&mut command);
    let server = Server::start(command, directory);
    wait_for("the web server", || TcpStream::connect(address).ok());
    (server, address)
}

#[test]
fn web() {
    let (_server, address) = web_server(&common::scratch("sever-web-server"), &[]);
    let url = format!("http://{address}/");
    reconnects("requests", python("requests", &url), AT_ONCE);
    let mut curl = Command::new(Fixture::new("special/client_curl.c").build().expect("builds"));
    curl.arg(&url);
    reconnects("curl", curl, AT_ONCE);
}

#[test]
fn web_by_tls() {
    let directory = common::scratch("sever-tls-server");
    make_certificate(&directory, Ipv4Addr::LOCALHOST);
    let (_server, address) = web_server(&directory, &["certificate.pem", "key.pem"]);
    let (url, certificate) = (format!("https://{address}/"), directory.join("certificate.pem"));
    let mut requests = python("requests", &url);
    requests.env("CERTIFICATE", &certificate);
    reconnects("requests-tls", requests, AT_ONCE);
    let mut curl = Command::new(Fixture::new("special/client_curl.c").build().expect("builds"));
    curl.arg(&url).arg(&certificate);
    reconnects("curl-tls", curl, AT_ONCE);
}
