//! The use of values (R14): recorded at each judgement, buffered in memory, written in batches, and read together with what is not
//! written yet.

mod buffer;
mod counters;
mod flush;
mod read;
mod rehearse;
mod require_silent;
mod still_in_use;

pub(crate) use buffer::UseBuffer;
pub use rehearse::{Rehearsal, RotationRehearsal};
pub use still_in_use::{NamedUsers, StillInUse};
