//! The load generator `wrk`, whose connections each send their next request after the response to the last.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::machine::{CoreSet, cores, pinned};

const CONNECTIONS: usize = 32;

/// The expected statuses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// All of them 2xx.
    Good,
    /// None of them 2xx.
    Refused,
}

/// The result of a run.
pub struct Sent {
    /// How many requests were answered.
    pub requests: f64,
    /// How long they took.
    pub seconds: f64,
}

/// Requests in a file that wrk reads.
#[derive(Clone)]
pub struct Requests {
    path: PathBuf,
    first: String,
}

impl Requests {
    /// Writes the requests to a file of this name.
    pub fn write(folder: &Path, name: &str, requests: impl Iterator<Item = String>) -> Self {
        let (mut text, mut first) = (String::new(), None);
        for request in requests {
            text.push_str(&request);
            text.push('\0');
            first.get_or_insert(request);
        }
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        Self { path, first: first.unwrap() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The first request.
    pub fn first(&self) -> &str {
        &self.first
    }

    /// All requests of a file.
    pub fn all(path: &Path) -> Vec<Vec<u8>> {
        let bytes = std::fs::read(path).unwrap();
        bytes.split(|byte| *byte == 0).filter(|request| !request.is_empty()).map(<[u8]>::to_vec).collect()
    }

    /// The requests per second, starting with the request at this offset.
    pub fn rate(&self, url: &str, offset: usize, time: Duration, expect: Expect) -> f64 {
        let Sent { requests, seconds } = self.send(url, (offset, CONNECTIONS), time, expect);
        requests / seconds
    }

    /// Sends requests for this time, starting with the request at this offset, over this many connections.
    pub fn send(&self, url: &str, (offset, connections): (usize, usize), time: Duration, expect: Expect) -> Sent {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/load/requests.lua");
        let threads = cores().div_ceil(2).to_string();
        let output = pinned(CoreSet::Load, Path::new("wrk"))
            .args(["-t", &threads, "-c", &connections.to_string(), "-d", &format!("{}s", time.as_secs()), "-s"])
            .args([&script, Path::new(url), Path::new("--"), &self.path])
            .arg(offset.to_string())
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        let result = stdout.lines().find_map(|line| line.strip_prefix("RESULT "));
        let result = result.unwrap_or_else(|| panic!("wrk: {stdout}{}", String::from_utf8_lossy(&output.stderr)));
        let numbers: Vec<f64> = result.split(' ').map(|number| number.parse().unwrap()).collect();
        let [requests, micros, refused, broken] = numbers[..] else { panic!("wrk: {result}") };
        let as_expected = match expect {
            Expect::Good => refused == 0.0,
            Expect::Refused => refused == requests,
        };
        assert!(as_expected && broken == 0.0, "{url}: of {requests} answers {refused} not 2xx, {broken} broken");
        Sent { requests, seconds: micros / 1e6 }
    }
}
