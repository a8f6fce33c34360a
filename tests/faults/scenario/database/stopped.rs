//! PostgreSQL stands still, or is stopped and started again.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{Run, Trial, Verification};
use crate::report::Report;
use crate::site::three_replicas;
use crate::support::cluster::PostgresServer;

/// How long it lasts, in a short run and in a long one.
const OUTAGES: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(30)];

pub async fn run(run: &Run) -> Report {
    let length = OUTAGES[usize::from(run.long)];
    let mut database = PostgresServer::primary().await;
    let replicas = three_replicas(&database.url(), &[]);
    let mut trial = Trial::start(run, &replicas).await;
    for _ in 0..run.times {
        let frozen = async {
            let began = Instant::now();
            database.freeze(true);
            sleep_until(began + length).await;
            database.freeze(false);
            began
        };
        trial.outage("stands still (SIGSTOP)", Verification::UntilTrustEnds, frozen).await;
        let stopped = async {
            let began = Instant::now();
            database.stop();
            sleep_until(began + length).await;
            database.restart().await;
            began
        };
        trial.outage("is stopped and started", Verification::UntilTrustEnds, stopped).await;
    }
    trial.end().await
}
