//! Patroni fails over, again and again, under three replicas behind HAProxy.

use std::sync::Arc;

use super::outage::{count_outages, create_at_each};
use super::{CALL_PATIENCE, PATIENCE, PLAN};
use crate::load::{Calls, Storm};
use crate::report::Report;
use crate::scenario::Run;
use crate::site::patroni::{Killed, Node, PatroniCluster, hasty};
use crate::site::{Address, Replica, three_replicas};

/// What is killed in turn.
const KILLED: [Killed; 3] = [Killed::Everything, Killed::Postgres, Killed::Patroni];
/// With so few failovers, they are made to take few seconds.
const FEW: u32 = 3;

/// A number that a promotion raises, and that of the cluster, which stays.
const IDENTITY: &str = "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) || ' ' || system_identifier \
                        FROM pg_control_system()";
/// How many connections the replicas have to a server. A commit that waits for the standby does not notice that it was cut off.
const REPLICAS: &str = "SELECT count(*)::text FROM pg_stat_activity \
                        WHERE application_name IN ('a', 'b', 'c') AND wait_event IS DISTINCT FROM 'SyncRep'";

pub async fn run(run: &Run) -> Report {
    let mut report = Report::new(run);
    let mut cluster = PatroniCluster::start((run.times <= FEW).then(hasty)).await;
    cluster.create_database().await;
    let replicas = three_replicas(&cluster.url(), &[]);
    let admin = replicas[0].first_value();
    let calls = Calls::record(&run.record, &run.scenario.name(), run.seed, CALL_PATIENCE);
    let storm = Storm::start(PLAN, Address::of(&replicas), &admin, &calls, run.seed).await;
    let mut random = fastrand::Rng::with_seed(run.seed);
    let (mut moments, mut left_behind) = (Vec::new(), 0);
    for (number, killed) in KILLED.into_iter().cycle().take(run.times as usize).enumerate() {
        if !report.is_good() {
            break;
        }
        let old = cluster.synchronous().await;
        let new = 1 - old;
        report.expect(storm.acknowledge(random.u32(10..100), PATIENCE).await);
        let before = cluster.nodes[old].ask(IDENTITY).await;
        moments.push(calls.now_micros());
        cluster.nodes[old].kill(killed);
        cluster.primary(new).await;
        report.expect(storm.check_all(PATIENCE).await);
        if !report.is_good() {
            break;
        }
        let name = format!("after failover {number}");
        report.expect(create_at_each(&replicas, &calls, &admin, &name).await);
        report.expect(are_all_on(&cluster.nodes[new], &before, &name, &replicas).await);
        if killed == Killed::Patroni {
            // The former primary still runs.
            left_behind += connections(&cluster.nodes[old]).await;
        }
        if killed != Killed::Postgres {
            cluster.nodes[old].start();
        }
        assert_eq!(cluster.synchronous().await, new, "the former primary is the primary again");
        left_behind += connections(&cluster.nodes[old]).await;
    }
    let tally = storm.end(PATIENCE).await;
    calls.flush();
    report.count("failovers", moments.len());
    count_outages(&mut report, run, &moments, &tally);
    report.count("connections left on the old side", left_behind);
    report.expect(if left_behind == 0 { Ok(()) } else { Err(format!("{left_behind} connections on the old side")) });
    report.check_history(run);
    report.count_lock_outs(&tally);
    if !report.is_good() {
        cluster.keep_logs(&run.record);
    }
    report
}

/// Whether this server was promoted, in the same cluster, and has what each replica has created.
async fn are_all_on(node: &Node, before: &str, name: &str, replicas: &[Arc<Replica>]) -> Result<(), String> {
    let after = node.ask(IDENTITY).await;
    let [(old_timeline, old_cluster), (timeline, cluster)] =
        [before, &after].map(|identity| identity.split_once(' ').unwrap());
    if timeline <= old_timeline || cluster != old_cluster {
        return Err(format!("the server was not promoted: {before} became {after}"));
    }
    let created = node.ask(&format!("SELECT count(*)::text FROM api_token WHERE name = '{name}'")).await;
    // A replica whose answer was lost has created two.
    if created.parse::<usize>().unwrap() < replicas.len() {
        return Err(format!("the primary has {created} of the tokens {name}"));
    }
    Ok(())
}

/// How many connections the replicas have to this server.
async fn connections(node: &Node) -> u32 {
    node.ask(REPLICAS).await.parse().unwrap()
}
