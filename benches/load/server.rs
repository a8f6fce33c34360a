//! The measured servers, each in a separate process: the release build of Rotakey, and the baselines, which are this program with other
//! arguments.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::machine::{CoreSet, field, pinned};

/// A running server.
pub struct Server {
    child: Child,
    started: Instant,
    /// Its base URL.
    pub url: String,
}

/// Whether servers and load generators are pinned to separate cores.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cores {
    /// Each has half of the cores.
    Pinned,
    /// The operating system schedules all of them on all cores.
    Shared,
}

fn rotakey(cores: Cores) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_rotakey"));
    let mut command = if cores == Cores::Pinned { pinned(CoreSet::Server, program) } else { Command::new(program) };
    // The settings of the current environment must not influence the result.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ROTAKEY_")) {
        command.env_remove(name);
    }
    command
}

/// Creates the database at this URL if it is missing, and an admin token in it. Returns its value.
pub fn bootstrap(database_url: &str) -> String {
    // The server creates the database; the command requires an existing one.
    drop(Server::rotakey(database_url, Cores::Shared, &[]));
    let output = rotakey(Cores::Shared).args(["bootstrap", "--database-url", database_url]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Server {
    /// Rotakey on this database. It only logs warnings, because the baselines log nothing.
    pub fn rotakey(database_url: &str, cores: Cores, flags: &[&str]) -> Self {
        let mut command = rotakey(cores);
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--database-url", database_url]).args(flags);
        Self::start(command)
    }

    /// A baseline, by name.
    pub fn baseline(arguments: &[&str]) -> Self {
        let mut command = pinned(CoreSet::Server, &std::env::current_exe().unwrap());
        command.arg(BASELINE).args(arguments);
        Self::start(command)
    }

    fn start(mut command: Command) -> Self {
        let started = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let url = line.trim().split("listening on ").nth(1).unwrap_or_else(|| panic!("no server: {line}")).to_owned();
        // The rest is ignored, but writing to a closed pipe would be an error for the server.
        std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
        Self { child, started, url }
    }

    /// The time since it was started.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Its resident memory in MiB.
    pub fn memory_mib(&self) -> f64 {
        let kib = field(&format!("/proc/{}/status", self.child.id()), "VmRSS").unwrap();
        kib.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
    }

    /// Counts the processor time of its process, in user and kernel.
    pub fn processor_clock(&self) -> ProcessorClock {
        ProcessorClock { stat: format!("/proc/{}/stat", self.child.id()) }
    }

    /// Its host and port.
    pub fn host(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }
}

/// The processor time of a process.
pub struct ProcessorClock {
    stat: String,
}

impl ProcessorClock {
    /// The processor time that the process has used.
    pub fn elapsed(&self) -> Duration {
        let stat = std::fs::read_to_string(&self.stat).unwrap();
        // The name of the program, in parentheses, may contain spaces. `utime` and `stime` are the fields 14 and 15, the fields 12 and 13
        // after the name, in ticks of a hundredth of a second.
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The argument that starts this program as a baseline.
pub const BASELINE: &str = "--baseline";
