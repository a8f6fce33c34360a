//! A primary is killed and its synchronous standby promoted by hand, under three replicas. Two of them have both servers in their
//! URL; the third has one address, which is moved.

use std::sync::Arc;

use super::outage::{count_outages, create_at_each};
use super::{CALL_PATIENCE, PATIENCE, PLAN};
use crate::load::{Calls, Storm};
use crate::report::Report;
use crate::scenario::Run;
use crate::site::{Address, Balancer, Replica};
use crate::support::cluster::PostgresServer;
use crate::support::link::free_port;

pub async fn run(run: &Run) -> Report {
    let mut report = Report::new(run);
    let mut primary = PostgresServer::primary().await;
    let mut standby = primary.synchronous_standby().await;
    let both = format!(
        "postgres://rotakey@127.0.0.1:{},127.0.0.1:{}/rotakey?target_session_attrs=read-write",
        primary.port, standby.port
    );
    let port = free_port();
    let mut address = Balancer::forwarding(port, primary.port).await;
    let moved = format!("postgres://rotakey@127.0.0.1:{port}/rotakey");
    let replicas =
        [("a", &both), ("b", &both), ("c", &moved)].map(|(name, url)| Arc::new(Replica::start(name, url, &[])));
    let admin = replicas[0].first_value();
    let calls = Calls::record(&run.record, &run.scenario.name(), run.seed, CALL_PATIENCE);
    let storm = Storm::start(PLAN, Address::of(&replicas), &admin, &calls, run.seed).await;
    let mut random = fastrand::Rng::with_seed(run.seed);
    let mut moments = Vec::new();
    for number in 0..run.times {
        if !report.is_good() {
            break;
        }
        report.expect(storm.acknowledge(random.u32(10..100), PATIENCE).await);
        moments.push(calls.now_micros());
        primary.kill_all_processes().await;
        standby.promote_by_pg_ctl().await;
        drop(address);
        address = Balancer::forwarding(port, standby.port).await;
        report.expect(storm.check_all(PATIENCE).await);
        let name = format!("after promotion {number}");
        report.expect(create_at_each(&replicas, &calls, &admin, &name).await);
        // The next standby is where the former primary was.
        let free = primary.port;
        primary = standby;
        standby = primary.synchronous_standby_at(free).await;
    }
    let tally = storm.end(PATIENCE).await;
    calls.flush();
    report.count("promotions", moments.len());
    count_outages(&mut report, run, &moments, &tally);
    report.check_history(run);
    report.count_lock_outs(&tally);
    drop(address);
    report
}
