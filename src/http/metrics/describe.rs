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
    describe_process(&mut exposition);
    exposition
}
