//! Mail digests on their way out: a task that claims the mails that are due, has each sent, and notes what came of it.

mod attempt;
mod render;
mod sender;

pub(super) use sender::send;
