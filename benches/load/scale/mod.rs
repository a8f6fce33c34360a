//! What grows with the database: the same requests with 1,000,000 and with 10,000,000 tokens, on PostgreSQL with five audit events for each.
//!
//! It takes long and much space, so it runs only when it is named.

mod fill;
mod listings;
mod site;

use std::time::Duration;

use crate::bench::{Bench, IN_USE};
use crate::client;
use crate::postgres::Postgres;
use crate::rotating_clients::Holders;
use crate::rounds::{Row, Samples, Side, Target, alternate};
use crate::seed;
use crate::server::{Cores, Server};
use crate::wrk::{Expect, Requests};

pub use fill::{KNOWN, Size};
use listings::Listing;
use site::Site;

const MILLION: usize = 1_000_000;
const CLIENTS: usize = 64;
/// How long a page of a million tokens may take.
const PAGE_MILLIS: f64 = 20.0;

/// On SQLite: tokens, and no audit events.
pub fn sqlite(bench: &mut Bench) {
    let sizes = [MILLION, 10 * MILLION].map(|tokens| Size { tokens, events: 0 });
    let sites = sizes.map(|size| bench.runtime.block_on(Site::sqlite(bench.folder(), size)));
    compare(bench, "SQLite", &sites);
}

/// On PostgreSQL: tokens, and five audit events for each.
pub fn postgres(bench: &mut Bench) {
    let cluster = bench.runtime.block_on(Postgres::start());
    let sizes = [MILLION, 10 * MILLION].map(|tokens| Size { tokens, events: 5 * tokens });
    let sites = sizes.map(|size| bench.runtime.block_on(Site::postgres(&cluster, size)));
    compare(bench, "PostgreSQL", &sites);
}

/// On SQLite: the listings of one million tokens.
pub fn sqlite_listings(bench: &mut Bench) {
    let site = bench.runtime.block_on(Site::sqlite(bench.folder(), Size { tokens: MILLION, events: 0 }));
    list_alone(bench, "SQLite", &site);
}

/// On PostgreSQL: the same.
pub fn postgres_listings(bench: &mut Bench) {
    let cluster = bench.runtime.block_on(Postgres::start());
    let site = bench.runtime.block_on(Site::postgres(&cluster, Size { tokens: MILLION, events: 0 }));
    list_alone(bench, "PostgreSQL", &site);
}

/// Two rows for each listing, and a line for each page that takes too long.
fn list_alone(bench: &mut Bench, backend: &str, site: &Site) {
    let server = Server::rotakey(&site.url, Cores::Pinned, &[]);
    for listing in Listing::all(false) {
        let pages = bench.runtime.block_on(listing.pages(server.host(), &site.admin));
        let times = bench.runtime.block_on(listings::measure(server.host(), &pages));
        let late = if times.timeouts == 0 { String::new() } else { format!(", {} timed out", times.timeouts) };
        for (which, time, target) in
            [("median", times.median, Target::None), ("slowest", times.slowest, Target::AtMost(PAGE_MILLIS))]
        {
            let measure = format!("{backend}, {}, {} pages{late}: {which}", listing.name, times.pages);
            bench.add_row(Row::absolute(&measure, "ms", time.as_secs_f64() * 1e3, target));
        }
        for (variables, median) in listing.variables().iter().zip(&times.medians) {
            let millis = median.map(|median| median.as_secs_f64() * 1e3);
            if millis.is_none_or(|millis| millis > PAGE_MILLIS) {
                eprintln!(
                    "{backend}: {}: {variables}",
                    millis.map_or("timed out".to_owned(), |ms| format!("{ms:.1} ms"))
                );
            }
        }
    }
}

/// A row for each measure: the large database, compared with the small one.
fn compare(bench: &mut Bench, backend: &str, sites: &[Site; 2]) {
    for site in sites {
        let measure = |what: &str| format!("{backend}, {}: {what}", site.size);
        bench.add_row(Row::absolute(&measure("size on disk"), "MiB", site.mib, Target::None));
        bench.add_row(Row::absolute(&measure("time to fill it"), "s", site.filled_in.as_secs_f64(), Target::None));
    }
    start(bench, backend, sites);
    let servers = sites.each_ref().map(|site| Server::rotakey(&site.url, Cores::Pinned, &[]));
    verify(bench, backend, &servers);
    rotate(bench, backend, sites);
    for listing in Listing::all(sites[0].size.events > 0) {
        list(bench, backend, &listing, sites, &servers);
    }
}

