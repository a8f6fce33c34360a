//! Clients that rotate, as `docs/rotation.md` tells them to, while things break.

mod calls;
mod gateway;
mod holder;
mod observed;
mod storm;
mod tally;

pub use calls::{Answer, Calls, Issued};
pub use gateway::{Asked, Gateway};
pub use observed::Answers;
pub use storm::{Storm, StormPlan};
pub use tally::{Tally, median_and_longest, percentile_millis};
