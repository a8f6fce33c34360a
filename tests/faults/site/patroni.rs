//! A primary and its synchronous standby under Patroni, configured as `docs/postgresql` says.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{interval, timeout};

use super::Balancer;
use super::etcd::Etcd;
use crate::support::cluster::{as_postgres, bin, folder};
use crate::support::filled_in::filled_in;
use crate::support::link::free_port;
use crate::support::process_tree::{signal_all, with_children};

const PATIENCE: Duration = Duration::from_secs(120);
/// The time between two looks at a cluster that is not yet as it should be.
const LOOK: Duration = Duration::from_millis(100);

/// What dies of a database server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Killed {
    /// PostgreSQL. Patroni sees it.
    Postgres,
    /// Every process.
    Everything,
    /// Patroni. PostgreSQL goes on as a primary that is none any more.
    Patroni,
}

/// A database server.
pub struct Node {
    name: String,
    port: u16,
    rest_port: u16,
    folder: TempDir,
    etcd_port: u16,
    patroni: Option<Child>,
}

/// Two database servers, and HAProxy before them.
pub struct PatroniCluster {
    pub nodes: [Node; 2],
    balancer: Balancer,
    http: reqwest::Client,
    _etcd: Etcd,
}

impl PatroniCluster {
    /// Starts it, and waits until the standby is synchronous. `overrides` change the settings of the cluster.
    pub async fn start(overrides: Option<Value>) -> Self {
        let etcd = Etcd::start().await;
        let nodes = ["db1", "db2"].map(|name| Node::new(name, etcd.port));
        let places = |(shown, node): (&'static str, &Node)| {
            (shown, format!("127.0.0.1:{} check port {}", node.port, node.rest_port))
        };
        let shown = ["db1:5432 check port 8008", "db2:5432 check port 8008"];
        let port = free_port();
        let mut filled = vec![("127.0.0.1:5000", format!("127.0.0.1:{port}"))];
        filled.extend(shown.into_iter().zip(&nodes).map(places));
        let balancer = Balancer::configured(port, &filled_in("haproxy.cfg", &filled)).await;
        let http = reqwest::Client::builder().no_proxy().timeout(LOOK * 20).build().unwrap();
        let mut cluster = Self { nodes, balancer, http, _etcd: etcd };
        cluster.nodes[0].start();
        cluster.until("the first primary", async |cluster| cluster.answers(0, "primary").await).await;
        if let Some(overrides) = overrides {
            let url = format!("http://127.0.0.1:{}/config", cluster.nodes[0].rest_port);
            let answer = cluster.http.patch(url).json(&overrides).send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        }
        cluster.nodes[1].start();
        cluster.synchronous().await;
        cluster
    }

    /// Creates the database of Rotakey and its user.
    pub async fn create_database(&self) {
        let server = self.nodes[self.synchronous().await].connect("postgres").await;
        for sql in filled_in("rotakey.sql", &[]).lines() {
            server.execute_unprepared(sql).await.unwrap();
        }
        server.close().await.unwrap();
    }

    /// The URL by which Rotakey connects.
    pub fn url(&self) -> String {
        format!("postgres://rotakey:CHANGE-ME-4@127.0.0.1:{}/rotakey", self.balancer.port)
    }

    /// Waits until there is a primary whose standby is synchronous; which node is the primary.
    pub async fn synchronous(&self) -> usize {
        let mut primary = 0;
        let is_synchronous = async |cluster: &Self| {
            for node in 0..2 {
                let both = cluster.answers(node, "primary").await && cluster.answers(1 - node, "synchronous").await;
                if both && cluster.nodes[node].has_synchronous_standby().await {
                    primary = node;
                    return true;
                }
            }
            false
        };
        self.until("a synchronous standby", is_synchronous).await;
        primary
    }

    /// Waits until this node is the primary.
    pub async fn primary(&self, node: usize) {
        self.until("the standby as the primary", async |cluster| cluster.answers(node, "primary").await).await;
    }

    /// Keeps the logs of Patroni and PostgreSQL beside a history.
    pub fn keep_logs(&self, history: &Path) {
        for node in &self.nodes {
            fs::copy(node.log_file(), history.with_extension(format!("{}.log", node.name))).unwrap();
        }
    }

    async fn until(&self, what: &str, mut holds: impl AsyncFnMut(&Self) -> bool) {
        let looking = async {
            let mut looks = interval(LOOK);
            while !holds(self).await {
                looks.tick().await;
            }
        };
        if timeout(PATIENCE, looking).await.is_err() {
            let logs = self.nodes.iter().map(Node::log).collect::<Vec<_>>().join("\n");
            panic!("{what} did not come within {PATIENCE:?}; the logs of Patroni end so:\n{logs}");
        }
    }

