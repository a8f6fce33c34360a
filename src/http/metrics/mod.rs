//! Metrics of the endpoints, and `/metrics`, where Prometheus reads those of all rooms.

mod describe;
mod endpoint;
mod requests;

pub(in crate::http) use endpoint::{guarded, unguarded};
pub(in crate::http) use requests::{FirstError, Requests, error_code};
