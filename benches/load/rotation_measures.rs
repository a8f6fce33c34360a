//! The measures of rotation. Nothing is pinned to cores here, because the disk is the bottleneck, and the baselines run in the same
//! process as their load.

use crate::bench::Bench;
use crate::postgres::Postgres;
use crate::rotating_clients::Holders;
use crate::rounds::{Row, Target, alternate};
use crate::seed;
use crate::server::{Cores, Server};
use crate::sqlite_baseline::Driver;

const POSTGRES_CLIENTS: usize = 32;

/// On SQLite, with many concurrent clients and with a single one.
pub fn sqlite(bench: &mut Bench) {
    for (clients, name, target) in [(64, "64 clients", 2.0), (1, "1 client", 0.60)] {
        let (own, baseline) =
            (bench.small_database(&format!("own-{clients}.db")), bench.small_database(&format!("driver-{clients}.db")));
        let server = Server::rotakey(&own.url(), Cores::Shared, &[]);
        let driver = bench.runtime.block_on(Driver::open(&baseline.path));
        let mut holders = Holders::of((0..clients).map(|number| seed::value(number).expose().to_owned()));
        let time = bench.rounds.each;
        let samples = alternate(
            bench.rounds,
            vec![
                Box::new(|_| bench.runtime.block_on(driver.rate(clients, time))),
                Box::new(|_| bench.runtime.block_on(holders.rate(server.host(), time))),
            ],
        );
        let measure = format!("`rotateAPIToken`, SQLite, durable, {name}");
        let baseline = ("the same statements through the driver", &samples[0]);
        bench.add_row(Row::compared(&measure, "/s", &samples[1], baseline, Target::AtLeast(target)));
    }
}

/// On PostgreSQL.
pub fn postgres(bench: &mut Bench) {
    let postgres = bench.runtime.block_on(Postgres::start());
    let server = Server::rotakey(&postgres.url, Cores::Shared, &[]);
    let values = bench.runtime.block_on(postgres.tokens(server.host(), POSTGRES_CLIENTS));
    let mut holders = Holders::of(values.into_iter());
    let time = bench.rounds.each;
    let samples = alternate(
        bench.rounds,
        vec![
            Box::new(|round| bench.runtime.block_on(postgres.pgbench(round, POSTGRES_CLIENTS, time))),
            Box::new(|_| bench.runtime.block_on(holders.rate(server.host(), time))),
        ],
    );
    let baseline = ("the same statements in `pgbench -M prepared`", &samples[0]);
    let measure = "`rotateAPIToken`, PostgreSQL, 32 clients";
    bench.add_row(Row::compared(measure, "/s", &samples[1], baseline, Target::AtLeast(0.80)));
}
