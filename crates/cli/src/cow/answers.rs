//! Asks a server until each of its workers has answered: one that has is known to have loaded what it needs.
//!
//! A request is sent without its last line, the worker that has taken its connection is looked for, and only then is the rest sent. So it is certain
//! who answers, however fast that is; and a worker that serves one client at a time leaves the next one to another worker meanwhile.
use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// All workers must have answered by then.
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests are kept back so long for all of them to be taken.
const ROUND: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(20);
/// For one answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Asks until each of the workers has answered, and returns those that were not seen to do so in time.
pub(super) fn from_each(url: &str, workers: &[u32]) -> Vec<u32> {
    let (begun, mut round) = (Instant::now(), Instant::now());
    let mut silent = workers.to_vec();
    let mut requests = Vec::new();
    while !silent.is_empty() && begun.elapsed() < PATIENCE {
        requests.extend((requests.len()..workers.len()).filter_map(|_| Request::begin(url).ok()));
        sleep(PAUSE);
        let taken = |request: &Request| request.worker(workers).is_some();
        if requests.iter().all(taken) || round.elapsed() > ROUND {
            let (taken, waiting) = requests.into_iter().partition::<Vec<_>, _>(taken);
            requests = waiting;
            let answered: Vec<u32> = taken.into_iter().filter_map(|request| request.finish(workers)).collect();
            silent.retain(|worker| !answered.contains(worker));
            round = Instant::now();
        }
    }
    silent
}

/// One that lacks its last line.
struct Request {
    stream: TcpStream,
    from: u16,
    to: u16,
}

impl Request {
    fn begin(url: &str) -> io::Result<Request> {
        let address = url.strip_prefix("http://").unwrap_or(url);
        let (host, path) = address.split_at(address.find('/').unwrap_or(address.len()));
        let path = if path.is_empty() { "/" } else { path };
        let mut stream = TcpStream::connect(&*addresses(host)?)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n")?;
        Ok(Request { from: stream.local_addr()?.port(), to: stream.peer_addr()?.port(), stream })
    }

    /// The worker that has taken its connection.
    fn worker(&self, workers: &[u32]) -> Option<u32> {
        let socket = format!("socket:[{}]", self.servers_socket(*workers.first()?)?);
        let has = |pid: u32| {
            let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
            files.into_iter().any(|file| fs::read_link(file.path()).is_ok_and(|link| link.as_os_str() == &*socket))
        };
        workers.iter().copied().find(|&pid| has(pid))
    }

    /// The inode of the server's end, in the network of this process (proc_pid_net(5)); none before it is accepted.
    fn servers_socket(&self, pid: u32) -> Option<u64> {
        let tables = ["tcp", "tcp6"].map(|name| fs::read_to_string(format!("/proc/{pid}/net/{name}")).unwrap_or_default());
        tables.iter().flat_map(|table| table.lines()).find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let port = |index: usize| u16::from_str_radix(fields.get(index)?.rsplit_once(':')?.1, 16).ok();
            let inode = fields.get(9)?.parse().ok().filter(|&inode| inode != 0)?;
            (port(1) == Some(self.to) && port(2) == Some(self.from)).then_some(inode)
        })
    }

    /// Sends the last line, and returns the worker that has answered.
    fn finish(mut self, workers: &[u32]) -> Option<u32> {
        let worker = self.worker(workers)?;
        self.stream.write_all(b"\r\n").ok()?;
        let mut answer = Vec::new();
        // Some servers reset a connection that they have answered.
        let _ = self.stream.read_to_end(&mut answer);
        answer.starts_with(b"HTTP/1.").then_some(worker)
    }
}

fn addresses(host: &str) -> io::Result<Vec<SocketAddr>> {
    let is_complete = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let addresses = if is_complete { host.to_socket_addrs() } else { (host, 80).to_socket_addrs() };
    addresses.map(Iterator::collect)
}
