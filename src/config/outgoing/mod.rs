//! What the server sends to others: traces and notices.

mod notices;
mod traces;

pub use notices::{NoticeFlags, NoticeSettings};
pub use traces::{TraceSettings, TracesFlags};