fn add(bench: &mut Bench, measure: &str, unit: &str, samples: &[Samples]) {
    let [small, large] = samples else { unreachable!() };
    bench.add_row(Row::compared(measure, unit, large, ("with a tenth", small), Target::None));
}

fn start(bench: &mut Bench, backend: &str, sites: &[Site; 2]) {
    let request = client::verify(seed::value(0).expose());
    let sides = sites.iter().map(|site| -> Side<'_> {
        Box::new(|_| {
            let server = Server::rotakey(&site.url, Cores::Shared, &[]);
            bench.runtime.block_on(client::ask(server.host(), &request));
            server.age().as_secs_f64() * 1e3
        })
    });
    let samples = alternate(bench.rounds, sides.collect());
    add(bench, &format!("{backend}, start to the first answer"), "ms", &samples);
}

fn verify(bench: &mut Bench, backend: &str, servers: &[Server; 2]) {
    let (warm, missed) = (bench.verify("warm", 0..IN_USE), bench.verify("missed", IN_USE..KNOWN));
    for server in servers {
        bench.warm(server, &warm, "");
    }
    let time = bench.rounds.each;
    let rate = |requests: &Requests, server: &Server, stride: usize| -> Side<'static> {
        let (requests, url) = (requests.clone(), server.url.clone());
        Box::new(move |round| requests.rate(&url, round * stride, time, Expect::Good))
    };
    // Every round misses with other values, far more than are cached.
    let stride = (KNOWN - IN_USE) / bench.rounds.count;
    let samples = alternate(bench.rounds, servers.iter().map(|server| rate(&warm, server, 0)).collect());
    add(bench, &format!("{backend}, `GET /verify`, warm"), "/s", &samples);
    let samples = alternate(bench.rounds, servers.iter().map(|server| rate(&missed, server, stride)).collect());
    add(bench, &format!("{backend}, `GET /verify`, cache misses"), "/s", &samples);
}

fn rotate(bench: &mut Bench, backend: &str, sites: &[Site; 2]) {
    let servers = sites.each_ref().map(|site| Server::rotakey(&site.url, Cores::Shared, &[]));
    let holders = || Holders::of((KNOWN - CLIENTS..KNOWN).map(|number| seed::value(number).expose().to_owned()));
    let (mut holders, runtime, time) = ([holders(), holders()], &bench.runtime, bench.rounds.each);
    let sides = holders
        .iter_mut()
        .zip(&servers)
        .map(|(holders, server)| -> Side<'_> { Box::new(|_| runtime.block_on(holders.rate(server.host(), time))) });
    let samples = alternate(bench.rounds, sides.collect());
    add(bench, &format!("{backend}, `rotateAPIToken`, durable, {CLIENTS} clients"), "/s", &samples);
}

fn list(bench: &mut Bench, backend: &str, listing: &Listing, sites: &[Site; 2], servers: &[Server; 2]) {
    let measured = sites.iter().zip(servers).map(|(site, server)| {
        let pages = bench.runtime.block_on(listing.pages(server.host(), &site.admin));
        bench.runtime.block_on(listings::measure(server.host(), &pages))
    });
    let measured: Vec<_> = measured.collect();
    let timeouts = measured.iter().map(|times| times.timeouts).max().unwrap_or_default();
    let late = if timeouts == 0 { String::new() } else { format!(", {timeouts} timed out") };
    let millis = |time: Duration| Samples(vec![time.as_secs_f64() * 1e3]);
    for (which, of) in
        [("median", (|times| times.median) as fn(&listings::Times) -> Duration), ("slowest", |times| times.slowest)]
    {
        let samples: Vec<_> = measured.iter().map(|times| millis(of(times))).collect();
        add(bench, &format!("{backend}, {}, {} pages{late}: {which}", listing.name, measured[1].pages), "ms", &samples);
    }
}
