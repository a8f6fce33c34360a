//! PostgreSQL servers that a test may kill: a primary, and standbys that stream from it. Gone with the test.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use tempfile::TempDir;

use super::process::Process;
use super::process_tree::{signal_all, stopped_with_children, wait_until_ended, with_children};
use crate::support::deadline::{until, within};

/// How long anything here may take, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);
const NAME: &str = "rotakey";
/// The password in all URLs. Only [`PostgresServer::require_password`] makes the server ask for it.
const PASSWORD: &str = "CHANGE-ME-4";

/// A server with its own data.
pub struct PostgresServer {
    child: Child,
    pub port: u16,
    folder: TempDir,
    /// Variables for its environment, from the next restart.
    pub environment: Vec<(String, String)>,
}

impl PostgresServer {
    /// A primary with one empty database, to which standbys may connect.
    pub async fn primary() -> Self {
        Self::primary_in(folder(), &[]).await
    }

    /// As [`PostgresServer::primary`], with its data in this folder, made with these arguments besides.
    pub async fn primary_in(folder: TempDir, more: &[&str]) -> Self {
        let bin = bin();
        let data = folder.path().join("data");
        let arguments = ["--username=rotakey", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"];
        let mut initdb = tool(&bin, "initdb");
        initdb.arg("-D").arg(&data).args(arguments).args(more);
        run(initdb);
        let primary = Self::start(&bin, folder).await;
        primary.connect_to("postgres").await.execute_unprepared(&format!("CREATE DATABASE {NAME}")).await.unwrap();
        primary
    }

    /// A standby made of this server as it is now. This server waits for it at every commit from here on.
    pub async fn synchronous_standby(&self) -> Self {
        let folder = self.copied();
        let standby = Self::start(&bin(), folder).await;
        self.wait_for_standby().await;
        standby
    }

    /// A copy of its data, as that of a standby.
    fn copied(&self) -> TempDir {
        let (bin, folder) = (bin(), folder());
        let data = folder.path().join("data");
        let port = self.port.to_string();
        let arguments = ["-h", "127.0.0.1", "-p", &port, "-U", "rotakey", "--checkpoint=fast", "-R", "--no-sync"];
        let mut backup = tool(&bin, "pg_basebackup");
        backup.arg("-D").arg(&data).args(arguments);
        run(backup);
        folder
    }

    async fn wait_for_standby(&self) {
        self.execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await;
        self.execute("SELECT pg_reload_conf()").await;
        self.wait_for("SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')").await;
    }

    /// Kills the primary and starts again at its address, still as a standby.
    pub async fn take_the_place_of(mut self, mut primary: Self) -> Self {
        primary.kill();
        let _ = kill(self.pid(), Signal::SIGINT);
        self.child.wait().unwrap();
        self.child = spawn(&bin(), &self.folder, primary.port, &self.environment);
        self.port = primary.port;
        assert!(answers(&mut self.child, self.port).await);
        self
    }

    /// Serves TLS from now on, with this certificate and key.
    pub async fn use_tls(&self, certificate: &Path, key: &Path) {
        let data = self.folder.path().join("data");
        let owner = fs::metadata(&data).unwrap();
        for (file, name) in [(certificate, "server.crt"), (key, "server.key")] {
            let copy = data.join(name);
            fs::copy(file, &copy).unwrap();
            // PostgreSQL refuses a key that others can read.
            fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
            chown(&copy, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        self.execute("ALTER SYSTEM SET ssl = on").await;
        self.execute("SELECT pg_reload_conf()").await;
        self.wait_for("SELECT current_setting('ssl')::boolean").await;
    }

    /// Requires a password (SCRAM) for the one database from now on, as a server does whose `pg_hba.conf` says so.
    pub async fn require_password(&self) {
        // Setting the same password again changes its SCRAM secret, which PgBouncer has.
        if self.ask("SELECT (rolpassword IS NOT NULL)::text FROM pg_authid WHERE rolname = 'rotakey'").await == "true" {
            return;
        }
        let rules = self.folder.path().join("data/pg_hba.conf");
        let others = fs::read_to_string(&rules).unwrap();
        // It keeps its owner, who is not that of the test.
        fs::write(&rules, format!("host {NAME} rotakey 127.0.0.1/32 scram-sha-256\n{others}")).unwrap();
        self.execute(&format!("ALTER ROLE rotakey PASSWORD '{PASSWORD}'")).await;
        self.execute("SELECT pg_reload_conf()").await;
        let without = self.url().replace(&format!(":{PASSWORD}"), "");
        until("a refusal without a password", async || Database::connect(&without).await.is_err()).await;
    }

    /// The first column of the only row that this returns, as text.
    pub async fn ask(&self, sql: &str) -> String {
        let connection = self.connect().await;
        let row = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
        connection.close().await.unwrap();
        row.unwrap().try_get_by_index(0).unwrap()
    }

    /// Makes this standby a primary.
    pub async fn promote(&self) {
        self.execute("SELECT pg_promote(false)").await;
        self.wait_for("SELECT NOT pg_is_in_recovery()").await;
    }

    /// The URL of the one database.
    pub fn url(&self) -> String {
        url(self.port, NAME)
    }

    /// A connection to the one database, beside those of Rotakey.
    pub async fn connect(&self) -> DatabaseConnection {
        self.connect_to(NAME).await
    }

    pub async fn execute(&self, sql: &str) {
        let connection = self.connect().await;
        connection.execute_unprepared(sql).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Waits until this question is answered by true.
    pub async fn wait_for(&self, question: &str) {
        let connection = self.connect().await;
        wait_for(&connection, question).await;
        connection.close().await.unwrap();
    }

    /// Kills it at once, as a power cut does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets every process of the server stand still, or go on.
    pub fn freeze(&self, frozen: bool) {
        let signal = if frozen { Signal::SIGSTOP } else { Signal::SIGCONT };
        for pid in self.processes() {
            // One that has ended by itself meanwhile is as good.
            let _ = kill(pid, signal);
        }
    }

    fn processes(&self) -> Vec<Pid> {
        with_children(self.pid())
    }

    async fn start(bin: &Path, folder: TempDir) -> Self {
        // A port that is free may be taken by another process before the server takes it; then another is tried.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut child = spawn(bin, &folder, port, &[]);
            if answers(&mut child, port).await {
                return Self { child, port, folder, environment: Vec::new() };
            }
        }
        panic!("the server does not start: {}", fs::read_to_string(folder.path().join("log")).unwrap());
    }

    async fn connect_to(&self, database: &str) -> DatabaseConnection {
        Database::connect(url(self.port, database)).await.unwrap()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }
}

/// What breaks it so that it can be started again.
#[allow(dead_code, reason = "the fault tests use it")]
impl PostgresServer {
    /// As [`PostgresServer::synchronous_standby`], at this port.
    pub async fn synchronous_standby_at(&self, port: u16) -> Self {
        let folder = self.copied();
        let child = spawn(&bin(), &folder, port, &[]);
        let mut standby = Self { child, port, folder, environment: Vec::new() };
        assert!(answers(&mut standby.child, port).await, "{}", standby.log());
        self.wait_for_standby().await;
        standby
    }

    /// Makes this standby a primary, as an operator does by hand. It waits for no standby until it has one.
    pub async fn promote_by_pg_ctl(&self) {
        let mut promote = tool(&bin(), "pg_ctl");
        promote.arg("promote").arg("-D").arg(self.folder.path().join("data"));
        run(promote);
        self.wait_for("SELECT NOT pg_is_in_recovery()").await;
        self.execute("ALTER SYSTEM RESET synchronous_standby_names").await;
        self.execute("SELECT pg_reload_conf()").await;
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Kills every process of it at once, so that it can be started again.
    pub async fn kill_all_processes(&mut self) {
        let all = stopped_with_children(self.pid());
        signal_all(&all, Signal::SIGKILL);
        self.child.wait().unwrap();
        // One that has not ended yet keeps its shared memory, with which no server starts on the same data.
        wait_until_ended(&all).await;
    }

    /// Stops it without a checkpoint, as `pg_ctl stop -m immediate` does.
    pub fn stop_immediately(&mut self) {
        kill(self.pid(), Signal::SIGQUIT).unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it as `pg_ctl stop` does: it closes all connections and writes a checkpoint.
    pub fn stop(&mut self) {
        kill(self.pid(), Signal::SIGINT).unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again if it has ended by itself, as a supervisor does.
    pub async fn restart_if_ended(&mut self) {
        if self.child.try_wait().unwrap().is_some() {
            self.restart().await;
        }
    }

    /// Starts it again after it was killed or stopped, on its data and at its address.
    pub async fn restart(&mut self) {
        self.child = spawn(&bin(), &self.folder, self.port, &self.environment);
        assert!(answers(&mut self.child, self.port).await, "{}", self.log());
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        self.freeze(false);
        // It then ends its children and itself, by force within five seconds.
        let _ = kill(self.pid(), Signal::SIGQUIT);
        let _ = self.child.wait();
    }
}

/// Starts a server on the data in this folder.
fn spawn(bin: &Path, folder: &TempDir, port: u16, environment: &[(String, String)]) -> Child {
    let log = fs::File::create(folder.path().join("log")).unwrap();
    // By `env`, because the program that changes the user must not get them.
    let mut command = as_postgres(Path::new("env"), "QUIT");
    command.args(environment.iter().map(|(name, value)| format!("{name}={value}"))).arg(bin.join("postgres"));
    command.arg("-D").arg(folder.path().join("data")).args(["-p", &port.to_string()]);
    for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=120", "fsync=off"] {
        command.args(["-c", setting]);
    }
    command.stderr(log).spawn().unwrap()
}

/// Waits until the server answers; false if it ends instead.
async fn answers(child: &mut Child, port: u16) -> bool {
    let started = async {
        while child.try_wait().unwrap().is_none() {
            if Database::connect(url(port, "postgres")).await.is_ok() {
                return true;
            }
        }
        false
    };
    within(PATIENCE, "the start of PostgreSQL", started).await
}

fn url(port: u16, database: &str) -> String {
    format!("postgres://rotakey:{PASSWORD}@127.0.0.1:{port}/{database}")
}

/// Waits until this question is answered by true.
pub async fn wait_for(connection: &DatabaseConnection, question: &str) {
    let statement = Statement::from_string(DbBackend::Postgres, question);
    let ask = async || connection.query_one_raw(statement.clone()).await.unwrap().unwrap().try_get_by_index::<bool>(0);
    within(PATIENCE, question, async { while !ask().await.unwrap() {} }).await;
}

/// The newest PostgreSQL that is installed.
pub fn bin() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").unwrap().map(|entry| entry.unwrap().path().join("bin"));
    versions.filter(|bin| bin.join("initdb").exists()).max().unwrap()
}

/// A folder for a server's data.
pub fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    folder
}

/// A program of PostgreSQL. It ends with the test.
fn tool(bin: &Path, name: &str) -> Command {
    as_postgres(&bin.join(name), "QUIT")
}

/// A program that refuses to run as root. It gets this signal when the test ends.
pub fn as_postgres(program: &Path, at_the_end: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", at_the_end]).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
    if Uid::effective().is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command.arg(program);
    command
}

fn run(command: Command) {
    let (status, _, stderr) = Process::spawn(command).ended_within(PATIENCE);
    assert!(status.success(), "{stderr}");
}
