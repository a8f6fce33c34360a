//! The real binary, as an operator runs it.

use std::borrow::BorrowMut;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use rotakey::domain::value::redact;

use crate::support::client::Client;

/// How long a process may take to write what is waited for.
const DEADLINE: Duration = Duration::from_secs(120);
/// How long it may take to end.
const END_DEADLINE: Duration = Duration::from_secs(100);

/// What a process has written so far, and a way to wait for more of it.
#[derive(Clone, Default)]
struct Captured(Arc<(Mutex<(String, bool)>, Condvar)>);

pub struct Process {
    /// The command, without values.
    name: String,
    child: Child,
    stdout: Captured,
    stderr: Captured,
    pub url: String,
}

pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_rotakey")
}

pub fn command(folder: &Path) -> Command {
    command_of(Path::new(binary()), folder)
}

/// As [`command`], by another version of the binary.
pub fn command_of(binary: &Path, folder: &Path) -> Command {
    let mut command = Command::new(binary);
    command
        .current_dir(folder)
        .env_remove("ROTAKEY_DATABASE_URL")
        .env_remove("ROTAKEY_DATABASE_URL_FILE")
        .env_remove("ROTAKEY_CONFIG")
        .env_remove("CREDENTIALS_DIRECTORY")
        .env_remove("ROTAKEY_LISTEN")
        .env_remove("ROTAKEY_LOG");
    command
}

impl Process {
    /// Starts `rotakey serve` on this database and waits until it says where it listens.
    pub fn serve(folder: &Path, database_url: &str) -> Self {
        Self::serve_by(&["serve"], folder, database_url)
    }

    /// As [`Process::serve`], by this command.
    pub fn serve_by(subcommand: &[&str], folder: &Path, database_url: &str) -> Self {
        let mut command = command(folder);
        command.args(subcommand);
        Self::start(command, database_url)
    }

    /// As [`Process::serve`], by a command line that only lacks the flags.
    pub fn start(mut command: Command, database_url: &str) -> Self {
        command.args(["--listen", "127.0.0.1:0", "--log", "trace", "--database-url", database_url]);
        Self::listening(command)
    }

    /// Starts a server and waits until it says where it listens.
    pub fn listening(command: Command) -> Self {
        let mut process = Self::spawn(command);
        // The line is written after the banner, in one piece with what precedes it.
        let said = process.stdout.wait_for("Playground: ", &process.stderr);
        process.url = said.split("listening on ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        process.logged("listening");
        process
    }

    /// Runs a command to its end. Unlike [`Command::output`], it cannot wait forever.
    pub fn output(command: &mut Command) -> Output {
        let (status, stdout, stderr) = Self::spawn(command).ended();
        Output { status, stdout: stdout.into_bytes(), stderr: stderr.into_bytes() }
    }

    /// Starts a command.
    pub fn spawn(mut command: impl BorrowMut<Command>) -> Self {
        let command = command.borrow_mut();
        let name = redact(&format!("{command:?}")).into_owned();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, stderr) = (Captured::default(), Captured::default());
        stdout.follow(child.stdout.take().unwrap());
        stderr.follow(child.stderr.take().unwrap());
        Self { name, child, stdout, stderr, url: String::new() }
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it has written to stdout so far.
    pub fn said(&self) -> String {
        self.stdout.so_far()
    }

    pub fn client(&self) -> Client {
        Client::anonymous(&self.url)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Waits until the log says this.
    pub fn logged(&self, text: &str) {
        self.stderr.wait_for(text, &self.stderr);
    }

    /// As [`Process::ended`], within this time.
    pub fn ended_within(mut self, deadline: Duration) -> (ExitStatus, String, String) {
        let (ended, watching) = std::sync::mpsc::channel::<()>();
        let id = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        let watchdog = std::thread::spawn(move || {
            let is_late = watching.recv_timeout(deadline) == Err(RecvTimeoutError::Timeout);
            if is_late {
                kill(id, Signal::SIGKILL).unwrap();
            }
            is_late
        });
        // What it writes ends with it, and until it has been waited for no other process gets its number.
        self.stderr.all();
        drop(ended);
        let is_late = watchdog.join().unwrap();
        assert!(
            !is_late,
            "{} has not ended within {deadline:?}; it has written: {}",
            self.name,
            redact(&self.stderr.so_far())
        );
        let status = self.child.wait().unwrap();
        (status, self.stdout.all(), self.stderr.all())
    }

    /// Waits until the process has ended: how it ended, and all that it wrote to stdout and stderr.
    pub fn ended(self) -> (ExitStatus, String, String) {
        self.ended_within(END_DEADLINE)
    }

    /// All lines that it has written to stdout so far.
    pub fn lines(&self) -> Vec<String> {
        let written = self.stdout.so_far();
        written.rsplit_once('\n').map_or_else(Vec::new, |(whole, _)| whole.lines().map(str::to_owned).collect())
    }

    /// The admin token that was printed at the first start.
    pub fn first_value(&self) -> String {
        find_value(&self.stdout.so_far()).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Captured {
    fn follow(&self, mut source: impl Read + Send + 'static) {
        let captured = self.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let read = source.read(&mut buffer).unwrap_or(0);
                let (state, changed) = &*captured.0;
                let mut state = state.lock().unwrap();
                state.0.push_str(&String::from_utf8_lossy(&buffer[..read]));
                state.1 = read == 0;
                changed.notify_all();
                if state.1 {
                    return;
                }
            }
        });
    }

    fn wait_until(&self, what: &str, done: impl Fn(&str, bool) -> bool) -> String {
        let (state, changed) = &*self.0;
        let waiting = |(text, ended): &mut (String, bool)| !done(text, *ended);
        let (state, timeout) = changed.wait_timeout_while(state.lock().unwrap(), DEADLINE, waiting).unwrap();
        assert!(!timeout.timed_out(), "no {what} within {DEADLINE:?}; the process has written: {}", redact(&state.0));
        state.0.clone()
    }

    fn wait_for(&self, text: &str, errors: &Self) -> String {
        let said = self.wait_until(&format!("{text:?}"), |so_far, ended| ended || so_far.contains(text));
        assert!(said.contains(text), "the process ended without saying {text:?}: {}", errors.so_far());
        said
    }

    fn all(&self) -> String {
        self.wait_until("end", |_, ended| ended)
    }

    fn so_far(&self) -> String {
        self.wait_until("output", |_, _| true)
    }
}

/// The first value in a text.
pub fn find_value(text: &str) -> Option<String> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .find(|word| rotakey::domain::value::PresentedValue::parse(word).is_ok())
        .map(str::to_owned)
}
