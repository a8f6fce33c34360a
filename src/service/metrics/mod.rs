//! Metrics of the use cases, and who may read those of the whole server.

mod authorise;
mod count_tokens;
mod counts;
mod describe;
mod statistics;
mod token_counts;

pub(crate) use counts::Counts;
pub(crate) use statistics::Statistics;
pub use statistics::TokenCounts;
pub use token_counts::MAX_OWNERS;
