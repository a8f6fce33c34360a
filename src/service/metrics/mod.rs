//! Metrics of the use cases, and who may read those of the whole server.

mod authorise;
mod count_tokens;
mod counts;
mod describe;
mod statistics;

pub(crate) use counts::Counts;
pub(crate) use statistics::Statistics;
