//! Requests, counted by endpoint and outcome, and how long they took. Endpoints, statuses and codes are closed lists: no path and no
//! other text of a client becomes a label (R9).

use std::time::Duration;

use axum::body::Body;
use axum::http::{Response, StatusCode};

use crate::graphql::Answer;
use crate::metrics::{Counter, CounterByName, Exposition, Family, Histogram, LATENCY_SECONDS, SampledLatency};
use crate::service::ErrorCode;

/// The endpoints that answer at once where they can. They come first in [`ENDPOINTS`].
const FAST_ENDPOINTS: usize = 5;
/// The endpoints, as their routes are written.
const ENDPOINTS: [&str; 25] = [
    "/verify",
    "/graphql",
    "/introspect",
    "/verify/{*path}",
    "/public/graphql",
    "/api-tokens",
    "/api-tokens/{id}",
    "/api-tokens/{id}/rotate",
    "/api-tokens/{id}/end-overlap",
    "/api-tokens/{id}/rehearse-retirement",
    "/api-tokens/{id}/suspend",
    "/api-tokens/{id}/resume",
    "/api-tokens/{id}/revive",
    "/rotatetoken",
    "/api/index/v1/rotatetoken",
    "/openapi.json",
    "/schema.graphql",
    "/metrics",
    "/healthz",
    "/readyz",
    "/",
    "/favicon.ico",
    PLAYGROUND,
    NO_ENDPOINT,
    OTHER,
];
const PLAYGROUND: &str = "/playground";
/// Where no route leads.
const NO_ENDPOINT: &str = "(none)";
/// A route that is missing above.
const OTHER: &str = "(other)";

