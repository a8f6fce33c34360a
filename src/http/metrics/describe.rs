//! All metrics of the server at one moment.

use crate::http::state::AppState;
use crate::metrics::{Exposition, Family, describe_process};

/// What every room says of itself. It waits for nothing and asks no database, so a scrape costs little, however large that is.
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
    state.graphql.describe(&mut exposition);
    state.service.describe(&mut exposition);
    describe_process(&mut exposition);
    exposition
}

fn describe_connections(state: &AppState, exposition: &mut Exposition) {
    let (accepted, open) = state.connections.accepted_and_open();
    exposition.add(
        Family::counter("rotakey_http_connections_accepted", "Connections accepted, on every address.")
            .sample([], accepted),
    );
    exposition.add(Family::gauge("rotakey_http_connections", "Connections that are open.").sample([], open));
    exposition.add(
        Family::gauge("rotakey_http_connections_max", "How many may be open on an address (--max-connections).")
            .sample([], state.max_connections),
    );
    exposition.add(
        Family::counter(
            "rotakey_http_connections_closed",
            "Connections that the server closed: idle, evicted for a new one, or because answers that nobody reads fill the memory.",
        )
        .by("reason", state.connections.closed_by_reason()),
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
