//! The processor time of the server for each request: what a request costs, whether or not something else is the bottleneck.

use std::time::Duration;

use serde_json::json;

use crate::bench::{Bench, SMALL};
use crate::client;
use crate::rotating_clients::Holders;
use crate::rounds::{Row, Side, Target, alternate};
use crate::seed;
use crate::server::{Cores, Server};
use crate::wrk::{Expect, Requests};

const CURRENT: &str = "{ currentAPIToken { id name owner scopes expiresAt } }";
/// Seven fields of each token.
const PAGE: &str = "{ apiTokens(first: 25) { edges { node { id name owner kind status scopes createdAt } } } }";
const CREATE: &str = "mutation { createAPIToken(input: { name: \"created\" }) { token { id value } } }";
/// How many users each value has where they are told apart.
const USERS: usize = 20;
/// How many clients change something at the same time.
const WRITERS: usize = 64;

/// Requests of GraphQL that are not answered by the direct verification, compared with a server that parses and echoes JSON.
pub fn cost(bench: &mut Bench) {
    let database = bench.small_database("cost.db");
    let (echo, own) = (Server::baseline(&["echo"]), bench.rotakey(&database, &[]));
    // Changes wait for the disk, so their server is not pinned, as in the measures of rotation.
    let changed = bench.small_database("cost-of-changes.db");
    let writer = Server::rotakey(&changed.url(), Cores::Shared, &[]);
    let ask = |server: &Server, admin: &str, name: &str, query: &str| {
        let request = client::graphql(admin, query, &json!({}));
        let requests = Requests::write(bench.folder(), name, std::iter::once(request));
        bench.warm(server, &requests, "\"data\"");
        requests
    };
    let typename = ask(&own, &database.admin, "typename-cost", "{ __typename }");
    let current = ask(&own, &database.admin, "current-cost", CURRENT);
    let page = ask(&own, &database.admin, "page-cost", PAGE);
    let create = ask(&writer, &changed.admin, "create-cost", CREATE);
    // The baseline of a page echoes as many bytes.
    let answer = bench.runtime.block_on(client::ask(own.host(), page.first()));
    let same_answer = client::post("/graphql", &database.admin, "application/json", &answer);
    let same_answer = Requests::write(bench.folder(), "echoed-page", std::iter::once(same_answer));
    let values = (0..WRITERS).map(|number| seed::value(number).expose().to_owned());
    let mut holders = Holders::of(values);
    let time = bench.rounds.each;
    let side = |server: &Server, requests: &Requests, clients: usize| -> Side<'static> {
        let (requests, url, clock) = (requests.clone(), server.url.clone(), server.processor_clock());
        Box::new(move |_| {
            micros_each(|| clock.elapsed(), || requests.send(&url, (0, clients), time, Expect::Good).requests)
        })
    };
    let clock = writer.processor_clock();
    let samples = alternate(
        bench.rounds,
        vec![
            side(&echo, &typename, 32),
            side(&echo, &same_answer, 32),
            side(&own, &typename, 32),
            side(&own, &current, 32),
            side(&own, &page, 32),
            side(&writer, &create, WRITERS),
            Box::new(|_| {
                micros_each(|| clock.elapsed(), || bench.runtime.block_on(holders.rotate(writer.host(), time)).into())
            }),
        ],
    );
    let [echo, echoed_page, typename, current, page, create, rotate] = &samples[..] else { unreachable!() };
    let (echo, echoed_page) = (("JSON echoed", echo), ("the answer echoed", echoed_page));
    for (measure, own, baseline, most) in [
        ("`{ __typename }`", typename, echo, None),
        ("`currentAPIToken`", current, echo, Some(12.0 / 8.3)),
        ("`apiTokens(first: 25)`, seven fields", page, echoed_page, Some(150.0 / 75.0)),
        ("`createAPIToken`, SQLite, 64 clients", create, echo, Some(90.0 / 8.3)),
        ("`rotateAPIToken`, SQLite, 64 clients", rotate, echo, Some(90.0 / 8.3)),
    ] {
        let measure = format!("processor time of {measure}");
        bench.add_row(Row::compared(&measure, "µs", own, baseline, most.map_or(Target::None, Target::AtMost)));
    }
}

/// What it costs to tell users of a value apart: the same requests, recorded as one user of each value and as many.
pub fn users(bench: &mut Bench) {
    let requests = (0..USERS).flat_map(|user| (0..SMALL).map(move |token| (token, user)));
    let requests = requests.map(|(token, user)| client::verify_as(seed::value(token).expose(), user));
    let requests = Requests::write(bench.folder(), "users", requests);
    let flags = ["--trusted-proxies", "127.0.0.1", "--record-addresses"];
    let server = |bench: &Bench, name: &str, precision: &'static str| {
        let database = bench.small_database(name);
        let server = bench.rotakey(&database, &[&flags[..], &[precision]].concat());
        bench.warm(&server, &requests, "");
        server
    };
    let servers = [server(bench, "one-user.db", "none"), server(bench, "many-users.db", "block")];
    let time = bench.rounds.each;
    let side = |server: &Server| -> Side<'static> {
        let (requests, url, clock) = (requests.clone(), server.url.clone(), server.processor_clock());
        Box::new(move |_| micros_each(|| clock.elapsed(), || requests.send(&url, (0, 32), time, Expect::Good).requests))
    };
    let samples = alternate(bench.rounds, servers.iter().map(side).collect());
    let measure = format!("processor time of `GET /verify`, warm, {USERS} users of each of {SMALL} values");
    let baseline = ("the same requests with `--record-addresses none`: one user of each", &samples[0]);
    bench.add_row(Row::compared(&measure, "µs", &samples[1], baseline, Target::None));
}

/// The microseconds by which the clock advances for each of the requests that are sent.
fn micros_each(clock: impl Fn() -> Duration, send: impl FnOnce() -> f64) -> f64 {
    let started = clock();
    let requests = send();
    (clock() - started).as_secs_f64() * 1e6 / requests
}
