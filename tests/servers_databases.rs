//! Databases that fork: PostgreSQL for each connection, with all signals blocked; redis to save what it holds.
mod common;

use common::server::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;

#[test]
fn postgresql() {
    let (_, (report, printed)) = compare("postgresql", |run| {
        let mut postgres = Postgres::start_in("itself", run.guarded);
        let ask = |query: &str| {
            let mut psql = Command::new("psql");
            common::without_options(&mut psql).args(["--no-psqlrc", "--tuples-only", "--no-align", "-d", &postgres.url()]);
            let output = psql.args(["-c", query]).output().expect("psql");
            assert!(output.status.success(), "{query}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).expect("UTF-8")
        };
        let parallel = "set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0;";
        let output = [
            ask("create table numbers as select generate_series(1, 50000) as number"),
            ask("vacuum analyze numbers"),
            ask(&format!("{parallel} select count(*), sum(number) from numbers")),
            ask("select pg_reload_conf()"),
            ask("checkpoint"),
        ];
        ((output, postgres.stop()), (postgres.report(), postgres.printed()))
    });
    assert!(report.events("fork").count() > 8, "its own processes and one a connection");
    no_alarm(&report);
    assert_eq!(printed, Vec::<String>::new());
}

/// 300 sessions at once, each a child of the postmaster's that answers a query; the report stays small.
#[test]
fn postgresql_with_300_connections() {
    let directory = common::scratch("postgresql-300");
    let script = directory.join("script");
    std::fs::write(&script, "select 1;").expect("script");
    let mut postgres = Postgres::make("300");
    for (option, value) in [("FORKGUARD", "observe"), ("FORKGUARD", "guard"), ("FORKGUARD_PROFILE", "cure")] {
        postgres.run(&["max_connections=320"], Some(&[(option, value)]));
        let mut pgbench = postgres_program("pgbench");
        common::without_options(&mut pgbench).args(["--client=300", "--jobs=2", "--transactions=1", "--no-vacuum"]);
        let output = pgbench.arg("--file").arg(&script).arg(postgres.url()).output().expect("pgbench");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.contains("actually processed: 300/300"), "{value}: {text}");
        assert!(postgres.stop().success(), "{value}");
        let report = postgres.report();
        assert!(report.events("fork").count() >= 300, "{value}: a fork for each connection");
        let bytes = common::bytes_in(&postgres.report_directory());
        assert!(bytes <= 300 * 2048, "{value}: {bytes} bytes");
        no_alarm(&report);
        assert_eq!(postgres.printed(), Vec::<String>::new(), "{value}");
    }
}

/// One command and its answer: a line, or as many bytes as it announces.
fn command(stream: &mut BufReader<TcpStream>, text: &str) -> String {
    stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).expect("command");
    let mut answer = String::new();
    stream.read_line(&mut answer).expect("answer");
    if let Some(length) = answer.trim_end().strip_prefix('$') {
        let mut bulk = vec![0; length.parse::<usize>().expect("a length") + 2];
        stream.read_exact(&mut bulk).expect("bulk");
        return String::from_utf8(bulk).expect("UTF-8");
    }
    answer
}

#[test]
fn redis_that_saves_in_children() {
    let (run, ()) = compare("redis", |run| {
        let address = free_address(6379);
        let mut redis = Command::new("redis-server");
        redis.args(["--save", "", "--appendonly", "yes", "--port"]).arg(address.port().to_string());
        let redis = run.start({
            redis.arg("--bind").arg(address.ip().to_string());
            redis
        });
        let stream = wait_for("redis", || TcpStream::connect(address).ok());
        let mut stream = BufReader::new(stream);
        let mut output: Vec<String> = (0..100).map(|n| command(&mut stream, &format!("SET key:{n} {n}"))).collect();
        for save in ["BGSAVE", "BGREWRITEAOF"] {
            output.push(command(&mut stream, save));
            let done = [
                "rdb_bgsave_in_progress:0",
                "rdb_last_bgsave_status:ok",
                "aof_rewrite_in_progress:0",
                "aof_last_bgrewrite_status:ok",
            ];
            wait_for(save, || {
                let state = command(&mut stream, "INFO persistence");
                done.iter().all(|line| state.contains(line)).then_some(())
            });
        }
        output.push(command(&mut stream, "SHUTDOWN"));
        ((output, redis.ended(), run.directory.join("dump.rdb").exists()), ())
    });
    let report = run.report();
    assert!(report.events("fork").filter(|entry| entry.json["kind"] == "fork").count() >= 2, "a child for each save");
    no_alarm(&report);
    assert_eq!(run.printed(), Vec::<String>::new());
}
