//! The measures of verification, at every endpoint.

use serde_json::json;

use crate::bench::{Bench, IN_USE, SMALL};
use crate::client;
use crate::rounds::{Row, Side, Target, alternate};
use crate::seed;
use crate::server::{Cores, Server};
use crate::tail_latency;
use crate::wrk::{Expect, Requests};

/// How many values are not cached, in all rounds together.
const MISSED: usize = 400_000;
const QUERY: &str = "query verify($input: VerifyAPITokenInput!) {
  verifyAPIToken(input: $input) { valid code token { id owner scopes } }
}";

/// `GET /verify` with cached values of few tokens and of many.
pub fn verify(bench: &mut Bench) {
    bench.fill_large();
    let small = bench.small_database("small.db");
    let (few, many) = (bench.verify("few", 0..SMALL), bench.verify("many", 0..IN_USE));
    let bare = Server::baseline(&["static"]);
    let servers = [bench.rotakey(&small, &[]), bench.rotakey(bench.large(), &[])];
    bench.warm(&servers[0], &few, "");
    bench.warm(&servers[1], &many, "");
    let time = bench.rounds.each;
    let samples = alternate(
        bench.rounds,
        vec![
            Box::new(|_| few.rate(&bare.url, 0, time, Expect::Good)),
            Box::new(|_| few.rate(&servers[0].url, 0, time, Expect::Good)),
            Box::new(|_| many.rate(&servers[1].url, 0, time, Expect::Good)),
        ],
    );
    let [bare, small, large] = &samples[..] else { unreachable!() };
    let baseline = ("bare axum, static text", bare);
    bench.add_row(Row::compared("`GET /verify`, warm", "/s", small, baseline, Target::AtLeast(0.90)));
    let measure = "`GET /verify` with 1,000,000 tokens, 100,000 of them in use";
    bench.add_row(Row::compared(measure, "/s", large, ("the same with 1,000", small), Target::AtLeast(0.90)));
}

/// The endpoints with a request body, and what the document cache saves.
pub fn bodies(bench: &mut Bench) {
    let database = bench.small_database("bodies.db");
    let values = || (0..SMALL).map(|token| seed::value(token).expose().to_owned());
    let ask = |value: String| client::graphql(&database.admin, QUERY, &json!({ "input": { "value": value } }));
    let verify = Requests::write(bench.folder(), "graphql", values().map(ask));
    let typename = client::graphql(&database.admin, "{ __typename }", &json!({}));
    let typename = Requests::write(bench.folder(), "typename", std::iter::once(typename));
    let form = |value| {
        let body = format!("token={value}&token_type_hint=access_token");
        client::post("/introspect", &database.admin, "application/x-www-form-urlencoded", &body)
    };
    let introspect = Requests::write(bench.folder(), "introspect", values().map(form));
    let echo = Server::baseline(&["echo"]);
    let own = bench.rotakey(&database, &[]);
    let forgetful = bench.rotakey(&database, &["--graphql-cached-documents", "0"]);
    for server in [&own, &forgetful] {
        bench.warm(server, &verify, r#""code":"VALID""#);
        bench.warm(server, &introspect, r#""active":true"#);
        bench.warm(server, &typename, "Query");
    }
    let time = bench.rounds.each;
    let side = |requests: &Requests, server: &Server| -> Side<'static> {
        let (requests, url) = (requests.clone(), server.url.clone());
        Box::new(move |_| requests.rate(&url, 0, time, Expect::Good))
    };
    let samples = alternate(
        bench.rounds,
        vec![
            side(&verify, &echo),
            side(&verify, &own),
            side(&introspect, &own),
            side(&verify, &forgetful),
            side(&typename, &own),
            side(&typename, &forgetful),
        ],
    );
    let [echo, graphql, introspect, parsed, typename, typename_parsed] = &samples[..] else { unreachable!() };
    let (echo, parsed) = (("bare axum, JSON parsed and echoed", echo), ("documents not cached", parsed));
    bench.add_row(Row::compared("GraphQL `verifyAPIToken`, warm", "/s", graphql, echo, Target::AtLeast(0.65)));
    bench.add_row(Row::compared("`POST /introspect`, warm", "/s", introspect, echo, Target::AtLeast(0.75)));
    bench.add_row(Row::compared("GraphQL `verifyAPIToken`, documents cached", "/s", graphql, parsed, Target::None));
    let parsed = ("documents not cached", typename_parsed);
    bench.add_row(Row::compared("GraphQL `{ __typename }`, documents cached", "/s", typename, parsed, Target::None));
}

/// `GET /verify` with values that are not cached, so that each request needs the database.
pub fn misses(bench: &mut Bench) {
    bench.fill_large();
    let url = bench.large().url();
    let known = bench.verify("known", IN_USE..IN_USE + MISSED);
    let unknown = bench.verify("unknown", (0..MISSED).map(|token| token + 1_000_000_000));
    let look_up = Server::baseline(&["look-up", &url]);
    let own = bench.rotakey(bench.large(), &[]);
    // Every round uses other values, far more than are cached.
    let (time, stride) = (bench.rounds.each, MISSED / bench.rounds.count);
    let samples = alternate(
        bench.rounds,
        vec![
            Box::new(|round| known.rate(&look_up.url, round * stride, time, Expect::Good)),
            Box::new(|round| known.rate(&own.url, round * stride, time, Expect::Good)),
            Box::new(|round| unknown.rate(&look_up.url, round * stride, time, Expect::Refused)),
            Box::new(|round| unknown.rate(&own.url, round * stride, time, Expect::Refused)),
        ],
    );
    let [known_bare, known, unknown_bare, unknown] = &samples[..] else { unreachable!() };
    let (target, name) = (Target::AtLeast(0.70), "bare axum, lookup by index through the driver");
    bench.add_row(Row::compared("`GET /verify`, all cache misses", "/s", known, (name, known_bare), target));
    let measure = "`GET /verify`, all cache misses, unknown values";
    bench.add_row(Row::compared(measure, "/s", unknown, (name, unknown_bare), target));
}

/// The 99th percentile of the latency at half of the peak rate.
pub fn latency(bench: &mut Bench) {
    let database = bench.small_database("latency.db");
    let requests = bench.verify("paced", 0..SMALL);
    let bare = Server::baseline(&["static"]);
    let own = Server::rotakey(&database.url(), Cores::Pinned, &[]);
    bench.warm(&own, &requests, "");
    let time = bench.rounds.each;
    let rate = requests.rate(&own.url, 0, time, Expect::Good) / 2.0;
    let samples = alternate(
        bench.rounds,
        vec![
            Box::new(|_| tail_latency::p99_micros(bare.host(), &requests, rate, time)),
            Box::new(|_| tail_latency::p99_micros(own.host(), &requests, rate, time)),
        ],
    );
    let measure = format!("p99 of `GET /verify` at half the peak rate ({rate:.0}/s)");
    bench.add_row(Row::compared(&measure, "µs", &samples[1], ("bare axum", &samples[0]), Target::AtMost(2.0)));
}
