//! All metrics of the server at one moment.

use crate::http::state::AppState;
use crate::metrics::{Exposition, Family, describe_process};

/// What every room says of itself. It asks no database, so a scrape costs little, however large that is. It reads files of the operating
/// system, so it must not run where other requests are answered.
pub(super) fn exposition(state: &AppState) -> Exposition {
    let mut exposition = Exposition::default();
    exposition.add(
        Family::gauge("rotakey_build_info", "The version that runs, as a label; always 1.")
            .sample([("version", env!("CARGO_PKG_VERSION"))], 1_u32),
    );
    state.requests.describe(&mut exposition);
    describe_connections(state, &mut exposition);
    if let Some(tls) = &state.tls {
        tls.describe(&mut exposition);
    }
    if let Some(traces) = &state.traces {
        traces.describe(&mut exposition);
    }
    state.graphql.describe(&mut exposition);
    state.service.describe(&mut exposition);
    describe_process(&mut exposition);
    exposition
}

fn describe_connections(state: &AppState, exposition: &mut Exposition) {
    let mut accepted = Family::counter("rotakey_http_connections_accepted", "Connections accepted, by address.");
    let mut open = Family::gauge(
        "rotakey_http_connections",
        "Open connections, by address: api (--listen) or metrics (--metrics-listen).",
    );
    let mut most = Family::gauge(
        "rotakey_http_connections_max",
        "How many connections may be open at each address (--max-connections).",
    );
    for (address, counts) in [("api", &state.connections), ("metrics", &state.metrics_connections)] {
        let (accepted_here, open_here) = counts.accepted_and_open();
        accepted = accepted.sample([("address", address)], accepted_here);
        open = open.sample([("address", address)], open_here);
        most = most.sample([("address", address)], state.max_connections);
    }
    exposition.add(accepted);
    exposition.add(open);
    exposition.add(most);
    let closed = state.connections.closed_by_reason().zip(state.metrics_connections.closed_by_reason());
    exposition.add(
        Family::counter(
            "rotakey_http_connections_closed",
            "Connections that the server closed: idle, evicted for a new one, or because unread answers fill the memory.",
        )
        .by("reason", closed.map(|((reason, of_api), (_, of_metrics))| (reason, of_api + of_metrics))),
    );
    exposition.add(
        Family::gauge(
            "rotakey_http_held_bytes",
            "Bytes held for clients: answers not yet sent, and bodies not yet complete.",
        )
        .sample([], state.budget.held_bytes()),
    );
    exposition.add(
        Family::gauge("rotakey_serving", "1, or 0 once the server was asked to stop.")
            .sample([], !state.shutdown.is_draining()),
    );
}
