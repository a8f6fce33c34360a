//! Other programs take all connections that PostgreSQL allows.

use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::{self, ConnectOptions, Connection};
use tokio::time::{Instant, sleep_until};

use super::{Run, Trial, Verification};
use crate::report::Report;
use crate::site::three_replicas;
use crate::support::cluster::PostgresServer;

/// How long it lasts, in a short run and in a long one.
const OUTAGES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];
/// How often the connections of the replicas are cut until others have them all.
const ROUNDS: usize = 50;
const CUT: &str =
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name IN ('a', 'b', 'c')";

pub async fn run(run: &Run) -> Report {
    let length = OUTAGES[usize::from(run.long)];
    let database = PostgresServer::primary().await;
    let options: PgConnectOptions = database.url().parse().unwrap();
    let replicas = three_replicas(&database.url(), &[]);
    let mut trial = Trial::start(run, &replicas).await;
    for _ in 0..run.times {
        let taken = async {
            let mut others = Vec::new();
            take_all(&options, &mut others).await;
            let began = Instant::now();
            sleep_until(began + length).await;
            give_back(others).await;
            began
        };
        trial.outage("has no connection left", Verification::Always, taken).await;
        let cut = async {
            let mut others = vec![options.connect().await.unwrap()];
            take_all(&options, &mut others).await;
            for _ in 0..ROUNDS {
                let cut: i64 = sqlx::query_scalar(CUT).fetch_one(&mut others[0]).await.unwrap();
                take_all(&options, &mut others).await;
                if cut == 0 {
                    break;
                }
            }
            let began = Instant::now();
            sleep_until(began + length).await;
            give_back(others).await;
            began
        };
        trial.outage("has none left, and the replicas have lost theirs", Verification::NoLongerThanTrust, cut).await;
    }
    trial.end().await
}

/// Opens connections until the server refuses one.
async fn take_all(options: &PgConnectOptions, others: &mut Vec<PgConnection>) {
    while let Ok(connection) = options.connect().await {
        others.push(connection);
    }
}

async fn give_back(others: Vec<PgConnection>) {
    for connection in others {
        connection.close().await.unwrap();
    }
}
