//! What the server sends to others: traces, notices and mail.

mod mail;
mod notices;
mod traces;

pub use mail::{MailFlags, MailSettings};
pub use notices::{NoticeFlags, NoticeSettings};
pub use traces::{TraceSettings, TracesFlags};
