//! The use of values (R14): recorded at each judgement, buffered in memory, written in batches, and read together with what is not
//! written yet.

mod buffer;
mod counters;
mod flush;
mod read;

pub(crate) use buffer::UseBuffer;
