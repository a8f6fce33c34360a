//! The measures of scale: time and memory with a million tokens.

use serde_json::json;

use crate::bench::{Bench, IN_USE};
use crate::client;
use crate::rounds::{Row, Samples, Target, alternate};
use crate::seed;
use crate::server::{Cores, Server};
use crate::wrk::{Expect, Requests};

const PAGE: &str = "query tokens($after: String) {
  apiTokens(first: 25, after: $after) { edges { node { id name owner status } } pageInfo { hasNextPage endCursor } }
}";
const LAST: &str = "{ apiTokens(last: 200) { pageInfo { startCursor } } }";

/// A page at the end of a listing, compared with the first.
pub fn list(bench: &mut Bench) {
    bench.fill_large();
    let database = bench.large();
    let server = bench.rotakey(database, &[]);
    let asked = client::graphql(&database.admin, LAST, &json!({}));
    let cursor = client::ask_for(server.host(), &asked, "/data/apiTokens/pageInfo/startCursor");
    let cursor = bench.runtime.block_on(cursor);
    let page = |name, after| {
        let request = client::graphql(&database.admin, PAGE, &json!({ "after": after }));
        Requests::write(bench.folder(), name, std::iter::once(request))
    };
    let (first, deep) = (page("first", None), page("deep", Some(cursor)));
    for requests in [&first, &deep] {
        bench.warm(&server, requests, r#""hasNextPage":true"#);
    }
    let time = bench.rounds.each;
    let samples = alternate(
        bench.rounds,
        vec![
            Box::new(|_| first.rate(&server.url, 0, time, Expect::Good)),
            Box::new(|_| deep.rate(&server.url, 0, time, Expect::Good)),
        ],
    );
    let measure = "`apiTokens(first: 25)` 999,800 deep in 1,000,000 tokens";
    bench.add_row(Row::compared(measure, "/s", &samples[1], ("the first page", &samples[0]), Target::AtLeast(0.80)));
}

/// The memory of a server that has just started, and of one with many cached values.
pub fn memory(bench: &mut Bench) {
    bench.fill_large();
    let requests = bench.verify("memory", 0..IN_USE);
    let server = bench.rotakey(bench.large(), &[]);
    bench.runtime.block_on(client::ask(server.host(), requests.first()));
    let idle = server.memory_mib();
    bench.warm(&server, &requests, "");
    let full = server.memory_mib();
    bench.add_row(Row::absolute("memory, idle", "MiB", idle, Target::AtMost(30.0)));
    bench.add_row(Row::absolute("memory, with 100,000 cached values", "MiB", full, Target::AtMost(90.0)));
}

/// From the start of the process to the response to the first verification.
pub fn start(bench: &mut Bench) {
    bench.fill_large();
    let url = bench.large().url();
    let request = client::verify(seed::value(0).expose());
    let ready = |_| {
        let server = Server::rotakey(&url, Cores::Shared, &[]);
        bench.runtime.block_on(client::ask(server.host(), &request));
        server.age().as_secs_f64() * 1e3
    };
    let times = Samples((0..bench.rounds.count).map(ready).collect());
    let measure = "start to the first answer with 1,000,000 tokens";
    bench.add_row(Row::absolute(measure, "ms", times.median(), Target::AtMost(150.0)));
}
