//! Requests to a server, so many that each of its workers gets some.
use crate::server::Watched;
use serde::Serialize;
use std::time::Instant;

/// Seconds that an answer may take.
const TIMEOUT: u64 = 10;
/// How often each worker is to be asked, on the average.
const TIMES: usize = 4;
/// Requests at once, at most.
const AT_ONCE: usize = 32;
/// Failures that are told.
const TOLD: usize = 4;

/// What came of the requests.
#[derive(Default, Serialize)]
pub(crate) struct Answers {
    pub(crate) sent: usize,
    pub(crate) answered: usize,
    /// Answers of status 500 and above, and requests without one: each kind once.
    pub(crate) failures: Vec<String>,
}

/// A URL that can be asked for.
pub(super) fn address(text: &str) -> Result<String, String> {
    match text.strip_prefix("http://").is_some_and(|rest| !rest.is_empty()) {
        true => Ok(text.to_owned()),
        false => Err("not of the form http://HOST:PORT/PATH".to_owned()),
    }
}

/// Sends them, once the server listens.
pub(super) fn send(server: &Watched, urls: &[String], deadline: Instant) -> Answers {
    let mut answers = Answers::default();
    for url in urls {
        let mut first = Err(String::new());
        server.wait_until(deadline, || {
            first = ask(url);
            !matches!(&first, Err(error) if error.is_empty())
        });
        let listens = !matches!(&first, Err(error) if error.is_empty());
        answers.take(url, first);
        if listens {
            rounds(server, url, &mut answers);
        }
    }
    answers
}

/// As many at once as there are workers twice, since one that is busy leaves the next request to another one.
fn rounds(server: &Watched, url: &str, answers: &mut Answers) {
    let at_once = (2 * server.children()).clamp(2, AT_ONCE);
    for _ in 0..TIMES / 2 {
        // Requests that hang say all that there is to say.
        if !server.goes_on() || answers.answered < answers.sent {
            return;
        }
        let asked: Vec<_> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..at_once).map(|_| scope.spawn(|| ask(url))).collect();
            all.into_iter().filter_map(|one| one.join().ok()).collect()
        });
        asked.into_iter().for_each(|answer| answers.take(url, answer));
    }
}

/// The status of the answer, or why there is none; an empty reason when nobody listens.
fn ask(url: &str) -> Result<u16, String> {
    let request = minreq::get(url).with_timeout(TIMEOUT).with_follow_redirects(false);
    match request.send() {
        Ok(answer) => Ok(answer.status_code),
        Err(minreq::Error::IoError(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => Err(String::new()),
        Err(minreq::Error::IoError(error)) if error.kind() == std::io::ErrorKind::TimedOut => {
            Err(format!("no answer in {TIMEOUT} s"))
        }
        Err(error) => Err(error.to_string()),
    }
}

impl Answers {
    fn take(&mut self, url: &str, answer: Result<u16, String>) {
        self.sent += 1;
        self.answered += usize::from(answer.is_ok());
        let failure = match answer {
            Ok(status) if status < 500 => return,
            Ok(status) => format!("{url}: status {status}"),
            Err(error) if error.is_empty() => format!("{url}: nobody listens"),
            Err(error) => format!("{url}: {error}"),
        };
        if self.failures.len() < TOLD && !self.failures.contains(&failure) {
            self.failures.push(failure);
        }
    }
}