    /// Whether the Patroni of this node answers this question with yes.
    async fn answers(&self, node: usize, question: &str) -> bool {
        let url = format!("http://127.0.0.1:{}/{question}", self.nodes[node].rest_port);
        self.http.get(url).send().await.is_ok_and(|answer| answer.status().is_success())
    }
}

impl Node {
    fn new(name: &str, etcd_port: u16) -> Self {
        let (port, rest_port) = (free_port(), free_port());
        Self { name: name.to_owned(), port, rest_port, folder: folder(), etcd_port, patroni: None }
    }

    /// Starts its Patroni, which starts PostgreSQL.
    pub fn start(&mut self) {
        let folder = self.folder.path();
        let [address, rest_address] = [self.port, self.rest_port].map(|port| format!("127.0.0.1:{port}"));
        let configuration = folder.join("patroni.yml");
        fs::write(&configuration, filled_in("patroni.yml", &[])).unwrap();
        let places = [
            ("=db1\n", format!("={}\n", self.name)),
            ("db1:8008", rest_address.clone()),
            ("db1:5432", address.clone()),
            ("etcd1:2379,etcd2:2379,etcd3:2379", format!("127.0.0.1:{}", self.etcd_port)),
        ];
        let environment = filled_in("patroni.env", &places);
        let settings = environment.lines().filter(|line| !line.starts_with('#'));
        let log = File::options().create(true).append(true).open(self.log_file()).unwrap();
        let mut patroni = as_postgres("/usr/bin/patroni".as_ref(), "KILL");
        patroni.arg(configuration).envs(settings.map(|line| line.split_once('=').unwrap()));
        patroni.env("PATRONI_RESTAPI_LISTEN", rest_address).env("PATRONI_POSTGRESQL_LISTEN", address);
        patroni.env("PATRONI_POSTGRESQL_DATA_DIR", self.data()).env("PATRONI_POSTGRESQL_BIN_DIR", bin());
        patroni.env("PATRONI_POSTGRESQL_PGPASS", folder.join("pgpass")).env("HOME", folder);
        self.patroni = Some(patroni.stderr(log).spawn().unwrap());
    }

    /// Kills what is to be killed with SIGKILL, all at once, and waits until it is gone.
    pub fn kill(&mut self, killed: Killed) {
        let mut processes = Vec::new();
        if killed != Killed::Postgres {
            processes.extend(self.patroni.as_ref().map(pid_of));
        }
        if killed != Killed::Patroni {
            processes.extend(self.postmaster().into_iter().flat_map(with_children));
        }
        signal_all(&processes, Signal::SIGKILL);
        if killed != Killed::Postgres
            && let Some(mut patroni) = self.patroni.take()
        {
            patroni.wait().unwrap();
        }
    }

    /// A connection as the superuser.
    pub async fn connect(&self, database: &str) -> DatabaseConnection {
        self.try_to_connect(database).await.unwrap()
    }

    /// The first column of the only row that this returns, as text.
    pub async fn ask(&self, sql: &str) -> String {
        let connection = self.connect("rotakey").await;
        let answer = ask(&connection, sql).await.unwrap();
        connection.close().await.unwrap();
        answer
    }

    async fn try_to_connect(&self, database: &str) -> Result<DatabaseConnection, sea_orm::DbErr> {
        Database::connect(format!("postgres://postgres:CHANGE-ME-1@127.0.0.1:{}/{database}", self.port)).await
    }

    async fn has_synchronous_standby(&self) -> bool {
        const STANDBYS: &str = "SELECT count(*)::text FROM pg_stat_replication \
                                WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum')";
        let Ok(connection) = self.try_to_connect("postgres").await else { return false };
        let standbys = ask(&connection, STANDBYS).await;
        let _ = connection.close().await;
        standbys.is_ok_and(|standbys| standbys == "1")
    }

    /// The first process of PostgreSQL, if it runs.
    fn postmaster(&self) -> Option<Pid> {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        let pid: i32 = file.lines().next()?.parse().ok()?;
        // The file stays when it was killed, and its number may belong to another process by now.
        let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
        command.contains(self.data().to_str()?).then(|| Pid::from_raw(pid))
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("patroni.log")
    }

    /// The end of the log of its Patroni.
    fn log(&self) -> String {
        let log = fs::read_to_string(self.log_file()).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill(Killed::Everything);
    }
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}

async fn ask(connection: &DatabaseConnection, sql: &str) -> Result<String, sea_orm::DbErr> {
    let row = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    row.unwrap().try_get_by_index(0)
}

/// Settings with which a failover takes few seconds.
pub fn hasty() -> Value {
    json!({ "ttl": 6, "loop_wait": 1, "retry_timeout": 2 })
}
