//! The use of values: it is buffered in memory, and written in batches.

mod buffer;
mod flush;

pub(crate) use buffer::UseBuffer;