/// The statuses that have a label.
const STATUSES: [(u16, &str); 25] = [
    (101, "101"),
    (200, "200"),
    (204, "204"),
    (304, "304"),
    (307, "307"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (406, "406"),
    (408, "408"),
    (409, "409"),
    (411, "411"),
    (413, "413"),
    (415, "415"),
    (417, "417"),
    (422, "422"),
    (426, "426"),
    (429, "429"),
    (431, "431"),
    (500, "500"),
    (501, "501"),
    (503, "503"),
    (0, OTHER),
];

/// The codes of failures of the server. They have a sample from the start: an alert on their rate would miss the first failure otherwise.
const FAULTS: [&str; 2] = [ErrorCode::Internal.as_str(), ErrorCode::Unavailable.as_str()];

/// The code of the first error in the body of an answer whose status does not say it.
#[derive(Clone, Copy)]
pub(in crate::http) struct FirstError(ErrorCode);

impl FirstError {
    /// Marks the response that carries this answer of GraphQL, if that contains an error.
    pub(in crate::http) fn mark(response: &mut Response<Body>, answer: &Answer) {
        if let Some(code) = answer.first_error() {
            response.extensions_mut().insert(Self(code));
        }
    }
}

/// The code of an answer that is an error, or of the first error in it.
pub(in crate::http) fn error_code(response: &Response<Body>) -> Option<ErrorCode> {
    let in_body = || response.extensions().get().map(|FirstError(code)| *code);
    response.extensions().get().copied().or_else(in_body)
}

/// The requests that were answered.
#[derive(Debug)]
pub(in crate::http) struct Requests {
    fast: [SampledLatency; FAST_ENDPOINTS],
    by_endpoint: Vec<Endpoint>,
}

#[derive(Debug)]
struct Endpoint {
    name: &'static str,
    statuses: [Counter; STATUSES.len()],
    codes: CounterByName,
    latency: Histogram,
}

impl Default for Requests {
    fn default() -> Self {
        let endpoint = |name| Endpoint {
            name,
            statuses: std::array::from_fn(|_| Counter::default()),
            codes: CounterByName::new(ErrorCode::ALL.iter().map(|code| code.as_str())),
            latency: Histogram::new(LATENCY_SECONDS),
        };
        Self { fast: Default::default(), by_endpoint: ENDPOINTS.into_iter().map(endpoint).collect() }
    }
}

impl Requests {
    /// What counts the answers that this endpoint gives at once, all of which have the status 200.
    pub(in crate::http) fn fast(&self, route: &str) -> Option<&SampledLatency> {
        ENDPOINTS.iter().position(|name| *name == route).and_then(|index| self.fast.get(index))
    }

    /// A request to this route has been answered with this, after so long.
    pub(in crate::http) fn answered(&self, route: &str, response: &Response<Body>, took: Duration) {
        let name = match route {
            route if route.starts_with(PLAYGROUND) => PLAYGROUND,
            route => ENDPOINTS.into_iter().find(|name| *name == route).unwrap_or(OTHER),
        };
        let Some(endpoint) = self.by_endpoint.iter().find(|endpoint| endpoint.name == name) else { return };
        endpoint.count(response, took);
    }

    /// Describes them.
    pub(super) fn describe(&self, exposition: &mut Exposition) {
        let mut requests = Family::counter(
            "rotakey_http_requests",
            "Requests answered, by endpoint and status. Event streams and WebSockets count when they begin.",
        );
        let mut errors = Family::counter(
            "rotakey_http_errors",
            "Answers that are errors, by endpoint and error code. A GraphQL answer counts with the code of its first error, whatever its status; a list of requests only by its status.",
        );
        let mut latency = Family::histogram(
            "rotakey_http_request_duration_seconds",
            "Time from the head of a request to that of its answer. Of answers from memory one in 64 is timed and stands for the others.",
        );
        for (index, endpoint) in self.by_endpoint.iter().enumerate() {
            let fast = self.fast.get(index);
            for ((status, name), counter) in STATUSES.iter().zip(&endpoint.statuses) {
                let more = fast.filter(|_| *status == StatusCode::OK.as_u16()).map_or(0, SampledLatency::count);
                let count = counter.get() + more;
                if count > 0 {
                    requests = requests.sample([("endpoint", endpoint.name), ("status", name)], count);
                }
            }
            for (code, count) in endpoint.codes.get().filter(|(code, count)| *count > 0 || FAULTS.contains(code)) {
                errors = errors.sample([("endpoint", endpoint.name), ("code", code)], count);
            }
            let mut took = endpoint.latency.get();
            if let Some(fast) = fast {
                took = took.plus(&fast.get());
            }
            if took.count() > 0 {
                latency = latency.sample([("endpoint", endpoint.name)], took);
            }
        }
        exposition.add(requests);
        exposition.add(errors);
        exposition.add(latency);
    }
}

impl Endpoint {
    fn count(&self, response: &Response<Body>, took: Duration) {
        let status = response.status().as_u16();
        let told_apart = STATUSES.iter().position(|(known, _)| *known == status).unwrap_or(STATUSES.len() - 1);
        if let Some(counter) = self.statuses.get(told_apart) {
            counter.increment();
        }
        if let Some(code) = error_code(response) {
            self.codes.increment(code.as_str());
        }
        self.latency.observe(took);
    }
}

#[cfg(test)]
mod tests {
    use crate::metrics::Format;

    use super::*;

    #[test]
    fn an_answer_is_counted_at_its_endpoint_by_its_status_and_no_other_text_is_a_label() {
        let requests = Requests::default();
        let answer = |status: u16| Response::builder().status(status).body(Body::empty()).unwrap();
        for (route, status) in [("/graphql", 200), ("/playground/{*path}", 304), ("/new", 418), ("(none)", 404)] {
            requests.answered(route, &answer(status), Duration::from_millis(1));
        }
        for _ in 0..3 {
            let latency = requests.fast("/graphql").unwrap();
            latency.end(latency.begin());
        }
        assert!(requests.fast("/api-tokens").is_none());
        let mut exposition = Exposition::default();
        requests.describe(&mut exposition);
        let text = exposition.encode(Format::Prometheus).unwrap();
        let counted: Vec<_> = text.lines().filter(|line| line.starts_with("rotakey_http_requests_total")).collect();
        assert_eq!(
            counted,
            [
                r#"rotakey_http_requests_total{endpoint="/graphql",status="200"} 4"#,
                r#"rotakey_http_requests_total{endpoint="/playground",status="304"} 1"#,
                r#"rotakey_http_requests_total{endpoint="(none)",status="404"} 1"#,
                r#"rotakey_http_requests_total{endpoint="(other)",status="(other)"} 1"#,
            ]
        );
        for code in ["INTERNAL", "UNAVAILABLE"] {
            let first = format!("rotakey_http_errors_total{{endpoint=\"/verify\",code=\"{code}\"}} 0\n");
            assert!(text.contains(&first), "{text}");
        }
        assert!(text.contains(r#"rotakey_http_request_duration_seconds_count{endpoint="/graphql"} 2"#), "{text}");
    }
}
